"""New accounts: by transactions, by CREATE, by CREATE2; where something is already, or nothing."""

from functools import lru_cache

from pel_fuzz.contracts import CORNERS, create2_address, initcode
from pel_fuzz.contracts.assembler import Program
from pel_fuzz.workloads.landmarks import creator, unborn_address
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import PLAIN
from pel_fuzz.workloads.world import ETHER_WEI, FIRST_NONCE, actor, is_since, named_address
from pel_reference.block import Account

CREATION_GAS = 3 * CALL_GAS
SALTS = 2
LAST_NONCE = 2**64 - 2
"""The nonce of an account that can create only once more. Source: EIP-2681."""
_COLLIDING = {
    "creation-onto-code": Account(1, 0, b"\x00"),
    "creation-onto-nonce": Account(1),
    "creation-onto-balance": Account(0, ETHER_WEI),
    "creation-onto-storage": Account(0, 1, b"", {0: 7}),
}
"""What may be in the way of a creation; the last but one is not. Source: EIP-684, EIP-7610."""


@lru_cache(maxsize=64)
def _initcodes(fork: str, beneficiary: bytes) -> tuple[tuple[bytes, str], ...]:
    """Initcodes that a fork can run, each with the feature it gives to a creation."""
    counter, phoenix = CORNERS["counter"].runtime, CORNERS["phoenix"].runtime
    made: tuple[tuple[Program, str], ...] = (
        (initcode.deploying(counter), "creation-deploys"),
        (initcode.counting_then_deploying(phoenix), "creation-writes-storage"),
        (initcode.empty(), "creation-without-code"),
        (initcode.self_destructing(beneficiary), "creation-destroys-itself"),
        (initcode.writing_only(), "creation-leaves-storage-without-code"),
        (initcode.writing_then_self_destructing(beneficiary), "creation-destroys-itself"),
        (initcode.failing(), "creation-fails"),
        (initcode.reverting(), "creation-reverts"),
        (initcode.too_large(), "creation-too-large"),
        (initcode.reserved(), "creation-of-reserved-code"),
    )
    return tuple((p.code, f) for p, f in made if is_since(fork, p.first_fork))


def _initcode(scene: Scene) -> bytes:
    code, feature = scene.pick.of(_initcodes(scene.fork, scene.coinbase))
    scene.tag(feature)
    return code


def create(scene: Scene) -> None:
    """A creation transaction."""
    by = scene.sender()
    scene.notice(scene.next_creation(by.address))
    scene.tag("creation-transaction")
    scene.send(None, scene.pick.below(2), _initcode(scene), gas=CREATION_GAS, by=by)


def create_often(scene: Scene) -> None:
    """A creation by a factory: where to, depends on how often it created before."""
    factory = scene.world.place("create_factory")
    scene.notice(scene.next_creation(factory))
    scene.raise_nonce(factory)
    scene.tag("create")
    scene.call("create_factory", "create", _initcode(scene), gas=CREATION_GAS)


def create_again(scene: Scene) -> None:
    """A creation by CREATE2: the same initcode and salt collide, unless what they made is gone."""
    factory = scene.world.place("create2_factory")
    salt, code = scene.pick.below(SALTS), _initcode(scene)
    scene.notice(create2_address(factory, salt, code))
    scene.tag("create2")
    arguments = (salt, code)
    value = scene.pick.below(2)
    scene.call("create2_factory", "create", *arguments, value=value, gas=CREATION_GAS)


def prefund(scene: Scene) -> None:
    """Money for an account that the next creation of somebody makes."""
    by = scene.sender()
    place = scene.next_creation(by.address)
    scene.notice(place)
    scene.tag("prefunded-creation")
    scene.send_plain(place, ETHER_WEI, scene.stranger())
    if scene.pick.below(2):
        scene.send(None, 0, _initcode(scene), gas=CREATION_GAS, by=by)


def collide(scene: Scene) -> None:
    """A creation transaction to where there is an account already."""
    feature = scene.pick.of(tuple(_COLLIDING))
    by = scene.stranger()
    place = scene.world.add(scene.next_creation(by.address), _COLLIDING[feature])
    scene.notice(place)
    scene.tag(feature)
    scene.send(None, 0, _initcode(scene), gas=CREATION_GAS, by=by)


def collide_again(scene: Scene) -> None:
    """A creation by CREATE2 to where there is an account already."""
    feature = scene.pick.of(tuple(_COLLIDING))
    code = _initcode(scene)
    salt = 100 + tuple(_COLLIDING).index(feature)
    factory = scene.world.place("create2_factory")
    place = scene.world.add(create2_address(factory, salt, code), _COLLIDING[feature])
    scene.notice(place)
    scene.tag(feature, "create2")
    scene.call("create2_factory", "create", salt, code, gas=CREATION_GAS)


def create_at_last_nonce(scene: Scene) -> None:
    """A creation by an account whose nonce can be raised once more, or not at all."""
    at = named_address("worn factory")
    scene.world.add(at, Account(LAST_NONCE, 0, CORNERS["create_factory"].runtime))
    scene.tag("creator-at-last-nonce")
    scene.call("create_factory", "create", initcode.empty().code, at=at, gas=CREATION_GAS)


def be_born(scene: Scene) -> None:
    """The creation of an account that was known, and could be the fee recipient, before."""
    by = scene.world.rich(creator())
    scene.notice(unborn_address())
    feature = (
        "creation-transaction" if scene.nonce(by.address) > FIRST_NONCE else "creation-foreseen"
    )
    scene.tag(feature)
    code = initcode.deploying(CORNERS["phoenix"].runtime).code
    scene.send(None, 0, code, gas=CREATION_GAS, by=by, style=PLAIN)


def use_created(scene: Scene) -> None:
    """A call of what was created last, or was to be: with a word that a phoenix understands."""
    word = 1 + scene.pick.below(3)
    place = scene.places[-1 - scene.pick.below(4) % len(scene.places)]
    scene.tag("created-account-called")
    data = word.to_bytes(32, "big") + bytes(12) + actor("bystander").address
    scene.send(place, 0, data, gas=CALL_GAS)


THEME = Theme(
    "creation",
    (
        Operation(create, weight=4),
        Operation(create_often, weight=4),
        Operation(create_again, weight=5, first_fork="Constantinople"),
        Operation(use_created, weight=6),
        Operation(prefund, weight=2),
        Operation(collide, weight=2),
        Operation(collide_again, weight=2, first_fork="Constantinople"),
        Operation(create_at_last_nonce),
        Operation(be_born),
    ),
    weight=3,
)

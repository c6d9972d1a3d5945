"""Accounts that destroy themselves, are paid afterwards, and come back."""

from functools import lru_cache
from types import MappingProxyType

from pel_fuzz.contracts import CORNERS, call_data, create2_address, words
from pel_fuzz.contracts.corners.creation import TEMPLATE_FACTORY, TEMPLATE_SLOT
from pel_fuzz.contracts.initcode import copying_template
from pel_fuzz.workloads.landmarks import (
    PHOENIX_SALT,
    pauper,
    place_phoenix,
    precompile_address,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.world import ETHER_WEI, build_for, named_address

_UNDOERS = ("failing_proxy", "reverting_proxy")
_TEMPLATES = ("phoenix", "cells", "counter", "destructor")
METAMORPH_SALT = 5
METAMORPH_STORAGE = MappingProxyType({0: 3, 1: 1, 2: 5, 3: 1, 5: 8})
"""What is gone once the account destroyed itself, and what the next code would read."""
COLLISION_GAS = 64 * 50_000
"""So much that a factory can go on after a collision, which takes all but a 64th."""


def _prepare(scene: Scene) -> None:
    scene.notice(place_phoenix(scene.world))


def _beneficiary(scene: Scene) -> bytes:
    """Who inherits; drawn."""
    kind = scene.pick.below(7)
    heirs = (
        (named_address("heir"), "heir-is-new"),
        (scene.coinbase, "heir-is-fee-recipient"),
        (place_phoenix(scene.world), "heir-is-itself"),
        (pauper(0).address, "heir-is-pauper"),
        (precompile_address(3), "heir-is-precompile"),
        (scene.senders[0].address, "heir-sends"),
        (scene.world.place("receiver"), "heir-is-contract"),
    )
    heir, feature = heirs[kind]
    scene.tag(feature)
    return heir


def hit(scene: Scene) -> None:
    """A call of the phoenix, alive, dead, or come back."""
    scene.tag("destructible-called")
    scene.call("phoenix", "hit", at=place_phoenix(scene.world))


def destroy(scene: Scene) -> None:
    """The phoenix destroys itself."""
    scene.tag("destruction")
    heir = _beneficiary(scene)
    scene.call("phoenix", "destroy", heir, at=place_phoenix(scene.world))


def hit_and_destroy(scene: Scene) -> None:
    """The phoenix writes, then destroys itself, and may be given money with the same call."""
    scene.tag("destruction")
    heir, value = _beneficiary(scene), scene.pick.below(2)
    at = place_phoenix(scene.world)
    scene.call("phoenix", "hit_and_destroy", heir, at=at, value=value)


def undo_destruction(scene: Scene) -> None:
    """The phoenix destroys itself inside a call that is undone."""
    undoers = [name for name in _UNDOERS if scene.can_run(name)]
    name = scene.pick.of(undoers)
    scene.tag("destruction-undone")
    inner = call_data(CORNERS["phoenix"], "hit_and_destroy", _beneficiary(scene))
    data = call_data(build_for(scene.fork, name), "call", place_phoenix(scene.world), inner)
    scene.send(scene.world.place(name), 0, data, gas=2 * CALL_GAS)


def pay_phoenix(scene: Scene) -> None:
    """Money for the phoenix, alive or dead; none at all touches it."""
    scene.tag("destructible-paid")
    scene.send(place_phoenix(scene.world), scene.pick.of((0, 1, ETHER_WEI)), gas=CALL_GAS)


def revive(scene: Scene) -> None:
    """A creation where the phoenix is, which collides unless it is gone."""
    scene.notice(place_phoenix(scene.world))
    scene.tag("revival-tried")
    value = scene.pick.below(2)
    code = CORNERS["phoenix"].creation
    gas = scene.pick.of((3 * CALL_GAS, COLLISION_GAS))
    scene.call("create2_factory", "create", PHOENIX_SALT, code, value=value, gas=gas)


def die_and_return(scene: Scene) -> None:
    """The phoenix destroys itself, and the next transaction creates it again."""
    destroy(scene)
    revive(scene)


def live_and_die(scene: Scene) -> None:
    """An account that is created, writes, destroys itself and is paid, in one transaction."""
    scene.tag("lives-for-one-transaction")
    name = "mayfly" if scene.can_run("mayfly") else "mayfly_frontier"
    arguments = (scene.pick.below(2), _beneficiary(scene))
    scene.call(name, "live", *arguments, value=scene.pick.below(2), gas=3 * CALL_GAS)


@lru_cache(maxsize=1)
def metamorph_address() -> bytes:
    """Where the template factory creates, whatever the template."""
    factory = named_address(TEMPLATE_FACTORY.name)
    return create2_address(factory, METAMORPH_SALT, copying_template().code)


def _place_metamorph(scene: Scene) -> bytes:
    phoenix = place_phoenix(scene.world)
    storage = {TEMPLATE_SLOT: int.from_bytes(phoenix, "big")}
    scene.world.place("template_factory", storage)
    at = metamorph_address()
    scene.world.place("phoenix", METAMORPH_STORAGE, 1, at=at)
    scene.notice(at)
    return at


def change_code(scene: Scene) -> None:
    """A creation, at an address that has been used, of whatever code there is elsewhere."""
    _place_metamorph(scene)
    scene.tag("metamorph")
    template = scene.world.place(scene.pick.of(_TEMPLATES), at=_template_place(scene))
    scene.call("template_factory", "create", template, METAMORPH_SALT, gas=3 * CALL_GAS)


def _template_place(scene: Scene) -> bytes:
    return named_address(f"template {scene.pick.below(2)}")


def shed_code(scene: Scene) -> None:
    """The account whose code changes destroys itself, and the next transaction creates it again."""
    at = _place_metamorph(scene)
    scene.tag("destruction")
    scene.call("phoenix", "destroy", _beneficiary(scene), at=at)
    change_code(scene)


def use_metamorph(scene: Scene) -> None:
    """A call of the account whose code changes: each code makes something else of it."""
    at = _place_metamorph(scene)
    scene.tag("metamorph")
    word = 1 + scene.pick.below(4)
    # The last word means something to `cells` only: the sum of six slots.
    data = words(word, 0, 6) if word == 4 else words(word, _beneficiary(scene))
    scene.send(at, 0, data, gas=CALL_GAS)


THEME = Theme(
    "destruction",
    (
        Operation(hit, weight=4),
        Operation(destroy, weight=3),
        Operation(hit_and_destroy, weight=2),
        Operation(pay_phoenix, weight=3),
        Operation(revive, weight=4, first_fork="Constantinople"),
        Operation(die_and_return, weight=2, first_fork="Constantinople"),
        Operation(shed_code, weight=2, first_fork="Constantinople"),
        Operation(undo_destruction, weight=2),
        Operation(live_and_die, weight=2),
        Operation(change_code, weight=3, first_fork="Constantinople"),
        Operation(use_metamorph, weight=3, first_fork="Constantinople"),
    ),
    prepare=_prepare,
    weight=5,
)

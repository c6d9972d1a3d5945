"""The race for the block's gas: some declare nearly all of it, and use little or much.

Whether they, and small ones above them, are still admitted depends on what lower ones used, which
depends on everything else. Whoever takes part sends nothing else, so that nothing else fails.
"""

from pel_fuzz.contracts.assembler import assemble
from pel_fuzz.workloads.landmarks import FULL_SLOTS, place_cells
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import PLAIN
from pel_reference.block import Transaction

GREEDY_GAS = 3_000_000
"""What the greedy declare."""
DEPLOYED_BYTES = (500, 2_000, 8_000, 12_000)
"""Code that is deployed to use gas: 200 for each byte, in no time."""


def _prepare(scene: Scene) -> None:
    scene.notes["race"] = 1


def _greedy(scene: Scene, to: bytes | None, data: bytes) -> None:
    by = scene.stranger()
    nonce = scene.nonce(by.address)
    unsigned = scene.market.write(PLAIN, nonce, GREEDY_GAS, to, 0, data)
    used = scene.gas_estimate
    scene.tag("gas-race")
    scene.emit(unsigned, by)
    # What the greedy use is not what they declare.
    scene.gas_estimate = used + scene.market.least_gas(unsigned) + CALL_GAS // 2


def declare_much(scene: Scene) -> None:
    """A transaction that declares much and uses little."""
    _greedy(scene, scene.place(), b"")


def use_some(scene: Scene) -> None:
    """A creation that declares much and uses a part of it: the code's length says which."""
    size = scene.pick.of(DEPLOYED_BYTES)
    _greedy(scene, None, assemble(f"{size} 0 RETURN").code)


def use_all(scene: Scene) -> None:
    """A creation that declares much and loses all of it."""
    _greedy(scene, None, assemble("INVALID").code)


def give_back(scene: Scene) -> None:
    """Storage is cleared: what is refunded leaves room for others."""
    scene.tag("refund")
    first = FULL_SLOTS[4 * scene.pick.below(len(FULL_SLOTS) // 4)]
    scene.call("cells", "fill", first, 4, 0, at=place_cells(scene.world))


def small(scene: Scene) -> None:
    """A plain transfer, which fits where nothing else does."""
    scene.tag("gas-race")
    scene.send_plain(scene.place(), 1, scene.stranger())


def tight_fit(scene: Scene, transactions: list[Transaction]) -> int:
    """A gas limit for the block under which a greedy transaction is admitted for a while."""
    eighths = 3 + scene.pick.below(8)
    room = scene.gas_estimate * eighths // 8
    declared = max((transaction.gas_limit for transaction in transactions), default=0)
    return max(declared, GREEDY_GAS) + room


THEME = Theme(
    "race",
    (
        Operation(declare_much, weight=3),
        Operation(small, weight=2),
        Operation(use_some, weight=2),
        Operation(use_all),
        Operation(give_back, weight=2),
    ),
    prepare=_prepare,
    weight=3,
)

"""Looking: at accounts, at code, at the block; what was seen ends up in storage or in a log."""

from pel_fuzz.workloads.header import KNOWN_ANCESTORS, NUMBER
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene

_OBSERVERS = ("observer", "observer_constantinople", "observer_frontier")
BLOCKS_BACK = (1, 0, 2, KNOWN_ANCESTORS, KNOWN_ANCESTORS + 1, 256, 257, -1)
"""Of which the first few are known ancestors, and the others are not, or not reachable."""


def look_at(scene: Scene) -> None:
    """Balance, code size, code hash of a place, of the caller and of the fee recipient."""
    scene.tag("observer")
    name = next(name for name in _OBSERVERS if scene.can_run(name))
    scene.call(name, "look", scene.place(), gas=2 * CALL_GAS)


def watch_fees(scene: Scene) -> None:
    """What the fee recipient owns at this moment: every fee of every lower transaction."""
    scene.tag("fee-recipient-balance-read")
    name = next(name for name in _OBSERVERS if scene.can_run(name))
    scene.call(name, "look", scene.coinbase, gas=2 * CALL_GAS)


def hash_code(scene: Scene) -> None:
    """The code of a place, byte by byte."""
    scene.tag("code-read")
    scene.call("code_hasher", "hash", scene.place())


def read_header(scene: Scene) -> None:
    """What the block says of itself."""
    scene.tag("header-read")
    if scene.since("London") and scene.pick.below(2):
        scene.call("header_reader_london", "read")
    else:
        scene.call("header_reader", "read", gas=2 * CALL_GAS)


def read_ancestor(scene: Scene) -> None:
    """The hash of an ancestor, known or not."""
    scene.tag("blockhash")
    scene.call("blockhash_reader", "read", NUMBER - scene.pick.of(BLOCKS_BACK))


def pay_coinbase(scene: Scene) -> None:
    """The fee recipient is paid by a contract, beside its fees."""
    scene.tag("fee-recipient-paid-by-contract")
    scene.call("coinbase_payer", "pay", value=scene.gift_wei())


THEME = Theme(
    "watchers",
    (
        Operation(look_at, weight=4),
        Operation(watch_fees, weight=3),
        Operation(hash_code, weight=2),
        Operation(read_header),
        Operation(read_ancestor),
        Operation(pay_coinbase, weight=2),
    ),
)

"""Money from here to there: what every block has, whatever else is in it."""

from collections.abc import Callable

from pel_fuzz.contracts import words
from pel_fuzz.workloads.landmarks import place_spender, precompile_address
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.world import ETHER_WEI, named_address

VALUES_WEI = (1, 0, 10**9, ETHER_WEI // 100, ETHER_WEI)
RECEIVE_GAS = 90_000
"""Enough for a receiver that writes three slots, and little enough to fail sometimes."""


def _hot(scene: Scene) -> tuple[bytes, int, str]:
    return scene.hot().address, 0, "transfer"


def _new(scene: Scene) -> tuple[bytes, int, str]:
    return named_address(f"new {scene.pick.below(3)}"), 0, "transfer-to-new-account"


def _coinbase(scene: Scene) -> tuple[bytes, int, str]:
    if scene.market.is_free:
        return _hot(scene)
    return scene.coinbase, RECEIVE_GAS, "transfer-to-fee-recipient"


def _precompile(scene: Scene) -> tuple[bytes, int, str]:
    return precompile_address(1 + scene.pick.below(10)), 5_000, "transfer-to-precompile"


def _receiver(scene: Scene) -> tuple[bytes, int, str]:
    return scene.world.place("receiver"), RECEIVE_GAS, "transfer-to-contract"


def _gate(scene: Scene) -> tuple[bytes, int, str]:
    return scene.world.place("gate"), RECEIVE_GAS, "transfer-to-contract"


def _place(scene: Scene) -> tuple[bytes, int, str]:
    return scene.place(), RECEIVE_GAS, "transfer"


_PAYEES: tuple[Callable[[Scene], tuple[bytes, int, str]], ...] = (
    _hot,
    _new,
    _coinbase,
    _place,
    _hot,
    _receiver,
    _gate,
    _precompile,
)
"""Each gives a receiver, the gas that it may take to receive, and the feature that this is."""


def transfer(scene: Scene) -> None:
    """A transfer about which as little is drawn as can be."""
    scene.tag("transfer")
    by = scene.sender()
    scene.send_plain(scene.hot().address, 1, by)


def pay(scene: Scene) -> None:
    """A transfer of any kind."""
    to, gas, feature = scene.pick.of(_PAYEES)(scene)
    scene.tag(feature)
    scene.send(to, scene.pick.of(VALUES_WEI), gas=gas)


def pay_self(scene: Scene) -> None:
    """A transfer to oneself."""
    by = scene.sender()
    scene.tag("transfer-to-self")
    scene.send(by.address, scene.pick.of(VALUES_WEI), by=by)


def burst(scene: Scene) -> None:
    """Several transactions of one sender in a row, as a chain of nonces."""
    by = scene.sender()
    scene.tag("burst")
    for _ in range(2 + scene.pick.below(3)):
        scene.send_plain(scene.place(), 1, by, gas=RECEIVE_GAS)


def close_gate(scene: Scene) -> None:
    """Opens or closes the gate: whether later transfers to it succeed."""
    scene.tag("gate")
    scene.call("gate", "close", scene.pick.below(2))


def repeat(scene: Scene) -> None:
    """What somebody did to a contract, done again by somebody else."""
    if not scene.calls:
        return pay(scene)
    earlier = scene.calls[-1 - scene.pick.below(8) % len(scene.calls)]
    scene.tag("same-call-again")
    scene.send(earlier.to, earlier.value, earlier.data, gas=earlier.gas)
    return None


def spend_held(scene: Scene) -> None:
    """A contract sends what it holds: how much that is, others decide."""
    scene.tag("contract-spends")
    sender = place_spender(scene.world)
    amount = scene.pick.of((1, ETHER_WEI, 2 * ETHER_WEI))
    scene.call("sender", "send", scene.place(), amount, at=sender)


def feed_sender(scene: Scene) -> None:
    """Money for the contract that sends what it holds."""
    scene.tag("transfer-to-contract")
    scene.send(place_spender(scene.world), ETHER_WEI, gas=CALL_GAS)


def batch(scene: Scene) -> None:
    """One transaction that touches several contracts, and is undone unless all calls succeed."""
    scene.tag("batch")
    wallet = scene.world.place("wallet", balance_wei=10 * ETHER_WEI)
    calls: list[int | bytes] = []
    for _ in range(1 + scene.pick.below(3)):
        calls += [scene.place(), scene.pick.below(2), scene.pick.below(4)]
    scene.call("wallet", "batch", words(*calls), at=wallet, gas=4 * CALL_GAS)


THEME = Theme(
    "transfers",
    (
        Operation(transfer, weight=2),
        Operation(pay, weight=5),
        Operation(repeat, weight=3),
        Operation(burst),
        Operation(pay_self),
        Operation(close_gate),
        Operation(spend_held),
        Operation(feed_sender),
        Operation(batch, first_fork="Byzantium"),
    ),
)

"""Paupers: senders whose money comes from lower transactions of the same block, or is gone by then.

Whether their transactions are valid at all depends on what those transactions did.
"""

from pel_fuzz.workloads.landmarks import PAUPERS, pauper, place_phoenix, place_spender
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import PLAIN, TRANSFER_GAS
from pel_fuzz.workloads.world import ETHER_WEI, Actor

GIFTS_WEI = (ETHER_WEI // 100, ETHER_WEI // 1000)
OVERSPENT = 3
"""A pauper without the money tries all the same, once in so many times."""


def _someone(scene: Scene) -> Actor:
    return pauper(scene.pick.below(PAUPERS))


def _cost_wei(scene: Scene) -> int:
    """What a plain transfer costs, beside what it transfers."""
    return TRANSFER_GAS * scene.market.plain_price_wei


def _fund(scene: Scene, poor: Actor) -> None:
    amount = scene.pick.of(GIFTS_WEI)
    scene.purses_wei[poor.address] = scene.purses_wei.get(poor.address, 0) + amount
    scene.tag("pauper-funded")
    scene.send(poor.address, amount)


def fund(scene: Scene) -> None:
    """A gift to a pauper."""
    _fund(scene, _someone(scene))


def fund_by_contract(scene: Scene) -> None:
    """A gift that reaches a pauper from inside the EVM."""
    poor = _someone(scene)
    amount = scene.pick.of(GIFTS_WEI)
    sender = place_spender(scene.world)
    scene.tag("pauper-funded-by-contract")
    scene.call("sender", "send", poor.address, amount, at=sender)


def fund_by_destruction(scene: Scene) -> None:
    """A pauper as the heir of a contract."""
    phoenix = place_phoenix(scene.world)
    scene.notice(phoenix)
    scene.tag("pauper-inherits", "destruction")
    scene.call("phoenix", "destroy", _someone(scene).address, at=phoenix, gas=CALL_GAS)


def _spend(scene: Scene, share: int) -> None:
    """A pauper spends a share (in quarters) of what should be there beyond the cost."""
    poor = _someone(scene)
    purse, cost = scene.purses_wei.get(poor.address, 0), _cost_wei(scene)
    receiver = scene.place()
    if purse < cost:
        if not scene.pick.once_in(OVERSPENT):
            _fund(scene, poor)
            return
        scene.tag("pauper-overspends")
        unsigned = scene.market.write(PLAIN, scene.nonce(poor.address), TRANSFER_GAS, receiver)
        scene.emit(unsigned, poor, is_included=False)
        return
    value = (purse - cost) * share // 4
    scene.purses_wei[poor.address] = purse - cost - value
    scene.tag("pauper-spends")
    scene.send_plain(receiver, value, poor)


def spend(scene: Scene) -> None:
    """A pauper spends half of what it should have."""
    _spend(scene, 2)


def spend_all(scene: Scene) -> None:
    """A pauper spends all that it should have, to the last wei."""
    scene.tag("drained")
    _spend(scene, 4)


THEME = Theme(
    "purses",
    (
        Operation(fund, weight=3),
        Operation(spend, weight=5),
        Operation(spend_all, weight=2),
        Operation(fund_by_contract),
        Operation(fund_by_destruction),
    ),
    weight=3,
)

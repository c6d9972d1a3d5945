"""The fee recipient in other roles: it sends, spends, refuses, is born, destroys itself."""

from pel_fuzz.workloads.landmarks import (
    creator,
    pauper,
    phoenix_address,
    unborn_address,
)
from pel_fuzz.workloads.operations.creation import be_born
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.operations.watchers import pay_coinbase, watch_fees
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import TIP_WEI, TRANSFER_GAS
from pel_fuzz.workloads.world import ETHER_WEI, Actor, actor, named_address


def _recipient(scene: Scene) -> Actor | None:
    """The fee recipient, where it is somebody who can send."""
    candidates = (*scene.senders, pauper(0), actor("delegated"))
    return next((who for who in candidates if who.address == scene.coinbase), None)


def _spend_earned(scene: Scene, poor: Actor) -> None:
    """A fee recipient with nothing but fees spends them, once there should be enough of them."""
    earned = scene.notes.setdefault("fees spent", 0)
    cost = TRANSFER_GAS * scene.market.plain_price_wei
    # Every transaction so far used at least this much; some of them may have paid no tip.
    tip_wei = scene.market.plain_price_wei - scene.header.base_fee_wei
    expected = len(scene.transactions) * TRANSFER_GAS * tip_wei // 2
    if expected < earned + cost:
        scene.tag("transfer-to-fee-recipient")
        scene.send(scene.coinbase, scene.gift_wei() * ETHER_WEI // 1000)
        return
    scene.notes["fees spent"] = earned + cost
    scene.tag("fee-recipient-spends-fees")
    scene.send_plain(scene.place(), 0, poor)


def act_as_recipient(scene: Scene) -> None:
    """The fee recipient does what it can; where it can do nothing, it is paid."""
    who = _recipient(scene)
    if who == pauper(0):
        _spend_earned(scene, who)
    elif who is not None:
        scene.tag("fee-recipient-is-sender")
        scene.send(scene.place(), 1, gas=CALL_GAS, by=who)
    elif scene.coinbase == named_address("sender"):
        scene.tag("fee-recipient-spends-fees")
        amount = scene.pick.of((1, ETHER_WEI, ETHER_WEI + TRANSFER_GAS * TIP_WEI))
        scene.call("sender", "send", scene.place(), amount, at=scene.coinbase)
    elif scene.coinbase == phoenix_address(scene.fork):
        scene.tag("fee-recipient-destroys-itself", "destruction")
        scene.call("phoenix", "destroy", scene.place(), at=scene.coinbase)
    elif scene.coinbase == unborn_address() and not scene.nonces.get(creator().address):
        scene.tag("fee-recipient-is-created")
        be_born(scene)
    else:
        scene.tag("transfer-to-fee-recipient")
        scene.send(scene.coinbase, scene.gift_wei(), gas=CALL_GAS)


THEME = Theme(
    "fees",
    (
        Operation(act_as_recipient, weight=2),
        Operation(watch_fees),
        Operation(pay_coinbase),
    ),
)

"""Crowds: farming, a mint race, an auction; who comes first gets it."""

from pel_fuzz.workloads.economy import (
    FIRST_BID_WEI,
    NFT_LIMIT,
    NFT_PRICE_WEI,
    NFT_STEP_WEI,
    STAKE,
    UNIT,
    auction,
    farm,
    nft,
    trader,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene

CROWD_GAS = 2 * CALL_GAS


def stake(scene: Scene) -> None:
    """A stake, which also pays what the earlier one has earned."""
    at, by = farm(scene), trader(scene)
    scene.tag("farming")
    scene.call("farm", "stake", UNIT, at=at, by=by, gas=CROWD_GAS)


def unstake(scene: Scene) -> None:
    """A stake is withdrawn, all of it or some."""
    at, by = farm(scene), trader(scene)
    scene.tag("farming")
    scene.call("farm", "unstake", scene.pick.of((UNIT, STAKE)), at=at, by=by, gas=CROWD_GAS)


def harvest(scene: Scene) -> None:
    """What a stake has earned, as far as the pot reaches."""
    at, by = farm(scene), trader(scene)
    scene.tag("farming")
    scene.call("farm", "harvest", at=at, by=by, gas=CROWD_GAS)


def fund_farm(scene: Scene) -> None:
    """More in the pot."""
    at, by = farm(scene), trader(scene)
    scene.tag("farming")
    scene.call("farm", "fund", UNIT, at=at, by=by, gas=CROWD_GAS)


def mint(scene: Scene) -> None:
    """One of a limited number, for a price that rises with every one sold."""
    at = nft(scene)
    value = NFT_PRICE_WEI + NFT_STEP_WEI * scene.pick.of((NFT_LIMIT, 2, 4))
    scene.tag("nft-mint")
    scene.call("nft", "mint", at=at, value=value, gas=CROWD_GAS)


def hand_on(scene: Scene) -> None:
    """An NFT changes hands, if the sender has it by then."""
    at, owner = nft(scene), scene.sender()
    scene.tag("nft-transfer")
    arguments = (owner.address, scene.sender().address, scene.pick.below(3))
    scene.call("nft", "transferFrom", *arguments, at=at, by=owner, gas=CROWD_GAS)


def collect(scene: Scene) -> None:
    """What the mint has earned so far goes to the fee recipient."""
    scene.tag("nft-collected")
    scene.call("nft", "collect", at=nft(scene))


def bid(scene: Scene) -> None:
    """A bid, of which only a higher one than all before succeeds."""
    at = auction(scene, is_over=False)
    # Usually above the last bid, which nobody has executed yet.
    step = scene.notes["bids"] = scene.notes.get("bids", 0) + scene.pick.of((1, 0, 2))
    scene.tag("auction-bid")
    scene.call("auction", "bid", at=at, value=FIRST_BID_WEI + step, gas=CROWD_GAS)


def end_auction(scene: Scene) -> None:
    """An auction ends, once."""
    at = auction(scene, is_over=True)
    scene.tag("auction-end")
    scene.call("auction", "end", at=at)


FARM = Theme(
    "farm",
    (
        Operation(harvest, weight=4, first_fork="Constantinople"),
        Operation(stake, weight=3, first_fork="Constantinople"),
        Operation(unstake, weight=2, first_fork="Constantinople"),
        Operation(fund_farm, first_fork="Constantinople"),
    ),
)
SALES = Theme(
    "sales",
    (
        Operation(bid, weight=4, first_fork="Constantinople"),
        Operation(end_auction, first_fork="Constantinople"),
        Operation(mint, weight=5, first_fork="Istanbul"),
        Operation(hand_on, weight=2, first_fork="Istanbul"),
        Operation(collect, first_fork="Istanbul"),
    ),
)

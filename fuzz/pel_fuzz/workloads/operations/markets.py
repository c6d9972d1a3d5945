"""Trade: swaps, liquidity and flash swaps on one pool; loans and liquidations at one price."""

from pel_fuzz.workloads.economy import (
    COLLATERAL,
    PRICE_UNIT,
    RESERVES,
    UNIT,
    exchange,
    lending,
    oracle,
    overindebted,
    trader,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene

MARKET_GAS = 3 * CALL_GAS
AMOUNTS = (UNIT, 10 * UNIT, 100 * UNIT)
PRICES = (PRICE_UNIT * 4 // 5, PRICE_UNIT * 17 // 20, PRICE_UNIT, PRICE_UNIT * 6 // 5)
"""Under the first two all positions of the pre-state are open to liquidation."""
REPAY, KEEP, UNDERPAY = 1, 0, 2


def _quote(zero_for_one: bool, amount: int) -> int:
    """What a swap gives at the reserves of the pre-state."""
    reserve_in, reserve_out = RESERVES if zero_for_one else RESERVES[::-1]
    paid = amount * 997
    return paid * reserve_out // (reserve_in * 1000 + paid)


def swap(scene: Scene) -> None:
    """A swap that accepts some price, or none worse than if nobody had traded before."""
    at, by = exchange(scene), trader(scene)
    zero_for_one, amount = scene.pick.below(2) == 0, scene.pick.of(AMOUNTS)
    per_mille = scene.pick.of((900, 0, 1000))
    min_out = _quote(zero_for_one, amount) * per_mille // 1000
    scene.tag("swap")
    scene.call("exchange", "swap", zero_for_one, amount, min_out, at=at, by=by, gas=MARKET_GAS)


def add_liquidity(scene: Scene) -> None:
    """More of both tokens for the pool."""
    at, by = exchange(scene), trader(scene)
    scene.tag("liquidity")
    scene.call("exchange", "add_liquidity", UNIT, 2 * UNIT, at=at, by=by, gas=MARKET_GAS)


def remove_liquidity(scene: Scene) -> None:
    """Less of both tokens for the pool."""
    at, by = exchange(scene), trader(scene)
    scene.tag("liquidity")
    amount = scene.pick.of((UNIT, 1000 * UNIT))
    scene.call("exchange", "remove_liquidity", amount, at=at, by=by, gas=MARKET_GAS)


def flash(scene: Scene) -> None:
    """A flash swap that is repaid, or is undone because it is not."""
    at = exchange(scene)
    function = ("borrow", "try_borrow")[scene.pick.below(2)]
    amounts = scene.pick.of(((UNIT, 0), (0, UNIT), (UNIT, UNIT), (300 * UNIT, 0)))
    choice = scene.pick.of((REPAY, REPAY, REPAY, KEEP, UNDERPAY))
    scene.tag("flash-swap" if choice == REPAY else "flash-swap-unpaid")
    scene.call("borrower", function, at, *amounts, choice, gas=2 * MARKET_GAS)


def set_price(scene: Scene) -> None:
    """Another price: every later decision on a position depends on it."""
    scene.tag("price")
    scene.call("oracle", "set_price", scene.pick.of(PRICES), at=oracle(scene))


def liquidate(scene: Scene) -> None:
    """Somebody else's debt is repaid, and its collateral taken, if the price allows it."""
    at, by, holder = lending(scene), trader(scene), trader(scene)
    if scene.pick.below(2) == 0:
        holder = overindebted(scene)
    scene.tag("liquidation-tried")
    amount = scene.pick.of((UNIT, 30 * UNIT))
    scene.call("lending", "liquidate", holder.address, amount, at=at, by=by, gas=MARKET_GAS)


def _move(scene: Scene, function: str, feature: str, amounts: tuple[int, ...]) -> None:
    at, by = lending(scene), trader(scene)
    scene.tag(feature)
    scene.call("lending", function, scene.pick.of(amounts), at=at, by=by, gas=MARKET_GAS)


def borrow(scene: Scene) -> None:
    """More debt, up to the limit and beyond."""
    _move(scene, "borrow", "loan", (UNIT, 3 * UNIT, 10 * UNIT))


def repay(scene: Scene) -> None:
    """Less debt."""
    _move(scene, "repay", "loan", (UNIT, 10 * UNIT))


def deposit(scene: Scene) -> None:
    """More collateral."""
    _move(scene, "deposit", "collateral", (UNIT, 10 * UNIT))


def withdraw(scene: Scene) -> None:
    """Less collateral, as far as the debt allows it."""
    _move(scene, "withdraw", "collateral", (UNIT, COLLATERAL // 2))


EXCHANGE = Theme(
    "exchange",
    (
        Operation(swap, weight=6, first_fork="Constantinople"),
        Operation(add_liquidity, weight=2, first_fork="Constantinople"),
        Operation(remove_liquidity, weight=2, first_fork="Constantinople"),
        Operation(flash, weight=4, first_fork="Constantinople"),
    ),
    weight=3,
)
LENDING = Theme(
    "lending",
    (
        Operation(set_price, weight=3, first_fork="Constantinople"),
        Operation(liquidate, weight=4, first_fork="Constantinople"),
        Operation(borrow, weight=2, first_fork="Constantinople"),
        Operation(repay, weight=2, first_fork="Constantinople"),
        Operation(deposit, first_fork="Constantinople"),
        Operation(withdraw, first_fork="Constantinople"),
    ),
    weight=3,
)

"""Accounts that exist without having anything, and what a touch does to them (EIP-161)."""

from pel_fuzz.contracts import CORNERS, call_data
from pel_fuzz.workloads.header import SYSTEM_ADDRESS
from pel_fuzz.workloads.landmarks import (
    EMPTY_ACCOUNTS,
    may_hold_empty_accounts,
    place_empty_account,
    place_phoenix,
    precompile_address,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import Style
from pel_fuzz.workloads.world import build_for, named_address
from pel_reference.block import Account

STORED = {1: 1, 2: 2}
_FREE = Style(0, "Frontier", tip_wei=0)


def _prepare(scene: Scene) -> None:
    scene.notice(_empty(scene), _nobody(scene))


def _empty(scene: Scene) -> bytes:
    """An account of the pre-state that is empty, where there may be such a thing; drawn."""
    if may_hold_empty_accounts(scene.fork):
        scene.tag("empty-account-in-pre-state")
    return place_empty_account(scene.world, scene.pick.below(EMPTY_ACCOUNTS))


def _nobody(scene: Scene) -> bytes:
    """An address where there is nothing; drawn."""
    return named_address(f"nobody {scene.pick.below(3)}")


def _either(scene: Scene) -> bytes:
    return (_empty, _nobody)[scene.pick.below(2)](scene)


def touch(scene: Scene) -> None:
    """A transfer of nothing."""
    scene.tag("touch")
    scene.send(_either(scene), 0)


def touch_by_call(scene: Scene) -> None:
    """A call of nothing by a contract, which may fail afterwards."""
    fails = scene.pick.below(2)
    scene.tag("touch-undone" if fails else "touch")
    scene.call("toucher", "touch", _either(scene), fails)


def touch_precompile(scene: Scene) -> None:
    """A touch of a precompiled contract, undone or not: an empty one, where there may be one.

    The touch of RIPEMD-160 outlives its own undoing. It is undone in an inner call only, because
    where the whole transaction fails, EELS departs from what clients do.

    Source: EIP-161.
    """
    at = precompile_address(2 + scene.pick.below(2))
    fails = scene.pick.below(2)
    scene.tag("precompile-touched")
    if may_hold_empty_accounts(scene.fork):
        scene.world.add(at, Account())
    data = call_data(CORNERS["toucher"], "touch", at, fails)
    scene.call("call_proxy", "call", scene.world.place("toucher"), data, gas=2 * CALL_GAS)


def touch_system_address(scene: Scene) -> None:
    """A touch of, or a payment to, the address that system calls come from."""
    scene.tag("system-address-touched")
    scene.send(SYSTEM_ADDRESS, scene.pick.below(2))


def fill_account(scene: Scene) -> None:
    """An account that had nothing gets something."""
    scene.tag("empty-account-paid")
    scene.send(_either(scene), 1 + scene.pick.below(2))


def leave_nothing(scene: Scene) -> None:
    """A contract without money destroys itself in favour of an account that has nothing."""
    scene.tag("touch-by-destruction", "destruction")
    destructor = scene.world.place("destructor")
    scene.call("destructor", "destroy", _either(scene), at=destructor)


def pay_by_call(scene: Scene) -> None:
    """A contract pays an account, which costs more where there is none."""
    scene.tag("call-creates-account")
    scene.call("call_proxy", "call", _either(scene), b"", value=scene.pick.below(2))


def free_of_charge(scene: Scene) -> None:
    """A transaction that gives the fee recipient nothing."""
    scene.tag("zero-tip")
    by = scene.sender()
    unsigned = scene.market.write(_FREE, scene.nonce(by.address), 21_000, _either(scene))
    scene.emit(unsigned, by)


def touch_storage_only(scene: Scene) -> None:
    """A touch of an account with storage and no code, and with as little else as may be."""
    balance_wei = 0 if may_hold_empty_accounts(scene.fork) else 1
    account = Account(0, balance_wei, b"", STORED)
    at = scene.world.add(named_address("storage only"), account)
    scene.tag("storage-without-code")
    scene.notice(at)
    scene.send(at, scene.pick.below(2))


def die_empty(scene: Scene) -> None:
    """The phoenix destroys itself, and is touched after that in another transaction."""
    phoenix = place_phoenix(scene.world)
    scene.tag("touched-after-destruction", "destruction")
    data = call_data(build_for(scene.fork, "phoenix"), "destroy", _either(scene))
    scene.send(phoenix, 0, data, gas=CALL_GAS)
    scene.send_plain(phoenix, 0, scene.sender())


THEME = Theme(
    "touches",
    (
        Operation(touch, weight=4),
        Operation(touch_by_call, weight=4),
        Operation(fill_account, weight=3),
        Operation(free_of_charge, weight=3),
        Operation(pay_by_call, weight=2),
        Operation(leave_nothing),
        Operation(touch_precompile, weight=2),
        Operation(touch_system_address),
        Operation(touch_storage_only),
        Operation(die_empty, weight=2),
    ),
    prepare=_prepare,
    weight=4,
)

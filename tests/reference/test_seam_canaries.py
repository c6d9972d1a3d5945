"""Each seeded bug of the seam is caught where its entry says that it can be, and only there."""

from collections.abc import Callable
from typing import Any

import pytest
from eth._utils.address import generate_safe_contract_address

from pel_fuzz.canaries.faulty import FAILED_READ_SWALLOWED
from pel_fuzz.canaries.seam import SEAM_BUGS
from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import Block
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.system_calls import BEACON_ROOTS
from pel_reference.transitions import compile_block
from pel_spec.fold import agree as same_results
from pel_spec.fold import fold
from pel_spec.transition import RecordedView, Suspend
from pel_spec.vocabulary import PRE_STATE

CONTRACT, OTHER, NOBODY = b"\xc0" * 20, b"\xc1" * 20, b"\xde" * 20


def destroyed_and_revived(block: Any, accounts: Any, authorize: Any) -> None:
    block.fork = "Berlin"
    head = "CALLDATASIZE 0 0 CALLDATACOPY 0 CALLDATASIZE 0 CALLVALUE CREATE2 POP"
    block.contract(CONTRACT, head)
    code = assemble("0 SLOAD 1 ADD 0 SSTORE 0x33ff600052 27 MSTORE 2 30 RETURN").code
    created = generate_safe_contract_address(CONTRACT, 0, code)
    block.put(created, nonce=1, code=assemble("CALLER SELFDESTRUCT").code, storage={0: 40})
    block.send(1, created)
    block.send(2, CONTRACT, data=code)


def delegation(block: Any, accounts: Any, authorize: Any) -> None:
    block.contract(CONTRACT, "1 0 SSTORE")
    block.contract(OTHER, f"0x{accounts(5).hex()} EXTCODEHASH TIMESTAMP SSTORE")
    block.send(4, OTHER)
    for nonce, address in enumerate((CONTRACT, OTHER)):
        signed = (authorize(5, address, nonce),)
        block.send(1, accounts(5), type=4, authorizations=signed, gas_limit=300_000)
        block.send(2, accounts(5))
        block.send(3, OTHER)


def looking_at_the_recipient(block: Any, accounts: Any, authorize: Any) -> None:
    block.contract(CONTRACT, "COINBASE BALANCE NUMBER SSTORE")
    block.send(1, accounts(2), value=1)
    block.send(3, CONTRACT)


def gas_race(block: Any, accounts: Any, authorize: Any) -> None:
    block.env["gas_limit"] = 100_000
    block.contract(CONTRACT, "INVALID")
    block.send(1, CONTRACT, gas_limit=60_000)
    block.send_raw(2, accounts(3), nonce=0, gas_limit=50_000)
    block.send(3, accounts(2), gas_limit=30_000)


def slots_and_warmth(block: Any, accounts: Any, authorize: Any) -> None:
    block.contract(CONTRACT, "0 SLOAD DUP1 1 ADD 0 SSTORE 100 ADD 1 SWAP1 SSTORE")
    for sender in (1, 2, 3):
        block.send(sender, CONTRACT)


def zero_tip(block: Any, accounts: Any, authorize: Any) -> None:
    block.send(1, accounts(2), gas_price=7)


def refunds_and_logs(block: Any, accounts: Any, authorize: Any) -> None:
    block.contract(CONTRACT, "0 0 SSTORE 0 1 SSTORE 1 0 0 LOG1 2 0 0 LOG1", {0: 1, 1: 1})
    for sender in (1, 2, 3, 4):
        block.send(sender, CONTRACT)


def system_contract(block: Any, accounts: Any, authorize: Any) -> None:
    block.contract(BEACON_ROOTS, "TIMESTAMP 0 SSTORE")


def touches(block: Any, accounts: Any, authorize: Any) -> None:
    block.fork = "Homestead"
    block.send(1, NOBODY)


Scene = Callable[[Any, Any, Any], None]
SCENES: dict[str, Scene] = {
    "slot-unlogged": slots_and_warmth,
    "code-unlogged": delegation,
    "fee-cells-unlogged": looking_at_the_recipient,
    "gas-cells-unlogged": gas_race,
    "warm-list-survives": slots_and_warmth,
    "reads-kept": slots_and_warmth,
    "writes-kept": slots_and_warmth,
    "suspension-swallowed": delegation,
    "code-by-address": delegation,
    "wipe-forgotten": destroyed_and_revived,
    "coinbase-before-credit": looking_at_the_recipient,
    "empty-accounts-appear": zero_tip,
    "refund-halved": refunds_and_logs,
    "gas-pool-by-declaration": gas_race,
    "history-call-missed": system_contract,
    "touch-is-no-write": touches,
    "logs-reversed": refunds_and_logs,
    "receipt-gas-before-refund": refunds_and_logs,
    "cumulative-gas-restarts": refunds_and_logs,
}


ALIKE = [name for name, bug in SEAM_BUGS.items() if bug.fold_too]
WAITING = ["suspension-swallowed"]
"""Bugs that show only where a read has to wait."""
EARLY = [name for name in SEAM_BUGS if name not in [*ALIKE, *WAITING]]


@pytest.fixture
def scene(maker: Any, accounts: Any, authorize: Any) -> Callable[[str], Block]:
    """The block in which a bug shows."""

    def made(name: str) -> Block:
        block = maker("Prague")
        SCENES[name](block, accounts, authorize)
        return block.block()  # type: ignore[no-any-return]

    return made


def test_every_bug_has_a_scene() -> None:
    assert SCENES.keys() == SEAM_BUGS.keys()


@pytest.mark.parametrize("name", SCENES)
def test_without_the_bug_all_agree(name: str, scene: Any, agree: Any) -> None:
    agree(scene(name))


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_wrong_in_the_fold_too_only_the_reference_sees(name: str, scene: Any) -> None:
    bug, block = SEAM_BUGS[name], scene(name)
    expected = run_block(block)
    with bug.plant():
        evm_block = compile_block(block)
        result, _ = fold(evm_block)
        settled = settle(evm_block, result)
    assert settled != expected
    assert (settled.state_root == expected.state_root) == bug.root_right
    assert settle(compile_block(block), fold(compile_block(block))[0]) == expected


@pytest.mark.parametrize("name", EARLY)
def test_what_is_wrong_only_when_run_early_the_fold_does_not_show(
    name: str, scene: Any, speculation: Any
) -> None:
    bug, block = SEAM_BUGS[name], scene(name)
    expected = run_block(block)
    with bug.plant():
        evm_block = compile_block(block)
        result, _ = fold(evm_block)
        assert settle(evm_block, result) == expected
        early = [
            speculation(evm_block, sees, at_once).run()
            for sees in (lambda reader, writer: False, lambda reader, writer: writer % 2 == 0)
            for at_once in (False, True)
        ]
    assert not all(same_results(result, found) for found in early)
    assert not bug.root_right


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_read_that_waits_is_not_swallowed_by_the_authorization_loop(
    swallowed: bool, maker: Any, accounts: Any, authorize: Any
) -> None:
    """py-evm catches every `Exception` there; `Suspend` is none. Others are raised at the end."""
    block = maker("Prague")
    signed = (authorize(5, CONTRACT, 0),)
    block.send(1, NOBODY, type=4, authorizations=signed, gas_limit=300_000)
    evm_block = compile_block(block.block())
    transition = evm_block.transitions[evm_block.transaction_positions[0]]

    def lookup(location: Any) -> Any:
        if location == ("code", accounts(5)):
            raise (ValueError if swallowed else Suspend)(0)
        return evm_block.initial(location), PRE_STATE

    def run() -> Any:
        return transition.run(RecordedView(lookup), evm_block.workspace())

    if swallowed:
        with FAILED_READ_SWALLOWED.plant():
            assert ("code", accounts(5)) not in run().writes
        with pytest.raises(ValueError):
            run()
    else:
        with pytest.raises(Suspend):
            run()


def test_a_suspension_that_is_swallowed_shows(maker: Any) -> None:
    block = maker("Berlin")
    block.contract(CONTRACT, "0 SLOAD 1 ADD 0 SSTORE", {0: 5})
    block.send(1, CONTRACT)
    evm_block = compile_block(block.block())
    (transition,) = evm_block.transitions[:1]

    def lookup(location: Any) -> Any:
        if location == ("storage", CONTRACT, 0):
            raise Suspend(0)
        return evm_block.initial(location), PRE_STATE

    with pytest.raises(Suspend):
        transition.run(RecordedView(lookup), evm_block.workspace())
    with SEAM_BUGS["suspension-swallowed"].plant():
        effects = transition.run(RecordedView(lookup), evm_block.workspace())
    assert effects.writes["storage", CONTRACT, 0] == 1


def test_the_registry_covers_what_is_asked_for() -> None:
    bugs = SEAM_BUGS.values()
    assert len({bug.zoo[0] for bug in bugs}) >= 7
    assert sum(not bug.fold_too for bug in bugs) >= 4
    assert sum(bug.root_right for bug in bugs) >= 2
    assert all(bug.name == name and bug.story for name, bug in SEAM_BUGS.items())


def test_planting_leaves_no_trace(scene: Any) -> None:
    block = scene("refund-halved")
    expected = run_block(block)
    for bug in SEAM_BUGS.values():
        with bug.plant():
            pass
        assert settle(compile_block(block), fold(compile_block(block))[0]) == expected

"""A block as a list of transitions: positions, kinds, and what comes before and after."""

from typing import Any

import pytest
from eth.vm.forks.cancun.constants import BEACON_ROOTS_CONTRACT_CODE
from eth.vm.forks.prague.constants import HISTORY_STORAGE_CONTRACT_CODE

from pel_reference.block import Ommer, Withdrawal
from pel_reference.errors import InvalidBlock, UnsupportedFork
from pel_reference.evm_transitions import Outcome, TransactionTransition
from pel_reference.forks import RULES
from pel_reference.locations import ABSENT
from pel_reference.requests import DEPOSIT_CONTRACT, DEPOSIT_TOPIC
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.system_calls import BEACON_ROOTS, HISTORY_STORAGE, WITHDRAWAL_REQUESTS
from pel_reference.transitions import compile_block
from pel_spec.fold import fold
from pel_spec.transition import Kind

DEPOSIT_LOG = b"".join(
    [
        *(offset.to_bytes(32, "big") for offset in (160, 256, 320, 384, 512)),
        *((48).to_bytes(32, "big"), b"\x01" * 48 + bytes(16)),
        *((32).to_bytes(32, "big"), b"\x02" * 32),
        *((8).to_bytes(32, "big"), b"\x03" * 8 + bytes(24)),
        *((96).to_bytes(32, "big"), b"\x04" * 96),
        *((8).to_bytes(32, "big"), b"\x05" * 8 + bytes(24)),
    ]
)
LOG_CALLDATA = f"""
    CALLDATASIZE 0 0 CALLDATACOPY 0x{DEPOSIT_TOPIC.hex()} CALLDATASIZE 0 LOG1
"""


def kinds(block: Any) -> list[tuple[Kind, int | None]]:
    transitions = compile_block(block.block()).transitions
    assert [transition.position for transition in transitions] == list(range(len(transitions)))
    return [(transition.kind, transition.tx_index) for transition in transitions]


def test_positions_of_a_prague_block(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    block.env["withdrawals"] = (Withdrawal(0, 0, accounts(1), 1),)
    block.send(1, accounts(2))
    block.send_raw(2, accounts(2), nonce=0, gas_limit=1)
    assert kinds(block) == [
        (Kind.SYSTEM, None),
        (Kind.SYSTEM, None),
        (Kind.TRANSACTION, 0),
        (Kind.TRANSACTION, 1),
        (Kind.WITHDRAWALS, None),
        (Kind.REQUESTS, None),
        (Kind.REQUESTS, None),
        (Kind.REQUESTS, None),
    ]


def test_positions_of_a_proof_of_work_block(maker: Any, accounts: Any) -> None:
    block = maker("Byzantium")
    block.env["ommers"] = (Ommer(accounts(3), 2),)
    block.send(1, accounts(2))
    assert kinds(block) == [(Kind.TRANSACTION, 0), (Kind.REWARDS, None)]
    block.env["block_reward_wei"] = 0
    assert kinds(block) == [(Kind.TRANSACTION, 0)]


@pytest.mark.parametrize("fork", [name for name in RULES if RULES[name].proof_of_stake])
def test_nothing_is_paid_after_the_merge(fork: str, maker: Any) -> None:
    block = maker(fork)
    block.env["block_reward_wei"] = 5
    assert Kind.REWARDS not in {kind for kind, _ in kinds(block)}


def test_what_no_state_can_change_is_decided_once(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    block.send_raw(1, accounts(2), nonce=0, gas_limit=1)
    block.send_raw(1, accounts(2), nonce=9)
    evm_block = compile_block(block.block())
    static, open_question = (evm_block.transitions[at] for at in evm_block.transaction_positions)
    assert not isinstance(static, TransactionTransition)
    assert isinstance(open_question, TransactionTransition)


def test_unknown_forks_are_refused(maker: Any) -> None:
    block = maker("Prague")
    block.fork = "Osaka"
    with pytest.raises(UnsupportedFork):
        compile_block(block.block())


def test_every_location_has_an_initial_value(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    block.put(b"\xc0" * 20, nonce=2, balance=3, code=b"\x00", storage={5: 7})
    evm_block = compile_block(block.block())
    at = b"\xc0" * 20
    given = {
        ("balance", at): 3,
        ("nonce", at): 2,
        ("code", at): b"\x00",
        ("storage", at, 5): 7,
        ("storage", at, 6): 0,
        ("exists", at): True,
        ("wipe", at): False,
    }
    assert {location: evm_block.initial(location) for location in given} == given
    for kind, value in ABSENT.items():
        name: Any = b"\xdd" * 20 if kind in ("balance", "nonce", "code", "wipe", "exists") else 3
        location = ("storage", b"\xdd" * 20, 1) if kind == "storage" else (kind, name)
        assert evm_block.initial(location) == value


# System calls before.


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_system_contracts_are_written_before_they_are_read(
    fork: str, maker: Any, agree: Any
) -> None:
    block = maker(fork)
    block.put(BEACON_ROOTS, nonce=1, code=BEACON_ROOTS_CONTRACT_CODE)
    block.put(HISTORY_STORAGE, nonce=1, code=HISTORY_STORAGE_CONTRACT_CODE)
    ask = "0 MSTORE 32 32 32 0 0 0x{} GAS CALL 0 SSTORE 32 MLOAD 1 SSTORE"
    block.contract(b"\xc0" * 20, "TIMESTAMP " + ask.format(BEACON_ROOTS.hex()))
    block.contract(b"\xc1" * 20, "1 NUMBER SUB " + ask.format(HISTORY_STORAGE.hex()))
    block.send(1, b"\xc0" * 20)
    block.send(2, b"\xc1" * 20)
    ran = agree(block.block())
    assert ran.account(b"\xc0" * 20).storage == {0: 1, 1: int.from_bytes(b"\x0b" * 32, "big")}
    history = ran.account(b"\xc1" * 20).storage
    assert history == ({0: 1, 1: 299} if fork == "Prague" else {0: 1})


def test_a_system_call_without_code_does_nothing(maker: Any, agree: Any) -> None:
    ran = agree(maker("Cancun").block())
    assert ran.result.effects[0].writes == {}


def test_a_system_call_that_fails_is_undone(maker: Any, agree: Any) -> None:
    block = maker("Cancun")
    block.contract(BEACON_ROOTS, "1 0 SSTORE INVALID")
    ran = agree(block.block())
    assert ran.account(BEACON_ROOTS).storage == {}


# Requests after.


def test_deposits_are_read_from_the_logs_of_all_transactions(maker: Any, agree: Any) -> None:
    block = maker("Prague")
    block.contract(DEPOSIT_CONTRACT, LOG_CALLDATA)
    block.contract(b"\xc0" * 20, LOG_CALLDATA)
    for sender, to in ((1, DEPOSIT_CONTRACT), (2, b"\xc0" * 20), (3, DEPOSIT_CONTRACT)):
        block.send(sender, to, data=DEPOSIT_LOG)
    block.send_raw(4, DEPOSIT_CONTRACT, nonce=3, data=DEPOSIT_LOG)
    ran = agree(block.block())
    data = b"\x01" * 48 + b"\x02" * 32 + b"\x03" * 8 + b"\x04" * 96 + b"\x05" * 8
    assert ran.settled.requests is not None
    assert ran.settled.requests[0] == b"\x00" + 2 * data
    positions = ran.evm_block.transaction_positions
    deposits = ran.history.incarnations[positions.stop]
    assert {read.location for read in deposits.reads} == {("logs", at) for at in positions}


def test_requests_see_what_transactions_and_withdrawals_left(
    maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker("Prague")
    asks = "ADDRESS BALANCE 0 MSTORE 0 SLOAD 32 MSTORE 1 0 SLOAD ADD 0 SSTORE 64 0 RETURN"
    block.contract(WITHDRAWAL_REQUESTS, asks, {0: 4})
    block.env["withdrawals"] = (Withdrawal(0, 0, WITHDRAWAL_REQUESTS, 2),)
    block.send(1, WITHDRAWAL_REQUESTS, value=3)
    ran = agree(block.block())
    balance, count = 2 * 10**9 + 3, 5
    assert ran.settled.requests is not None
    expected = b"\x01" + balance.to_bytes(32, "big") + count.to_bytes(32, "big")
    assert expected in ran.settled.requests


def block_with(maker: Any, problem: str) -> Any:
    """A block of Prague that no header can make valid."""
    block = maker("Prague")
    if problem == "malformed deposit":
        block.contract(DEPOSIT_CONTRACT, LOG_CALLDATA)
        block.send(1, DEPOSIT_CONTRACT, data=DEPOSIT_LOG[:-1])
    elif problem == "no code":
        del block.alloc[WITHDRAWAL_REQUESTS]
    else:
        block.contract(WITHDRAWAL_REQUESTS, "INVALID")
    return block


@pytest.mark.parametrize("problem", ["malformed deposit", "no code", "failing call"])
def test_what_makes_a_whole_block_invalid_is_an_outcome_first(problem: str, maker: Any) -> None:
    block = block_with(maker, problem).block()
    with pytest.raises(InvalidBlock) as expected:
        run_block(block)
    evm_block = compile_block(block)
    result, _ = fold(evm_block)
    assert result.faults == ()
    reasons = [
        effects.outcome.invalid_block
        for effects in result.effects
        if isinstance(effects.outcome, Outcome) and effects.outcome.invalid_block
    ]
    assert reasons == [expected.value.reason]
    with pytest.raises(InvalidBlock) as found:
        settle(evm_block, result)
    assert found.value.reason == expected.value.reason

"""The seam over every fork: on contended hand-made blocks, the fold is what the reference is."""

import logging
from typing import Any

import pytest

from pel_reference.block import Account, Block
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.transitions import compile_block
from pel_spec.fold import fold

ETHER = 10**18
FEE_RECIPIENT = b"\xcb" * 20
CONTRACT, OTHER, NOBODY = b"\xc0" * 20, b"\xc1" * 20, b"\xde" * 20
RIPEMD = bytes(19) + b"\x03"


def forks(since: str = "Frontier", until: str = "Prague") -> pytest.MarkDecorator:
    """Run a test on every fork from one to another."""
    names = [name for name in RULES if is_from(name, since) and is_from(until, name)]
    return pytest.mark.parametrize("fork", names)


def as_word(address: bytes) -> bytes:
    return address.rjust(32, b"\x00")


# Accounts.


@forks()
def test_transfers_between_hot_accounts(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    block = maker(fork)
    for round_number in range(3):
        block.send(1, accounts(2), value=3 * ETHER)
        block.send(2, accounts(1), value=2 * ETHER + round_number)
        block.send(3, NOBODY, value=1)
    settled = agree(block.block()).settled
    assert [receipt.status for receipt in settled.receipts] == [True] * 9
    assert settled.alloc[NOBODY].balance == 3


@forks()
def test_invalid_transactions_in_the_middle(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.send(1, accounts(2), value=1)
    block.send_raw(1, accounts(2), nonce=7)
    block.send_raw(1, accounts(2), nonce=0)
    block.send_raw(3, accounts(2), nonce=0, value=11 * ETHER)
    block.send_raw(3, accounts(2), nonce=0, gas_limit=20_999)
    block.send(1, accounts(2), value=1)
    assert [(r.tx_index, r.reason) for r in agree(block.block()).settled.rejected] == [
        (1, "nonce too high"),
        (2, "nonce too low"),
        (3, "insufficient funds"),
        (4, "gas limit below intrinsic gas"),
    ]


@forks()
def test_a_rejected_transaction_leaves_only_its_empty_gas_cell(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.send_raw(1, accounts(2), nonce=7)
    block.send_raw(1, accounts(2), nonce=0, gas_limit=20_999)
    ran = agree(block.block())
    first = ran.evm_block.facts.fee_positions.start
    assert ran.writes(0) == {("gas", first): 0}
    assert ran.writes(1) == {("gas", first + 1): 0}


@forks()
def test_funds_that_arrive_in_the_block_can_be_spent(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.put(accounts(20))
    block.send(1, accounts(20), value=ETHER)
    block.send(20, accounts(2), value=ETHER // 2)
    assert agree(block.block()).account(accounts(20)).nonce == 1


# Existence: empty accounts, touches, EIP-161.


def with_empty_accounts(block: Any) -> Any:
    """Put the empty accounts into the pre-state that a test touches."""
    for address in (NOBODY, RIPEMD, FEE_RECIPIENT, b"\xe1" * 20):
        block.put(address)
    return block


TOUCH = "0 0 0 0 0 0x{} 50000 CALL 0 SSTORE"


@forks()
def test_touching_empty_accounts_of_the_pre_state(fork: str, maker: Any, agree: Any) -> None:
    block = with_empty_accounts(maker(fork))
    block.contract(CONTRACT, TOUCH.format(NOBODY.hex()))
    block.contract(OTHER, TOUCH.format("f0" * 20) + " INVALID")
    block.send(1, CONTRACT)
    block.send(2, CONTRACT)
    block.send(3, OTHER)
    ran = agree(block.block())
    cleared = is_from(fork, "EIP158")
    assert not ran.evm_block.facts.elides_existence
    assert (ran.account(NOBODY) is None) == cleared
    assert ran.account(b"\xe1" * 20) == Account()


@forks()
def test_a_zero_value_call_creates_an_account_before_eip_161(
    fork: str, maker: Any, agree: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, TOUCH.format(NOBODY.hex()))
    for sender in (1, 2):
        block.send(sender, CONTRACT)
    block.send(3, b"\xf3" * 20, gas_price=10)
    ran = agree(block.block())
    assert ran.evm_block.facts.elides_existence == is_from(fork, "EIP158")
    assert (ran.account(NOBODY) is None) == is_from(fork, "EIP158")


@forks()
def test_a_failed_call_to_ripemd_still_touches_it(fork: str, maker: Any, agree: Any) -> None:
    """The touch of account 3 survives a failure: a bug of two clients that became the protocol."""
    block = with_empty_accounts(maker(fork))
    block.contract(CONTRACT, f"0 0 0 0 0 0x{RIPEMD.hex()} 1 CALL INVALID")
    block.send(1, CONTRACT)
    block.send(2, RIPEMD, gas_limit=30_000)
    ran = agree(block.block())
    assert (ran.account(RIPEMD) is None) == is_from(fork, "EIP158")


@forks()
def test_destroyed_in_favour_of_an_empty_account(fork: str, maker: Any, agree: Any) -> None:
    block = with_empty_accounts(maker(fork))
    for address in (CONTRACT, OTHER):
        block.contract(address, f"0x{NOBODY.hex()} SELFDESTRUCT")
    block.send(1, CONTRACT)
    block.send(2, OTHER, value=5)
    block.send(3, NOBODY)
    agree(block.block())


@forks()
def test_calls_to_dead_accounts_cost_what_existence_decides(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = with_empty_accounts(maker(fork))
    block.contract(CONTRACT, "0 0 0 0 CALLVALUE 0 CALLDATALOAD GAS CALL POP")
    for value in (0, 1, 0):
        block.send(1, CONTRACT, data=as_word(NOBODY), value=value)
        block.send(2, CONTRACT, data=as_word(b"\xf4" * 20), value=value)
        block.send(3, CONTRACT, data=as_word(FEE_RECIPIENT), value=value)
    agree(block.block())


# Transaction-local state.


@forks("Berlin")
def test_access_lists_warm_for_one_transaction_only(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.contract(CONTRACT, f"0 SLOAD POP 5 SLOAD POP 0x{OTHER.hex()} BALANCE POP")
    listed = ((CONTRACT, (0, 1, 2)), (OTHER, ()))
    block.send(1, CONTRACT)
    block.send(2, CONTRACT, type=1, access_list=listed)
    block.send(3, CONTRACT)
    gas = [receipt.gas_used for receipt in agree(block.block()).settled.receipts]
    assert gas[0] == gas[2] != gas[1]


@forks("Cancun")
def test_transient_storage_ends_with_its_transaction(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    failing = f"0 0 0 0 0 0x{OTHER.hex()} 20000 CALL POP"
    block.contract(OTHER, "7 1 TSTORE INVALID")
    block.contract(CONTRACT, f"0 TLOAD 0 SSTORE 9 0 TSTORE {failing} 0 TLOAD 1 SSTORE")
    block.send(1, CONTRACT)
    block.send(2, CONTRACT)
    assert agree(block.block()).account(CONTRACT).storage == {1: 9}


@forks()
def test_opcodes_that_read_the_header(fork: str, maker: Any, agree: Any) -> None:
    read = ["COINBASE", "TIMESTAMP", "NUMBER", "DIFFICULTY", "GASLIMIT", "ORIGIN", "GASPRICE"]
    if is_from(fork, "London"):
        read.append("BASEFEE")
    if is_from(fork, "Istanbul"):
        read.append("CHAINID")
    blockhash = [f"{number} BLOCKHASH" for number in (299, 44, 43, 300)]
    block = maker(fork)
    stores = " ".join(f"{what} {slot} SSTORE" for slot, what in enumerate([*read, *blockhash]))
    block.contract(CONTRACT, stores)
    block.send(1, CONTRACT, gas_limit=400_000)
    storage = agree(block.block()).account(CONTRACT).storage
    assert storage[len(read)] == 299
    assert storage[len(read) + 1] == 44
    assert len(read) + 2 not in storage


@forks()
def test_logs_keep_their_order_and_reverted_ones_are_dropped(
    fork: str, maker: Any, agree: Any
) -> None:
    block = maker(fork)
    block.contract(OTHER, "2 0 0 LOG1 CALLDATASIZE @fail JUMPI STOP fail: INVALID")
    inner = f"0 0 {{}} 0 0 0x{OTHER.hex()} 30000 CALL POP"
    block.contract(
        CONTRACT, f"1 0 0 LOG1 {inner.format(0)} {inner.format(1)} 3 9 0 MSTORE 32 0 LOG1"
    )
    block.send(1, CONTRACT)
    (receipt,) = agree(block.block()).settled.receipts
    assert [int.from_bytes(log.topics[0], "big") for log in receipt.logs] == [1, 2, 3]


# Nothing but what was read decides: not the process, not other threads, not the stack.


def destructions(maker: Any, fork: str) -> Block:
    """One transaction that destroys five contracts, and touches empty accounts on the way."""
    block = with_empty_accounts(maker(fork))
    targets = [bytes([number]) * 20 for number in range(0x81, 0x86)]
    for target in targets:
        block.contract(target, f"0x{target[::-1].hex()}00 SELFDESTRUCT", balance=1)
    calls = [f"0 0 0 0 0 0x{target.hex()} 60000 CALL POP" for target in (*targets, NOBODY)]
    block.contract(CONTRACT, " ".join(calls))
    block.send(1, CONTRACT, gas_limit=900_000)
    return block.block()  # type: ignore[no-any-return]


@forks()
def test_what_is_destroyed_and_cleared_is_so_in_a_fixed_order(
    fork: str, maker: Any, agree: Any
) -> None:
    """py-evm goes through sets of addresses; their order would differ from process to process."""
    ran = agree(destructions(maker, fork))
    wiped = [location[1] for location in ran.writes(0) if location[0] == "wipe"]
    assert len(wiped) == (0 if is_from(fork, "Cancun") else 5) + is_from(fork, "EIP158")
    destroyed, cleared = wiped[:5], wiped[5:]
    assert destroyed == sorted(destroyed)
    assert cleared == sorted(cleared)


@forks()
def test_the_process_wide_logger_class_is_left_alone(
    fork: str, maker: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failing calls and creations ask py-evm's instructions for a logger, and so did its State."""
    block = maker(fork)
    poor = f"0 0 0 0 9 0x{OTHER.hex()} 50000 CALL 0 0 9 CREATE OR 0 SSTORE"
    block.contract(CONTRACT, poor)
    block.send(1, CONTRACT)
    evm_block = compile_block(block.block())

    def forbidden(_: object) -> None:
        raise AssertionError("the process-wide logger class was swapped")

    monkeypatch.setattr(logging, "setLoggerClass", forbidden)
    result, _ = fold(evm_block)
    assert result.faults == ()


@pytest.mark.parametrize("fork", ["Frontier", "EIP150", "Prague"])
def test_calls_as_deep_as_they_go(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS 3000 GAS SUB CALL POP")
    block.send(1, CONTRACT, gas_limit=29_000_000)
    deepest = agree(block.block()).account(CONTRACT).storage[0]
    assert deepest > (1000 if fork == "Frontier" else 150)

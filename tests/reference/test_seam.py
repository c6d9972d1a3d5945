"""The seam over every fork: on contended hand-made blocks, the fold is what the reference is."""

import logging
from typing import Any

import pytest
from eth._utils.address import generate_contract_address, generate_safe_contract_address

from pel_fuzz.contracts.assembler import assemble
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


def initcode(runtime: bytes, before: str = "") -> bytes:
    """Initcode that runs `before`, then deploys `runtime`."""
    head = assemble(f"{before} {len(runtime)} @end 0 CODECOPY {len(runtime)} 0 RETURN")
    return head.code + runtime


FACTORY = """
    CALLDATASIZE 0 0 CALLDATACOPY
    {salt} CALLDATASIZE 0 CALLVALUE {create}
    DUP1 0 SSTORE 0 MSTORE 32 0 RETURN
"""
CREATE = FACTORY.format(salt="", create="CREATE")
CREATE2 = FACTORY.format(salt="0", create="CREATE2")
PHOENIX = assemble(
    "CALLDATASIZE @die JUMPI 0 SLOAD 1 ADD 0 SSTORE STOP die: 0 CALLDATALOAD SELFDESTRUCT"
).code
"""Counts its calls in slot 0; with an address as data, destroys itself in its favour."""


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


# Storage, its wipe, and creation.


@forks()
def test_slots_are_read_and_written_in_a_chain(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "0 SLOAD 1 ADD 0 SSTORE 0 7 SSTORE", {0: 41, 7: 1})
    for sender in (1, 2, 1, 3):
        block.send(sender, CONTRACT)
    ran = agree(block.block())
    assert ran.account(CONTRACT).storage == {0: 45}
    assert {("wipe", CONTRACT), ("storage", CONTRACT, 0)} <= ran.reads(2)


@forks()
def test_a_revert_undoes_all(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "1 0 SSTORE 0 0 0 0 1 0xde 5000 CALL INVALID", {0: 5}, balance=9)
    block.contract(OTHER, f"0 0 0 0 0 0x{CONTRACT.hex()} 60000 CALL 0 SSTORE 1 1 SSTORE")
    block.send(1, CONTRACT)
    block.send(2, OTHER)
    ran = agree(block.block())
    assert ran.account(CONTRACT).storage == {0: 5}
    assert ran.account(OTHER).storage == {1: 1}


@forks()
def test_a_destroyed_contract_is_read_called_and_funded(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.put(CONTRACT, nonce=1, balance=5, code=PHOENIX, storage={0: 7, 9: 9})
    reader = f"0x{CONTRACT.hex()} DUP1 EXTCODESIZE 0 SSTORE BALANCE 1 SSTORE"
    block.contract(OTHER, reader)
    block.send(1, CONTRACT)
    block.send(2, CONTRACT, data=as_word(accounts(3)))
    block.send(1, CONTRACT)
    block.send(3, OTHER)
    block.send(4, CONTRACT, value=11)
    block.send(3, OTHER)
    ran = agree(block.block())
    survives = is_from(fork, "Cancun")
    assert ran.account(CONTRACT) == (
        Account(1, 11, PHOENIX, {0: 10, 9: 9}) if survives else Account(balance=11)
    )


@forks()
def test_a_slot_written_before_the_own_destruction_is_gone(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "5 0 SSTORE 5 1 SSTORE CALLER SELFDESTRUCT", {0: 7})
    block.send(1, CONTRACT)
    block.send(2, CONTRACT, value=1)
    ran = agree(block.block())
    if not is_from(fork, "Cancun"):
        assert ran.account(CONTRACT) == Account(balance=1)
        assert ("storage", CONTRACT, 0) not in ran.writes(0)


@forks("Constantinople")
def test_create2_revives_what_was_destroyed(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    code = initcode(PHOENIX, before="0 SLOAD 1 ADD 0 SSTORE")
    phoenix = generate_safe_contract_address(CONTRACT, 0, code)
    block = maker(fork)
    block.contract(CONTRACT, CREATE2)
    block.put(phoenix, nonce=1, balance=3, code=PHOENIX, storage={0: 40, 5: 5})
    block.send(1, CONTRACT, data=code)  # collides
    block.send(2, phoenix, data=as_word(accounts(3)))
    block.send(1, CONTRACT, data=code, value=2, gas_limit=400_000)
    block.send(2, phoenix)
    block.send(2, phoenix, data=as_word(accounts(3)))
    block.send(1, CONTRACT, data=code, gas_limit=400_000)
    ran = agree(block.block())
    if not is_from(fork, "Cancun"):
        assert ran.account(phoenix) == Account(1, 0, PHOENIX, {0: 1})


@forks("Constantinople")
def test_created_and_destroyed_in_one_transaction(fork: str, maker: Any, agree: Any) -> None:
    code = assemble("1 0 SSTORE CALLER SELFDESTRUCT").code
    created = generate_safe_contract_address(CONTRACT, 0, code)
    block = maker(fork)
    block.contract(CONTRACT, CREATE2)
    block.send(1, CONTRACT, data=code, value=5, gas_limit=400_000)
    block.send(1, created, value=1)
    block.send(2, CONTRACT, data=code, value=5, gas_limit=400_000)
    block.send(1, created)
    agree(block.block())


@forks()
def test_creation_by_transaction_and_by_contract(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, CREATE)
    created = generate_contract_address(accounts(1), 0)
    block.send(1, None, data=initcode(PHOENIX), value=3, gas_limit=300_000)
    block.send(2, created)
    block.send(3, CONTRACT, data=initcode(PHOENIX), gas_limit=300_000)
    block.send(3, None, data=assemble("INVALID").code)
    block.send(3, None, data=assemble("1 0 SSTORE 0 0 RETURN").code)
    ran = agree(block.block())
    assert ran.account(created) == Account(is_from(fork, "EIP158"), 3, PHOENIX, {0: 1})
    assert ran.settled.receipts[0].contract_address == created


@forks()
def test_code_deposit_that_cannot_be_paid(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.send(1, None, data=initcode(PHOENIX + bytes(900)), gas_limit=160_000)
    block.send(2, None, data=assemble("0xef 0 MSTORE8 1 0 RETURN").code)
    block.send(3, None, data=assemble("24577 0 RETURN").code, gas_limit=6_000_000)
    agree(block.block())


@forks()
def test_creations_collide_with_code_nonce_and_storage(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    occupants = [
        {"code": b"\x00"},
        {"nonce": 1},
        {"balance": 1, "storage": {0: 1}},
        {"balance": 1},
    ]
    for sender, occupant in enumerate(occupants, start=1):
        block.put(generate_contract_address(accounts(sender), 0), **occupant)
        block.send(sender, None, data=initcode(PHOENIX), gas_limit=300_000)
    receipts = agree(block.block()).settled.receipts
    assert [receipt.status for receipt in receipts] == [False, False, False, True]


@forks("Constantinople")
def test_storage_that_was_wiped_is_no_collision(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    """Empty accounts with storage: one is touched and cleared, at the other a creation collides."""
    code = initcode(PHOENIX)
    block = maker(fork)
    makers = (CONTRACT, OTHER)
    for address in makers:
        block.contract(address, CREATE2)
        block.put(generate_safe_contract_address(address, 0, code), storage={0: 9})
    block.send(1, generate_safe_contract_address(CONTRACT, 0, code))
    for address in makers:
        block.send(2, address, data=code, gas_limit=400_000)
    ran = agree(block.block())
    created = ran.account(CONTRACT).storage[0]
    assert created == int.from_bytes(generate_safe_contract_address(CONTRACT, 0, code), "big")
    assert 0 not in ran.account(OTHER).storage


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


# Delegation (EIP-7702).


@forks("Prague")
def test_delegation_is_set_used_replaced_and_cleared(
    fork: str, maker: Any, agree: Any, accounts: Any, authorize: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "0 SLOAD 1 ADD 0 SSTORE")
    block.contract(OTHER, "7 1 SSTORE")
    reader = f"0x{accounts(5).hex()} DUP1 EXTCODESIZE 0 SSTORE EXTCODEHASH 1 SSTORE"
    block.contract(b"\xc2" * 20, reader)
    steps = [(CONTRACT, 0), (OTHER, 1), (bytes(20), 2), (CONTRACT, 3)]
    for address, nonce in steps:
        signed = (authorize(5, address, nonce),)
        block.send(1, accounts(5), type=4, authorizations=signed, gas_limit=400_000)
        block.send(2, accounts(5))
        block.send(3, b"\xc2" * 20)
    ran = agree(block.block())
    assert ran.account(accounts(5)) == Account(
        4, 10 * ETHER, b"\xef\x01\x00" + CONTRACT, {0: 4, 1: 7}
    )


@forks("Prague")
def test_authorizations_that_are_skipped(
    fork: str, maker: Any, agree: Any, accounts: Any, authorize: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "1 0 SSTORE")
    signed = (
        authorize(5, CONTRACT, 1),
        authorize(5, CONTRACT, 0, chain_id=99),
        authorize(5, CONTRACT, 0, chain_id=0),
        authorize(6, CONTRACT, 0),
        authorize(6, OTHER, 0),
        authorize(9, CONTRACT, 0),
        authorize(1, CONTRACT, 1),
    )
    block.send(1, accounts(5), type=4, authorizations=signed, gas_limit=900_000)
    block.send(5, accounts(1), value=1)
    block.send(6, accounts(9))
    agree(block.block())


@forks("Prague")
def test_the_fee_recipient_delegates(
    fork: str, maker: Any, agree: Any, accounts: Any, authorize: Any
) -> None:
    block = maker(fork)
    block.env["coinbase"] = accounts(5)
    block.contract(CONTRACT, "SELFBALANCE 0 SSTORE CALLER SELFDESTRUCT")
    signed = (authorize(5, CONTRACT, 0),)
    block.send(1, accounts(5), type=4, authorizations=signed, gas_limit=400_000)
    block.send(2, accounts(5))
    block.send(3, accounts(5), value=5)
    agree(block.block())

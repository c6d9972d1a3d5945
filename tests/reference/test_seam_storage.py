"""Slots, their wipe, destruction and creation: the fold over the seam is what the reference is."""

from typing import Any

import pytest
from eth._utils.address import generate_contract_address, generate_safe_contract_address

from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import Account
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES

CONTRACT, OTHER = b"\xc0" * 20, b"\xc1" * 20


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

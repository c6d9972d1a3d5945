"""Delegation (EIP-7702): the fold over the seam is what the reference is."""

from typing import Any

import pytest

from pel_reference.block import Account

ETHER = 10**18
CONTRACT, OTHER = b"\xc0" * 20, b"\xc1" * 20


@pytest.mark.parametrize("fork", ["Prague"])
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


@pytest.mark.parametrize("fork", ["Prague"])
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


@pytest.mark.parametrize("fork", ["Prague"])
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

"""A transaction is described as it is, with whom it depends on."""

from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from pel_fuzz.client.bisecting.describing import describe
from pel_fuzz.client.fixtures.plain_block import plain_block
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.block import Account, Transaction
from pel_reference.sealing import SealedBlock, Unsealable, seal
from pel_reference.signing import address_of, sign
from pel_reference.transaction_rlp import encode_transaction
from pel_reference.validity import DELEGATION_PREFIX

KEY = b"\x01" * 32
SENDER = address_of(KEY)
CONTRACT, DELEGATED = b"\xc0" * 20, b"\xde" * 20


def drawn() -> SealedBlock:
    for index in range(20):
        try:
            return seal(draw_case(blocks(fork="Prague", size=(20, 40)), 2, index).value.block)
        except Unsealable:
            continue
    raise AssertionError("no block can be sealed")


def made(*sent: tuple[bytes | None, bytes]) -> SealedBlock:
    """A Prague block of transactions to these addresses with these data."""
    block = plain_block("Prague")
    state = {
        SENDER: Account(balance=10**18),
        CONTRACT: Account(nonce=1, code=b"\x00"),
        DELEGATED: Account(nonce=1, code=DELEGATION_PREFIX + CONTRACT),
    }
    transactions = tuple(
        sign(Transaction(0, nonce, 200_000, to, 0, data, 0, 0, 0, gas_price=10), KEY)
        for nonce, (to, data) in enumerate(sent)
    )
    return seal(replace(block, alloc={**block.alloc, **state}, transactions=transactions))


def test_what_is_described_is_the_transaction() -> None:
    sealed = drawn()
    for index, transaction in enumerate(sealed.block.transactions):
        found = describe(sealed, index)
        receipt = sealed.result.receipts[index]
        assert found.hash == keccak(encode_transaction(transaction))
        assert (found.sender, found.to) == (transaction.sender, transaction.to)
        assert (found.tx_index, found.sealed_index) == (sealed.kept[index], index)
        assert f"status {int(receipt.status)}, uses {receipt.gas_used} gas" in found.outcome
        assert len(found.lines()) == 4 + len(found.depends_on)


def test_who_sent_before_is_depended_on() -> None:
    sealed = drawn()
    last: dict[bytes | None, int] = {}
    seen = 0
    for index, transaction in enumerate(sealed.block.transactions):
        before = last.get(transaction.sender)
        if before is not None:
            lines = describe(sealed, index).depends_on
            assert any(line.startswith(f"reads of transaction {before}: ") for line in lines)
            seen += 1
        last[transaction.sender] = sealed.kept[index]
    assert seen


def test_nothing_is_depended_on_by_the_first() -> None:
    assert describe(made((CONTRACT, b"")), 0).depends_on == ()


@pytest.mark.parametrize(
    ("to", "data", "words"),
    [
        (None, b"\x00\x00", "runs 2 bytes of initcode"),
        (
            CONTRACT,
            b"\x12\x34\x56\x78\x9a",
            "calls a contract with 5 bytes of data, selector 0x12345678",
        ),
        (CONTRACT, b"", "calls a contract with 0 bytes of data"),
        (DELEGATED, b"", "calls a delegated account"),
        (b"\x00" * 19 + b"\x06", b"", "a precompiled contract's address"),
        (b"\x77" * 20, b"", "an account that has no code before the block"),
    ],
)
def test_what_runs_is_said(to: bytes | None, data: bytes, words: str) -> None:
    assert words in describe(made((to, data)), 0).action

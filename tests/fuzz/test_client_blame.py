"""Who wrote what a client has wrong is told, from the history of the fold."""

import pytest

from pel_fuzz.client.checking.blame import blame
from pel_fuzz.client.checking.blocks import ClientBlock, client_block_at
from pel_reference.block import Block
from pel_reference.compare import Difference


@pytest.fixture(scope="module")
def block() -> ClientBlock:
    """A block of many transactions, of which one has left a contract."""
    for index in range(21, 200):
        found = client_block_at(11, index, "Prague", least_transactions=40, least_gas=0)
        if any(r.contract_address in found.expected.alloc for r in found.expected.receipts):
            return found
    raise AssertionError("no such block")


def told(block: Block, address: bytes, field: str, right: object, wrong: object) -> str:
    """What is said of a difference in an account."""
    return blame(block, Difference(f"accounts[0x{address.hex()}]{field}", None, right, wrong))


def test_the_writers_of_a_slot_and_the_value_before(block: ClientBlock) -> None:
    before = block.block.alloc
    for address, account in block.expected.alloc.items():
        old = before[address].storage if address in before else {}
        for slot, value in account.storage.items():
            if old.get(slot, 0) not in (0, value):
                words = told(block.block, address, f".storage[{slot:#x}]", value, old[slot])
                assert words.startswith("what writes storage 0x")
                assert "the client has what " in words
                return
    raise AssertionError("no transaction changes a slot")


def test_a_lost_write_is_named(block: ClientBlock) -> None:
    """A sender's nonce as it was in the middle of the block."""
    sent: dict[bytes, list[int]] = {}
    for receipt in block.expected.receipts:
        transaction = block.block.transactions[receipt.tx_index]
        assert transaction.sender is not None
        sent.setdefault(transaction.sender, []).append(receipt.tx_index)
    sender, indices = max(sent.items(), key=lambda item: len(item[1]))
    first = block.block.transactions[indices[0]].nonce + 1
    words = told(block.block, sender, ".nonce", first + len(indices) - 1, first)
    assert f"the client has what transaction {indices[0]} left: as if transaction" in words
    assert f"transaction {indices[1]}" in words


def test_the_fee_recipient_is_known(block: ClientBlock) -> None:
    words = told(block.block, block.block.env.coinbase, ".balance", 1, 2)
    assert "every transaction adds its fee to it" in words


def test_what_nobody_writes(block: ClientBlock) -> None:
    nobody = b"\x77" * 20
    assert told(block.block, nobody, ".balance", 1, 0).startswith("nothing writes balance")
    assert "no transaction writes" in told(block.block, nobody, "", None, "exists")


def test_a_created_account(block: ClientBlock) -> None:
    alloc = block.expected.alloc
    created = next(r for r in block.expected.receipts if r.contract_address in alloc)
    assert created.contract_address is not None
    words = told(block.block, created.contract_address, "", "exists", None)
    assert f"transaction {created.tx_index}" in words


def test_what_is_no_location_has_no_writer(block: ClientBlock) -> None:
    assert blame(block.block, Difference("receipts[3].gas_used", 3, 1, 2)) == ""
    assert blame(block.block, Difference("state_root", None, b"1", b"2")) == ""

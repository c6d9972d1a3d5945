"""Transactions and blocks from bytes: the inverse of encoding, and nothing malformed gets in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_reference.block import Authorization, Transaction
from pel_reference.header import decode_block
from pel_reference.signing import legacy_chain_id
from pel_reference.transaction_decoding import (
    decode_integer,
    decode_transaction,
    rlp_decode,
)
from pel_reference.transaction_rlp import encode_transaction, rlp_encode

WORDS = st.integers(0, 2**256 - 1)
ADDRESSES = st.binary(min_size=20, max_size=20)
ACCESS_LISTS = st.lists(st.tuples(ADDRESSES, st.lists(WORDS, max_size=2).map(tuple)), max_size=2)
AUTHORIZATIONS = st.builds(
    *(Authorization, WORDS, ADDRESSES, st.integers(0, 2**64 - 1), st.integers(0, 255)),
    *(WORDS, WORDS),
)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    kind = draw(st.integers(0, 4))
    v = draw(st.integers(35, 2**64) if kind == 0 else st.integers(0, 255))
    special: dict[str, Any] = {"chain_id": legacy_chain_id(v)}
    if kind >= 1:
        special["chain_id"] = draw(st.integers(0, 2**64 - 1))
        special["access_list"] = tuple(draw(ACCESS_LISTS))
    if kind >= 2:
        special |= {"max_fee_per_gas": draw(WORDS), "max_priority_fee_per_gas": draw(WORDS)}
    else:
        special["gas_price"] = draw(WORDS)
    if kind == 3:
        special["max_fee_per_blob_gas"] = draw(WORDS)
        hashes = draw(st.lists(st.binary(min_size=32, max_size=32), max_size=2))
        special["blob_versioned_hashes"] = tuple(hashes)
    if kind == 4:
        special["authorizations"] = tuple(draw(st.lists(AUTHORIZATIONS, max_size=2)))
    to = draw(st.none() | ADDRESSES)
    numbers = [draw(WORDS) for _ in range(5)]
    nonce, gas_limit, value, r, s = numbers
    data = draw(st.binary(max_size=5))
    return Transaction(kind, nonce, gas_limit, to, value, data, v, r, s, **special)


@given(transactions())
def test_decoding_is_the_inverse(transaction: Transaction) -> None:
    encoded = encode_transaction(transaction)
    item = encoded if transaction.type else rlp_decode(encoded)
    assert decode_transaction(item) == transaction


@given(transactions(), st.data())
def test_a_changed_byte_is_another_transaction_or_none(
    transaction: Transaction, data: st.DataObject
) -> None:
    encoded = bytearray(encode_transaction(transaction))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        item = bytes(encoded) if transaction.type else rlp_decode(bytes(encoded))
        changed = decode_transaction(item)
    except ValueError:
        return
    assert changed != transaction


NINE = [b""] * 9


@pytest.mark.parametrize(
    "item",
    [
        *(b"", b"\x00", b"\x05\xc0", b"\x7f", b"\x01", b"\x02\xc0", b"\x01\xc0\xc0", b"\x03\x80"),
        *([], NINE[:8], [*NINE, b""], [[], *NINE[1:]], [*NINE[:3], b"\1" * 19, *NINE[4:]]),
        *([b"\0", *NINE[1:]], [b"\0\1", *NINE[1:]], [b"\1" * 33, *NINE[1:]], [NINE] * 9),
    ],
)
def test_malformed_transactions(item: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_transaction(item)


@pytest.mark.parametrize(
    "data", [b"", b"\xc0", b"\x81\x01", b"\xc1", b"\xb8\x01\x01", b"\xc3\xc0\xc0\xc0", b"\xff" * 9]
)
def test_malformed_blocks(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_block(data)


def test_deeply_nested_rlp_is_refused() -> None:
    item: Any = b""
    for _ in range(60):
        item = [item]
    assert rlp_decode(rlp_encode(item)) == item
    with pytest.raises(ValueError, match="not RLP"):
        rlp_decode(b"\xc1" * 100_000)


def test_integers() -> None:
    assert decode_integer(b"") == 0
    assert decode_integer(b"\xff", 8) == 255
    for bad, bits in ((b"\1\0", 8), (b"\0", 8), ([], 8)):
        with pytest.raises(ValueError, match="an integer"):
            decode_integer(bad, bits)

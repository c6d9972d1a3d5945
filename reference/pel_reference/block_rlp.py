"""Headers and whole blocks as the bytes that the chain holds: the inverse of `header`."""

from collections.abc import Sequence
from dataclasses import replace

from eth_hash.auto import keccak

from pel_reference.block import Transaction, Withdrawal
from pel_reference.header import Header
from pel_reference.roots import withdrawal_fields
from pel_reference.transaction_decoding import decode_list, rlp_decode
from pel_reference.transaction_rlp import (
    RlpItem,
    encode_transaction,
    integer,
    rlp_encode,
    unsigned_fields,
)


def header_fields(header: Header) -> list[RlpItem]:
    """A header as it is encoded, up to the last field that it has.

    Range: the fields that the forks since London brought are there up to some fork's, and `None`
    beyond.
    """
    fields: list[RlpItem] = [
        *(header.parent_hash, header.ommers_hash, header.coinbase, header.state_root),
        *(header.transactions_root, header.receipts_root, header.bloom),
        *map(integer, (header.difficulty, header.number, header.gas_limit, header.gas_used)),
        *(integer(header.timestamp), header.extra_data, header.mix_hash, header.nonce),
    ]
    later = (
        *(header.base_fee_wei, header.withdrawals_root, header.blob_gas_used),
        *(header.excess_blob_gas, header.parent_beacon_block_root, header.requests_hash),
    )
    given = [value for value in later if value is not None]
    return fields + [integer(value) if isinstance(value, int) else value for value in given]


def hashed(header: Header) -> Header:
    """The same header with the hash and the number of fields that it really has."""
    fields = header_fields(header)
    return replace(header, hash=keccak(rlp_encode(fields)), field_count=len(fields))


def _body_item(transaction: Transaction) -> RlpItem:
    """A transaction inside of a block: a list, or a string that begins with its type."""
    if transaction.type != 0:
        return encode_transaction(transaction)
    signature = (transaction.v, transaction.r, transaction.s)
    return [*unsigned_fields(transaction), *map(integer, signature)]


def encode_block(
    header: Header,
    transactions: Sequence[Transaction],
    withdrawals: Sequence[Withdrawal] | None,
) -> bytes:
    """A whole block without ommers; `withdrawals` is `None` where its fork has none."""
    parts: list[RlpItem] = [header_fields(header), [_body_item(each) for each in transactions], []]
    if withdrawals is not None:
        parts.append([withdrawal_fields(each) for each in withdrawals])
    return rlp_encode(parts)


def with_header(encoded: bytes, header: Header) -> bytes:
    """The same block under another header; everything else stays byte for byte.

    Raises: `ValueError` where the bytes are no RLP list.
    """
    _, *others = decode_list(rlp_decode(encoded))
    return rlp_encode([header_fields(header), *others])

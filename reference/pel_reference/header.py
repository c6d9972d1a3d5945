"""Block headers and whole blocks, as the bytes of the chain hold them."""

from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from pel_reference.block import Transaction, Withdrawal
from pel_reference.transaction_decoding import (
    decode_bytes,
    decode_integer,
    decode_list,
    decode_transaction,
    rlp_decode,
)
from pel_reference.transaction_rlp import rlp_encode

MAX_EXTRA_BYTES = 32
BLOOM_BYTES = 256
NONCE_BYTES = 8

# The number of fields of a header, by the fork that brought the last of them.
LONDON_FIELDS = 16
SHANGHAI_FIELDS = 17
CANCUN_FIELDS = 20
PRAGUE_FIELDS = 21
FIELD_COUNTS = (15, LONDON_FIELDS, SHANGHAI_FIELDS, CANCUN_FIELDS, PRAGUE_FIELDS)


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header; a field that its fork lacks is `None`.

    `hash` is that of the bytes it was decoded from. `mix_hash` is the random value after the merge.
    """

    hash: bytes
    field_count: int
    parent_hash: bytes
    ommers_hash: bytes
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee_wei: int | None = None
    withdrawals_root: bytes | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: bytes | None = None
    requests_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block of the chain, decoded, nothing of it checked.

    `ommers_hash` is that of the ommers which are there, whatever the header says; `withdrawals` is
    `None` in a block without such a part.
    """

    header: Header
    transactions: tuple[Transaction, ...]
    ommers: tuple[Header, ...]
    ommers_hash: bytes
    withdrawals: tuple[Withdrawal, ...] | None


def _later_fields(items: list[Any]) -> dict[str, Any]:
    """What the forks since London brought, as far as it is there."""
    count = len(items)
    found: dict[str, Any] = {}
    if count >= LONDON_FIELDS:
        found["base_fee_wei"] = decode_integer(items[15])
    if count >= SHANGHAI_FIELDS:
        found["withdrawals_root"] = decode_bytes(items[16], 32)
    if count >= CANCUN_FIELDS:
        found["blob_gas_used"] = decode_integer(items[17], 64)
        found["excess_blob_gas"] = decode_integer(items[18], 64)
        found["parent_beacon_block_root"] = decode_bytes(items[19], 32)
    if count >= PRAGUE_FIELDS:
        found["requests_hash"] = decode_bytes(items[20], 32)
    return found


def decode_header(item: Any) -> Header:
    """A header from its decoded RLP list.

    Raises: `ValueError` where no fork has such a header.
    """
    items = decode_list(item)
    if len(items) not in FIELD_COUNTS:
        raise ValueError(f"a header of {len(items)} fields")
    return Header(
        hash=keccak(rlp_encode(items)),
        field_count=len(items),
        parent_hash=decode_bytes(items[0], 32),
        ommers_hash=decode_bytes(items[1], 32),
        coinbase=decode_bytes(items[2], 20),
        state_root=decode_bytes(items[3], 32),
        transactions_root=decode_bytes(items[4], 32),
        receipts_root=decode_bytes(items[5], 32),
        bloom=decode_bytes(items[6], BLOOM_BYTES),
        difficulty=decode_integer(items[7]),
        number=decode_integer(items[8], 64),
        gas_limit=decode_integer(items[9], 63),
        gas_used=decode_integer(items[10], 63),
        timestamp=decode_integer(items[11], 64),
        extra_data=decode_bytes(items[12]),
        mix_hash=decode_bytes(items[13], 32),
        nonce=decode_bytes(items[14], NONCE_BYTES),
        **_later_fields(items),
    )


def _decode_withdrawal(item: Any) -> Withdrawal:
    index, validator_index, address, amount = decode_list(item, 4)
    return Withdrawal(
        index=decode_integer(index, 64),
        validator_index=decode_integer(validator_index, 64),
        address=decode_bytes(address, 20),
        amount_gwei=decode_integer(amount, 64),
    )


def decode_block(data: bytes) -> RawBlock:
    """A block from its bytes.

    Raises: `ValueError` where they are no block of any fork.
    """
    parts = decode_list(rlp_decode(data))
    if len(parts) not in (3, 4):
        raise ValueError(f"a block of {len(parts)} parts")
    withdrawals = None
    if len(parts) == 4:
        withdrawals = tuple(_decode_withdrawal(item) for item in decode_list(parts[3]))
    return RawBlock(
        header=decode_header(parts[0]),
        transactions=tuple(decode_transaction(item) for item in decode_list(parts[1])),
        ommers=tuple(decode_header(item) for item in decode_list(parts[2])),
        ommers_hash=keccak(rlp_encode(parts[2])),
        withdrawals=withdrawals,
    )

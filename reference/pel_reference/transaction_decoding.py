"""Transactions from the bytes that blocks hold."""

from collections.abc import Sequence
from typing import Any

import rlp

from pel_reference.block import Authorization, Transaction
from pel_reference.signing import legacy_chain_id

_FIELD_COUNTS = {0: 9, 1: 11, 2: 12, 3: 14, 4: 13}


def rlp_decode(data: bytes) -> Any:
    """The byte strings and lists of them that this RLP encodes.

    Raises: `ValueError` where it is no RLP, or not the shortest of its meaning.
    """
    try:
        return rlp.decode(data, strict=True)
    except (rlp.DecodingError, RecursionError) as error:
        raise ValueError(f"not RLP: {error}") from error


def decode_integer(item: Any, bits: int = 256) -> int:
    """An RLP integer from 0 to `2**bits - 1`.

    Raises: `ValueError` for anything else, leading zeros included.
    """
    if not isinstance(item, bytes) or item[:1] == b"\0":
        raise ValueError("an integer with leading zeros, or none")
    value = int.from_bytes(item, "big")
    if value >> bits:
        raise ValueError(f"an integer of more than {bits} bits")
    return value


def decode_bytes(item: Any, length: int | None = None) -> bytes:
    """A byte string, of exactly `length` bytes where it is given.

    Raises: `ValueError`.
    """
    if not isinstance(item, bytes) or (length is not None and len(item) != length):
        raise ValueError("a string of a wrong length, or none")
    return item


def decode_list(item: Any, length: int | None = None) -> list[Any]:
    """A list, of exactly `length` items where it is given.

    Raises: `ValueError`.
    """
    if not isinstance(item, list | tuple) or (length is not None and len(item) != length):
        raise ValueError("a list of a wrong length, or none")
    return list(item)


def _access_list(item: Any) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    entries = []
    for entry in decode_list(item):
        address, slots = decode_list(entry, 2)
        words = [int.from_bytes(decode_bytes(slot, 32), "big") for slot in decode_list(slots)]
        entries.append((decode_bytes(address, 20), tuple(words)))
    return tuple(entries)


def _authorization(item: Any) -> Authorization:
    chain_id, address, nonce, y_parity, r, s = decode_list(item, 6)
    return Authorization(
        chain_id=decode_integer(chain_id),
        address=decode_bytes(address, 20),
        nonce=decode_integer(nonce, 64),
        y_parity=decode_integer(y_parity, 8),
        r=decode_integer(r),
        s=decode_integer(s),
    )


def _type_fields(kind: int, fields: list[Any]) -> dict[str, Any]:
    """What only some types have; `fields` is emptied of it, up to the common ones."""
    found: dict[str, Any] = {}
    if kind >= 1:
        found["chain_id"] = decode_integer(fields.pop(0), 64)
        found["access_list"] = _access_list(fields.pop(7 if kind >= 2 else 6))
    if kind >= 2:
        found["max_priority_fee_per_gas"] = decode_integer(fields.pop(1))
        found["max_fee_per_gas"] = decode_integer(fields.pop(1))
    else:
        found["gas_price"] = decode_integer(fields.pop(1))
    if kind == 3:
        found["max_fee_per_blob_gas"] = decode_integer(fields.pop(5))
        hashes = decode_list(fields.pop(5))
        found["blob_versioned_hashes"] = tuple(decode_bytes(item, 32) for item in hashes)
    if kind == 4:
        entries = decode_list(fields.pop(5))
        found["authorizations"] = tuple(_authorization(entry) for entry in entries)
    return found


def _from_fields(kind: int, items: Sequence[Any]) -> Transaction:
    fields = decode_list(items, _FIELD_COUNTS[kind])
    special = _type_fields(kind, fields)
    nonce, gas_limit, to, value, data, v, r, s = fields
    v_bits = 256 if kind == 0 else 8
    v_value = decode_integer(v, v_bits)
    if kind == 0:
        special["chain_id"] = legacy_chain_id(v_value)
    return Transaction(
        type=kind,
        nonce=decode_integer(nonce),
        gas_limit=decode_integer(gas_limit),
        to=decode_bytes(to, 20) if to else None,
        value=decode_integer(value),
        data=decode_bytes(data),
        v=v_value,
        r=decode_integer(r),
        s=decode_integer(s),
        **special,
    )


def decode_transaction(item: Any) -> Transaction:
    """A transaction from an element of a block's list: fields (type 0), or type byte and RLP.

    Raises: `ValueError` where no type has such an encoding.
    Source: EIP-2718.
    """
    if not isinstance(item, bytes):
        return _from_fields(0, item)
    kind = item[0] if item else 0
    if kind not in (1, 2, 3, 4):
        raise ValueError("an unknown transaction type")
    return _from_fields(kind, rlp_decode(item[1:]))

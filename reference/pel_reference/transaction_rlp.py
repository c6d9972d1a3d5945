"""Transactions as bytes: what is signed, and what the transactions trie holds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from rlp.codec import encode_raw

if TYPE_CHECKING:
    from pel_reference.block import Authorization, Transaction

RlpItem: TypeAlias = bytes | Sequence["RlpItem"]


def integer(value: int) -> bytes:
    """An RLP integer: big-endian without leading zeros, so that 0 is the empty string."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def rlp_encode(item: RlpItem) -> bytes:
    """The RLP encoding of byte strings and sequences of them."""
    encoded: bytes = encode_raw(item)
    return encoded


def is_replay_protected(v: int) -> bool:
    """Whether a legacy `v` (or a wanted one) carries a chain id. Source: EIP-155."""
    return v not in (27, 28)


def authorization_fields(authorization: "Authorization") -> list[RlpItem]:
    """One entry of an authorization list, as it is encoded. Source: EIP-7702."""
    return [
        integer(authorization.chain_id),
        authorization.address,
        integer(authorization.nonce),
        integer(authorization.y_parity),
        integer(authorization.r),
        integer(authorization.s),
    ]


def unsigned_fields(transaction: "Transaction") -> list[RlpItem]:
    """The fields before the signature, in the order of the type, chain id of typed ones included.

    Range: `transaction.type` is 0 to 4.
    Source: EIP-155, EIP-2930, EIP-1559, EIP-4844, EIP-7702.
    """
    kind = transaction.type
    fields: list[RlpItem] = [] if kind == 0 else [integer(transaction.chain_id or 0)]
    fields.append(integer(transaction.nonce))
    if kind in (0, 1):
        fields.append(integer(transaction.gas_price or 0))
    else:
        fields.append(integer(transaction.max_priority_fee_per_gas or 0))
        fields.append(integer(transaction.max_fee_per_gas or 0))
    fields += [
        integer(transaction.gas_limit),
        transaction.to or b"",
        integer(transaction.value),
        transaction.data,
    ]
    if kind >= 1:
        fields.append(
            [
                [a, [slot.to_bytes(32, "big") for slot in slots]]
                for a, slots in transaction.access_list
            ]
        )
    if kind == 3:
        fields.append(integer(transaction.max_fee_per_blob_gas or 0))
        fields.append(list(transaction.blob_versioned_hashes))
    if kind == 4:
        fields.append([authorization_fields(entry) for entry in transaction.authorizations])
    return fields


def encode_transaction(transaction: "Transaction") -> bytes:
    """The bytes that the transactions trie holds: an RLP list, or type byte and RLP list.

    Source: EIP-2718.
    """
    signature = [integer(transaction.v), integer(transaction.r), integer(transaction.s)]
    encoded = rlp_encode([*unsigned_fields(transaction), *signature])
    return encoded if transaction.type == 0 else bytes([transaction.type]) + encoded

"""Transactions as JSON, as transition tools and nodes write them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pel_reference.alloc_json import hex_bytes
from pel_reference.block import Authorization, Transaction
from pel_reference.json_input import Field
from pel_reference.signing import legacy_chain_id, sign
from pel_reference.transaction_decoding import decode_list, decode_transaction, rlp_decode

_SIGNATURE = ("v", "r", "s")


def _parse_access_list(field: Field) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    return tuple(
        (
            entry.require("address").address(),
            tuple(slot.number() for slot in entry.require("storageKeys").elements()),
        )
        for entry in field.elements()
    )


def _parse_authorization(field: Field) -> Authorization:
    return Authorization(
        chain_id=field.require("chainId").number(),
        address=field.require("address").address(),
        nonce=field.require("nonce").number(64),
        y_parity=field.require("yParity", "v").number(8),
        r=field.require("r").number(),
        s=field.require("s").number(),
    )


def _type_of(field: Field) -> int:
    """The type, from its field or else from the fields that only some types have."""
    given = field.get("type")
    if given is not None:
        return given.number(7)
    if field.has("authorizationList"):
        return 4
    if field.has("maxFeePerBlobGas") or field.has("blobVersionedHashes"):
        return 3
    if field.has("maxFeePerGas"):
        return 2
    return 1 if field.has("accessList") else 0


def _price_fields(field: Field, kind: int) -> dict[str, Any]:
    if kind < 2:
        return {"gas_price": field.require("gasPrice").number()}
    return {
        "max_fee_per_gas": field.require("maxFeePerGas").number(),
        "max_priority_fee_per_gas": field.require("maxPriorityFeePerGas").number(),
    }


def _list_fields(field: Field, kind: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    access_list = field.get("accessList")
    if kind >= 1 and access_list is not None:
        found["access_list"] = _parse_access_list(access_list)
    if kind == 3:
        found["max_fee_per_blob_gas"] = field.require("maxFeePerBlobGas").number()
        hashes = field.require("blobVersionedHashes").elements()
        found["blob_versioned_hashes"] = tuple(item.data(32) for item in hashes)
    if kind == 4:
        entries = field.require("authorizationList").elements()
        found["authorizations"] = tuple(_parse_authorization(entry) for entry in entries)
    return found


def _parse_to(field: Field) -> bytes | None:
    to = field.get("to")
    return None if to is None or to.value in ("", "0x") else to.address()


def _parse_unsigned(field: Field, kind: int) -> Transaction:
    if kind > 4:
        raise field.require("type").error(f"type {kind} is not known")
    chain_id = field.get("chainId")
    if kind >= 1:
        chain_id = field.require("chainId")
    return Transaction(
        type=kind,
        nonce=field.require("nonce").number(),
        gas_limit=field.require("gas", "gasLimit").number(),
        to=_parse_to(field),
        value=field.require("value").number(),
        data=field.require("input", "data").data(),
        v=0,
        r=0,
        s=0,
        chain_id=chain_id.number() if chain_id else None,
        **_price_fields(field, kind),
        **_list_fields(field, kind),
    )


def _with_signature(field: Field, unsigned: Transaction) -> Transaction:
    v_field = field.get("v") or field.require("yParity")
    v = v_field.number()
    chain_id = unsigned.chain_id
    if unsigned.type == 0 and chain_id is None:
        chain_id = legacy_chain_id(v)
    r, s = field.require("r").number(), field.require("s").number()
    return replace(unsigned, v=v, r=r, s=s, chain_id=chain_id)


def _is_unsigned(field: Field) -> bool:
    """Whether no signature is given; some tools write zeros instead of leaving it out."""
    return not any(value.number() for name in _SIGNATURE if (value := field.get(name)))


def _signed_with_key(
    field: Field, unsigned: Transaction, chain_id: int, replay_protection: bool
) -> Transaction:
    key = field.require("secretKey")
    protected = field.get("protected")
    is_protected = replay_protection and (protected is None or protected.boolean())
    if unsigned.type == 0:
        unsigned = replace(unsigned, chain_id=chain_id if is_protected else None)
    try:
        return sign(unsigned, key.word())
    except ValueError as error:
        raise key.error("is no secret key of secp256k1") from error


def parse_transaction(field: Field, chain_id: int, replay_protection: bool) -> Transaction:
    """One transaction, signed already or with a `secretKey` to sign it with.

    `chain_id` and `replay_protection` say how a type 0 transaction is signed with its key.

    Raises: `InputError`.
    """
    if field.has("secretKey") and _is_unsigned(field):
        kind = _type_of(field)
        if kind >= 1 and not field.has("chainId"):
            field = Field(field.source, field.path, {**field.value, "chainId": chain_id})
        unsigned = _parse_unsigned(field, kind)
        return _signed_with_key(field, unsigned, chain_id, replay_protection)
    return _with_signature(field, _parse_unsigned(field, _type_of(field)))


def _parse_rlp(field: Field) -> tuple[Transaction, ...]:
    try:
        items = decode_list(rlp_decode(field.data()))
        return tuple(decode_transaction(item) for item in items)
    except ValueError as error:
        raise field.error(str(error)) from error


def parse_transactions(
    field: Field, chain_id: int, replay_protection: bool
) -> tuple[Transaction, ...]:
    """All transactions: an array of objects, or one string with the RLP of a block's list.

    Raises: `InputError`.
    """
    if isinstance(field.value, str):
        return _parse_rlp(field)
    return tuple(
        parse_transaction(element, chain_id, replay_protection) for element in field.elements()
    )


def _dump_access_list(transaction: Transaction) -> list[dict[str, Any]]:
    return [
        {"address": hex_bytes(address), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
        for address, slots in transaction.access_list
    ]


def _dump_authorization(authorization: Authorization) -> dict[str, str]:
    return {
        "chainId": hex(authorization.chain_id),
        "address": hex_bytes(authorization.address),
        "nonce": hex(authorization.nonce),
        # Transition tools differ in which of the two names they read.
        "v": hex(authorization.y_parity),
        "yParity": hex(authorization.y_parity),
        "r": hex(authorization.r),
        "s": hex(authorization.s),
    }


def dump_transaction(transaction: Transaction) -> dict[str, Any]:
    """The inverse of `parse_transaction`, for a signed one."""
    dumped: dict[str, Any] = {
        "type": hex(transaction.type),
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas_limit),
        "to": hex_bytes(transaction.to) if transaction.to is not None else None,
        "value": hex(transaction.value),
        "input": hex_bytes(transaction.data),
        "v": hex(transaction.v),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    numbers = {
        "chainId": transaction.chain_id,
        "gasPrice": transaction.gas_price,
        "maxFeePerGas": transaction.max_fee_per_gas,
        "maxPriorityFeePerGas": transaction.max_priority_fee_per_gas,
        "maxFeePerBlobGas": transaction.max_fee_per_blob_gas,
    }
    dumped |= {name: hex(number) for name, number in numbers.items() if number is not None}
    if transaction.type >= 1:
        dumped["accessList"] = _dump_access_list(transaction)
    if transaction.type == 3:
        dumped["blobVersionedHashes"] = [hex_bytes(h) for h in transaction.blob_versioned_hashes]
    if transaction.type == 4:
        dumped["authorizationList"] = [_dump_authorization(a) for a in transaction.authorizations]
    return dumped


def dump_transactions(transactions: Sequence[Transaction]) -> list[dict[str, Any]]:
    """The inverse of `parse_transactions`."""
    return [dump_transaction(transaction) for transaction in transactions]

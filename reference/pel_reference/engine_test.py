"""Tests in the `blockchain_test_engine` format: reading them as chains of blocks.

Each call of `engine_newPayload` stands for a block. Its header is put together again from the
arguments, as a client does it, and must hash to what the payload says; what comes of it is judged
as any other test is.
"""

from typing import NamedTuple

from pel_reference.block import Transaction, Withdrawal
from pel_reference.block_rlp import encode_block, hashed
from pel_reference.blockchain_test import (
    ChainTest,
    GivenBlock,
    common_fields,
    expected_exception,
)
from pel_reference.engine_payload import versioned_hashes
from pel_reference.environment_json import parse_withdrawals
from pel_reference.header import BLOOM_BYTES, NONCE_BYTES, Header
from pel_reference.header_rules import EMPTY_OMMERS_HASH
from pel_reference.json_input import Field
from pel_reference.requests import requests_hash
from pel_reference.roots import transactions_root, withdrawals_root
from pel_reference.transaction_decoding import decode_transaction, rlp_decode

MOST_ARGUMENTS = 4
_FIRST_LIST_BYTE = 0xC0
"""From here on a byte begins an RLP list; below it stand the types of transactions. EIP-2718."""


def is_engine_test(document: Field) -> bool:
    """Whether this JSON document holds such tests."""
    value = document.value
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(test, dict) and "engineNewPayloads" in test for test in value.values())
    )


def _optional(field: Field, name: str, bits: int = 64) -> int | None:
    found = field.get(name)
    return found.number(bits) if found is not None else None


def _optional_hash(field: Field, name: str) -> bytes | None:
    found = field.get(name)
    return found.data(32) if found is not None else None


def _parse_genesis(field: Field) -> Header:
    """A header from its fields; its hash is the one that these fields give."""
    header = Header(
        hash=b"",
        field_count=0,
        parent_hash=field.require("parentHash").data(32),
        ommers_hash=field.require("uncleHash").data(32),
        coinbase=field.require("coinbase").address(),
        state_root=field.require("stateRoot").data(32),
        transactions_root=field.require("transactionsTrie").data(32),
        receipts_root=field.require("receiptTrie").data(32),
        bloom=field.require("bloom").data(BLOOM_BYTES),
        difficulty=field.require("difficulty").number(),
        number=field.require("number").number(63),
        gas_limit=field.require("gasLimit").number(63),
        gas_used=field.require("gasUsed").number(63),
        timestamp=field.require("timestamp").number(64),
        extra_data=field.require("extraData").data(),
        mix_hash=field.require("mixHash").data(32),
        nonce=field.require("nonce").data(NONCE_BYTES),
        base_fee_wei=_optional(field, "baseFeePerGas", 256),
        withdrawals_root=_optional_hash(field, "withdrawalsRoot"),
        blob_gas_used=_optional(field, "blobGasUsed"),
        excess_blob_gas=_optional(field, "excessBlobGas"),
        parent_beacon_block_root=_optional_hash(field, "parentBeaconBlockRoot"),
        requests_hash=_optional_hash(field, "requestsHash"),
    )
    return hashed(header)


class _Body(NamedTuple):
    """What a payload holds beside its header."""

    transactions: tuple[Transaction, ...]
    withdrawals: tuple[Withdrawal, ...] | None


def _parse_transaction(field: Field) -> Transaction:
    """The bytes of one transaction, type byte and all."""
    data = field.data()
    try:
        is_list = bool(data) and data[0] >= _FIRST_LIST_BYTE
        return decode_transaction(rlp_decode(data) if is_list else data)
    except ValueError as error:
        raise field.error(f"not a transaction: {error}") from error


def _parse_body(payload: Field) -> _Body:
    withdrawals = payload.get("withdrawals")
    return _Body(
        tuple(map(_parse_transaction, payload.require("transactions").elements())),
        parse_withdrawals(withdrawals) if withdrawals is not None else None,
    )


def _parse_header(payload: Field, body: _Body, others: list[Field]) -> Header:
    """The header that the arguments of a call stand for: the payload and those after it."""
    requests = [each.data() for each in others[2].elements()] if len(others) > 2 else None
    header = Header(
        hash=b"",
        field_count=0,
        parent_hash=payload.require("parentHash").data(32),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=payload.require("feeRecipient").address(),
        state_root=payload.require("stateRoot").data(32),
        transactions_root=transactions_root(body.transactions),
        receipts_root=payload.require("receiptsRoot").data(32),
        bloom=payload.require("logsBloom").data(BLOOM_BYTES),
        difficulty=0,
        number=payload.require("blockNumber").number(63),
        gas_limit=payload.require("gasLimit").number(63),
        gas_used=payload.require("gasUsed").number(63),
        timestamp=payload.require("timestamp").number(64),
        extra_data=payload.require("extraData").data(),
        mix_hash=payload.require("prevRandao").data(32),
        nonce=bytes(NONCE_BYTES),
        base_fee_wei=payload.require("baseFeePerGas").number(),
        withdrawals_root=None if body.withdrawals is None else withdrawals_root(body.withdrawals),
        blob_gas_used=_optional(payload, "blobGasUsed"),
        excess_blob_gas=_optional(payload, "excessBlobGas"),
        parent_beacon_block_root=others[1].data(32) if len(others) > 1 else None,
        requests_hash=None if requests is None else requests_hash(requests),
    )
    return hashed(header)


def _arguments(field: Field) -> list[Field]:
    parameters = field.require("params")
    arguments = list(parameters.elements())
    if not 1 <= len(arguments) <= MOST_ARGUMENTS:
        raise parameters.error(f"must be 1 to {MOST_ARGUMENTS} arguments")
    return arguments


def header_of_call(field: Field) -> Header:
    """The header that one element of `engineNewPayloads` stands for, whatever hash it gives.

    Raises: `InputError`.
    """
    payload, *others = _arguments(field)
    return _parse_header(payload, _parse_body(payload), others)


def _parse_call(field: Field) -> tuple[GivenBlock, str | None]:
    """The block of a call, and why the call cannot be judged as that block, if it cannot."""
    payload, *others = _arguments(field)
    body = _parse_body(payload)
    header = _parse_header(payload, body, others)
    why = None
    if header.hash != payload.require("blockHash").data(32):
        why = "a payload with the hash of another block"
    elif others and [h.data(32) for h in others[0].elements()] != versioned_hashes(
        body.transactions
    ):
        why = "a payload with the versioned hashes of other blobs"
    encoded = encode_block(header, body.transactions, body.withdrawals)
    return GivenBlock(encoded, expected_exception(field.get("validationError"))), why


def _parse_test(name: str, field: Field) -> ChainTest:
    genesis = _parse_genesis(field.require("genesisBlockHeader"))
    calls = [_parse_call(each) for each in field.require("engineNewPayloads").elements()]
    common = common_fields(name, field)
    common["unsupported"] = common["unsupported"] or next((why for _, why in calls if why), None)
    no_withdrawals = None if genesis.withdrawals_root is None else ()
    return ChainTest(
        genesis=genesis,
        genesis_encoded=encode_block(genesis, (), no_withdrawals),
        blocks=tuple(block for block, _ in calls),
        **common,
    )


def parse_engine_tests(document: Field) -> tuple[ChainTest, ...]:
    """All tests of a document, in its order, each payload as the block that it stands for.

    Raises: `InputError`.
    """
    return tuple(_parse_test(name, field) for name, field in document.entries())

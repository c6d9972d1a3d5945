"""Sealed blocks as engine payloads: the `blockchain_test_engine` format, written and read.

A payload is not the block's bytes but the arguments of `engine_newPayload`: the header is put
together again by who gets it, and must hash to what the payload says. Reading does just that, so
what is read is judged as any other test.

Block-level access lists (EIP-7928) would travel in the payload of a fork that nothing here knows.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pel_reference.alloc_json import hex_bytes, parse_alloc
from pel_reference.block import Transaction, Withdrawal
from pel_reference.block_rlp import encode_block, hashed
from pel_reference.blockchain_test import (
    DEFAULT_CHAIN_ID,
    ChainTest,
    GivenBlock,
    expected_exception,
    other_blob_schedule,
)
from pel_reference.environment_json import parse_withdrawals
from pel_reference.fixture_json import dump_common
from pel_reference.fork_names import is_from
from pel_reference.header import NONCE_BYTES, Header
from pel_reference.header_rules import EMPTY_OMMERS_HASH
from pel_reference.json_input import Field
from pel_reference.requests import requests_hash
from pel_reference.roots import list_root, transactions_root, withdrawals_root
from pel_reference.sealing import SealedBlock
from pel_reference.transaction_decoding import decode_transaction, rlp_decode
from pel_reference.transaction_rlp import encode_transaction

FIRST_ENGINE_FORK = "Paris"
"""The engine API came with the merge."""
_NEW_PAYLOAD = MappingProxyType({"Paris": 1, "Shanghai": 2, "Cancun": 3, "Prague": 4})
_FORKCHOICE_UPDATED = MappingProxyType({"Paris": 1, "Shanghai": 2, "Cancun": 3, "Prague": 3})
"""Versions of the engine API's methods by fork. Source: the engine API's specification."""


def has_engine(fork: str) -> bool:
    """Whether blocks of this fork (a canonical name) come as engine payloads."""
    return is_from(fork, FIRST_ENGINE_FORK)


def _versioned_hashes(transactions: tuple[Transaction, ...]) -> list[bytes]:
    return [each for transaction in transactions for each in transaction.blob_versioned_hashes]


def _dump_withdrawal(withdrawal: Withdrawal) -> dict[str, str]:
    return {
        "index": hex(withdrawal.index),
        "validatorIndex": hex(withdrawal.validator_index),
        "address": hex_bytes(withdrawal.address),
        "amount": hex(withdrawal.amount_gwei),
    }


def _dump_payload(sealed: SealedBlock) -> dict[str, Any]:
    header, block = sealed.header, sealed.block
    assert header.base_fee_wei is not None
    payload: dict[str, Any] = {
        "parentHash": hex_bytes(header.parent_hash),
        "feeRecipient": hex_bytes(header.coinbase),
        "stateRoot": hex_bytes(header.state_root),
        "receiptsRoot": hex_bytes(header.receipts_root),
        "logsBloom": hex_bytes(header.bloom),
        "blockNumber": hex(header.number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "extraData": hex_bytes(header.extra_data),
        "prevRandao": hex_bytes(header.mix_hash),
        "baseFeePerGas": hex(header.base_fee_wei),
    }
    if header.blob_gas_used is not None and header.excess_blob_gas is not None:
        payload["blobGasUsed"] = hex(header.blob_gas_used)
        payload["excessBlobGas"] = hex(header.excess_blob_gas)
    payload["blockHash"] = hex_bytes(header.hash)
    payload["transactions"] = [hex_bytes(encode_transaction(each)) for each in block.transactions]
    if block.env.withdrawals is not None:
        payload["withdrawals"] = [_dump_withdrawal(each) for each in block.env.withdrawals]
    return payload


def _dump_call(sealed: SealedBlock) -> dict[str, Any]:
    """One call of `engine_newPayload`, and the version of the call that makes it the head."""
    header, block = sealed.header, sealed.block
    parameters: list[Any] = [_dump_payload(sealed)]
    if header.parent_beacon_block_root is not None:
        parameters.append([hex_bytes(each) for each in _versioned_hashes(block.transactions)])
        parameters.append(hex_bytes(header.parent_beacon_block_root))
    if sealed.result.requests is not None:
        parameters.append([hex_bytes(request) for request in sealed.result.requests])
    return {
        "params": parameters,
        "newPayloadVersion": str(_NEW_PAYLOAD[block.fork]),
        "forkchoiceUpdatedVersion": str(_FORKCHOICE_UPDATED[block.fork]),
    }


def dump_engine_test(sealed: SealedBlock) -> dict[str, Any]:
    """The block as a `blockchain_test_engine`, without `_info`; its fork has engine payloads."""
    return dump_common(sealed) | {"engineNewPayloads": [_dump_call(sealed)]}


def is_engine_test(document: Field) -> bool:
    """Whether this JSON document holds such tests."""
    value = document.value
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(test, dict) and "engineNewPayloads" in test for test in value.values())
    )


_GENESIS_NUMBERS = MappingProxyType(
    {
        "difficulty": "difficulty",
        "number": "number",
        "gas_limit": "gasLimit",
        "gas_used": "gasUsed",
        "timestamp": "timestamp",
    }
)
_HASHES = MappingProxyType(
    {
        "parent_hash": "parentHash",
        "ommers_hash": "uncleHash",
        "state_root": "stateRoot",
        "transactions_root": "transactionsTrie",
        "receipts_root": "receiptTrie",
        "mix_hash": "mixHash",
    }
)


def _optional(field: Field, name: str, bits: int = 64) -> int | None:
    found = field.get(name)
    return found.number(bits) if found is not None else None


def _optional_hash(field: Field, name: str) -> bytes | None:
    found = field.get(name)
    return found.data(32) if found is not None else None


def _parse_genesis(field: Field) -> Header:
    """A header from its fields; its hash is the one that these fields give."""
    numbers = {to: field.require(name).number(63) for to, name in _GENESIS_NUMBERS.items()}
    hashes = {to: field.require(name).data(32) for to, name in _HASHES.items()}
    return hashed(
        Header(
            hash=b"",
            field_count=0,
            coinbase=field.require("coinbase").address(),
            bloom=field.require("bloom").data(256),
            extra_data=field.require("extraData").data(),
            nonce=field.require("nonce").data(NONCE_BYTES),
            base_fee_wei=_optional(field, "baseFeePerGas", 256),
            withdrawals_root=_optional_hash(field, "withdrawalsRoot"),
            blob_gas_used=_optional(field, "blobGasUsed"),
            excess_blob_gas=_optional(field, "excessBlobGas"),
            parent_beacon_block_root=_optional_hash(field, "parentBeaconBlockRoot"),
            requests_hash=_optional_hash(field, "requestsHash"),
            **hashes,
            **numbers,
        )
    )


def _parse_transactions(field: Field) -> tuple[Transaction, ...]:
    return tuple(map(_parse_transaction, field.elements()))


def _parse_transaction(field: Field) -> Transaction:
    """The bytes of one transaction, type byte and all."""
    data = field.data()
    try:
        return decode_transaction(rlp_decode(data) if data[:1] >= b"\xc0" else data)
    except ValueError as error:
        raise field.error(f"not a transaction: {error}") from error


def _parse_header(payload: Field, parameters: list[Field]) -> Header:
    """The header that the arguments of the call stand for."""
    transactions = _parse_transactions(payload.require("transactions"))
    given = payload.get("withdrawals")
    has_root, has_requests = len(parameters) > 2, len(parameters) > 3
    requests = [each.data() for each in parameters[3].elements()] if has_requests else []
    header = Header(
        hash=b"",
        field_count=0,
        parent_hash=payload.require("parentHash").data(32),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=payload.require("feeRecipient").address(),
        state_root=payload.require("stateRoot").data(32),
        transactions_root=transactions_root(transactions),
        receipts_root=payload.require("receiptsRoot").data(32),
        bloom=payload.require("logsBloom").data(256),
        difficulty=0,
        number=payload.require("blockNumber").number(63),
        gas_limit=payload.require("gasLimit").number(63),
        gas_used=payload.require("gasUsed").number(63),
        timestamp=payload.require("timestamp").number(63),
        extra_data=payload.require("extraData").data(),
        mix_hash=payload.require("prevRandao").data(32),
        nonce=bytes(NONCE_BYTES),
        base_fee_wei=payload.require("baseFeePerGas").number(),
        withdrawals_root=withdrawals_root(parse_withdrawals(given)) if given else None,
        blob_gas_used=_optional(payload, "blobGasUsed"),
        excess_blob_gas=_optional(payload, "excessBlobGas"),
        parent_beacon_block_root=parameters[2].data(32) if has_root else None,
        requests_hash=requests_hash(requests) if has_requests else None,
    )
    return hashed(header)


def _parse_call(field: Field) -> tuple[GivenBlock, str | None]:
    """The block of a call, and why the call cannot be judged as that block, if it cannot."""
    parameters = list(field.require("params").elements())
    if not 1 <= len(parameters) <= 4:
        raise field.require("params").error("must be 1 to 4 arguments")
    payload = parameters[0]
    header = _parse_header(payload, parameters)
    transactions = _parse_transactions(payload.require("transactions"))
    given = payload.get("withdrawals")
    encoded = encode_block(header, transactions, parse_withdrawals(given) if given else None)
    why = None
    if header.hash != payload.require("blockHash").data(32):
        why = "a payload with the hash of another block"
    elif len(parameters) > 1:
        hashes = [each.data(32) for each in parameters[1].elements()]
        if hashes != _versioned_hashes(transactions):
            why = "a payload with the versioned hashes of other blobs"
    return GivenBlock(encoded, expected_exception(field.get("validationError"))), why


def _parse_test(name: str, field: Field) -> ChainTest:
    config = field.get("config")
    chain_id = config.get("chainid", "chainId") if config else None
    genesis = _parse_genesis(field.require("genesisBlockHeader"))
    calls = [_parse_call(each) for each in field.require("engineNewPayloads").elements()]
    post, post_root = field.get("postState"), field.get("postStateHash")
    whys = [why for _, why in calls if why is not None]
    no_withdrawals = None if genesis.withdrawals_root is None else ()
    return ChainTest(
        source=field.source,
        name=name,
        network=field.require("network").text(),
        chain_id=chain_id.number(64) if chain_id else DEFAULT_CHAIN_ID,
        genesis=genesis,
        genesis_encoded=encode_block(genesis, (), no_withdrawals),
        pre=parse_alloc(field.require("pre")),
        blocks=tuple(block for block, _ in calls),
        last_block_hash=field.require("lastblockhash").data(32),
        post=parse_alloc(post) if post else None,
        post_root=post_root.data(32) if post_root else None,
        unsupported=other_blob_schedule(config) or (whys[0] if whys else None),
    )


def parse_engine_tests(document: Field) -> tuple[ChainTest, ...]:
    """All tests of a document, in its order, each payload as the block that it stands for.

    Raises: `InputError`.
    """
    return tuple(_parse_test(name, field) for name, field in document.entries())

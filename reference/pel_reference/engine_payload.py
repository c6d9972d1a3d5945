"""Sealed blocks as engine payloads: writing the `blockchain_test_engine` format.

A payload is not the block's bytes but the arguments of `engine_newPayload`. Block-level access
lists (EIP-7928) would travel in the payload of a fork that nothing here knows.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from pel_reference.alloc_json import hex_bytes
from pel_reference.block import Transaction
from pel_reference.environment_json import dump_withdrawal
from pel_reference.fixture_json import dump_common
from pel_reference.fork_names import is_from
from pel_reference.sealing import SealedBlock
from pel_reference.transaction_rlp import encode_transaction

FIRST_ENGINE_FORK = "Paris"
"""The engine API came with the merge."""
_NEW_PAYLOAD = MappingProxyType({"Paris": 1, "Shanghai": 2, "Cancun": 3, "Prague": 4})
_FORKCHOICE_UPDATED = MappingProxyType({"Paris": 1, "Shanghai": 2, "Cancun": 3, "Prague": 3})
"""Versions of the methods of the engine API, by fork, as its specification has them."""


def has_engine(fork: str) -> bool:
    """Whether blocks of this fork (a canonical name) come as engine payloads."""
    return is_from(fork, FIRST_ENGINE_FORK)


def versioned_hashes(transactions: Sequence[Transaction]) -> list[bytes]:
    """The versioned hashes of all blobs of these transactions, in their order. Source: EIP-4844."""
    return [each for transaction in transactions for each in transaction.blob_versioned_hashes]


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
        payload["withdrawals"] = [dump_withdrawal(each) for each in block.env.withdrawals]
    return payload


def _dump_call(sealed: SealedBlock) -> dict[str, Any]:
    """One call of `engine_newPayload`, and the version of the call that makes it the head."""
    header, block = sealed.header, sealed.block
    parameters: list[Any] = [_dump_payload(sealed)]
    if header.parent_beacon_block_root is not None:
        parameters.append([hex_bytes(each) for each in versioned_hashes(block.transactions)])
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

"""A block's result as JSON, in the shape of a transition tool's `result` and `alloc`."""

from typing import Any

from eth_hash.auto import keccak

from pel_reference.alloc_json import dump_alloc, hex_bytes
from pel_reference.block import Block, BlockResult, Log, Receipt, Transaction
from pel_reference.transaction_rlp import encode_transaction


def _dump_log(log: Log) -> dict[str, Any]:
    return {
        "address": hex_bytes(log.address),
        "topics": [hex_bytes(topic) for topic in log.topics],
        "data": hex_bytes(log.data),
    }


def _dump_receipt(receipt: Receipt, position: int, transaction: Transaction) -> dict[str, Any]:
    dumped: dict[str, Any] = {
        "type": hex(receipt.type),
        "status": hex(int(receipt.status)),
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "logsBloom": hex_bytes(receipt.bloom),
        "logs": [_dump_log(log) for log in receipt.logs],
        "transactionHash": hex_bytes(keccak(encode_transaction(transaction))),
        "gasUsed": hex(receipt.gas_used),
        "transactionIndex": hex(position),
    }
    if receipt.contract_address is not None:
        dumped["contractAddress"] = hex_bytes(receipt.contract_address)
    if receipt.state_root is not None:
        dumped["root"] = hex_bytes(receipt.state_root)
    return dumped


def _fork_fields(block: Block, result: BlockResult) -> dict[str, Any]:
    """What only some forks have."""
    env = block.env
    numbers = {
        "currentBaseFee": env.base_fee_wei,
        "currentExcessBlobGas": env.excess_blob_gas,
        "blobGasUsed": result.blob_gas_used,
    }
    hashes = {
        "withdrawalsRoot": result.withdrawals_root,
        "requestsHash": result.requests_hash,
    }
    dumped: dict[str, Any] = {
        name: hex(value) for name, value in numbers.items() if value is not None
    }
    dumped |= {name: hex_bytes(value) for name, value in hashes.items() if value is not None}
    if result.requests is not None:
        dumped["requests"] = [hex_bytes(request) for request in result.requests]
    return dumped


def dump_result(block: Block, result: BlockResult) -> dict[str, Any]:
    """The `result` object: roots, sums, receipts of the included transactions, rejected ones.

    A receipt's `transactionIndex` counts the included transactions, as in a block; `index` in
    `rejected` counts the given ones.
    """
    return {
        "stateRoot": hex_bytes(result.state_root),
        "txRoot": hex_bytes(result.transactions_root),
        "receiptsRoot": hex_bytes(result.receipts_root),
        "logsHash": hex_bytes(result.logs_hash),
        "logsBloom": hex_bytes(result.logs_bloom),
        "receipts": [
            _dump_receipt(receipt, position, block.transactions[receipt.tx_index])
            for position, receipt in enumerate(result.receipts)
        ],
        "rejected": [
            {"index": rejected.tx_index, "error": rejected.reason} for rejected in result.rejected
        ],
        "currentDifficulty": hex(block.env.difficulty) if block.env.difficulty else None,
        "gasUsed": hex(result.gas_used),
        **_fork_fields(block, result),
    }


def dump_transition(block: Block, result: BlockResult) -> dict[str, Any]:
    """`result` and the post-state `alloc` in one object, as transition tools print them."""
    return {"result": dump_result(block, result), "alloc": dump_alloc(result.alloc)}

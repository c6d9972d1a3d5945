"""Receipts: the gas that is charged, bloom filters, and receipts as bytes."""

from collections.abc import Iterable, Sequence

from eth.abc import ComputationAPI
from eth_bloom import BloomFilter
from eth_hash.auto import keccak

from pel_reference.block import Log, Receipt, Transaction
from pel_reference.fees import floor_gas
from pel_reference.forks import Rules
from pel_reference.roots import list_root
from pel_reference.transaction_rlp import RlpItem, integer, rlp_encode

BLOOM_BYTES = 256


def charged_gas(rules: Rules, transaction: Transaction, computation: ComputationAPI) -> int:
    """The gas that the sender pays for, refunds and the calldata floor considered.

    `computation` is what py-evm's executor returned for the transaction, finalized (which is when
    the refunds of SELFDESTRUCT are put into it). py-evm charges the same, but reports another
    number in receipts where floor and refund meet.

    Source: EIP-3529, EIP-7623.
    """
    used: int = transaction.gas_limit - computation.get_gas_remaining()
    refund: int = min(computation.get_gas_refund(), used // rules.refund_quotient)
    return max(used - refund, floor_gas(rules, transaction))


def logs_of(computation: ComputationAPI) -> tuple[Log, ...]:
    """The logs that the transaction leaves, in the order in which they were made."""
    return tuple(
        Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
        for address, topics, data in computation.get_log_entries()
    )


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The 256-byte bloom filter over the addresses and topics of these logs."""
    bloom = BloomFilter()
    for log in logs:
        bloom.add(log.address)
        bloom.extend(log.topics)
    return int(bloom).to_bytes(BLOOM_BYTES, "big")


def _log_fields(logs: Sequence[Log]) -> list[RlpItem]:
    return [[log.address, list(log.topics), log.data] for log in logs]


def encode_receipt(receipt: Receipt) -> bytes:
    """The bytes that the receipts trie holds. Source: EIP-658, EIP-2718."""
    outcome = receipt.state_root
    if outcome is None:
        outcome = integer(int(receipt.status))
    encoded = rlp_encode(
        [
            outcome,
            integer(receipt.cumulative_gas_used),
            receipt.bloom,
            _log_fields(receipt.logs),
        ]
    )
    return encoded if receipt.type == 0 else bytes([receipt.type]) + encoded


def receipts_root(receipts: Sequence[Receipt]) -> bytes:
    """The root over the receipts of the transactions that are in the block, in their order."""
    return list_root([encode_receipt(receipt) for receipt in receipts])


def block_logs(receipts: Iterable[Receipt]) -> tuple[Log, ...]:
    """All logs of the block, in their order."""
    return tuple(log for receipt in receipts for log in receipt.logs)


def logs_hash(logs: Sequence[Log]) -> bytes:
    """The hash that transition tools report for all logs of a block."""
    digest: bytes = keccak(rlp_encode(_log_fields(logs)))
    return digest

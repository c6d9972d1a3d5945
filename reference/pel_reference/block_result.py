"""Putting a `BlockResult` together from what an executor found: sums, blooms and roots.

Both of our executors end here; only EELS judges this part.
"""

from collections.abc import Iterable, Sequence

from pel_reference.block import (
    Alloc,
    Block,
    BlockResult,
    Log,
    Receipt,
    Rejected,
    Transaction,
)
from pel_reference.fees import blob_gas
from pel_reference.forks import Rules
from pel_reference.receipts import block_logs, bloom_of, logs_hash, receipts_root
from pel_reference.requests import requests_hash
from pel_reference.roots import transactions_root, withdrawals_root


def make_receipt(
    transaction: Transaction,
    tx_index: int,
    *,
    status: bool,
    gas_used: int,
    gas_used_before: int,
    logs: tuple[Log, ...],
    contract_address: bytes | None,
    state_root: bytes | None = None,
) -> Receipt:
    """The receipt of an included transaction; `gas_used_before` is that of all lower ones."""
    return Receipt(
        tx_index=tx_index,
        type=transaction.type,
        status=status,
        gas_used=gas_used,
        cumulative_gas_used=gas_used_before + gas_used,
        logs=logs,
        bloom=bloom_of(logs),
        contract_address=contract_address,
        state_root=state_root,
    )


def _blob_gas_used(rules: Rules, transactions: Iterable[Transaction]) -> int | None:
    return None if rules.blobs is None else sum(map(blob_gas, transactions))


def make_block_result(
    rules: Rules,
    block: Block,
    *,
    alloc: Alloc,
    state_root: bytes,
    receipts: Sequence[Receipt],
    rejected: Sequence[Rejected],
    requests: tuple[bytes, ...] = (),
) -> BlockResult:
    """The result of the block whose included transactions have these receipts, in their order.

    `requests` are the non-empty ones; they do not matter in forks without requests.
    """
    included = [block.transactions[receipt.tx_index] for receipt in receipts]
    logs = block_logs(receipts)
    withdrawals = block.env.withdrawals or ()
    return BlockResult(
        alloc=alloc,
        state_root=state_root,
        transactions_root=transactions_root(included),
        receipts_root=receipts_root(receipts),
        logs_hash=logs_hash(logs),
        logs_bloom=bloom_of(logs),
        gas_used=receipts[-1].cumulative_gas_used if receipts else 0,
        receipts=tuple(receipts),
        rejected=tuple(rejected),
        blob_gas_used=_blob_gas_used(rules, included),
        withdrawals_root=withdrawals_root(withdrawals) if rules.withdrawals else None,
        requests=requests if rules.requests else None,
        requests_hash=requests_hash(requests) if rules.requests else None,
    )

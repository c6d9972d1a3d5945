"""Roots of lists in which rejected transactions count, as some transition tools compute them.

EELS's tool enters a transaction into its trie before it looks at it, and counts on whether it was
rejected or not. So its lists have gaps where the receipts of rejected ones would be. What it cannot
read at all it does not count. No block of a chain holds a rejected transaction, so this is no
fault of its execution; a root that is neither this nor the right one is a difference.
"""

from collections.abc import Callable, Iterator

from pel_reference.block import Block, BlockResult, Transaction
from pel_reference.fork_names import is_from
from pel_reference.receipts import encode_receipt
from pel_reference.roots import root_at
from pel_reference.transaction_rlp import encode_transaction

_FIRST_FORKS = ("Frontier", "Berlin", "London", "Cancun", "Prague")
"""By type of transaction, the fork that brought it."""
_CALLS_ONLY = (3, 4)
"""Types that cannot create contracts."""


def roots_with_gaps(block: Block, expected: BlockResult) -> Iterator[dict[str, bytes]]:
    """The roots of transactions and receipts, for each idea of which transactions count."""
    kept: tuple[Callable[[Transaction], bool], ...] = (
        lambda _: True,
        lambda transaction: _is_known(block.fork, transaction),
        lambda transaction: _is_readable(block.fork, transaction),
    )
    receipts = {receipt.tx_index: encode_receipt(receipt) for receipt in expected.receipts}
    for keep in kept:
        counted = [i for i, each in enumerate(block.transactions) if keep(each)]
        given = {n: encode_transaction(block.transactions[i]) for n, i in enumerate(counted)}
        found = {n: receipts[i] for n, i in enumerate(counted) if i in receipts}
        yield {"transactions_root": root_at(given), "receipts_root": root_at(found)}


def _is_known(fork: str, transaction: Transaction) -> bool:
    return transaction.type < len(_FIRST_FORKS) and is_from(fork, _FIRST_FORKS[transaction.type])


def _is_readable(fork: str, transaction: Transaction) -> bool:
    return _is_known(fork, transaction) and not (
        transaction.type in _CALLS_ONLY and transaction.is_creation
    )

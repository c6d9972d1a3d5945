"""Roots: the one hash that stands for a list or for a whole state."""

from collections.abc import Iterable, Mapping, Sequence

from eth_hash.auto import keccak
from trie import HexaryTrie

from pel_reference.block import Account, Alloc, Transaction, Withdrawal
from pel_reference.transaction_rlp import RlpItem, encode_transaction, integer, rlp_encode


def _trie_root(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    trie = HexaryTrie({}, prune=True)
    with trie.squash_changes() as batch:
        for key, value in entries:
            batch[key] = value
    root: bytes = trie.root_hash
    return root


def root_at(items: Mapping[int, bytes]) -> bytes:
    """The root of the trie from each index (as an RLP integer) to its item."""
    return _trie_root((rlp_encode(integer(index)), item) for index, item in items.items())


def list_root(items: Sequence[bytes]) -> bytes:
    """The root of the trie from each item's index to the item."""
    return root_at(dict(enumerate(items)))


def transactions_root(transactions: Sequence[Transaction]) -> bytes:
    """The root over the transactions that are in the block (rejected ones are not)."""
    return list_root([encode_transaction(transaction) for transaction in transactions])


def withdrawal_fields(withdrawal: Withdrawal) -> list[RlpItem]:
    """A withdrawal as it is encoded. Source: EIP-4895."""
    numbers = (withdrawal.index, withdrawal.validator_index)
    return [*map(integer, numbers), withdrawal.address, integer(withdrawal.amount_gwei)]


def withdrawals_root(withdrawals: Sequence[Withdrawal]) -> bytes:
    """Source: EIP-4895."""
    return list_root([rlp_encode(withdrawal_fields(each)) for each in withdrawals])


def storage_root(account: Account) -> bytes:
    """The root over the slots that are not 0."""
    return _trie_root(
        (keccak(slot.to_bytes(32, "big")), rlp_encode(integer(value)))
        for slot, value in account.storage.items()
    )


def state_root(alloc: Alloc) -> bytes:
    """The root over every account there is, those that exist though empty included."""
    return _trie_root(
        (
            keccak(address),
            rlp_encode(
                [
                    integer(account.nonce),
                    integer(account.balance),
                    storage_root(account),
                    keccak(account.code),
                ]
            ),
        )
        for address, account in alloc.items()
    )

"""The state root after every transaction, as receipts before Byzantium hold it.

Roots are kept incrementally: what a transition did not write is not hashed again.
"""

from collections.abc import Mapping
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth_hash.auto import keccak
from trie import HexaryTrie

from pel_reference.block import Account, Alloc
from pel_reference.locations import BALANCE, CODE, EXISTS, FEE, NONCE, STORAGE, WIPE
from pel_reference.transaction_rlp import integer, rlp_encode
from pel_spec.vocabulary import Location, Value


class _TrieAccount:
    """One account as the trie sees it; its storage trie is made when first written."""

    __slots__ = ("_slots", "_storage", "balance", "code", "exists", "nonce")

    def __init__(self, account: Account | None) -> None:
        before = account or Account()
        self.exists = account is not None
        self.nonce, self.balance, self.code = before.nonce, before.balance, before.code
        self._slots: HexaryTrie | None = None
        self._storage: Mapping[int, int] = before.storage

    def wipe(self) -> None:
        self._slots, self._storage = HexaryTrie({}, prune=True), {}

    def put(self, slot: int, value: int) -> None:
        trie = self._trie()
        key = keccak(slot.to_bytes(32, "big"))
        if value:
            trie[key] = rlp_encode(integer(value))
        elif key in trie:
            del trie[key]

    def _trie(self) -> HexaryTrie:
        if self._slots is None:
            self._slots = HexaryTrie({}, prune=True)
            for slot, value in self._storage.items():
                self.put(slot, value)
        return self._slots

    @property
    def is_empty(self) -> bool:
        return not (self.nonce or self.balance or self.code)

    def encode(self) -> bytes:
        """The bytes that the state trie holds for the account."""
        has_storage = self._slots is not None or self._storage
        root = self._trie().root_hash if has_storage else BLANK_ROOT_HASH
        return rlp_encode([integer(self.nonce), integer(self.balance), root, keccak(self.code)])


class StateTrie:
    """The state trie, to which the writes of one transition after the other are applied."""

    def __init__(self, alloc: Alloc, fee_recipient: bytes, elides_existence: bool) -> None:
        self._alloc = alloc
        self._fee_recipient = fee_recipient
        self._elides_existence = elides_existence
        self._accounts: dict[bytes, _TrieAccount] = {}
        self._trie = HexaryTrie({}, prune=True)
        self._put_all(alloc)

    def apply(self, writes: Mapping[Location, Value]) -> None:
        """Apply what the next transition in the preset order wrote.

        Wipes come first: a slot that was written before its wipe is no longer among the writes.
        """
        touched: set[bytes] = set()
        for location, value in sorted(writes.items(), key=lambda write: write[0][0] != WIPE):
            address = self._apply_one(location, value)
            if address is not None:
                touched.add(address)
        self._put_all(touched)

    @property
    def root(self) -> bytes:
        """The state root after what has been applied so far."""
        root: bytes = self._trie.root_hash
        return root

    def _account(self, address: bytes) -> _TrieAccount:
        account = self._accounts.get(address)
        if account is None:
            account = self._accounts[address] = _TrieAccount(self._alloc.get(address))
        return account

    def _apply_one(self, location: Location, written: Value) -> bytes | None:
        """Apply one write; give the address of the account that it changes, if any."""
        kind: Any = location[0]
        name: Any = location[1]
        value: Any = written
        if kind == FEE:
            self._account(self._fee_recipient).balance += value
            return self._fee_recipient
        if not isinstance(name, bytes):
            return None
        account = self._account(name)
        if kind == STORAGE:
            slot: Any = location[2]
            account.put(slot, value)
        elif kind == WIPE:
            account.wipe()
        elif kind in (BALANCE, NONCE, CODE, EXISTS):
            setattr(account, kind, value)
        return name

    def _put_all(self, addresses: Mapping[bytes, Account] | set[bytes]) -> None:
        with self._trie.squash_changes() as batch:
            for address in sorted(addresses):
                account = self._account(address)
                exists = not account.is_empty if self._elides_existence else account.exists
                key = keccak(address)
                if exists:
                    batch[key] = account.encode()
                elif key in batch:
                    del batch[key]

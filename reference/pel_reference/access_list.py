"""The block-level access list (EIP-7928) of a block, from what its transitions recorded.

Every change is in it, exactly: it follows from the write sets. Of what was only looked at, the
list has what the seam records and what the block itself says. That is not what the EIP asks for in
two places, and `Doubts` says where: a slot that is read in an account which the same transaction
created by CREATE2 is known to be 0 without a look; and a call with value that runs out of gas may
have asked whether its target exists, which counts as access only if gas for the rest was left.
Source: EIP-7928.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Generic, TypeVar, cast

from eth_hash.auto import keccak

from pel_reference.locations import BALANCE, CODE, EXISTS, FEE, NONCE, STORAGE, WIPE
from pel_reference.transaction_rlp import RlpItem, integer, rlp_encode
from pel_reference.transitions import EvmBlock
from pel_spec.history import History, Incarnation
from pel_spec.vocabulary import Location, Value

BEFORE_TRANSACTIONS: Final = 0
"""The block access index of the system calls before the transactions."""

Changed = TypeVar("Changed", int, bytes)


@dataclass(frozen=True, slots=True)
class Change(Generic[Changed]):
    """A value after the transitions of one block access index, which had another before them.

    `index` is 0 before the transactions, 1 to n for those that are in the block, n+1 after them.
    """

    index: int
    value: Changed


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """What happened to one account. Changes are in the order of their indices.

    `storage_reads` are the slots that were looked at and that no index changed.
    """

    address: bytes
    storage: Mapping[int, tuple[Change[int], ...]]
    storage_reads: frozenset[int]
    balances: tuple[Change[int], ...]
    nonces: tuple[Change[int], ...]
    codes: tuple[Change[bytes], ...]


AccessList = tuple[AccountChanges, ...]
"""The accounts that a block accessed, in the order of their addresses."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """Where the list may not be what the EIP asks for.

    `accounts` are unchanged, and nothing is known of them but that somebody asked whether they
    exist: they may have no place in the list. In those of `slots`, which were created in this
    block, or may have been for a while, more slots may have been read.
    """

    accounts: frozenset[bytes]
    slots: frozenset[bytes]


def access_list(block: EvmBlock, history: History) -> tuple[AccessList, Doubts]:
    """The access list of a block that was executed; of `history`, what was committed counts.

    Rejected transactions are not in the block, and nothing of them is in the list.
    """
    replayed = _Replay(block)
    last = block.transaction_positions.stop
    committed = [each for each in history.committed() if not _is_rejected(block, each)]
    included = [each for each in committed if each.version.position in block.transaction_positions]
    index_of = {each.version.position: i for i, each in enumerate(included, start=1)}

    def index(incarnation: Incarnation) -> int:
        position = incarnation.version.position
        after = len(included) + 1
        return index_of.get(position, after if position >= last else BEFORE_TRANSACTIONS)

    for at, group in groupby(committed, key=index):
        replayed.take(at, group)
    replayed.accessed.update(_named_by_the_block(block, index_of))
    return replayed.accounts(), replayed.doubts()


def _is_rejected(block: EvmBlock, incarnation: Incarnation) -> bool:
    """A transaction that is in the block has written its sender's nonce; any other has not."""
    if incarnation.version.position not in block.transaction_positions:
        return False
    return all(write.location[0] != NONCE for write in incarnation.writes)


def _named_by_the_block(block: EvmBlock, included: Iterable[int]) -> Iterator[bytes]:
    """Accounts that are accessed whatever their state is."""
    first = block.transaction_positions.start
    for position in included:
        transaction = block.block.transactions[position - first]
        if transaction.to is not None:
            yield transaction.to
        yield block.facts.fee_recipient
    for withdrawal in block.block.env.withdrawals or ():
        yield withdrawal.address


_FIELDS: Final = (BALANCE, NONCE, CODE)
_OF_AN_ACCOUNT: Final = (*_FIELDS, EXISTS, STORAGE, WIPE)


@dataclass(slots=True)
class _Replay:
    """The block once more, in values: what each account's fields and slots hold as it goes on."""

    block: EvmBlock
    now: dict[Location, Any] = field(default_factory=dict)
    wiped: set[bytes] = field(default_factory=set)
    accessed: set[bytes] = field(default_factory=set)
    asked_for: set[bytes] = field(default_factory=set)
    unborn: set[bytes] = field(default_factory=set)
    slots: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    changes: dict[Location, list[Change[Any]]] = field(default_factory=dict)

    def take(self, index: int, incarnations: Iterable[Incarnation]) -> None:
        """The transitions of one index: what differs after all of them is a change."""
        before: dict[Location, Any] = {}
        for incarnation in incarnations:
            self._look(incarnation)
            writes = {write.location: write.value for write in incarnation.writes}
            for location, value in self._values(writes):
                before.setdefault(location, self._value(location))
                self.now[location] = value
                if location[0] == STORAGE:
                    self.slots[cast(bytes, location[1])].add(cast(int, location[2]))
            self.wiped |= {cast(bytes, at[1]) for at in writes if at[0] == WIPE}
        for location, old in before.items():
            if self.now[location] != old:
                change = Change(index, self.now[location])
                self.changes.setdefault(location, []).append(change)

    def _look(self, incarnation: Incarnation) -> None:
        """What one transition has accessed. Whether an account exists is a question of its own, or
        begins with a look at the nonce."""
        read = {each.location: each.value for each in incarnation.reads}
        asked_for = {cast(bytes, name) for kind, name, *_ in read if kind in (NONCE, EXISTS)}
        self.asked_for |= asked_for
        self.unborn |= {
            a for a in asked_for if (read.get((NONCE, a)), read.get((CODE, a))) == (0, b"")
        }
        for location in read:
            kind, name, *slot = cast("tuple[Any, ...]", location)
            if kind == STORAGE:
                self.slots[name].add(slot[0])
            if kind == STORAGE or (kind in _FIELDS and name not in asked_for):
                self.accessed.add(name)
        written = (cast("tuple[Any, ...]", write.location) for write in incarnation.writes)
        self.accessed |= {name for kind, name, *_ in written if kind in _OF_AN_ACCOUNT}

    def _values(self, writes: Mapping[Location, Value]) -> Iterator[tuple[Location, Any]]:
        """What these writes of one transition say about fields and slots, as full values.

        A wipe erases what is there; slots that the same transition has written are left.
        """
        recipient = (BALANCE, self.block.facts.fee_recipient)
        for location, value in writes.items():
            kind, name = location[0], location[1]
            if kind == FEE:
                yield recipient, self._value(recipient) + value
            elif kind == WIPE:
                for slot in self._filled_slots(cast(bytes, name)):
                    if (STORAGE, name, slot) not in writes:
                        yield (STORAGE, name, slot), 0
            elif kind in (*_FIELDS, STORAGE):
                yield location, value

    def _filled_slots(self, address: bytes) -> list[int]:
        """The slots of an account that are not 0 now."""
        account = self.block.block.alloc.get(address)
        known = set() if account is None else set(account.storage)
        known |= {cast(int, at[2]) for at in self.now if at[:2] == (STORAGE, address)}
        return [slot for slot in sorted(known) if self._value((STORAGE, address, slot))]

    def _value(self, location: Location) -> Any:
        if location in self.now:
            return self.now[location]
        if location[0] == STORAGE and location[1] in self.wiped:
            return 0
        return self.block.initial(location)

    def accounts(self) -> AccessList:
        """The list, once the whole block was taken."""
        return tuple(self._account(address) for address in sorted(self.accessed | self.asked_for))

    def doubts(self) -> Doubts:
        """What the list leaves open."""
        return Doubts(frozenset(self.asked_for - self.accessed), frozenset(self.unborn))

    def _account(self, address: bytes) -> AccountChanges:
        slots = sorted(self.slots.get(address, ()))
        changed = {slot: self.changes.get((STORAGE, address, slot)) for slot in slots}
        return AccountChanges(
            address=address,
            storage={slot: tuple(changes) for slot, changes in changed.items() if changes},
            storage_reads=frozenset(slot for slot, changes in changed.items() if not changes),
            balances=tuple(self.changes.get((BALANCE, address), ())),
            nonces=tuple(self.changes.get((NONCE, address), ())),
            codes=tuple(self.changes.get((CODE, address), ())),
        )


# ---- as bytes -------------------------------------------------------------------------------


def encode_access_list(accounts: AccessList) -> bytes:
    """The list in RLP, as the payload carries it."""
    return rlp_encode([_account_item(account) for account in accounts])


def access_list_hash(accounts: AccessList) -> bytes:
    """What the header says of the list: 32 bytes."""
    digest: bytes = keccak(encode_access_list(accounts))
    return digest


def _account_item(account: AccountChanges) -> RlpItem:
    return [
        account.address,
        [[integer(slot), _items(changes)] for slot, changes in sorted(account.storage.items())],
        [integer(slot) for slot in sorted(account.storage_reads)],
        _items(account.balances),
        _items(account.nonces),
        [[integer(change.index), change.value] for change in account.codes],
    ]


def _items(changes: Iterable[Change[int]]) -> RlpItem:
    return [[integer(change.index), integer(change.value)] for change in changes]

"""A client's block-level access list (EIP-7928) against the one that our transitions recorded.

The two come from different interpreters and from different bookkeeping: theirs notes what a
transaction changes while it runs, ours is what the fold's history says of each position. So this is
the one comparison that sees the writes of each transaction, and not only what is left after all.

Every change is compared exactly. So is what was only looked at, but where the recorded reads leave
it open (`pel_reference.access_list.Doubts`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.access_list import (
    AccessList,
    AccountChanges,
    Change,
    Doubts,
    access_list,
    access_list_hash,
)
from pel_reference.block import Block, BlockResult
from pel_reference.json_input import Field
from pel_reference.transaction_decoding import (
    decode_bytes,
    decode_integer,
    decode_list,
    rlp_decode,
)
from pel_reference.transitions import compile_block
from pel_spec.fold import fold

INDEX_BITS: Final = 16
"""A block access index fits into so many."""
KIND: Final = "access_list"
MOST_BYTES: Final = 1 << 20
"""More than the gas of any block pays for; to take apart much more would take us very long."""
Value = TypeVar("Value", int, bytes)


@dataclass(frozen=True, slots=True)
class AnsweredList:
    """The list that a client gives, in the order of the addresses, and the hash that it says the
    list has."""

    accounts: AccessList
    hash: bytes | None


# ---- what a client gives --------------------------------------------------------------------


def read_access_list(given: Field, digest: Field | None) -> AnsweredList:
    """The list as fixtures and engines write it: objects, or one string with the RLP.

    Raises: `InputError`, also for an account, a slot or an index that stands twice.
    """
    read = _accounts_of_rlp if isinstance(given.value, str) else _accounts_of_json
    try:
        accounts = list(read(given))
    except ValueError as error:
        raise given.error(str(error)) from None
    if len({account.address for account in accounts}) < len(accounts):
        raise given.error("has an account twice")
    accounts.sort(key=lambda account: account.address)
    return AnsweredList(tuple(accounts), None if digest is None else digest.data(32))


def _accounts_of_json(field: Field) -> Iterator[AccountChanges]:
    for each in field.elements():
        slots = each.require("storageChanges")
        yield AccountChanges(
            address=each.require("address").address(),
            storage=_once(
                (slot.require("slot").number(), _changes(slot, "slotChanges", "postValue"))
                for slot in slots.elements()
            ),
            storage_reads=frozenset(s.number() for s in each.require("storageReads").elements()),
            balances=_changes(each, "balanceChanges", "postBalance"),
            nonces=_changes(each, "nonceChanges", "postNonce"),
            codes=_changes(each, "codeChanges", "newCode", Field.data),
        )


def _changes(
    field: Field, name: str, value: str, read: Callable[[Field], Any] = Field.number
) -> tuple[Change[Any], ...]:
    return _in_order(
        (each.require("blockAccessIndex").number(INDEX_BITS), read(each.require(value)))
        for each in field.require(name).elements()
    )


def _in_order(pairs: Iterable[tuple[int, Any]]) -> tuple[Change[Any], ...]:
    return tuple(Change(index, value) for index, value in sorted(_once(pairs).items()))


def _once(pairs: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """Pairs by their first, of which none may stand twice.

    Raises: `ValueError`.
    """
    listed = list(pairs)
    found = dict(listed)
    if len(found) < len(listed):
        raise ValueError("has a slot or an index twice")
    return found


def _accounts_of_rlp(field: Field) -> Iterator[AccountChanges]:
    encoded = field.data()
    if len(encoded) > MOST_BYTES:
        raise field.error(f"longer than {MOST_BYTES} bytes")
    for item in decode_list(rlp_decode(encoded)):
        address, storage, reads, balances, nonces, codes = decode_list(item, 6)
        slots = (decode_list(slot, 2) for slot in decode_list(storage))
        yield AccountChanges(
            address=decode_bytes(address, 20),
            storage=_once((decode_integer(slot), _items(given)) for slot, given in slots),
            storage_reads=frozenset(map(decode_integer, decode_list(reads))),
            balances=_items(balances),
            nonces=_items(nonces),
            codes=_items(codes, decode_bytes),
        )


def _items(items: Any, decode: Callable[[Any], Any] = decode_integer) -> tuple[Change[Any], ...]:
    pairs = (decode_list(each, 2) for each in decode_list(items))
    return _in_order((decode_integer(index, INDEX_BITS), decode(value)) for index, value in pairs)


# ---- the comparison -------------------------------------------------------------------------


def compare_access_lists(
    block: Block, expected: BlockResult, answered: AnsweredList
) -> Difference | None:
    """The first difference between what the fold records of a block and what a client lists: the
    earliest change first, then what was only looked at, then the hash."""
    compiled = compile_block(block)
    _, history = fold(compiled)
    ours, doubts = access_list(compiled, history)
    rejected = {each.tx_index for each in expected.rejected}
    included = [i for i in range(len(block.transactions)) if i not in rejected]
    parted = min(_change_differences(ours, answered.accounts), default=None, key=_Parted.order)
    if parted is not None:
        return _told(parted, included)
    looked = next(_look_differences(ours, answered.accounts, doubts), None)
    if looked is not None:
        return looked
    return _hash_difference(answered)


class _Parted(NamedTuple):
    """A change that one side has otherwise, or not at all (`None`)."""

    at: int
    address: bytes
    name: str
    slot: int
    expected: int | bytes | None
    got: int | bytes | None

    def order(self) -> tuple[int, bytes, str, int]:
        """Where it comes among the others: the values may be of two types."""
        return self[:4]


_NONE: Final = AccountChanges(b"", {}, frozenset(), (), (), ())


def _change_differences(ours: AccessList, theirs: AccessList) -> Iterator[_Parted]:
    for address, expected, got in _pairs(ours, theirs):
        one, other = expected or _NONE, got or _NONE
        for name in ("balances", "nonces", "codes"):
            for found in _unlike(getattr(one, name), getattr(other, name)):
                yield _Parted(found[0], address, name.removesuffix("s"), 0, *found[1:])
        for slot in sorted(one.storage.keys() | other.storage.keys()):
            for found in _unlike(one.storage.get(slot, ()), other.storage.get(slot, ())):
                yield _Parted(found[0], address, "storage", slot, *found[1:])


def _pairs(
    ours: AccessList, theirs: AccessList
) -> Iterator[tuple[bytes, AccountChanges | None, AccountChanges | None]]:
    expected = {account.address: account for account in ours}
    got = {account.address: account for account in theirs}
    for address in sorted(expected.keys() | got.keys()):
        yield address, expected.get(address), got.get(address)


def _unlike(
    one: Sequence[Change[Value]], other: Sequence[Change[Value]]
) -> Iterator[tuple[int, Value | None, Value | None]]:
    """The first index at which two lists of changes differ."""
    expected: Mapping[int, Value] = {change.index: change.value for change in one}
    got: Mapping[int, Value] = {change.index: change.value for change in other}
    for index in sorted(expected.keys() | got.keys()):
        if expected.get(index) != got.get(index):
            yield index, expected.get(index), got.get(index)
            return


def _told(parted: _Parted, included: Sequence[int]) -> Difference:
    index, name = parted.at, parted.name
    tx_index = included[index - 1] if 1 <= index <= len(included) else None
    when = "before the transactions" if index == 0 else "after the transactions"
    if tx_index is not None:
        when = f"of transaction {tx_index}"
    what = f"slot 0x{parted.slot:x}" if name == "storage" else name
    return Difference(
        *(Oracle.ANSWER, f"{KIND}.{name}", f"{what} of 0x{parted.address.hex()}, change {when}"),
        *(_value(parted.expected), _value(parted.got)),
        tx_index=tx_index,
    )


def _value(value: int | bytes | None) -> str:
    if value is None:
        return "no change"
    return shorten(value if isinstance(value, bytes) else hex(value))


def _look_differences(ours: AccessList, theirs: AccessList, doubts: Doubts) -> Iterator[Difference]:
    """Accounts and slots that were looked at, as far as the recorded reads say."""
    for address, expected, got in _pairs(ours, theirs):
        if expected is None:
            yield _looked("account", address, "not accessed", "listed")
        elif got is None:
            if address not in doubts.accounts:
                yield _looked("account", address, "accessed", "not listed")
        else:
            missing = expected.storage_reads - got.storage_reads
            more = got.storage_reads - expected.storage_reads
            if missing:
                yield _looked("read", address, f"slot {hex(min(missing))} read", "not listed")
            if more and address not in doubts.slots:
                yield _looked("read", address, f"slot {hex(min(more))} not read", "listed")


def _looked(name: str, address: bytes, expected: str, got: str) -> Difference:
    where = f"{name} of the access list, 0x{address.hex()}"
    return Difference(Oracle.ANSWER, f"{KIND}.{name}", where, expected, got)


def _hash_difference(answered: AnsweredList) -> Difference | None:
    """Whether the hash is that of the list beside it."""
    right = access_list_hash(answered.accounts)
    if answered.hash is None or answered.hash == right:
        return None
    where = "hash of the access list that was given"
    return Difference(
        *(Oracle.ANSWER, f"{KIND}.hash", where), f"0x{right.hex()}", f"0x{answered.hash.hex()}"
    )

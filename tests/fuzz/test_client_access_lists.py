"""A client's access list (EIP-7928) is read strictly, and each way to be wrong is told."""

from dataclasses import replace
from typing import Any

import pytest

from pel_fuzz.client.asking.access_lists import (
    AnsweredList,
    compare_access_lists,
    read_access_list,
)
from pel_fuzz.executors import run_controlled
from pel_fuzz.interleavings import Walk
from pel_fuzz.verdict import Oracle
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.access_list import (
    AccessList,
    AccountChanges,
    Change,
    access_list,
    access_list_hash,
    encode_access_list,
)
from pel_reference.block import Block, BlockResult
from pel_reference.errors import InputError
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.transitions import compile_block
from pel_spec.fold import fold


def dumped(accounts: AccessList) -> list[dict[str, Any]]:
    """A list as fixtures write it."""

    def changes(listed: tuple[Change[Any], ...], name: str) -> list[dict[str, str]]:
        return [{"blockAccessIndex": hex(c.index), name: _hex(c.value)} for c in listed]

    return [
        {
            "address": _hex(account.address),
            "storageChanges": [
                {"slot": hex(slot), "slotChanges": changes(listed, "postValue")}
                for slot, listed in account.storage.items()
            ],
            "storageReads": [hex(slot) for slot in account.storage_reads],
            "balanceChanges": changes(account.balances, "postBalance"),
            "nonceChanges": changes(account.nonces, "postNonce"),
            "codeChanges": changes(account.codes, "newCode"),
        }
        for account in accounts
    ]


def _hex(value: int | bytes) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else hex(value)


def read(given: Any, digest: Any = None) -> AnsweredList:
    hashed = None if digest is None else Field("answer", "hash", digest)
    return read_access_list(Field("answer", "list", given), hashed)


class Judged:
    """A drawn block, with its list."""

    def __init__(self, index: int) -> None:
        self.block: Block = draw_case(blocks(fork="Prague"), 3, index).value.block
        self.expected: BlockResult = run_block(self.block)
        compiled = compile_block(self.block)
        self.accounts, self.doubts = access_list(compiled, fold(compiled)[1])

    @property
    def has_everything(self) -> bool:
        """Changes of all kinds, accounts that were only looked at, and doubts."""
        names = ("storage", "storage_reads", "balances", "nonces", "codes")
        listed = {account.address for account in self.accounts}
        return (
            all(any(getattr(a, name) for a in self.accounts) for name in names)
            and bool(self.doubts.slots & listed)
            and bool(self.doubts.accounts)
            and any(a.storage_reads for a in self.accounts if a.address not in self.doubts.slots)
        )

    def kind(self, accounts: AccessList, digest: bytes | None = None) -> str | None:
        found = compare_access_lists(self.block, self.expected, AnsweredList(accounts, digest))
        assert found is None or found.oracle is Oracle.ANSWER
        return None if found is None else found.kind

    def changed(self, name: str) -> tuple[int, AccountChanges]:
        """The first account that has something of this name."""
        return next((i, a) for i, a in enumerate(self.accounts) if getattr(a, name))

    def put(self, at: int, account: AccountChanges) -> AccessList:
        return (*self.accounts[:at], account, *self.accounts[at + 1 :])


@pytest.fixture(scope="module")
def judged() -> Judged:
    return next(drawn for drawn in map(Judged, range(100)) if drawn.has_everything)


def test_both_forms_are_read_alike(judged: Judged) -> None:
    digest = access_list_hash(judged.accounts)
    for given in (dumped(judged.accounts), _hex(encode_access_list(judged.accounts))):
        answered = read(given, _hex(digest))
        assert answered == AnsweredList(judged.accounts, digest)
        assert judged.kind(answered.accounts, answered.hash) is None
    assert read(dumped(judged.accounts)[::-1]).accounts == judged.accounts


@pytest.mark.parametrize("seed", range(3))
def test_an_optimistic_run_has_the_same_list(seed: int, judged: Judged) -> None:
    """Of its history only what was committed counts."""
    compiled = compile_block(judged.block)
    run = run_controlled(compiled, 4, Walk(seed, 0.2))
    assert run.counters.aborts > 0
    assert access_list(compiled, run.history) == (judged.accounts, judged.doubts)


@pytest.mark.parametrize("name", ["balances", "nonces"])
def test_a_wrong_value_is_told_with_its_transaction(name: str, judged: Judged) -> None:
    at, account = judged.changed(name)
    first, *others = getattr(account, name)
    wrong = replace(account, **{name: (replace(first, value=first.value + 1), *others)})
    found = compare_access_lists(
        judged.block, judged.expected, AnsweredList(judged.put(at, wrong), None)
    )
    assert found is not None and found.kind == f"access_list.{name.removesuffix('s')}"
    assert (found.expected, found.got) == (hex(first.value), hex(first.value + 1))
    rejected = {each.tx_index for each in judged.expected.rejected}
    included = [i for i in range(len(judged.block.transactions)) if i not in rejected]
    at_index = included[first.index - 1] if 1 <= first.index <= len(included) else None
    assert found.tx_index == at_index


@pytest.mark.parametrize(
    ("name", "kind"), [("balances", "balance"), ("nonces", "nonce"), ("codes", "code")]
)
def test_a_change_that_is_left_out_or_made_up_is_told(name: str, kind: str, judged: Judged) -> None:
    at, account = judged.changed(name)
    listed = getattr(account, name)
    fewer = replace(account, **{name: listed[1:]})
    assert judged.kind(judged.put(at, fewer)) == f"access_list.{kind}"
    later = replace(account, **{name: (replace(listed[0], index=60_000), *listed[1:])})
    assert judged.kind(judged.put(at, later)) == f"access_list.{kind}"


def test_a_wrong_slot_is_told(judged: Judged) -> None:
    at, account = judged.changed("storage")
    slot, changes = next(iter(account.storage.items()))
    wrong = {**account.storage, slot: (replace(changes[0], value=changes[0].value + 1),)}
    assert judged.kind(judged.put(at, replace(account, storage=wrong))) == "access_list.storage"
    as_read = replace(
        account,
        storage={k: v for k, v in account.storage.items() if k != slot},
        storage_reads=account.storage_reads | {slot},
    )
    assert judged.kind(judged.put(at, as_read)) == "access_list.storage"


def test_the_first_transaction_that_differs_is_told_first(judged: Judged) -> None:
    """Whatever account it is of."""
    wrong = tuple(
        replace(a, balances=tuple(replace(c, value=c.value + 1) for c in a.balances))
        for a in judged.accounts
    )
    found = compare_access_lists(judged.block, judged.expected, AnsweredList(wrong, None))
    first = min(c.index for a in judged.accounts for c in a.balances)
    assert found is not None and first == 1
    rejected = {each.tx_index for each in judged.expected.rejected}
    assert found.tx_index == min(set(range(len(judged.block.transactions))) - rejected)


def test_reads_are_compared_but_where_they_are_in_doubt(judged: Judged) -> None:
    at, account = next(
        (i, a)
        for i, a in enumerate(judged.accounts)
        if a.storage_reads and a.address not in judged.doubts.slots
    )
    fewer = replace(account, storage_reads=frozenset())
    more = replace(account, storage_reads=account.storage_reads | {12345})
    for wrong in (fewer, more):
        assert judged.kind(judged.put(at, wrong)) == "access_list.read"
    doubted = next(
        (i, a) for i, a in enumerate(judged.accounts) if a.address in judged.doubts.slots
    )
    at, account = doubted
    unsure = replace(account, storage_reads=account.storage_reads | {12345})
    assert judged.kind(judged.put(at, unsure)) is None


def test_accounts_are_compared_but_where_they_are_in_doubt(judged: Judged) -> None:
    nothing: dict[str, Any] = {"storage": {}, "storage_reads": frozenset()}
    nothing |= {"balances": (), "nonces": (), "codes": ()}
    stranger = AccountChanges(b"\xee" * 20, **nothing)
    assert judged.kind((*judged.accounts, stranger)) == "access_list.account"
    looked_at = [
        (i, a)
        for i, a in enumerate(judged.accounts)
        if not (a.storage or a.balances or a.nonces or a.codes)
    ]
    assert looked_at
    for at, account in looked_at:
        rest = (*judged.accounts[:at], *judged.accounts[at + 1 :])
        in_doubt = account.address in judged.doubts.accounts
        assert judged.kind(rest) == (None if in_doubt else "access_list.account")


def test_a_hash_of_another_list_is_told(judged: Judged) -> None:
    assert judged.kind(judged.accounts, bytes(32)) == "access_list.hash"


ACCOUNT = {
    "address": "0x" + "aa" * 20,
    "storageChanges": [],
    "storageReads": [],
    "balanceChanges": [],
    "nonceChanges": [],
    "codeChanges": [],
}
ONE = {"blockAccessIndex": "0x1", "postNonce": "0x1"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        7,
        [7],
        [{"address": "0xaa"}],
        [{**ACCOUNT, "nonceChanges": [{"blockAccessIndex": "0x1"}]}],
        [{**ACCOUNT, "nonceChanges": [{"blockAccessIndex": "0x10000", "postNonce": "0x1"}]}],
        [{**ACCOUNT, "nonceChanges": [ONE, ONE]}],
        [{**ACCOUNT, "storageChanges": [{"slot": "0x1", "slotChanges": []}] * 2}],
        [{**ACCOUNT, "storageReads": ["0x1" + "0" * 64]}],
        [ACCOUNT, ACCOUNT],
        "0x",
        "0x80",
        "0xc1c0",
        "0xzz",
        "0x" + "c1" * 5000,
    ],
)
def test_what_is_no_list_is_refused(given: Any) -> None:
    with pytest.raises(InputError):
        read(given)

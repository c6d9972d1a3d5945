"""A tool's answer against the reference's result: the first difference, cause before effect.

What a tool does not give takes the expected value, so it is not compared, and it is told which
fields those were. Words in which a transaction is rejected are never compared.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from eth_hash.auto import keccak

from pel_fuzz.client.asking.access_lists import KIND as ACCESS_LIST
from pel_fuzz.client.asking.access_lists import compare_access_lists
from pel_fuzz.client.asking.answer import Answer, AnsweredReceipt
from pel_fuzz.client.checking.blame import blame
from pel_fuzz.client.checking.gaps import roots_with_gaps
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.block import Account, Alloc, Block, BlockResult, Log, Receipt, Rejected
from pel_reference.compare import Difference as Found
from pel_reference.compare import differences
from pel_reference.transaction_rlp import encode_transaction

RECEIPT_FIELDS: Final = (
    "type",
    "status",
    "gas_used",
    "cumulative_gas_used",
    "logs",
    "bloom",
    "contract_address",
    "state_root",
)
VALUE_FIELDS: Final = (
    "gas_used",
    "blob_gas_used",
    "requests",
    "logs_bloom",
    "logs_hash",
    "transactions_root",
    "receipts_root",
    "withdrawals_root",
    "requests_hash",
    "state_root",
)
_INDEX: Final = re.compile(r"\[[^\]]*\]")
WITHOUT_EXECUTION: Final = frozenset({"rejected", "transactions_root", "withdrawals_root"})
"""Fields that can be right although nothing was executed."""
LISTED_ROOTS: Final = ("transactions_root", "receipts_root")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of one answer.

    `compared` are the fields that both sides have, `unseen` those that the tool did not give; one
    that it gave in some receipts only is in both. `gaps`: its lists' roots count the rejected
    transactions too, which some tools do.
    """

    difference: Difference | None
    compared: frozenset[str]
    unseen: frozenset[str]
    gaps: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was compared that comes of executing the block."""
        return self.difference is None and self.compared <= WITHOUT_EXECUTION


def judge(block: Block, expected: BlockResult, answer: Answer) -> Judgement:
    """The first difference between what the reference says of a block and what a tool answered."""
    if answer.refusal is not None:
        kind, told = "validity", f"the block is invalid: {answer.refusal}"
        refusal = Difference(Oracle.ANSWER, kind, kind, "a valid block", shorten(told))
        return Judgement(refusal, frozenset(), frozenset())
    known = _known(expected)
    seen = _seen(answer, expected) & known
    gaps = _has_gaps(block, expected, answer)
    pairs = _pairs(block, expected, answer)
    got = _completed(expected, answer, pairs, gaps)
    first = next(iter(differences(expected, got, reasons=False)), None)
    found: Difference | None = None if first is None else _told(block, first)
    for other in (_misplaced(block, pairs), _too_many(pairs, answer)):
        if other is not None and (found is None or _comes_before(other, found)):
            found = other
    if answer.access_list is not None:
        seen, known = seen | {ACCESS_LIST}, known | {ACCESS_LIST}
        found = found or compare_access_lists(block, expected, answer.access_list)
    unseen = (known - seen) | _left_out(expected, pairs)
    return Judgement(found, frozenset(seen), frozenset(unseen), gaps)


# ---- what was given -------------------------------------------------------------------------


def _known(expected: BlockResult) -> set[str]:
    """What there is to compare in a block."""
    values = {name for name in VALUE_FIELDS if getattr(expected, name) is not None}
    receipts = {
        f"receipts.{name}"
        for name in RECEIPT_FIELDS
        if any(_is_comparable(receipt, name) for receipt in expected.receipts)
    }
    return values | receipts | {"alloc", "rejected"}


def _is_comparable(receipt: Receipt, name: str) -> bool:
    """Whether the receipt has the field by protocol: it has a status or a root, never both."""
    if name == "status":
        return receipt.state_root is None
    return getattr(receipt, name) is not None


def _seen(answer: Answer, expected: BlockResult) -> set[str]:
    seen = set(answer.values)
    if answer.alloc is not None:
        seen.add("alloc")
    if answer.rejected is not None or (answer.receipts is not None and not expected.rejected):
        seen.add("rejected")
    for receipt in answer.receipts or ():
        seen |= {f"receipts.{n}" for n in RECEIPT_FIELDS if getattr(receipt, n) is not None}
    return seen


def _left_out(expected: BlockResult, pairs: "Pairs") -> set[str]:
    """The fields that a receipt does not give though it has them by protocol. Some tools give a
    type only where it is not 0."""
    right = {receipt.tx_index: receipt for receipt in expected.receipts}
    return {
        f"receipts.{name}"
        for index, given in pairs
        for name in RECEIPT_FIELDS
        if index in right and _is_comparable(right[index], name) and getattr(given, name) is None
        if name != "type" or right[index].type
    }


# ---- the answer as a result -----------------------------------------------------------------


Pairs: TypeAlias = Sequence[tuple[int, AnsweredReceipt]]
"""Each receipt with the index of the transaction, among those given, whose place it is in."""


def _pairs(block: Block, expected: BlockResult, answer: Answer) -> Pairs:
    rejected = _rejected_indices(block, expected, answer)
    included = [i for i in range(len(block.transactions)) if i not in rejected]
    return list(zip(included, answer.receipts or (), strict=False))


def _completed(expected: BlockResult, answer: Answer, pairs: Pairs, gaps: bool) -> BlockResult:
    """The answer as a result, with what is expected where it says nothing."""
    values = dict(answer.values)
    if gaps:
        values |= {name: getattr(expected, name) for name in LISTED_ROOTS}
    known = {name: value for name, value in values.items() if getattr(expected, name) is not None}
    got = replace(expected, **known)
    if answer.rejected is not None:
        rejected = tuple(Rejected(index, "rejected") for index in sorted(answer.rejected))
        got = replace(got, rejected=rejected)
    if answer.alloc is not None:
        got = replace(got, alloc=_with_empties(answer.alloc, answer, expected))
    if answer.receipts is None:
        return got
    right = {receipt.tx_index: receipt for receipt in expected.receipts}
    receipts = tuple(_receipt(right.get(index), index, given) for index, given in pairs)
    return replace(got, receipts=receipts)


def _rejected_indices(block: Block, expected: BlockResult, answer: Answer) -> frozenset[int]:
    if answer.rejected is not None:
        return answer.rejected
    if answer.receipts is not None and len(answer.receipts) == len(block.transactions):
        return frozenset()
    return frozenset(rejected.tx_index for rejected in expected.rejected)


def _receipt(expected: Receipt | None, tx_index: int, given: AnsweredReceipt) -> Receipt:
    """A tool's receipt; what it does not say, and what is none of the protocol, as expected."""
    if expected is None:
        expected = Receipt(tx_index, 0, False, 0, 0, (), b"")
    got = {name: getattr(given, name) for name in RECEIPT_FIELDS}
    is_given = {
        name: value
        for name, value in got.items()
        if value is not None and (name == "contract_address" or _is_comparable(expected, name))
    }
    return replace(expected, **is_given)


def _misplaced(block: Block, pairs: Pairs) -> Difference | None:
    """The first receipt that names another transaction than the one whose place it is in."""
    for index, given in pairs:
        right = transaction_hash(block, index)
        if given.transaction_hash not in (None, right):
            return Difference(
                Oracle.ANSWER,
                "receipts.transaction_hash",
                f"receipts[{index}].transaction_hash",
                shorten(right),
                shorten(given.transaction_hash),
                tx_index=index,
            )
    return None


def _too_many(pairs: Pairs, answer: Answer) -> Difference | None:
    given = len(answer.receipts or ())
    if given <= len(pairs):
        return None
    field, right = "receipts.length", f"{len(pairs)} for the transactions that it includes"
    return Difference(Oracle.ANSWER, field, field, right, str(given))


def _comes_before(one: Difference, other: Difference) -> bool:
    """Whether the first belongs to an earlier transaction; what belongs to none comes last."""
    if one.tx_index is None or other.tx_index is None:
        return one.tx_index is not None
    return one.tx_index <= other.tx_index


def transaction_hash(block: Block, index: int) -> bytes:
    """The hash of a transaction of the block."""
    return bytes(keccak(encode_transaction(block.transactions[index])))


def _with_empties(alloc: Alloc, answer: Answer, expected: BlockResult) -> Alloc:
    """The tool's state. Some leave accounts out that are there though empty: unless the root says
    that the states are not the same, they are put in."""
    if answer.values.get("state_root", expected.state_root) != expected.state_root:
        return alloc
    nothings = {at: account for at, account in expected.alloc.items() if _is_nothing(account)}
    given = {at: a for at, a in alloc.items() if at in expected.alloc or not _is_nothing(a)}
    return nothings | given


def _is_nothing(account: Account) -> bool:
    return account.is_empty and not account.storage


def _has_gaps(block: Block, expected: BlockResult, answer: Answer) -> bool:
    """Whether the roots of its lists are those of lists in which rejected transactions count."""
    given = {name: answer.values[name] for name in LISTED_ROOTS if name in answer.values}
    right = all(value == getattr(expected, name) for name, value in given.items())
    if right or not expected.rejected:
        return False
    return any(
        all(roots[name] == value for name, value in given.items())
        for roots in roots_with_gaps(block, expected)
    )


# ---- words ----------------------------------------------------------------------------------


def _told(block: Block, found: Found) -> Difference:
    return Difference(
        Oracle.ANSWER,
        _kind(found),
        found.field,
        shorten(_shown(found.left)),
        shorten(_shown(found.right)),
        tx_index=found.tx_index,
        words=blame(block, found),
    )


def _kind(found: Found) -> str:
    """The part of a difference that is the same in every block: its field, without the indices."""
    kind = _INDEX.sub("", found.field)
    if kind in ("receipts", "rejected"):
        included = found.left is None if kind == "receipts" else found.right is None
        return "rejected.missing" if included else "rejected.extra"
    if kind == "accounts":
        return "accounts.extra" if found.left is None else "accounts.missing"
    return kind


def _shown(value: Any) -> Any:
    if isinstance(value, Log):
        topics = ", ".join("0x" + topic.hex() for topic in value.topics)
        return f"a log of 0x{value.address.hex()}, topics [{topics}], data 0x{value.data.hex()}"
    if isinstance(value, tuple):
        return "[" + ", ".join("0x" + each.hex() for each in value) + "]"
    return "nothing" if value is None else value

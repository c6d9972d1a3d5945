"""What a transition tool answered: its `result` and `alloc`, read strictly, as input of strangers.

Tools differ in which keys they give and in how they write a value. What a tool does not give is
`None` here, and is not compared. What it gives must be well formed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from json import JSONDecodeError
from types import MappingProxyType
from typing import Any, Final

from pel_fuzz.client.asking.access_lists import AnsweredList, read_access_list
from pel_fuzz.client.running.failures import Garbage, Twice
from pel_reference.alloc_json import parse_alloc
from pel_reference.block import Alloc, Log
from pel_reference.errors import InputError
from pel_reference.json_input import Field, KeyTwice, parse_json

MOST_LOGS: Final = 1_000_000
"""More logs than the gas of any block pays for."""
MOST_VALUES: Final = 4_000_000
"""More values than the answer to any block has: many small ones would take all of our memory."""
NO_ADDRESS: Final = bytes(20)
_LEGACY_ROOT: Final = ("root", "post_state", "postState")


@dataclass(frozen=True, slots=True)
class AnsweredReceipt:
    """A receipt as a tool gives it; the order of the receipts is that of the included ones."""

    type: int | None = None
    status: bool | None = None
    gas_used: int | None = None
    cumulative_gas_used: int | None = None
    logs: tuple[Log, ...] | None = None
    bloom: bytes | None = None
    contract_address: bytes | None = None
    state_root: bytes | None = None
    transaction_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A tool's whole answer.

    `values` are its other fields, by the names that they have in a `BlockResult`; `rejected` are
    indices among the transactions that were given. `refusal` is set where it says that the block as
    a whole is invalid. `access_list` is the block-level one (EIP-7928), if the tool gives it.
    """

    alloc: Alloc | None = None
    receipts: tuple[AnsweredReceipt, ...] | None = None
    rejected: frozenset[int] | None = None
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    refusal: str | None = None
    access_list: AnsweredList | None = None


def _hash(value: Field) -> bytes:
    return value.data(32)


def _bloom(value: Field) -> bytes:
    return value.data(256)


def _requests(value: Field) -> tuple[bytes, ...]:
    """The requests that are not empty: some tools list a type without data."""
    requests = tuple(each.data() for each in value.elements())
    return tuple(request for request in requests if len(request) > 1)


_VALUES: Final[Mapping[str, tuple[str, Callable[[Field], Any]]]] = MappingProxyType(
    {
        "stateRoot": ("state_root", _hash),
        "txRoot": ("transactions_root", _hash),
        "receiptsRoot": ("receipts_root", _hash),
        "logsHash": ("logs_hash", _hash),
        "logsBloom": ("logs_bloom", _bloom),
        "gasUsed": ("gas_used", Field.number),
        "blobGasUsed": ("blob_gas_used", Field.number),
        "withdrawalsRoot": ("withdrawals_root", _hash),
        "requestsHash": ("requests_hash", _hash),
        "requests": ("requests", _requests),
    }
)


# ---- JSON -----------------------------------------------------------------------------------


def read_document(source: str, text: bytes, errors: str = "") -> Field:
    """One JSON object, with every key once.

    Raises: `Garbage`; `Twice`, for a second document behind it or a key that stands twice.
    """
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise Garbage(f"{source}: more than {MOST_VALUES} values", errors)
    try:
        document = Field(source, "", parse_json(source, text))
    except InputError as error:
        if isinstance(error.__cause__, JSONDecodeError) and error.__cause__.msg == "Extra data":
            raise Twice(f"{source}: more behind the end of its answer", errors) from None
        if isinstance(error.__cause__, KeyTwice):
            raise Twice(f"{source}: an object has the same key twice", errors) from None
        raise Garbage(str(error), errors) from None
    if not isinstance(document.value, dict):
        raise Garbage(f"{source}: must be an object", errors)
    return document


def read_answer(result: Field, alloc: Field | None, transactions: int, errors: str = "") -> Answer:
    """The answer in a tool's `result` and `alloc`, for a block of so many transactions.

    Raises: `Garbage`.
    """
    try:
        refusal, accesses = result.get("blockException"), result.get("blockAccessList")
        digest = result.get("blockAccessListHash")
        return Answer(
            alloc=None if alloc is None else parse_alloc(alloc),
            receipts=_receipts(result.get("receipts"), transactions),
            rejected=_rejected(result.get("rejected"), transactions),
            values=_values(result),
            refusal=None if refusal is None else refusal.text()[:200],
            access_list=None if accesses is None else read_access_list(accesses, digest),
        )
    except InputError as error:
        raise Garbage(str(error), errors) from None


def _values(result: Field) -> dict[str, Any]:
    values = {}
    for key, (name, read) in _VALUES.items():
        given = result.get(key)
        if given is not None:
            values[name] = read(given)
    return values


# ---- receipts -------------------------------------------------------------------------------


def _receipts(field: Field | None, transactions: int) -> tuple[AnsweredReceipt, ...] | None:
    if field is None:
        return None
    receipts = tuple(_receipt(each) for each in field.elements())
    if len(receipts) > transactions:
        raise field.error(f"has {len(receipts)} receipts for {transactions} transactions")
    if any(receipt.logs is not None for receipt in receipts):
        # Where others have a list, none is an empty one.
        receipts = tuple(replace(receipt, logs=receipt.logs or ()) for receipt in receipts)
    return receipts


def _receipt(receipt: Field) -> AnsweredReceipt:
    def get(read: Callable[[Field], Any], *names: str) -> Any:
        given = receipt.get(*names)
        return None if given is None else read(given)

    created = get(Field.address, "contractAddress")
    return AnsweredReceipt(
        type=get(Field.number, "type"),
        status=get(_status, "status", "succeeded"),
        gas_used=get(Field.number, "gasUsed"),
        cumulative_gas_used=get(Field.number, "cumulativeGasUsed"),
        logs=get(_logs, "logs"),
        bloom=get(_bloom, "logsBloom", "bloom"),
        contract_address=None if created == NO_ADDRESS else created,
        state_root=get(_legacy_root, *_LEGACY_ROOT),
        transaction_hash=get(_hash, "transactionHash"),
    )


def _status(field: Field) -> bool:
    if isinstance(field.value, bool):
        return field.value
    return bool(field.number(1))


def _legacy_root(field: Field) -> bytes | None:
    """The state's root in a receipt before Byzantium; some tools give an empty one later on."""
    return None if field.value in ("", "0x") else field.data(32)


def _logs(field: Field) -> tuple[Log, ...]:
    logs = tuple(_log(each) for each in field.elements())
    if len(logs) > MOST_LOGS:
        raise field.error(f"more than {MOST_LOGS} logs")
    return logs


def _log(field: Field) -> Log:
    topics, data = field.require("topics"), field.get("data")
    return Log(
        address=field.require("address").address(),
        topics=tuple(topic.data(32) for topic in topics.elements()),
        data=b"" if data is None else data.data(),
    )


def _rejected(field: Field | None, transactions: int) -> frozenset[int] | None:
    if field is None:
        return None
    indices = [each.require("index").number(32) for each in field.elements()]
    if any(index >= transactions for index in indices):
        raise field.error(f"has an index beyond the {transactions} transactions that were given")
    if len(set(indices)) < len(indices):
        raise field.error("has an index twice")
    return frozenset(indices)

"""The lines of the *drive* protocol, read strictly. Its page: docs/formats/drive.md.

Texts of an executor's own choice are escaped as they come in: whatever is shown later, of whatever
was made of them, is one line and harmless on a terminal.
"""

import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pel_fuzz.drive.failures import Refused
from pel_fuzz.formats.header import Format, FormatError, check_header, header
from pel_fuzz.formats.history_jsonl import decode_history
from pel_fuzz.formats.json_lines import parse_line
from pel_fuzz.tiny import PAIRS, PRIME, TinyBlock, to_json
from pel_fuzz.verdict import escaped
from pel_spec.history import History, Order
from pel_spec.vocabulary import Location, Value

LONGEST_LINE: Final = 1 << 20
"""Bytes of one line, of either side."""
LONGEST_NAME, MOST_PARTS = 64, 8
"""Characters of a step's name and of a text in it; parts of an object and arguments of a step."""
LARGEST_INTEGER: Final = 2**53 - 1
LONGEST_COMPLAINT: Final = 500
"""Characters of an `error` that are shown."""

IDLE, END = "idle", "end"
"""The two steps that mean something to the driver; all other names are the executor's own."""

_REMEMBERED_LENGTH: Final = 512
_STEP_FIELDS: Final = {"worker", "step", "object", "args", "look", "blocked"}


class Announcement(NamedTuple):
    """What a worker is about to do. `blocked`: it tried, and could not have the lock.

    `look`: the step changes nothing. `object` is empty where none was named.
    """

    worker: int
    step: str
    object: tuple[Any, ...] = ()
    args: tuple[Any, ...] = ()
    look: bool = False
    blocked: bool = False


class Answer(NamedTuple):
    """What a run left: the final value of each location, what each transition reported, and its
    history, if the executor tells."""

    values: dict[Location, Value]
    outcomes: tuple[tuple[str | int, ...], ...]
    history: History | None


def greeting() -> dict[str, Any]:
    """The first line that is sent, and that must come back."""
    return header(Format.DRIVE)


def check_greeting(line: bytes) -> str:
    """What the executor calls itself, from its first line.

    Raises: `FormatError`.
    """
    first = check_header(_object(line), Format.DRIVE)
    _only(first, {"pel", "version", "executor"})
    return _text(first.get("executor", "an executor"), "executor")


def run_order(number: int, workers: int, block: TinyBlock) -> bytes:
    """The line that begins a run."""
    return encode({"run": number, "workers": workers, "block": to_json(block)})


def encode(message: dict[str, Any]) -> bytes:
    """A line to be sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def go_order(worker: int) -> bytes:
    """The line that lets a worker take its step."""
    return b'{"go":%d}\n' % worker


def announcement(line: bytes, workers: int) -> Announcement:
    """What a worker announces. The same line means the same again, so short ones are remembered.

    Raises: `FormatError`; `Refused`.
    """
    if len(line) <= _REMEMBERED_LENGTH:
        return _remembered(line, workers)
    return _announcement(line, workers)


def _announcement(line: bytes, workers: int) -> Announcement:
    document = _object(line)
    _only(document, _STEP_FIELDS)
    worker = document.get("worker")
    if type(worker) is not int or not 0 <= worker < workers:
        raise FormatError("worker", f"must be from 0 to {workers - 1}")
    step = _text(document.get("step"), "step")
    if not step:
        raise FormatError("step", "must not be empty")
    look, blocked = document.get("look", False), document.get("blocked", False)
    if type(look) is not bool or type(blocked) is not bool:
        raise FormatError("look" if type(look) is not bool else "blocked", "must be true or false")
    place = _parts(document.get("object", []), "object")
    return Announcement(
        worker, step, place, _parts(document.get("args", []), "args"), look, blocked
    )


_remembered = lru_cache(maxsize=1 << 14)(_announcement)


def answer(line: bytes, block: TinyBlock) -> Answer:
    """What a run of `block` left.

    Raises: `FormatError`; `Refused`.
    """
    document = _object(line)
    _only(document, {"result", "history"})
    found = result_of(document.get("result"), block, "result")
    history = document.get("history")
    if "history" not in document:
        return found
    return found._replace(history=_history(history, len(block.programs)))


def result_of(result: object, block: TinyBlock, at: str) -> Answer:
    """What a run of `block` left, from the object that stands `at` a field, or is the document.

    Raises: `FormatError`.
    """
    if not isinstance(result, dict):
        raise FormatError(at, "must be an object")
    path = f"{at}." if at else ""
    _only(result, {"cells", "pairs", "outcomes"}, path)
    values: dict[Location, Value] = {}
    cells = _list(result.get("cells"), f"{path}cells", len(block.initial_values))
    for number, value in enumerate(cells):
        values["cell", number] = _value(value, f"{path}cells[{number}]")
    for number, halves in enumerate(_list(result.get("pairs"), f"{path}pairs", PAIRS)):
        for half, value in enumerate(_list(halves, f"{path}pairs[{number}]", 2)):
            values["pair", number, half] = _value(value, f"{path}pairs[{number}][{half}]")
    outcomes = _list(result.get("outcomes"), f"{path}outcomes", len(block.programs))
    told = tuple(_outcome(each, f"{path}outcomes[{i}]") for i, each in enumerate(outcomes))
    return Answer(values, told, None)


def _history(events: Any, transitions: int) -> History:
    """The events of a history, whose first and last line go without saying."""
    if not isinstance(events, list):
        raise FormatError("history", "must be an array of events")
    first = header(Format.HISTORY) | {
        "transitions": transitions,
        "version_order": str(Order.PRESET),
        "session_order": False,
    }
    lines = (first, *events, {"event": "end", "events": len(events)})
    try:
        return decode_history(json.dumps(line).encode() for line in lines)
    except FormatError as error:
        # There, the header is line 1.
        place, _, rest = error.field.removeprefix("line ").partition(":")
        at = ".".join(filter(None, (f"history[{int(place) - 2}]", escaped(rest.strip()))))
        raise FormatError(at, error.problem) from None


def _object(line: bytes) -> dict[str, Any]:
    document = parse_line(line, LONGEST_LINE)
    if not isinstance(document, dict):
        raise FormatError("", "must be an object")
    if "error" in document:
        _only(document, {"error"})
        if not isinstance(document["error"], str):
            raise FormatError("error", "must be a string")
        raise Refused(f"it says: {escaped(document['error'][:LONGEST_COMPLAINT])}")
    return document


def _only(document: dict[str, Any], known: set[str], prefix: str = "") -> None:
    unknown = sorted(document.keys() - known)
    if unknown:
        raise FormatError(prefix + escaped(unknown[0][:80]), "is not a field here")


def _list(value: Any, at: str, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise FormatError(at, f"must be an array of {length}")
    return value


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise FormatError(at, f"must be a string of at most {LONGEST_NAME} characters")
    return escaped(value)


def _parts(value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > MOST_PARTS:
        raise FormatError(at, f"must be an array of at most {MOST_PARTS}")
    for part in value:
        if type(part) is int and abs(part) <= LARGEST_INTEGER:
            continue
        if type(part) is not str or len(part) > LONGEST_NAME:
            raise FormatError(at, "may hold integers and short strings")
    return tuple(escaped(part) if type(part) is str else part for part in value)


def _value(value: Any, at: str) -> Value:
    if value is None or (type(value) is int and 0 <= value < PRIME):
        return value
    raise FormatError(at, f"must be null or an integer from 0 to {PRIME - 1}")


def _outcome(value: Any, at: str) -> tuple[str | int, ...]:
    match value:
        case ["ended", int(accumulator)] if type(accumulator) is int:
            return "ended", accumulator
        case ["reverted"]:
            return ("reverted",)
        case ["fault", str(why)]:
            return "fault", why
        case _:
            raise FormatError(at, 'must be ["ended", accumulator], ["reverted"] or ["fault", why]')

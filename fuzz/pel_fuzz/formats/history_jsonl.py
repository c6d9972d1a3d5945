"""The *history* format: what an execution did, as JSON lines. Its page: docs/formats/history.md.

Histories come from executors in any language, so a file is read strictly and within bounds, a line
at a time: what is not understood is refused, because guessing would turn a misread log into a
verdict. What is well formed but impossible (a commit of nothing, say) is left to the specification
to judge.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from pel_fuzz.formats.header import Format, FormatError, check_header, header
from pel_fuzz.formats.json_lines import bounded, parse_line, read_stream
from pel_reference.json_input import MAX_INPUT_BYTES
from pel_spec.history import End, History, Incarnation, Order, Validation
from pel_spec.vocabulary import Location, Read, Value, Version, Write

LONGEST_LINE: Final = 1 << 24
"""Bytes. One line holds one incarnation, with all that it read and wrote."""
MOST_LINES: Final = 4_000_000
MOST_TRANSITIONS: Final = 1_000_000
LARGEST_INTEGER: Final = 2**53 - 1
"""What every language reads from JSON exactly; in a location, larger integers become strings."""

LISTED: Final = "listed"
"""The version order of a history that lists it, in the header."""


def write_history(stream: TextIO, history: History) -> None:
    """Write a history; the same history gives the same bytes."""
    for document in _documents(history):
        stream.write(json.dumps(document, separators=(",", ":")) + "\n")


def _documents(history: History) -> Iterator[dict[str, Any]]:
    order = history.version_order
    listed: Mapping[Location, tuple[Version, ...]] = {} if isinstance(order, Order) else order
    yield header(Format.HISTORY) | {
        "transitions": history.transitions,
        "version_order": str(order) if isinstance(order, Order) else LISTED,
        "session_order": history.session_order,
    }
    for location, value in history.initial.items():
        yield {"event": "initial", "location": _place(location), "value": _datum(value)}
    for incarnation in history.incarnations:
        yield {
            "event": "incarnation",
            "version": incarnation.version,
            "end": str(incarnation.end),
            "reads": [_read_to_json(read) for read in incarnation.reads],
            "writes": [
                {"location": _place(location), "value": _datum(value)}
                for location, value in incarnation.writes
            ],
        }
    for validation in history.validations:
        yield {"event": "validation", "version": validation.version, "passed": validation.passed}
    for version in history.commits:
        yield {"event": "commit", "version": version}
    for location, versions in listed.items():
        yield {"event": "order", "location": _place(location), "versions": versions}
    events = len(history.initial) + len(history.incarnations) + len(history.validations)
    yield {"event": "end", "events": events + len(history.commits) + len(listed)}


def _read_to_json(read: Read) -> dict[str, Any]:
    document = {
        "location": _place(read.location),
        "value": _datum(read.value),
        "version": read.version,
    }
    return document if read.predicate is None else document | {"predicate": read.predicate}


def _place(location: Location) -> list[Any]:
    return [_place_part(part) for part in location]


def _place_part(part: object) -> str | int:
    if isinstance(part, bool) or not isinstance(part, str | bytes | int):
        raise TypeError(f"{part!r} does not belong in a location of a history")
    if isinstance(part, int) and abs(part) <= LARGEST_INTEGER:
        return part
    return str(_datum(part))


def _datum(value: Value) -> Any:
    """A value as JSON; integers are quantities, so that no language rounds them."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_datum(part) for part in value]
    raise TypeError(f"{value!r} is not data of a history")


def read_history(path: str | Path) -> History:
    """The history that a file holds, plain or gzip.

    Raises: `InputError` naming the file, the line and the field.
    """
    return read_stream(
        path,
        lambda stream: decode_history(bounded(stream.readline, LONGEST_LINE, MAX_INPUT_BYTES)),
    )


def decode_history(lines: Iterable[bytes]) -> History:
    """The history in these lines; they are taken one at a time.

    Raises: `FormatError` naming the line and the field.
    """
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        try:
            if number > MOST_LINES:
                raise FormatError("", f"more than {MOST_LINES} lines")
            reader.take(parse_line(line, LONGEST_LINE))
        except FormatError as error:
            place = f"line {number}: {error.field}" if error.field else f"line {number}"
            raise FormatError(place, error.problem) from None
    return reader.history()


@dataclass(slots=True)
class _Reader:
    """What the lines have said so far."""

    header: dict[str, Any] | None = None
    initial: dict[Location, Value] = field(default_factory=dict)
    incarnations: list[Incarnation] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    commits: list[Version] = field(default_factory=list)
    order: dict[Location, tuple[Version, ...]] = field(default_factory=dict)
    events: int = 0
    ended: bool = False

    def take(self, document: Any) -> None:
        if self.header is None:
            self.header = _check_first(document)
            return
        if self.ended:
            raise FormatError("", "nothing may follow the end")
        event = document.get("event") if isinstance(document, dict) else None
        if not isinstance(event, str) or event not in _EVENTS:
            raise FormatError("event", f"expected one of {', '.join(_EVENTS)}")
        required, take = _EVENTS[event]
        _check_fields(document, {"event", *required})
        take(self, document)
        self.events += 1

    def take_initial(self, line: dict[str, Any]) -> None:
        location = _location(line["location"], "location")
        if location in self.initial:
            raise FormatError("location", "has an initial value already")
        self.initial[location] = _value(line["value"], "value")

    def take_incarnation(self, line: dict[str, Any]) -> None:
        if line["end"] not in tuple(End):
            raise FormatError("end", f"expected one of {', '.join(End)}")
        reads = tuple(_read(each, at) for each, at in _each(line["reads"], "reads"))
        writes = tuple(_write(each, at) for each, at in _each(line["writes"], "writes"))
        version = _version(line["version"], "version")
        self.incarnations.append(Incarnation(version, reads, writes, End(line["end"])))

    def take_validation(self, line: dict[str, Any]) -> None:
        passed = _boolean(line["passed"], "passed")
        self.validations.append(Validation(_version(line["version"], "version"), passed))

    def take_commit(self, line: dict[str, Any]) -> None:
        self.commits.append(_version(line["version"], "version"))

    def take_order(self, line: dict[str, Any]) -> None:
        location = _location(line["location"], "location")
        if self.header is not None and self.header["version_order"] != LISTED:
            raise FormatError("event", f"the header's version_order is not {LISTED!r}")
        if location in self.order:
            raise FormatError("location", "has its versions listed already")
        versions = _each(line["versions"], "versions")
        self.order[location] = tuple(_version(each, at) for each, at in versions)

    def take_end(self, line: dict[str, Any]) -> None:
        if _integer(line["events"], "events") != self.events:
            raise FormatError("events", f"{self.events} events stand before the end")
        self.ended = True

    def history(self) -> History:
        if self.header is None:
            raise FormatError("", "the file is empty")
        if not self.ended:
            raise FormatError("", "the last line, the event 'end', is missing: cut off?")
        order = self.header["version_order"]
        return History(
            transitions=self.header["transitions"],
            incarnations=tuple(self.incarnations),
            validations=tuple(self.validations),
            commits=tuple(self.commits),
            version_order=self.order if order == LISTED else Order(order),
            session_order=self.header["session_order"],
            initial=self.initial,
        )


_EVENTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[_Reader, dict[str, Any]], None]]]] = {
    "initial": (("location", "value"), _Reader.take_initial),
    "incarnation": (("version", "end", "reads", "writes"), _Reader.take_incarnation),
    "validation": (("version", "passed"), _Reader.take_validation),
    "commit": (("version",), _Reader.take_commit),
    "order": (("location", "versions"), _Reader.take_order),
    "end": (("events",), _Reader.take_end),
}
"""The events: the fields of each, all required, and what becomes of them."""


def _check_first(document: Any) -> dict[str, Any]:
    first = check_header(document, Format.HISTORY)
    fields = {"pel", "version", "transitions", "version_order", "session_order"}
    _check_fields(first, fields, {"note"})
    if not 0 <= _integer(first["transitions"], "transitions") <= MOST_TRANSITIONS:
        raise FormatError("transitions", f"must be from 0 to {MOST_TRANSITIONS}")
    orders = (*Order, LISTED)
    if first["version_order"] not in orders:
        raise FormatError("version_order", f"expected one of {', '.join(orders)}")
    _boolean(first["session_order"], "session_order")
    if not isinstance(first.get("note", ""), str):
        raise FormatError("note", "must be a string")
    return first


def _check_fields(
    document: dict[str, Any], required: set[str], optional: Iterable[str] = (), at: str = ""
) -> None:
    prefix = f"{at}." if at else ""
    for name in sorted(required - document.keys()):
        raise FormatError(prefix + name, "is missing")
    for name in sorted(document.keys() - required - {*optional}):
        raise FormatError(prefix + name[:80], "is not a field here")


def _each(value: Any, at: str) -> Iterator[tuple[Any, str]]:
    if not isinstance(value, list):
        raise FormatError(at, "must be an array")
    return ((each, f"{at}[{index}]") for index, each in enumerate(value))


def _read(value: Any, at: str) -> Read:
    if not isinstance(value, dict):
        raise FormatError(at, "must be an object")
    _check_fields(value, {"location", "value", "version"}, {"predicate"}, at)
    predicate, version = value.get("predicate"), value["version"]
    if predicate is not None and not isinstance(predicate, str):
        raise FormatError(f"{at}.predicate", "must be a string or null")
    return Read(
        _location(value["location"], f"{at}.location"),
        _value(value["value"], f"{at}.value"),
        None if version is None else _version(version, f"{at}.version"),
        predicate,
    )


def _write(value: Any, at: str) -> Write:
    if not isinstance(value, dict):
        raise FormatError(at, "must be an object")
    _check_fields(value, {"location", "value"}, (), at)
    location = _location(value["location"], f"{at}.location")
    return Write(location, _value(value["value"], f"{at}.value"))


def _location(value: Any, at: str) -> Location:
    if not isinstance(value, list) or not value:
        raise FormatError(at, "must be an array that is not empty")
    for index, part in enumerate(value):
        if not isinstance(part, str):
            _integer(part, f"{at}[{index}]")
    return tuple(value)


def _value(value: Any, at: str) -> Value:
    """A value as it is compared: an integer is its quantity, a string stays as it is."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, list):
        return tuple(_value(part, f"{at}[{index}]") for index, part in enumerate(value))
    raise FormatError(at, "must be null, a boolean, an integer, a string, or an array of these")


def _version(value: Any, at: str) -> Version:
    if not isinstance(value, list) or len(value) != 2:
        raise FormatError(at, "must be [position, incarnation]")
    return Version(_integer(value[0], f"{at}[0]"), _integer(value[1], f"{at}[1]"))


def _integer(value: Any, at: str) -> int:
    if type(value) is not int or abs(value) > LARGEST_INTEGER:
        raise FormatError(at, f"must be an integer of at most {LARGEST_INTEGER}")
    return value


def _boolean(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise FormatError(at, "must be true or false")
    return value

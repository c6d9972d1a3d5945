"""A foreign trace: what a client in any language logs of the five steps of the abstract machine.

Its page, with examples in Go and Rust, is docs/formats/trace.md. It comes from strangers, so it is
read within bounds, a line at a time, and every complaint names the line and the field.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, NamedTuple

from pel_fuzz.formats.header import Format, FormatError, check_header
from pel_fuzz.formats.json_lines import parse_line
from pel_fuzz.formats.trace_jsonl import LONGEST_LINE, LineOrder
from pel_spec.vocabulary import PRE_STATE, Location, Version

MOST_STEPS: Final = 1_000_000
MOST_WORKERS: Final = 1 << 16
MOST_TRANSITIONS: Final = 1_000_000
MOST_WRITES: Final = 4_000_000
"""Locations in all `publish` steps of a trace together."""
LARGEST_NUMBER: Final = 2**53 - 1
"""Of a step, or an incarnation: what every language reads from JSON exactly."""

FIELDS: Final = ("worker", "own", "action", "args", "object", "sequence", "observed")


class Action(StrEnum):
    """The steps of the abstract machine (`pel_spec.optimistic`)."""

    READ = "read"
    PUBLISH = "publish"
    VALIDATE = "validate"
    ABORT = "abort"
    COMMIT = "commit"


class Rules(StrEnum):
    """The machine that a trace is to be held against, by `rules` of its header."""

    OPTIMISTIC = "optimistic"
    """The abstract machine; also where the header says nothing."""
    BLOCK_STM = "block-stm"
    """`pel_spec.scheduler`, step by step: the traces of our own executor."""


class Event(NamedTuple):
    """One line. `location` and `found` are of a `read`, and of a `validate` of one location;
    `writes` are of a `publish`. A `commit` without a position is of the whole block. What has no
    `effect` (it met an ESTIMATE, or somebody was faster) is no step of the machine."""

    line: int
    worker: int
    own: int
    action: Action
    position: int | None = None
    incarnation: int = 0
    location: Location | None = None
    found: Version = PRE_STATE
    writes: frozenset[Location] = frozenset()
    effect: bool = True


@dataclass(frozen=True, slots=True)
class ForeignTrace:
    """The events by line; for each, those that must come just before it (their indices); and the
    actions that the client logs wherever it takes them."""

    workers: int
    transitions: int
    order: LineOrder
    logs: frozenset[Action]
    events: tuple[Event, ...]
    before: tuple[tuple[int, ...], ...]


def rules_of(lines: Iterable[bytes]) -> Rules:
    """What the header, the first of these lines, asks for.

    Raises: `FormatError`.
    """
    first = next(iter(lines), None)
    if first is None:
        raise FormatError("", "the file must start with a header object")
    try:
        header = check_header(parse_line(first, LONGEST_LINE), Format.TRACE)
        return Rules(str(header.get("rules", Rules.OPTIMISTIC)))
    except FormatError as error:
        raise _in_line(1, error) from None
    except ValueError:
        raise FormatError("line 1: rules", f"expected one of {', '.join(Rules)}") from None


def decode_foreign_trace(lines: Iterable[bytes]) -> ForeignTrace:
    """The trace in these lines; they are taken one at a time.

    Raises: `FormatError` naming the line and the field.
    """
    header: dict[str, Any] | None = None
    reader: _Reader | None = None
    for number, line in enumerate(lines, 1):
        try:
            document = parse_line(line, LONGEST_LINE)
            if reader is None:
                header = check_header(document, Format.TRACE)
                reader = _Reader(_below(header, "workers", 1, MOST_WORKERS), _transitions(header))
            else:
                reader.take(number, document)
        except FormatError as error:
            raise _in_line(number, error) from None
    if reader is None or header is None:
        raise FormatError("", "the file must start with a header object")
    return reader.trace(header)


def _in_line(number: int, error: FormatError) -> FormatError:
    place = f"line {number}: {error.field}" if error.field else f"line {number}"
    return FormatError(place, error.problem)


def _transitions(header: dict[str, Any]) -> int:
    return _below(header, "transitions", 0, MOST_TRANSITIONS)


class _Reader:
    """What the lines have said so far."""

    def __init__(self, workers: int, transitions: int) -> None:
        self.workers, self.transitions = workers, transitions
        self.events: list[Event] = []
        self.objects: list[tuple[tuple[Any, ...], int | None]] = []
        self.writes = 0

    def take(self, number: int, line: Any) -> None:
        if len(self.events) == MOST_STEPS:
            raise FormatError("", f"more than {MOST_STEPS} steps")
        if not isinstance(line, dict) or set(line) != set(FIELDS):
            raise FormatError("", f"expected an object with the fields {', '.join(FIELDS)}")
        if line["action"] not in tuple(Action):
            raise FormatError("action", f"expected one of {', '.join(Action)}")
        for field in ("args", "object"):
            if not isinstance(line[field], list):
                raise FormatError(field, "expected a list")
        action = Action(line["action"])
        told = _EVENTS[action](line, self.transitions)
        self.writes += len(told.get("writes", ()))
        if self.writes > MOST_WRITES:
            raise FormatError("args", f"more than {MOST_WRITES} locations are written in all")
        worker = _below(line, "worker", 0, self.workers - 1)
        own = _below(line, "own", 0, LARGEST_NUMBER)
        sequence = line["sequence"]
        if sequence is not None:
            sequence = _below(line, "sequence", 0, LARGEST_NUMBER)
        self.events.append(Event(number, worker, own, action, **told))
        self.objects.append((_freeze(line["object"], "object"), sequence))

    def trace(self, header: Mapping[str, Any]) -> ForeignTrace:
        try:
            order = LineOrder(str(header.get("order")))
        except ValueError:
            raise FormatError("line 1: order", f"expected one of {', '.join(LineOrder)}") from None
        before: list[list[int]] = [[] for _ in self.events]
        self._chain(_by_worker(self.events), before)
        self._chain(_by_object(self.events, self.objects), before)
        if order is LineOrder.TAKEN:
            self._chain([range(len(self.events))], before)
        _check_acyclic(before)
        logs = _logs(header, frozenset(event.action for event in self.events))
        return ForeignTrace(
            self.workers,
            self.transitions,
            order,
            logs,
            tuple(self.events),
            tuple(tuple(each) for each in before),
        )

    def _chain(self, chains: Iterable[Sequence[int]], before: list[list[int]]) -> None:
        for chain in chains:
            for one, follower in pairwise(chain):
                before[follower].append(one)


def _by_worker(events: Sequence[Event]) -> Iterator[list[int]]:
    mine: dict[int, list[int]] = {}
    for index, event in enumerate(events):
        mine.setdefault(event.worker, []).append(index)
    for worker, indices in mine.items():
        indices.sort(key=lambda index: events[index].own)
        for own, index in enumerate(indices):
            if events[index].own != own:
                place = f"line {events[index].line}: own"
                raise FormatError(place, f"worker {worker} has no step number {own}, or two")
        yield indices


def _by_object(
    events: Sequence[Event], objects: Sequence[tuple[tuple[Any, ...], int | None]]
) -> Iterator[list[int]]:
    numbered: dict[tuple[Any, ...], dict[int, int]] = {}
    for index, (name, sequence) in enumerate(objects):
        if sequence is None:
            continue
        taken = numbered.setdefault(name, {})
        if sequence in taken:
            first = events[taken[sequence]].line
            place = f"line {events[index].line}: sequence"
            raise FormatError(place, f"line {first} has this number on the same object")
        taken[sequence] = index
    for taken in numbered.values():
        yield [index for _, index in sorted(taken.items())]


def _check_acyclic(before: Sequence[Sequence[int]]) -> None:
    """Is there an order that respects all numbers?"""
    missing = [len(each) for each in before]
    after: list[list[int]] = [[] for _ in before]
    for index, each in enumerate(before):
        for one in each:
            after[one].append(index)
    free = [index for index, count in enumerate(missing) if not count]
    for index in free:
        for follower in after[index]:
            missing[follower] -= 1
            if not missing[follower]:
                free.append(follower)
    if len(free) != len(before):
        raise FormatError(
            "sequence", "the numbers by worker, object and line contradict each other"
        )


def _logs(header: Mapping[str, Any], seen: frozenset[Action]) -> frozenset[Action]:
    listed = header.get("logs")
    if listed is None:
        return seen
    if not isinstance(listed, list) or any(each not in tuple(Action) for each in listed):
        raise FormatError("line 1: logs", f"expected a list of some of {', '.join(Action)}")
    return frozenset(map(Action, listed))


# ---- the five kinds of line, each read into the fields of an `Event` ---------------------------


def _read(line: dict[str, Any], transitions: int) -> dict[str, Any]:
    told = _version_args(line, transitions) | {"location": _cell(line["object"])}
    seen = line["observed"]
    if isinstance(seen, list) and len(seen) == 2 and seen[0] == "estimate":
        _position(seen[1], "observed[1]", transitions)
        return told | {"effect": False}
    return told | {"found": _found(seen, transitions)}


def _validate(line: dict[str, Any], transitions: int) -> dict[str, Any]:
    if line["object"][:1] == ["cell"]:
        return _read(line, transitions)
    told = _version_args(line, transitions)
    _own_object(line["object"], told["position"])
    return told | {"effect": _verdict(line["observed"])}


def _publish(line: dict[str, Any], transitions: int) -> dict[str, Any]:
    told = _version_args(line, transitions, more=1)
    _own_object(line["object"], told["position"])
    writes = line["args"][2]
    if not isinstance(writes, list):
        raise FormatError("args[2]", "expected the list of the locations written")
    if line["observed"] is not None:
        raise FormatError("observed", "expected null")
    places = [_location(place, f"args[2][{at}]") for at, place in enumerate(writes)]
    return told | {"writes": frozenset(places)}


def _abort(line: dict[str, Any], transitions: int) -> dict[str, Any]:
    told = _version_args(line, transitions)
    _own_object(line["object"], told["position"])
    effect = line["observed"] is None or _verdict(line["observed"])
    return told | {"effect": effect}


def _commit(line: dict[str, Any], transitions: int) -> dict[str, Any]:
    if line["observed"] is not None:
        raise FormatError("observed", "expected null")
    told = _version_args(line, transitions) if line["args"] else {}
    if line["object"] != ["block"]:
        _own_object(line["object"], told.get("position"))
    return told


_EVENTS: Final = {
    Action.READ: _read,
    Action.PUBLISH: _publish,
    Action.VALIDATE: _validate,
    Action.ABORT: _abort,
    Action.COMMIT: _commit,
}


def _version_args(line: dict[str, Any], transitions: int, more: int = 0) -> dict[str, Any]:
    args = line["args"]
    if len(args) != 2 + more:
        raise FormatError("args", f"expected {2 + more} arguments: position, incarnation, ...")
    position = _position(args[0], "args[0]", transitions)
    return {"position": position, "incarnation": _number(args[1], "args[1]", 0, LARGEST_NUMBER)}


def _own_object(name: list[Any], position: int | None) -> None:
    if name[:1] != ["position"] or len(name) != 2 or type(name[1]) is not int:
        raise FormatError("object", 'expected ["position", p]')
    if name[1] != position:
        raise FormatError("object", f"is not that of position {position}, which args name")


def _cell(name: list[Any]) -> Location:
    if name[:1] != ["cell"] or len(name) != 2:
        raise FormatError("object", 'expected ["cell", location]')
    return _location(name[1], "object[1]")


def _found(seen: Any, transitions: int) -> Version:
    if seen is None or seen == [PRE_STATE.position, PRE_STATE.incarnation]:
        return PRE_STATE
    if not isinstance(seen, list) or len(seen) != 2:
        raise FormatError("observed", 'expected a version [p, i], ["estimate", p] or null')
    position = _position(seen[0], "observed[0]", transitions)
    return Version(position, _number(seen[1], "observed[1]", 0, LARGEST_NUMBER))


def _verdict(seen: Any) -> bool:
    if not isinstance(seen, bool):
        raise FormatError("observed", "expected true or false")
    return seen


def _location(place: Any, at: str) -> Location:
    if not isinstance(place, list) or not place:
        raise FormatError(at, "expected a location: a list of strings and integers, not empty")
    return _freeze(place, at)


def _freeze(value: list[Any], at: str) -> tuple[Any, ...]:
    """A list of names as something that can be compared; floating-point numbers and truth values
    would be equal to integers, so they name nothing."""
    return tuple(_freeze_part(part, f"{at}[{index}]") for index, part in enumerate(value))


def _freeze_part(part: Any, at: str) -> Any:
    if isinstance(part, list):
        return _freeze(part, at)
    if isinstance(part, str) or type(part) is int:
        return part
    if isinstance(part, dict) and set(part) == {"hex"} and isinstance(part["hex"], str):
        try:
            return bytes.fromhex(part["hex"])
        except ValueError:
            raise FormatError(at, "not a string of hexadecimal digits") from None
    raise FormatError(at, "expected a string, an integer, a list of them or a hex")


def _position(value: Any, at: str, transitions: int) -> int:
    if not transitions:
        raise FormatError(at, "the block has no transitions")
    return _number(value, at, 0, transitions - 1)


def _below(document: Mapping[str, Any], field: str, low: int, high: int) -> int:
    return _number(document.get(field), field, low, high)


def _number(value: Any, at: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise FormatError(at, f"expected a whole number from {low} to {high}")
    return value

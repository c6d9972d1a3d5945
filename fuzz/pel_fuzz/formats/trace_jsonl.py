"""The *trace* format: the steps of one run, as JSON lines. Its page: docs/formats/trace.md.

Our own runs write it, executors in other languages may, so it is read as strictly as any input.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TextIO

from pel_fuzz.formats.header import Format, FormatError, check_header, header
from pel_parallel.trace import linearize
from pel_reference.errors import InputError
from pel_reference.json_input import parse_json
from pel_spec.sync import Step

FIELDS: Final = ("worker", "own", "action", "args", "object", "sequence", "observed")
"""The fields of a line, those of a `Step`."""
RULES: Final = "block-stm"
"""The machine that our own traces are to be held against."""
MOST_WORKERS: Final = 1024
LONGEST_LINE: Final = 1 << 20
"""Characters; a step is a few hundred."""


class LineOrder(StrEnum):
    """What the order of the lines means.

    `TAKEN`: the steps were taken in this order. `PARTIAL`: nothing; the numbers of the steps by
    worker and by object say all there is."""

    TAKEN = "taken"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as its file holds it; the steps are in an order in which they can have happened."""

    workers: int
    transitions: int
    order: LineOrder
    steps: tuple[Step, ...]


def write_trace(stream: TextIO, trace: Trace) -> None:
    """Write a trace; the same trace gives the same bytes."""
    first = header(Format.TRACE) | {
        "workers": trace.workers,
        "transitions": trace.transitions,
        "order": str(trace.order),
        "rules": RULES,
    }
    stream.write(_dump(first))
    for step in trace.steps:
        stream.write(_dump(dict(zip(FIELDS, map(_encode, step), strict=True))))


def read_trace(stream: TextIO) -> Trace:
    """The trace that a file holds.

    Raises: `FormatError`, with the line and the field.
    """
    lines = _lines(stream)
    _, first = next(lines, (1, None))
    document = check_header(first, Format.TRACE)
    workers = _whole(document, "workers", 1, MOST_WORKERS)
    transitions = _whole(document, "transitions", 0, None)
    try:
        order = LineOrder(str(document.get("order")))
    except ValueError:
        raise FormatError("order", f"expected one of {', '.join(LineOrder)}") from None
    by_worker: list[list[Step]] = [[] for _ in range(workers)]
    steps = []
    for number, line in lines:
        try:
            step = _step(line, workers)
        except FormatError as error:
            place = f"line {number}: {error.field}" if error.field else f"line {number}"
            raise FormatError(place, error.problem) from None
        by_worker[step.worker].append(step)
        steps.append(step)
    return Trace(workers, transitions, order, _in_order(steps, by_worker, order))


def _in_order(steps: list[Step], by_worker: list[list[Step]], order: LineOrder) -> tuple[Step, ...]:
    """The steps as they can have happened, once their numbers are known to be sound."""
    for mine in by_worker:
        mine.sort(key=lambda step: step.own)
        for own, step in enumerate(mine):
            if step.own != own:
                raise FormatError("own", f"worker {step.worker} has no step number {own}, or two")
    try:
        possible = linearize(by_worker)
    except ValueError as error:
        raise FormatError("sequence", str(error)) from None
    if order is LineOrder.PARTIAL:
        return possible
    due: dict[Any, int] = {}
    for step in steps:
        for counted, number in ((("own", step.worker), step.own), (step.object, step.sequence)):
            if due.get(counted, 0) != number:
                raise FormatError("order", "the lines are not in the order of their numbers")
            due[counted] = number + 1
    return tuple(steps)


def _lines(stream: TextIO) -> Iterator[tuple[int, object]]:
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > LONGEST_LINE:
                raise FormatError(f"line {number}", f"longer than {LONGEST_LINE} characters")
            yield number, parse_json("", line.encode())
        except UnicodeError:
            raise FormatError(f"line {number}", "not UTF-8") from None
        except InputError as error:
            raise FormatError(f"line {number}", error.problem) from None


def _step(line: object, workers: int) -> Step:
    if not isinstance(line, dict) or set(line) != set(FIELDS):
        raise FormatError("", f"expected an object with the fields {', '.join(FIELDS)}")
    action = line["action"]
    if not isinstance(action, str) or not action:
        raise FormatError("action", "expected a name")
    for field in ("args", "object"):
        if not isinstance(line[field], list):
            raise FormatError(field, "expected a list")
    return Step(
        worker=_whole(line, "worker", 0, workers - 1),
        own=_whole(line, "own", 0, None),
        action=action,
        args=_decode(line["args"], "args"),
        object=_decode(line["object"], "object"),
        sequence=_whole(line, "sequence", 0, None),
        observed=_decode(line["observed"], "observed"),
    )


def _whole(document: dict[str, Any], field: str, low: int, high: int | None) -> int:
    value = document.get(field)
    if type(value) is not int or value < low or (high is not None and value > high):
        bound = "up" if high is None else f"to {high}"
        raise FormatError(field, f"expected a whole number from {low} {bound}")
    return value


def _encode(value: object) -> object:
    """Data as JSON: tuples are arrays, byte strings are objects."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, tuple):
        return [_encode(each) for each in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{value!r} is not data of a trace")


def _decode(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return tuple(_decode(each, at) for each in value)
    if isinstance(value, dict) and set(value) == {"hex"} and isinstance(value["hex"], str):
        try:
            return bytes.fromhex(value["hex"])
        except ValueError:
            raise FormatError(at, "not a string of hexadecimal digits") from None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise FormatError(at, "expected null, true, false, an integer, a string, a list or a hex")


def _dump(document: dict[str, Any] | Iterable[Any]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"

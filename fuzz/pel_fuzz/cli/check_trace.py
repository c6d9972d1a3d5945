"""`pel check --trace`: are the steps of a run those of the machine that its header names?"""

from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO, cast

from pel_fuzz.conformance.check import Conformance, TooLarge, check_trace
from pel_fuzz.conformance.foreign import Verdict, check_foreign_trace
from pel_fuzz.conformance.foreign_trace import (
    MOST_TRANSITIONS,
    ForeignTrace,
    Rules,
    decode_foreign_trace,
    rules_of,
)
from pel_fuzz.conformance.foreign_words import state_told
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.header import FormatError
from pel_fuzz.formats.json_lines import bounded, read_stream
from pel_fuzz.formats.trace_jsonl import LONGEST_LINE, Trace, read_trace

MOST_LINES_TOLD = 200
"""Of the picture of a state: that of a large block has a line for each position."""

_EXIT_CODES = {
    Verdict.CONFORMS: ExitCode.AGREE,
    Verdict.VIOLATES: ExitCode.DIFFER,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


def check_trace_file(path: str) -> dict[str, Any]:
    """Check the trace in a file, plain or gzip: the verdict as `--json` prints it.

    Raises: `InputError` naming the file, the line and the field.
    """
    rules = read_stream(path, lambda stream: rules_of(bounded(stream.readline, LONGEST_LINE)))
    if rules is not Rules.BLOCK_STM:
        return check_foreign_trace(read_stream(path, _read_foreign)).to_json()
    trace = read_stream(path, _read_own)
    try:
        found = check_trace(trace.steps, trace.transitions, trace.workers)
    except TooLarge as size:
        return _too_large_json(trace, size)
    return _own_json(trace, found)


def trace_exit_code(document: dict[str, Any]) -> ExitCode:
    """What a verdict on a trace means for a script."""
    return _EXIT_CODES[Verdict(document["verdict"])]


def _read_foreign(stream: BinaryIO) -> ForeignTrace:
    return decode_foreign_trace(bounded(stream.readline, LONGEST_LINE))


def _read_own(stream: BinaryIO) -> Trace:
    trace = read_trace(cast(TextIO, _Text(stream)))
    if trace.transitions > MOST_TRANSITIONS:
        raise FormatError("line 1: transitions", f"more than {MOST_TRANSITIONS}")
    return trace


class _Text:
    """A stream of text, as far as a trace is read from it, within the bounds of a file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = bounded(stream.readline, LONGEST_LINE)

    def readline(self, _: int) -> str:
        return next(self._lines, b"").decode()


def _own_json(trace: Trace, found: Conformance) -> dict[str, Any]:
    violation = found.violation
    step = None if violation is None else violation.step
    return {
        "verdict": str(Verdict.CONFORMS if violation is None else Verdict.VIOLATES),
        "rules": str(Rules.BLOCK_STM),
        "steps": len(trace.steps),
        "transitions": trace.transitions,
        "states_examined": found.states,
        "words": "" if violation is None else _cut(violation.explain()),
        "step": None if violation is None else violation.index,
        "worker": None if step is None else step.worker,
        "action": None if step is None else step.action,
    }


def _too_large_json(trace: Trace, size: TooLarge) -> dict[str, Any]:
    return {
        "verdict": str(Verdict.INCONCLUSIVE),
        "reason": f"too large to be replayed: {size}",
        "rules": str(Rules.BLOCK_STM),
        "steps": len(trace.steps),
        "transitions": trace.transitions,
        "words": "",
    }


def _cut(text: str) -> str:
    lines = text.splitlines()
    more = len(lines) - MOST_LINES_TOLD
    return text if more <= 0 else "\n".join((*lines[:MOST_LINES_TOLD], f"and {more} more lines"))


def trace_lines(document: dict[str, Any]) -> Iterator[str]:
    """The verdict on a trace, for people."""
    verdict, words = document["verdict"], document["words"]
    reason = document.get("reason")
    yield verdict + (f": {reason}" if reason else "")
    line = document.get("line")
    if words:
        yield words if line is None else f"line {line}: {words}"
    if document.get("state"):
        yield "the state there:"
        yield from (f"  {each}" for each in state_told(document["state"]))
    inferred = document.get("inferred")
    if inferred:
        counts = ", ".join(f"{count} {what}" for what, count in inferred.items())
        yield f"inferred, as not logged: {counts}"
    yield f"{document['steps']} steps, rules {document['rules']}"

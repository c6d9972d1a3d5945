"""Foreign traces: what a client in any language logs, judged against the abstract machine."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pel_fuzz.conformance.foreign import (
    ForeignVerdict,
    Reason,
    Verdict,
    check_foreign_trace,
)
from pel_fuzz.conformance.foreign_machine import Machine
from pel_fuzz.conformance.foreign_trace import ForeignTrace, decode_foreign_trace

Line = dict[str, Any]


def header(transitions: int, **more: Any) -> Line:
    return {
        "pel": "trace",
        "version": 1,
        "rules": "optimistic",
        "workers": 32,
        "transitions": transitions,
        "order": "partial",
    } | more


class Log:
    """The lines that a client writes."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.own: dict[int, int] = {}

    def add(
        self, worker: int, action: str, args: list[Any], obj: list[Any], seen: Any = None
    ) -> None:
        own = self.own[worker] = self.own.get(worker, -1) + 1
        numbers = {"worker": worker, "own": own, "sequence": None}
        step = {"action": action, "args": args, "object": obj, "observed": seen}
        self.lines.append(numbers | step)

    def read(self, worker: int, p: int, i: int, x: Any, found: Any) -> None:
        self.add(worker, "read", [p, i], ["cell", x], found)

    def validate(self, worker: int, p: int, i: int, x: Any, found: Any) -> None:
        self.add(worker, "validate", [p, i], ["cell", x], found)

    def publish(self, worker: int, p: int, i: int, writes: list[Any]) -> None:
        self.add(worker, "publish", [p, i, writes], ["position", p])

    def abort(self, worker: int, p: int, i: int) -> None:
        self.add(worker, "abort", [p, i], ["position", p])

    def commit(self, worker: int, p: int, i: int) -> None:
        self.add(worker, "commit", [p, i], ["position", p])


def written(text: str) -> list[Line]:
    """Steps in short: `worker action position.incarnation ...`, divided by semicolons, where the
    action is its first letter; `r` and `v` name a location and a version, `p` locations."""
    log = Log()
    for step in text.split(";"):
        worker, action, *rest = step.split()
        version, *more = [*rest, ""] if rest else ["", ""]
        p, i = map(int, version.split(".")) if version else (0, 0)
        who, places = int(worker), [[x] for x in more if x]
        found = [int(n) for n in more[1].split(".")] if len(more) > 1 and "." in more[1] else None
        if action == "p":
            log.publish(who, p, i, places)
        elif action == "a":
            log.abort(who, p, i)
        elif action == "c" and version:
            log.commit(who, p, i)
        elif action == "c":
            log.add(who, "commit", [], ["block"])
        elif action == "v" and not places:
            log.add(who, "validate", [p, i], ["position", p], True)
        else:
            {"r": log.read, "v": log.validate}[action](who, p, i, [more[0]], found)
    return log.lines


def decoded(first: Line, lines: list[Line]) -> ForeignTrace:
    return decode_foreign_trace(json.dumps(line).encode() for line in (first, *lines))


def judged(text: str, transitions: int = 2, **more: Any) -> ForeignVerdict:
    return check_foreign_trace(decoded(header(transitions, **more), written(text)))


BASE = "0 r 0.0 x -; 0 p 0.0 x; 1 r 1.0 x 0.0; 1 p 1.0 x"

CONFORMS = {
    "whole block": (f"{BASE}; 2 c", {"validate": 2}),
    "all logged": (f"{BASE}; 2 v 0.0 x -; 2 c 0.0; 2 v 1.0 x 0.0; 2 c 1.0", {}),
    "whole read sets validated": (f"{BASE}; 2 v 0.0; 2 v 1.0; 2 c", {}),
    "lines in any order": (f"2 c 0.0; 2 c 1.0; {BASE}", {"validate": 2}),
    "read twice, alike": (
        "0 p 0.0 x; 1 r 1.0 x 0.0; 1 r 1.0 x 0.0; 1 p 1.0; 1 c",
        {"repeated read": 1, "validate": 1},
    ),
    "aborted by another worker": (
        "2 a 1.0; 1 r 1.0 x -; 1 p 1.0 y; 0 p 0.0 x; 0 r 1.1 x 0.0; 0 p 1.1 z; 2 c",
        {"validate": 1},
    ),
    "aborts are not logged": (
        "1 r 1.0 x -; 1 p 1.0 y; 0 p 0.0 x; 0 r 1.1 x 0.0; 0 p 1.1 z; 2 c",
        {"abort": 1, "validate": 1},
    ),
    "a suspension is not logged": (
        "1 r 1.0 y -; 0 p 0.0 x; 1 r 1.3 y -; 1 p 1.3; 2 a 1.3; 1 r 1.4 x 0.0; 1 p 1.4; 1 c 0.0;"
        "1 c 1.4",
        {"abort": 1, "validate": 1},
    ),
    "a failed look-up is no step": (
        "0 r 1.0 x -; 0 p 1.0; 1 p 0.0 x; 2 v 1.0 x 0.0; 2 a 1.0; 0 r 1.1 x 0.0; 0 p 1.1;"
        "2 v 1.1 x 0.0; 2 c",
        {},
    ),
    "a stale look-up": (
        "0 p 0.0 x; 0 r 1.0 x 0.0; 0 a 1.0; 0 r 1.1 x 0.0; 0 p 1.1; 1 v 1.0 x 0.0;"
        "1 v 1.1 x 0.0; 1 c",
        {},
    ),
    "started over under its number": (
        "0 p 0.0 y; 1 r 1.0 x -; 1 a 1.0; 1 r 1.0 y 0.0; 1 p 1.0; 1 c",
        {"validate": 1},
    ),
    "an abort of nothing": ("0 a 0.0; 0 r 0.0 x -; 0 p 0.0 x; 1 p 1.0; 1 c", {"validate": 1}),
    "read before it is published": ("1 r 1.0 x 0.0; 1 p 1.0; 0 p 0.0 x; 1 c", {"validate": 1}),
    "the block's end after its commits": (f"{BASE}; 2 c 0.0; 2 c 1.0; 2 c", {"validate": 2}),
}

VIOLATES = {
    "stale read": (
        "0 p 0.0 x; 1 r 1.0 x -; 1 p 1.0; 2 c 0.0; 2 c 1.0",
        r"line 6.*worker 2 commits position 1 in incarnation 0, but position 1 read \[\"x\"\] from "
        r"the state before the block, and position 0, published as incarnation 0, wrote it",
    ),
    "read of an aborted incarnation": (
        "0 p 0.0 x; 1 r 1.0 x 0.0; 0 a 0.0; 0 p 0.1 x; 1 p 1.0; 2 c",
        r"read .* from version \(0, 0\), and position 0 wrote it anew in incarnation 1",
    ),
    "read of what is not written any more": (
        "0 p 0.0 x; 1 r 1.0 x 0.0; 0 a 0.0; 0 p 0.1; 1 p 1.0; 2 c",
        r"position 0, published as incarnation 1, does not write it any more",
    ),
    "read of what was never written": (
        "0 p 0.0; 1 r 1.0 x 0.0; 1 p 1.0; 2 c",
        r"position 0, published as incarnation 0, does not write it",
    ),
    "not looked up again": (
        f"{BASE}; 2 v 0.0 x -; 2 c",
        r"position 1 read \[\"x\"\], and nobody looked that up again",
    ),
    "look-up of another location": (
        f"{BASE}; 2 v 1.0 y -; 2 c",
        r"looks up \[\"y\"\] again .* but that incarnation has not read there",
    ),
    "commits out of order": (
        f"{BASE}; 2 c 1.0; 2 c 0.0",
        r"line 6.*position 0, which is below, is not committed",
    ),
    "committed twice": (f"{BASE}; 2 c 0.0; 3 c 0.0; 2 c 1.0", "position 0 is committed already"),
    "commit of another incarnation": (f"{BASE}; 2 c 0.4", "is published as incarnation 0"),
    "commit of what is not published": ("0 r 0.0 x -; 1 p 1.0; 0 c 0.0", "0 is not published"),
    "commit of what was aborted": (
        f"{BASE}; 2 c 0.0; 1 a 1.0; 1 c 1.0",
        "position 1 is not published: its incarnation 0 was, and was aborted",
    ),
    "abort of what is committed": (f"{BASE}; 2 c; 2 a 0.0", "position 0 is committed already"),
    "work on what is committed": (f"{BASE}; 2 c; 2 r 1.1 x 0.0", "position 1 is committed already"),
    "published twice": ("0 p 0.0 x; 0 a 0.0; 0 p 0.0 x", "was published before, and aborted"),
    "published over another": (
        "0 p 0.0 x; 0 p 0.1 x; 1 a 1.0",
        "incarnation 0 is published, and nobody has aborted it",
    ),
    "back to an earlier incarnation": ("0 p 0.2 x; 0 a 0.2; 0 p 0.1 x", "incarnation 2 has begun"),
    "late read": ("0 p 0.0 x; 0 r 0.0 y -; 1 c", "line 3.*that incarnation is published already"),
    "read of a higher position": (
        "1 p 1.0 x; 0 r 0.0 x 1.0; 0 p 0.0; 0 c",
        r"version \(1, 0\) is not of a lower position",
    ),
    "two versions in one incarnation": (
        "0 p 0.0 x; 1 r 1.0 x -; 1 r 1.0 x 0.0; 1 p 1.0; 1 c",
        r"finds version \(0, 0\), where it found the state before the block before \(line 3\)",
    ),
    "look-up before it has begun": ("1 v 1.0 x -; 1 r 1.0 x -; 1 p 1.0", "has not begun"),
    "steps that wait for each other": (
        "0 c 1.0; 0 p 0.0; 1 c 0.0; 1 p 1.0",
        "line 2.*in any order that the trace leaves open",
    ),
}

READS = ["read", "publish", "commit"]
"""Where reads are logged, though there are none."""

INCONCLUSIVE: dict[str, tuple[str, Line, Reason, str]] = {
    "not all committed": (
        f"{BASE}; 2 c 0.0",
        {},
        Reason.MISSING,
        "position 1 is not committed .* published as incarnation 0",
    ),
    "nothing committed": (
        BASE.replace("1 p 1.0 x", "1 r 1.0 y -"),
        {},
        Reason.MISSING,
        "positions 0 to 1 are not committed",
    ),
    "no reads": ("0 p 0.0 x; 1 p 1.0 x; 1 c", {}, Reason.MISSING, "no read is logged"),
    "no publish": ("0 r 0.0 x -; 1 c", {}, Reason.MISSING, "no publish is logged"),
    "order of an abort": (
        "0 p 0.0 x; 1 r 1.0 x -; 1 r 1.0 y -; 1 p 1.0; 2 a 1.0; 2 c",
        {},
        Reason.ORDER,
        r"worker 1 reads \[\"x\"\] .* \(line 3\) and worker 2 aborts .* \(line 6\)",
    ),
}


@pytest.mark.parametrize("name", CONFORMS)
def test_a_trace_that_conforms(name: str) -> None:
    text, inferred = CONFORMS[name]
    verdict = judged(text)
    assert verdict.verdict is Verdict.CONFORMS, verdict.words
    assert verdict.inferred == inferred
    assert verdict.committed == 2


@pytest.mark.parametrize("name", VIOLATES)
def test_a_trace_that_violates(name: str) -> None:
    text, words = VIOLATES[name]
    verdict = judged(text, logs=[*READS, "abort"] if "published over" in name else None)
    assert verdict.verdict is Verdict.VIOLATES
    assert verdict.event is not None
    assert re.search(words, f"line {verdict.event.line}: {verdict.words}"), verdict.words


@pytest.mark.parametrize("name", INCONCLUSIVE)
def test_a_trace_of_which_nothing_can_be_said(name: str) -> None:
    text, more, reason, words = INCONCLUSIVE[name]
    verdict = judged(text, **more)
    assert (verdict.verdict, verdict.reason) == (Verdict.INCONCLUSIVE, reason)
    assert re.search(words, verdict.words), verdict.words


def test_an_empty_block_conforms() -> None:
    assert judged("0 c", transitions=0).verdict is Verdict.CONFORMS


def test_what_is_logged_can_be_said() -> None:
    blind = "0 p 0.0 x; 1 p 1.0 x; 1 c"
    assert judged(blind, logs=READS).verdict is Verdict.CONFORMS
    strict = [*READS, "validate"]
    assert judged(f"{BASE}; 2 c", logs=strict).verdict is Verdict.VIOLATES
    reruns = "1 r 1.0 x -; 1 p 1.0 y; 0 p 0.0 x; 0 r 1.1 x 0.0; 0 p 1.1 z; 2 c"
    assert judged(reruns, logs=[*READS, "abort"]).verdict is Verdict.VIOLATES


def test_numbers_of_objects_and_lines_count() -> None:
    """A commit that is said to come before the publish."""
    lines = written(f"{BASE}; 2 c 0.0; 2 c 1.0")
    assert check_foreign_trace(decoded(header(2), lines)).verdict is Verdict.CONFORMS
    lines[1]["sequence"], lines[4]["sequence"] = 7, 3
    verdict = check_foreign_trace(decoded(header(2), lines))
    assert verdict.verdict is Verdict.VIOLATES
    assert "position 0 is not published" in verdict.words
    taken = written(f"2 c 0.0; {BASE}; 2 c 1.0")
    assert check_foreign_trace(decoded(header(2), taken)).verdict is Verdict.CONFORMS
    verdict = check_foreign_trace(decoded(header(2, order="taken"), taken))
    assert verdict.verdict is Verdict.VIOLATES


def test_what_is_no_step() -> None:
    log = Log()
    log.publish(0, 0, 0, [["x"]])
    log.read(1, 1, 0, ["x"], ["estimate", 0])
    log.read(1, 1, 0, ["x"], [0, 0])
    log.publish(1, 1, 0, [])
    for worker, seen in ((2, False), (3, True)):
        log.add(worker, "validate", [1, 0], ["position", 1], seen)
    log.add(2, "abort", [1, 0], ["position", 1], False)
    log.add(2, "commit", [], ["block"])
    verdict = check_foreign_trace(decoded(header(2), log.lines))
    assert verdict.verdict is Verdict.CONFORMS
    assert [each.action for each in verdict.performed].count("abort") == 0


def test_the_state_is_told() -> None:
    verdict = judged("0 p 0.0 x; 1 r 1.0 y -; 1 r 1.0 x -; 1 p 1.0; 2 v 1.0; 2 c 0.0; 2 c 1.0")
    assert verdict.state == {
        "committed": 1,
        "position": 1,
        "published": 0,
        "running": None,
        "reads": [
            {"location": ["y"], "from": None, "now": None, "looked_up_again": True},
            {"location": ["x"], "from": None, "now": [0, 0], "looked_up_again": True},
        ],
        "more_reads": 0,
    }


# ---- against a search without any thought -------------------------------------------------------

WHO = st.integers(0, 2)
SELDOM = st.sampled_from([True, False, False, False])


@st.composite
def small_traces(draw: st.DrawFn) -> ForeignTrace:
    """A few steps of two positions that fit together, more or less."""
    log = Log()
    for p in draw(st.permutations([0, 1])):
        incarnations = draw(st.sampled_from([1, 1, 2]))
        for i in range(incarnations):
            attempt(draw, log, p, i)
        if draw(st.booleans()):
            log.commit(draw(WHO), p, incarnations - 1)
    if draw(st.booleans()):
        log.add(draw(WHO), "commit", [], ["block"])
    for number, line in enumerate(log.lines):
        line["sequence"] = number if draw(SELDOM) else None
    logs = draw(st.sampled_from([READS, READS, [*READS, "abort"], None]))
    return decoded(header(2, logs=logs), log.lines[:9])


def attempt(draw: st.DrawFn, log: Log, p: int, i: int) -> None:
    """The steps of one incarnation, its reads and publish mostly by one worker."""
    mine, versions = draw(WHO), [None, [0, 0], [0, 1]] if p else [None]
    for _ in range(draw(st.integers(0, 2))):
        who = draw(WHO) if draw(SELDOM) else mine
        log.read(who, p, i, [draw(st.sampled_from("xy"))], draw(st.sampled_from(versions)))
        if draw(SELDOM):
            log.abort(draw(WHO), p, i)
    log.publish(mine, p, i, draw(st.sampled_from([[], [["x"]], [["x"], ["y"]]])))
    if draw(SELDOM):
        log.validate(draw(WHO), p, i, ["x"], draw(st.sampled_from(versions)))
    if draw(SELDOM):
        log.add(draw(WHO), "validate", [p, i], ["position", p], True)
    if draw(SELDOM):
        log.abort(draw(WHO), p, i)


def some_order_is_allowed(trace: ForeignTrace, taken: Sequence[int] = ()) -> bool:
    """Is there an order of all steps that the machine allows, from `taken` on?"""
    machine = Machine(trace.transitions, trace.logs)
    if not all(machine.take(trace.events[index]) for index in taken):
        return False
    if len(taken) == len(trace.events):
        return True
    ready = (
        index
        for index, before in enumerate(trace.before)
        if index not in taken and all(one in taken for one in before)
    )
    return any(some_order_is_allowed(trace, (*taken, index)) for index in ready)


@settings(deadline=None, max_examples=250)
@given(small_traces())
def test_it_violates_only_where_no_order_is_allowed(trace: ForeignTrace) -> None:
    verdict = check_foreign_trace(trace)
    allowed = some_order_is_allowed(trace)
    event(f"{verdict.verdict}, allowed: {allowed}")
    if verdict.verdict is Verdict.INCONCLUSIVE and verdict.reason is Reason.MISSING:
        return
    assert allowed == (verdict.verdict is not Verdict.VIOLATES)


def test_a_search_that_is_given_up_is_inconclusive() -> None:
    """Restarts of which the order is not known, and a stale read elsewhere."""
    log = Log()
    log.publish(0, 0, 0, [["z"]])
    for position in range(1, 6):
        for number in range(4):
            log.read(position, position, 0, [number], None)
        log.publish(position, position, 0, [])
        log.abort(position + 10, position, 0)
    log.read(20, 6, 0, ["z"], None)
    log.publish(20, 6, 0, [])
    log.add(20, "commit", [], ["block"])
    trace = decoded(header(7), log.lines)
    verdict = check_foreign_trace(trace, budget=50)
    assert (verdict.verdict, verdict.reason) == (Verdict.INCONCLUSIVE, Reason.BUDGET)
    assert "position 6 read" in verdict.words

"""Runs driven from outside: the rules of controlled runs, over lines; and no line is trusted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.drive.client import Client
from pel_fuzz.drive.driver import Driver
from pel_fuzz.drive.failures import Babble, Refused
from pel_fuzz.drive.judge import result_difference
from pel_fuzz.drive.messages import (
    Answer,
    announcement,
    answer,
    check_greeting,
    encode,
    greeting,
)
from pel_fuzz.drive.story import story_lines
from pel_fuzz.formats.header import FormatError
from pel_fuzz.interleavings import Interleaving, draw_interleaving
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import Choices, Default, RandomWalk, Recorded
from pel_parallel.errors import Deadlock, Drift, Livelock, StepLimit
from pel_parallel.greenlets import GreenletController
from pel_parallel.sync import SharedObject
from pel_spec.fold import fold

Worker = Iterator[dict[str, Any]]
LOOK, IDLE = {"step": "look", "look": True}, {"step": "idle"}
BLOCK = TinyBlock(((("get", 0), ("put", 1)), (("add", 1, 5), ("delete", 0))), (3, 4))
RIGHT = {
    "cells": [None, 46],
    "pairs": [[0, 0], [0, 0]],
    "outcomes": [["ended", 41], ["ended", 2]],
}


class Scripted(Client):
    """An executor without a process: each worker is an iterator over its announcements."""

    def __init__(self, workers: list[Worker], result: object = None) -> None:
        self._workers, self._left = workers, len(workers)
        self._result = {"result": RIGHT} if result is None else result
        self._lines: list[bytes] = []
        self.lines = 0
        self.extra: list[dict[str, Any]] = []
        self.went: list[int] = []

    def begin_run(self) -> None:
        """No clock here."""

    def send(self, line: bytes) -> None:
        order = json.loads(line)
        if "go" in order:
            self.went.append(order["go"])
            self._announce(order["go"])
        else:
            for worker in range(len(self._workers)):
                self._announce(worker)

    def _announce(self, worker: int) -> None:
        line = {"worker": worker} | next(self._workers[worker], {"step": "end"})
        self._lines.append(json.dumps(line).encode())
        if line["step"] == "end":
            self._left -= 1
            if not self._left:
                self._lines.append(json.dumps(self._result).encode())

    def receive(self) -> bytes:
        self.lines += 1
        return self._lines.pop(0)

    def nothing_more(self) -> None:
        if self._lines:
            self.babble("said more")

    def _said(self) -> str:
        return ""


def steps(*names: str, **fields: Any) -> Worker:
    return iter([{"step": name, "object": [name]} | fields for name in names])


def drive(
    workers: list[Worker], choices: Choices | None = None, limit: int = 1000, result: object = None
) -> tuple[Driver, Scripted]:
    client = Scripted(workers, result)
    driver = Driver(client, choices or Default(), limit)
    driver.run(0, len(workers), BLOCK)
    return driver, client


# ---- who goes next --------------------------------------------------------------------------


def test_by_default_a_worker_goes_on_until_it_idles_or_ends() -> None:
    driver, client = drive([steps("a", "idle", "b"), steps("c"), steps("d", "e")])
    assert client.went == [0, 1, 2, 2, 0, 0]
    assert driver.schedule() == ()


def test_the_choices_of_a_run_replay_it() -> None:
    def workers() -> list[Worker]:
        return [steps(*"abc"), steps(*"def"), steps(*"ghi")]

    walked, client = drive(workers(), RandomWalk(7, 0.9))
    again, follower = drive(workers(), Recorded(walked.schedule()))
    assert walked.preemptions > 0
    assert (again.story, follower.went) == (walked.story, client.went)


def test_a_schedule_of_another_run_is_drift() -> None:
    with pytest.raises(Drift):
        drive([steps("a"), steps("b")], Recorded([(0, 99, 1)]))


def announced(worker: int, program: list[str]) -> Worker:
    """What our own controller calls the steps of a program."""
    own = ["worker", worker]
    yield {"step": "start_worker", "object": own}
    for each in program:
        yield {"step": each, "object": own if each == "idle" else [each]}
    yield {"step": "end_worker", "object": own}


def controlled(programs: list[list[str]], controller: GreenletController) -> None:
    """The same programs in this process."""
    objects = {name: SharedObject((name,)) for name in "abc"}

    def body(worker: int) -> None:
        for each in programs[worker]:
            if each == "idle":
                controller.idle(worker)
            else:
                controller.step(worker, each, (), objects[each], lambda: None)

    controller.run(len(programs), body)


PROGRAMS = st.lists(
    st.lists(st.sampled_from(("idle", "a", "b", "c")), max_size=6), min_size=1, max_size=4
)


@given(PROGRAMS, st.integers(0, 2**32), st.sampled_from(("random", "urw", "surw", "pos", "pct")))
def test_the_rules_are_those_of_controlled_runs(
    programs: list[list[str]], seed: int, name: str
) -> None:
    interleaving: Interleaving = draw_interleaving(Random(seed), "tiny", name)
    controller = GreenletController(interleaving.steering())
    client = Scripted([announced(worker, each) for worker, each in enumerate(programs)])
    driver = Driver(client, interleaving.steering(), 1000)
    one = is_livelock(lambda: controlled(programs, controller))
    other = is_livelock(lambda: driver.run(0, len(programs), BLOCK))
    assert one == other
    assert driver.schedule() == controller.schedule()
    trace = controller.trace()
    assert trace is not None
    taken = [(step.what.worker, step.own, step.what.step) for step in driver.story]
    assert taken == [(step.worker, step.own, step.action) for step in trace]


def is_livelock(run: Callable[[], object]) -> bool:
    try:
        run()
    except Livelock:
        return True
    return False


# ---- waiting --------------------------------------------------------------------------------


def test_a_blocked_worker_waits_for_a_step_on_that_object() -> None:
    lock = {"step": "lock", "object": ["lock"]}
    holder = iter([{"step": "a"}, {"step": "b"}, {"step": "unlock", "object": ["lock"]}])
    waiter = iter([lock, lock | {"blocked": True}, {"step": "got it"}])
    driver, client = drive([waiter, holder])
    assert client.went == [0, 1, 1, 1, 0, 0]
    assert [taken.what.blocked for taken in driver.story].count(True) == 1
    assert [taken.own for taken in driver.story if taken.what.worker == 0] == [0, 1, 2]


def test_locks_taken_crosswise_are_a_deadlock() -> None:
    def crosswise(first: str, second: str) -> Worker:
        wanted = {"step": "lock", "object": [second]}
        return iter([{"step": "lock", "object": [first]}, wanted, wanted | {"blocked": True}])

    with pytest.raises(Deadlock, match=r"worker 0 at lock of B; worker 1 at lock of A"):
        drive([crosswise("A", "B"), crosswise("B", "A")], Recorded([(0, 1, 1)]))


def test_nobody_frees_what_nobody_holds() -> None:
    wanted = {"step": "lock", "object": ["lock"]}
    waiter = iter([wanted, wanted | {"blocked": True}])
    with pytest.raises(Deadlock):
        drive([waiter, steps(*["idle"] * 50)])


@pytest.mark.parametrize(
    ("spin", "kind"),
    [([LOOK, IDLE], Livelock), ([LOOK], StepLimit), ([{"step": "look"}, IDLE], StepLimit)],
)
def test_who_spins_looks_and_idles(spin: list[dict[str, Any]], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        drive([iter(spin * 50), iter(spin * 50)], limit=60)


def test_a_back_off_counts_aloud() -> None:
    def backs_off(*count: dict[str, Any]) -> Worker:
        return iter([*(LOOK, IDLE, *count) * 3, {"step": "take over"}])

    drive([backs_off({"step": "count"}), backs_off({"step": "count"})])
    with pytest.raises(Livelock):
        drive([backs_off(), backs_off()])


def test_idling_is_fine_while_something_changes() -> None:
    drive([steps(*["idle"] * 9), steps(*["work", "idle"] * 9)])


def test_a_run_has_a_limit() -> None:
    with pytest.raises(StepLimit):
        drive([steps(*["work"] * 50)], limit=20)


# ---- the story ------------------------------------------------------------------------------


def test_a_run_is_told_in_columns() -> None:
    lock = {"step": "lock", "object": ["m", 1], "args": [7]}
    holder = iter(
        [*steps("a", "b", look=True), {"step": "idle"}, {"step": "free", "object": ["m", 1]}]
    )
    driver, _ = drive([holder, iter([lock, lock | {"blocked": True}, {"step": "c"}])])
    assert list(story_lines(driver.story)) == [
        "worker 0" + " " * 32 + "worker 1",
        "(2 looks)",
        " " * 40 + "0 lock m/1 7 BLOCKED",
        "(1 look)",
        "3 free m/1",
        " " * 40 + "1 lock m/1 7",
        " " * 40 + "2 c",
    ]
    assert list(story_lines([])) == []


# ---- lines that cannot be -------------------------------------------------------------------

A = {"step": "a"}
HOSTILE: list[tuple[Callable[[], list[Worker]], str]] = [
    (lambda: [iter([A, A | {"worker": 1}]), steps("b")], "it was worker 0's turn"),
    (lambda: [steps("a"), iter([A | {"worker": 0}])], "announces a second step"),
    (lambda: [iter([A | {"worker": 2}])], "worker: must be from 0 to 0"),
    (lambda: [iter([A | {"worker": True}])], "worker: must be from 0 to 0"),
    (lambda: [iter([A | {"blocked": True}])], "has not been told to go"),
    (lambda: [iter([A, {"step": "b", "blocked": True}])], "only the step that it was told"),
    (lambda: [iter([A | {"loook": True}])], "loook: is not a field here"),
    (lambda: [iter([A | {"look": 1}])], "look: must be true or false"),
    (lambda: [iter([{"step": ""}])], "step: must not be empty"),
    (lambda: [iter([{"step": "x" * 65}])], "step: must be a string"),
    (lambda: [iter([A | {"object": [[]]}])], "object: may hold integers"),
    (lambda: [iter([A | {"args": list(range(9))}])], "args: must be an array"),
]


@pytest.mark.parametrize(("workers", "problem"), HOSTILE)
def test_what_cannot_be_is_refused(workers: Callable[[], list[Worker]], problem: str) -> None:
    with pytest.raises(Babble, match=problem) as caught:
        drive(workers())
    assert caught.value.problem.startswith("line ")


def test_the_executor_may_say_that_it_failed() -> None:
    with pytest.raises(Refused, match="out of luck"):
        drive([steps("a")], result={"error": "out of luck"})


RESULTS: list[tuple[object, str]] = [
    ({"result": []}, "result: must be an object"),
    ({"result": RIGHT | {"cells": [1]}}, "result.cells: must be an array of 2"),
    ({"result": RIGHT | {"cells": [1, -1]}}, r"result.cells\[1\]: must be null"),
    ({"result": RIGHT | {"cells": [1, True]}}, r"result.cells\[1\]: must be null"),
    ({"result": RIGHT | {"pairs": [[0, 0]]}}, "result.pairs: must be an array of 2"),
    ({"result": RIGHT | {"outcomes": [["ended"], ["ended", 1]]}}, r"result.outcomes\[0\]"),
    ({"result": RIGHT, "hist": []}, "hist: is not a field here"),
    ({"result": RIGHT, "history": 1}, "history: must be an array"),
    ({"result": RIGHT, "history": [{"event": "x"}]}, r"history\[0\]\.event: expected one of"),
]


@pytest.mark.parametrize(("result", "problem"), RESULTS)
def test_results_are_read_strictly(result: object, problem: str) -> None:
    with pytest.raises(Babble, match=problem):
        drive([steps("a")], result=result)


@given(st.binary(max_size=60))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    for read in (lambda: announcement(noise, 2), lambda: answer(noise, BLOCK)):
        with pytest.raises((FormatError, Refused)):
            read()


# ---- the page -------------------------------------------------------------------------------


class Transcribed(Client):
    """An executor that says what a transcript says, and insists on hearing the rest."""

    def __init__(self, transcript: str) -> None:
        marked = [line.split(" ", 1) for line in transcript.strip().splitlines()]
        self._left = [(mark, text.encode()) for mark, text in marked]
        self.lines = 0

    def begin_run(self) -> None:
        """No clock here."""

    def send(self, line: bytes) -> None:
        assert (">", line.strip()) == self._left.pop(0)

    def receive(self) -> bytes:
        mark, line = self._left.pop(0)
        assert mark == "<"
        return line

    def nothing_more(self) -> None:
        assert not self._left or self._left[0][0] == ">"


def test_the_conversation_on_the_page_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "formats" / "drive.md"
    _, _, after = page.read_text(encoding="utf-8").partition("## A whole conversation")
    transcript = after.split("```")[1]
    client = Transcribed(transcript)
    client.send(encode(greeting()))
    assert check_greeting(client.receive()) == "example"
    block = TinyBlock(((("add", 0, 1),), (("add", 0, 2),)), (3,))
    driver = Driver(client, Recorded([(0, 1, 1)]), 100)
    assert result_difference(block, fold(block)[0], driver.run(0, 2, block)) is None
    assert driver.schedule() == ((0, 1, 1),)


# ---- the verdict ----------------------------------------------------------------------------


def answered(**changes: Any) -> Answer:
    return answer(json.dumps({"result": RIGHT | changes}).encode(), BLOCK)


def test_a_right_result_makes_no_difference() -> None:
    assert result_difference(BLOCK, fold(BLOCK)[0], answered()) is None


@pytest.mark.parametrize(
    ("changes", "signature", "place"),
    [
        ({"cells": [0, 46]}, "result:memory.cell:-", "the block"),
        ({"cells": [None, 45]}, "result:memory.cell:-", "the block"),
        ({"pairs": [[0, 0], [0, 1]]}, "result:memory.pair:-", "the block"),
        ({"outcomes": [["ended", 41], ["reverted"]]}, "result:outcome:-", "transaction 1"),
        ({"outcomes": [["fault", "x"], ["ended", 2]]}, "result:fault:-", "transaction 0"),
    ],
)
def test_a_wrong_result_is_told(changes: dict[str, Any], signature: str, place: str) -> None:
    found = result_difference(BLOCK, fold(BLOCK)[0], answered(**changes))
    assert found is not None
    assert (found.signature, found.place) == (signature, place)


def test_a_history_is_judged_although_the_result_is_right() -> None:
    def event(position: int, reads: list[object]) -> dict[str, object]:
        return {
            "event": "incarnation",
            "version": [position, 0],
            "end": "executed",
            "reads": reads,
            "writes": [{"location": ["cell", 1], "value": 41 + 5 * position}],
        }

    stale = {"location": ["cell", 1], "value": 4, "version": [-1, 0]}
    commits = [{"event": "commit", "version": [position, 0]} for position in (0, 1)]
    events = [event(0, []), event(1, [stale]), *commits]
    found = result_difference(
        BLOCK,
        fold(BLOCK)[0],
        answer(json.dumps({"result": RIGHT, "history": events}).encode(), BLOCK),
    )
    assert found is not None
    assert found.signature == "history:history:stale read"

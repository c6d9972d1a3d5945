"""The story of a run: everything is told, in its order, what went wrong is marked, and it fits."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.examine import examine
from pel_fuzz.interleavings import Faulted, Switches, Walk
from pel_fuzz.story import MOST_LINES, Watched, story_of, watch_controlled, watch_text
from pel_fuzz.story.layout import WIDTH
from pel_fuzz.story.telling import Turn, switches_told
from pel_fuzz.story.walking import walk
from pel_fuzz.story.words import SAYINGS, Words
from pel_fuzz.text_runs import case_of, search_bad_run, text_with
from pel_fuzz.tiny import TinyBlock
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.executor import run_block
from pel_parallel.faults import Fault, FaultKind
from pel_parallel.greenlets import GreenletController
from pel_spec.scheduler.blockstm import ACTIONS

STEP = (("get", 0), ("put", 0))
CHAIN = TinyBlock((STEP,) * 4)
PREEMPTED = Switches(((0, 8, 1),))
"""Worker 0 has begun to execute transaction 0 when worker 1 takes over."""


def _told(block: TinyBlock, workers: int, walk: Walk | Switches) -> tuple[Watched, list[str]]:
    watched = watch_controlled(block, workers, walk)
    return watched, story_of(watched, most_lines=None)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.STALL, 1, 3, steps=4),
        Fault(FaultKind.DEATH, 0, 9),
        Fault(FaultKind.DEATH, 0, 9, after=True),
        Fault(FaultKind.EXCEPTION, 0, 5),
        Fault(FaultKind.INTERRUPTION, 0, 9),
    ],
)
def test_faults_are_told(fault: Fault) -> None:
    watched = watch_controlled(CHAIN, 3, Faulted(PREEMPTED, (fault,)))
    told = " ".join(" ".join(story_of(watched, most_lines=None)).split())
    stepped = [" ".join(" ".join(walked.lines).split()) for walked in walk(watched)]
    words = f"<== {fault.words()}"
    assert words in told
    (struck,) = (number for number, lines in enumerate(stepped) if words in lines)
    step = watched.steps[struck]
    before = fault.kind in (FaultKind.DEATH, FaultKind.INTERRUPTION) and not fault.after
    assert (step.worker, step.own) == (fault.worker, fault.own - before)


def test_every_action_has_words() -> None:
    assert set(SAYINGS) == set(ACTIONS)


def test_every_action_of_the_executor_is_said_in_real_runs() -> None:
    """All of the executor's actions occur in these runs, and each is said in words of its own."""
    said: dict[str, str] = {}
    for seed in range(60):
        watched = watch_controlled(BRANCHING, 3, Walk(seed, 0.5))
        words = Words(watched)
        for step in watched.steps:
            said[step.action] = words.say(step).words
            assert not said[step.action].startswith(f"{step.action} "), "only its name"
    of_the_executor = {action for action in ACTIONS if not action.startswith("commit")}
    assert set(said) == of_the_executor
    assert all(said.values())
    assert len(of_the_executor) == 48 and of_the_executor >= LOOKS_AT


BRANCHING = TinyBlock(
    (
        (("add", 0, 1),),
        (("branch", 0, 1), ("put", 1), ("get", 0), ("put", 2)),
        (("get", 1), ("put", 0)),
        (("get", 2), ("get", 0), ("put", 1)),
    ),
    (0, 0, 0),
)


def test_two_workers_stand_side_by_side() -> None:
    _, story = _told(CHAIN, 2, PREEMPTED)
    assert story[0].split() == ["worker", "0", "worker", "1"]
    assert story[2].startswith("executes tx 0, incarnation 0")
    assert story[3].startswith("-- switch to worker 1 (preemption: worker 0 is about to read_cell)")
    assert story[4].startswith(" " * 50) and "executes tx 1" in story[4]
    assert any(line.startswith("goes on executing tx 0: reads cell 0 = 0") for line in story)


def test_more_workers_are_named() -> None:
    _, story = _told(CHAIN, 3, Walk(1, 0.5))
    assert all(re.match(r"worker \d: |-- switch to worker \d| {11}", line) for line in story)


def test_values_and_their_writers_are_told() -> None:
    _, story = _told(TinyBlock((STEP, STEP)), 1, Walk(0, 0))
    text = " ".join(" ".join(story).split())
    assert "reads cell 0 = 0 (before the block); writes cell 0 = 38" in text
    assert "executes tx 1, incarnation 0: reads cell 0 = 38 (of tx 0)" in text
    assert text.endswith("declares the block done; ends")


@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0.05, 0.7))
def test_stories_fit_and_name_every_switch(seed: int, workers: int, probability: float) -> None:
    watched, story = _told(CHAIN, workers, Walk(seed, probability))
    assert all(len(line) <= WIDTH for line in story)
    changes = [b.worker for a, b in pairwise(watched.steps) if a.worker != b.worker]
    told = [int(m[1]) for line in story if (m := re.match(r"-- switch to worker (\d)", line))]
    assert told == changes
    short = story_of(watched)
    assert len(short) <= MOST_LINES or len(story) == len(short)
    assert (len(short) < len(story)) == any("left out" in line for line in short)


@given(st.integers(0, 10_000))
def test_watching_changes_nothing(seed: int) -> None:
    watched = watch_controlled(CHAIN, 3, Walk(seed, 0.4))
    steering = Walk(seed, 0.4).steering()
    plain = run_block(CHAIN, workers=3, runtime=GreenletController(steering))
    assert watched.steps == plain.trace
    assert watched.history == plain.history
    assert set(watched.after) >= {
        (step.worker, step.own) for step in watched.steps if step.object[0] != "worker"
    }


def test_a_read_that_misled_is_marked() -> None:
    with planted("absent-reads-unchecked"):
        case, interleaving = _first_finding("result")
        _, story = _told(case, 2, interleaving)
    text = " ".join(" ".join(story).split())
    assert "<== wrong: the preset order gives" in text


def _first_finding(oracle: str) -> tuple[TinyBlock, Walk]:
    for seed in range(200):
        case = Case(CHAIN, "tiny", 2, (Walk(seed, 0.3),))
        for found in examine(case).findings:
            if found.difference.oracle == oracle:
                return CHAIN, Walk(seed, 0.3)
    raise AssertionError("the seeded bug was not found")


def test_the_step_that_conformance_objects_to_is_marked_and_never_cut() -> None:
    with planted("no-estimate"):
        case, interleaving = _first_finding("conformance")
        watched = watch_controlled(case, 2, interleaving)
    for most in (12, 20, None):
        assert any("<== not" in line for line in story_of(watched, most))


def test_a_run_that_gets_stuck_is_told_to_where_it_stuck() -> None:
    with planted("first-versions-kept"):
        case, interleaving = _first_finding("liveness")
        watched = watch_controlled(case, 2, interleaving)
        story = story_of(watched)
    assert watched.history is None
    assert len(story) <= MOST_LINES + len(watched.ended.splitlines())
    assert any("executed again and again" in line for line in story)
    assert any("left out" in line for line in story)


@pytest.mark.parametrize("bug", ["abort-lowers-nothing", "fetched-in-two-steps"])
def test_runs_of_the_text_are_told_too(bug: str) -> None:
    found = search_bad_run(bug, most_steps=20_000)
    assert found.run is not None
    case = case_of(found.run)
    assert case.turns is not None
    watched = watch_text(text_with(bug), case.compile(), case.workers, case.turns)
    story = story_of(watched)
    assert any("executes tx 0" in line for line in story)
    assert len(list(walk(watched))) == len(watched.steps)


def test_what_the_text_and_the_executor_show_is_one_and_the_same() -> None:
    """Without turns, both go on by default: the same steps, and the same state after each."""
    text = watch_text(text_with(None), CHAIN, 1, ())
    executor = watch_controlled(CHAIN, 1, Walk(0, 0))
    assert text.steps == executor.steps
    assert [w.lines for w in walk(text)] == [w.lines for w in walk(executor)]
    assert story_of(text) == story_of(executor)


def test_a_switch_where_nobody_could_go_on_is_no_preemption() -> None:
    turns = [Turn(0, ["finds no work"]), Turn(2, ["ends"], preempted="leave"), Turn(1, ["ends"])]
    assert switches_told(turns) == [
        "switch to worker 2",
        "switch to worker 1 (preemption: worker 2 is about to leave)",
    ]

"""Every shared step of the executor is an action of the text; and seeded bugs are seen in steps."""

from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.cases import Case
from pel_fuzz.conformance import check
from pel_fuzz.conformance.check import check_run, check_trace
from pel_fuzz.conformance.forms import OBJECTS_AND_ARGUMENTS
from pel_fuzz.conformance.replay import Replay, locations_of
from pel_fuzz.conformance.violation import Violation
from pel_fuzz.examine import examine
from pel_fuzz.interleavings import Walk
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.verdict import Oracle
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import RandomWalk
from pel_parallel.errors import Deadlock
from pel_parallel.executor import Run, plain, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.stress import switch_interval
from pel_parallel.sync import RecordingRuntime
from pel_spec.fold import agree, fold
from pel_spec.kernel import Map, fields, methods
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm
from pel_spec.scheduler.validation import Commit

WORKERS = 3


@cache
def block(index: int) -> TinyBlock:
    drawn: TinyBlock = draw_case(tiny_blocks(), 7, index).value
    return drawn


def controlled(subject: TinyBlock, seed: int, workers: int = WORKERS) -> Run:
    return run_block(subject, workers=workers, runtime=GreenletController(RandomWalk(seed, 0.3)))


# ---- healthy runs -----------------------------------------------------------------------------


def test_states_of_small_blocks_have_all_invariants() -> None:
    seen: set[str] = set()
    chain = TinyBlock(tuple((("get", i), ("put", i + 1)) for i in range(3)), (0,) * 4)
    runs = (controlled(chain, seed) for seed in range(1000))
    lively = (run for run in runs if run.counters.suspensions and run.counters.aborts)
    for run in islice(lively, 4):
        assert run.trace is not None
        found = check_run(run, invariants=True)
        assert found.violation is None, found.violation.explain()
        assert found.states == found.steps == len(run.trace) > 100
        seen |= {step.action for step in run.trace}
    assert {"suspend", "mark_estimate", "lower_val_idx", "resume_one"} <= seen


@settings(max_examples=60, deadline=None)
@given(tiny_blocks(), st.integers(1, 5), st.integers(0, 2**32), st.sampled_from((0.02, 0.3, 1.0)))
def test_every_step_of_every_interleaving_is_an_action(
    subject: TinyBlock, workers: int, seed: int, probability: float
) -> None:
    runtime = GreenletController(RandomWalk(seed, probability))
    found = check_run(run_block(subject, workers=workers, runtime=runtime))
    assert found.violation is None, found.violation.explain()


def test_runs_on_threads_conform() -> None:
    with switch_interval(1e-5):
        for index in range(60):
            run = run_block(block(index), workers=WORKERS, runtime=RecordingRuntime())
            found = check_run(run, invariants=len(block(index).programs) <= 2)
            assert found.violation is None, found.violation.explain()


def test_larger_blocks_are_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "INVARIANT_VALUES", 20_000)
    index = next(i for i in range(400) if len(block(i).programs) == 8)
    found = check_run(controlled(block(index), 1), invariants=True)
    assert found.violation is None
    assert 1 < found.states < found.steps


def test_every_action_but_those_of_the_rolling_commit_is_taken() -> None:
    ours = set(ACTIONS) - set(methods(Commit))
    taken: set[str] = set()
    for index in range(300):
        run = controlled(block(index), index)
        taken |= {step.action for step in run.trace or ()}
        if taken == ours:
            return
    pytest.fail(f"never taken: {ours - taken}")


# ---- the table of forms is that of the text ---------------------------------------------------


class Touched(Map):
    """Notes the shared objects that are touched."""

    def __init__(self, original: Map, note: Any) -> None:
        self.original, self.note = original, note

    def __getitem__(self, key: Any) -> Any:
        self.note(key)
        return self.original[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.note(key)
        self.original[key] = value


SHARED = {name: field for name, field in fields(BlockStm).items() if field.kind == "shared"}


class Watched(BlockStm):
    """Notes the shared objects that the text's actions touch. Ghosts may look at everything."""

    touched: set[tuple[Any, ...]]

    def ghost_checked(s, w: int, x: Any) -> None:
        """Not needed here: `s.inc` is looked at for it."""

    def __getattribute__(self, name: str) -> Any:
        field = SHARED.get(name)
        item = object.__getattribute__(self, name)
        if field is None:
            return item
        if not field.indices:
            self.touched.add((field.owner,))
            return item
        index = 1 if field.owner == "cell" else 0

        def note(key: Any) -> None:
            at = key[index] if isinstance(key, tuple) else key
            self.touched.add((field.owner, at))

        return Touched(item, note)

    def __setattr__(self, name: str, value: Any) -> None:
        field = SHARED.get(name)
        if field is not None and not field.indices:
            self.touched.add((field.owner,))
        object.__setattr__(self, name, value)


def test_a_step_names_the_object_that_the_text_touches() -> None:
    assert OBJECTS_AND_ARGUMENTS.keys() == ACTIONS.keys()
    seen: set[str] = set()
    for index in range(25):
        run = controlled(block(index), index)
        steps = run.trace or ()
        replay = Replay(run.history.transitions, WORKERS, locations_of(steps))
        for step in steps:
            state = replay.state
            watched = Watched.__new__(Watched)
            vars(watched).update(vars(state) | {"touched": set()})
            replay.state = watched
            assert replay.advance([step]) == (1, None)
            named = set() if step.object[0] == "worker" else {step.object}
            assert watched.touched == named, step
            vars(state).update({k: v for k, v in vars(watched).items() if k != "touched"})
            replay.state = state
            seen.add(step.action)
    assert len(seen) > 40


# ---- seeded bugs ------------------------------------------------------------------------------


def judge(subject: TinyBlock, seed: int) -> tuple[bool, Violation | None]:
    """Of a run under a bug: is the result right, and is there a step that the text forbids?"""
    runtime = GreenletController(RandomWalk(seed, 0.3), step_limit=20_000)
    run, waits = None, {}
    try:
        run = run_block(subject, workers=WORKERS, runtime=runtime)
    except Deadlock as deadlock:
        waits = deadlock.waits_for
    except Exception:  # stuck otherwise, or whatever a bug raises
        waits = {}
    steps, transitions = plain(runtime.trace() or ()), len(subject.transitions)
    found = check_trace(
        steps,
        transitions,
        WORKERS,
        invariants=False,
        complete=run is not None,
        waits=waits,
        run=run,
    )
    return run is not None and agree(fold(subject)[0], run.result), found.violation


SEEN_ONLY_WITH_A_WRONG_RESULT = {
    "execution-never-chosen": "the run does not end",
    "first-versions-kept": "every version of it is aborted until the executor gives up",
    "no-retry": "what was aborted is never executed again",
    "reads-its-own-position": "the run does not end",
    "removed-location-left": "what is left is an ESTIMATE, and the executor refuses the result",
    "resumed-not-handed-out": "the run does not end, or not well",
    "stays-locked": "it shows as a wait of which nobody can wake the worker",
}

NOT_SEEN = {
    "end-looked-at-before-fetch": "the executor crashes before it takes the step",
    "first-writes-kept": "it takes a location that is written in some incarnations only: "
    "not in these runs",
    "written-once-written-ever": "as `first-writes-kept`",
}


@pytest.mark.parametrize("name", sorted(SCHEDULER_BUGS.keys() - NOT_SEEN.keys()))
def test_a_seeded_bug_is_seen_in_its_steps(name: str) -> None:
    with SCHEDULER_BUGS[name].plant():
        for seed in range(1500):
            right, violation = judge(block(seed % 300), seed)
            if violation is not None and (right or name in SEEN_ONLY_WITH_A_WRONG_RESULT):
                assert violation.explain()
                return
    pytest.fail("its steps were never found wrong while the result was right")


# ---- in campaigns -----------------------------------------------------------------------------


def _case(**more: Any) -> Case:
    walks = tuple(Walk(seed, 0.3) for seed in range(9))
    return Case(block(3), "tiny", WORKERS, walks, **more)


def test_every_controlled_run_is_replayed_and_a_sample_on_threads() -> None:
    done = examine(_case())
    assert done.counters["replayed"] == done.counters["runs"] == 9
    assert done.counters["replayed_steps"] > 500
    assert done.counters["nonconforming"] == 0
    assert examine(_case(), threads=True).counters["replayed"] == 3


def test_a_finding_of_steps_alone_has_a_name_and_a_picture() -> None:
    with SCHEDULER_BUGS["active-not-looked-at"].plant():
        findings = examine(_case()).findings
    difference = findings[0].difference
    assert difference.oracle is Oracle.CONFORMANCE
    assert difference.signature == "conformance:step.cd_observe_again:-"
    assert "here it may do: cd_num_active" in difference.words
    assert "num_active" in difference.words


def test_a_wrong_result_is_told_with_the_step_that_went_wrong() -> None:
    with SCHEDULER_BUGS["new-location-unnoticed"].plant():
        found = (examine(replace(_case(), subject=block(i))).findings for i in range(100))
        wrong = next(
            f.difference
            for findings in found
            for f in findings
            if f.difference.oracle in (Oracle.RESULT, Oracle.LIVENESS)
        )
    assert "against the specification: step " in wrong.words

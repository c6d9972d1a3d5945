"""Cases with faults: drawn, judged, kept in a file, replayed; and what only they can find."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.campaign import planted
from pel_fuzz.canaries.faulty import FAILED_READ_SWALLOWED, FAULT_BUGS
from pel_fuzz.cases import Case, case_at, plan_at
from pel_fuzz.cli.app import run
from pel_fuzz.examine import Examination, examine
from pel_fuzz.fault_draws import smaller_faults, with_drawn_faults
from pel_fuzz.formats.case_json import case_to_json, read_case, write_case
from pel_fuzz.interleavings import Faulted, Switches, Walk
from pel_fuzz.shrinking import shrink_finding
from pel_fuzz.tiny import TinyBlock, TinyTransition
from pel_parallel.errors import Drift
from pel_parallel.executor import Executor, run_block
from pel_parallel.faults import Fault, FaultKind, faults_of
from pel_parallel.greenlets import GreenletController
from pel_reference.errors import InputError
from pel_spec.sync import Step
from pel_spec.transition import Effects, View

LINK = (("get", 0), ("put", 1), ("get", 1), ("pair", 0), ("put", 0), ("get", 2), ("put", 2))
BLOCK = TinyBlock((LINK,) * 4, (0, 0, 0))

FAULTS = st.builds(
    lambda kind, worker, own, steps, after: Fault(
        kind,
        worker,
        own,
        steps if kind is FaultKind.STALL else 0,
        after and kind in (FaultKind.DEATH, FaultKind.INTERRUPTION),
    ),
    st.sampled_from(FaultKind),
    st.integers(0, 2),
    st.integers(0, 90),
    st.integers(1, 3000),
    st.booleans(),
)
SETS = st.lists(FAULTS, min_size=1, max_size=3, unique_by=lambda f: (f.worker, f.own)).map(
    faults_of
)


DEATH, INTERRUPTION = (Fault(kind, 1, 7) for kind in (FaultKind.DEATH, FaultKind.INTERRUPTION))
WAITS = Fault(FaultKind.STALL, 0, 16, 2000)


def tiny_case(*faults: Fault, seed: int = 1, **more: Any) -> Case:
    return Case(BLOCK, "tiny", 3, (Faulted(Walk(seed, 0.3), faults),), **more)


class Fails(TinyTransition):
    """Fails by itself."""

    def run(self, view: View, workspace: Any) -> Effects:
        raise LookupError("of its own")


class Broken(TinyBlock):
    """Its second transition fails by itself."""

    def __post_init__(self) -> None:
        first = TinyTransition(0, (("get", 0),), 1)
        object.__setattr__(self, "transitions", (first, Fails(1, (), 1)))


def signatures(case: Case, seed_bug: str | None = None) -> set[str]:
    with planted(seed_bug):
        found = examine(case, stop_at_first=False).findings
    return {finding.difference.signature for finding in found}


# ---- what a run with faults may do ---------------------------------------------------------------


@given(SETS, st.integers(0, 2**32), st.booleans())
@settings(max_examples=40, deadline=None)
def test_nothing_is_wrong_with_healthy_runs(
    faults: tuple[Fault, ...], seed: int, twin: bool
) -> None:
    done = examine(tiny_case(*faults, seed=seed, twin=twin), stop_at_first=False)
    assert not done.findings
    assert sum(done.faults.values()) == len(faults)


ENDINGS = {
    f"{kind}: {ending}"
    for kind, endings in {
        "stall": ("the run ended", "not reached"),
        "death": ("the run failed", "not reached"),
        "interruption": ("the run failed", "not reached"),
        "exception": ("in the result", "aborted", "not reached"),
    }.items()
    for ending in endings
}


def test_every_ending_occurs_and_is_counted() -> None:
    faults: Counter[str] = Counter()
    runs, seed = 0, 0
    while set(faults) != ENDINGS and seed < 600:
        rare = seed >= 40
        kind = FaultKind.EXCEPTION if rare else tuple(FaultKind)[seed % 4]
        own = 20 if rare else (4, 500)[seed // 4 % 2]
        steps = 50 if kind is FaultKind.STALL else 0
        done = examine(tiny_case(Fault(kind, seed % 3, own, steps), seed=seed))
        assert not done.findings
        faults += done.faults
        runs += done.counters["runs"]
        seed += 1
    assert set(faults) == ENDINGS
    assert runs == faults.total() == seed


def test_a_failed_run_is_followed_by_a_right_one_and_its_steps_are_judged() -> None:
    done = examine(tiny_case(Fault(FaultKind.DEATH, 1, 12)))
    assert done.counters["replayed"] == 1
    assert 12 < done.counters["replayed_steps"] < 200


def test_an_error_that_was_not_injected_is_still_one() -> None:
    """Both the fold and the run have it: an injected one beside it hides nothing."""
    fails = TinyBlock(((("get", 0), ("get", 1)), (("put", 0),)), (0, 0))
    for fault, expected in ((Fault(FaultKind.EXCEPTION, 0, 0), 0), (DEATH, 0)):
        case = replace(tiny_case(fault), subject=fails, workers=1)
        assert len(examine(case, stop_at_first=False).findings) == expected
    broken = replace(
        tiny_case(Fault(FaultKind.EXCEPTION, 0, 0)), subject=Broken(((), ()), (0,)), workers=1
    )
    found = [f.difference for f in examine(broken, stop_at_first=False).findings]
    assert {(f.oracle, f.position) for f in found} == {("fault", 1)}
    assert len(found) == 2


# ---- what only faults find -----------------------------------------------------------------------


def plain(case: Case) -> Case:
    """The case without its faults."""
    runs = (each.inner if isinstance(each, Faulted) else each for each in case.interleavings)
    return replace(case, interleavings=tuple(runs))


@pytest.mark.parametrize("name", sorted(FAULT_BUGS))
def test_bugs_do_not_show_without_faults(name: str) -> None:
    with planted(name):
        for index in range(12):
            case, _ = case_at(2, index, eels=False)
            assert not examine(plain(case)).findings


@pytest.mark.parametrize(
    ("name", "fault", "expected"),
    [
        ("death-swallowed", DEATH, "liveness:livelock:-"),
        ("failed-block-stays-claimed", DEATH, "fault:again:-"),
        ("failed-block-stays-claimed", INTERRUPTION, "fault:again:-"),
        ("stalled-task-taken-over", WAITS, "conformance:step.exec_enter:-"),
    ],
)
def test_how_they_show(name: str, fault: Fault, expected: str) -> None:
    case = tiny_case(fault)
    assert expected in signatures(case, name)
    assert signatures(case) == set()
    assert signatures(plain(case), name) == set()


def test_a_crash_after_a_failed_run_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Executor] = []

    class CrashesAfterFailure(Executor):
        def work(self, worker: int) -> None:
            made.append(self)
            if self is not made[0]:
                raise KeyError("left over")
            super().work(worker)

    monkeypatch.setattr("pel_parallel.executor.Executor", CrashesAfterFailure)
    (finding,) = examine(tiny_case(DEATH)).findings
    assert finding.difference.signature == "fault:again:-"
    assert finding.difference.got == "KeyError: 'left over', in work"


def reads_of_authorities(case: Case) -> Iterator[Step]:
    """The steps of a run by one worker that read the code of who signed an authorization."""
    steps = run_block(case.compile(), workers=1, runtime=GreenletController()).trace or ()
    signers = [t.authorizations for t in case.subject.transactions]
    if any(signers):
        yield from (
            step
            for step in steps
            if step.action == "read_cell" and step.object[1][0] in ("code", "nonce")
        )


def test_a_read_that_fails_in_a_list_of_authorizations_is_not_swallowed() -> None:
    """The interpreter goes on after any exception there; the seam does not let it."""
    for index in range(30):
        drawn, _ = case_at(3, index, fork="Prague", eels=False)
        for step in reads_of_authorities(drawn):
            fault = Fault(FaultKind.EXCEPTION, 0, step.own)
            runs = (Faulted(Walk(0, 0.0), (fault,)),)
            case = replace(drawn, workers=1, interleavings=runs, twin=False, reference=False)
            with FAILED_READ_SWALLOWED.plant():
                found = examine(case).findings
            if found:
                assert found[0].difference.oracle == "result"
                assert signatures(case) == set()
                assert examine(case).faults == {"exception: in the result": 1}
                return
    pytest.fail("no authorization was reached")


# ---- drawn ---------------------------------------------------------------------------------------


def test_a_share_of_the_runs_has_faults_and_all_else_is_as_before() -> None:
    walks = tuple(Walk(seed, 0.3) for seed in range(2000))
    drawn = with_drawn_faults(Random(5), "tiny", 4, walks)
    assert drawn == with_drawn_faults(Random(5), "tiny", 4, walks)
    assert tuple(each.inner if isinstance(each, Faulted) else each for each in drawn) == walks
    faulted = [each for each in drawn if isinstance(each, Faulted)]
    assert 180 < len(faulted) < 300
    faults = [fault for each in faulted for fault in each.faults]
    assert {fault.kind for fault in faults} == set(FaultKind)
    assert {fault.worker for fault in faults} == {0, 1, 2, 3}
    assert {len(each.faults) for each in faulted} == {1, 2}
    assert all(faults_of(each.faults) == each.faults for each in faulted)


def test_cases_are_drawn_with_faults() -> None:
    plans = [plan_at(1, index, None, False) for index in range(30)]
    assert any(isinstance(each, Faulted) for plan in plans for each in plan.interleavings)
    assert plans == [plan_at(1, index, None, False) for index in range(30)]


def weight(faults: tuple[Fault, ...]) -> tuple[int, int, int]:
    return len(faults), sum(f.steps for f in faults), sum(f.after for f in faults)


@given(SETS)
def test_smaller_faults_are_smaller(faults: tuple[Fault, ...]) -> None:
    tried = list(smaller_faults(faults))
    assert len(set(tried)) == len(tried)
    assert tried[0] == ()
    assert all(weight(each) < weight(faults) and faults_of(each) == each for each in tried)
    for fault in faults:
        assert tuple(other for other in faults if other != fault) in tried


@pytest.mark.parametrize(
    ("name", "needed", "others"),
    [
        ("death-swallowed", DEATH, [Fault(FaultKind.EXCEPTION, 2, 3)]),
        ("stalled-task-taken-over", WAITS, []),
    ],
)
def test_a_difference_that_needs_a_fault_is_made_small(
    name: str, needed: Fault, others: list[Fault]
) -> None:
    """What is left are the fault, made smaller, and a schedule that replays exactly."""
    drawn, choices = case_at(2, 5, eels=False)
    assert drawn.kind == "tiny"
    with planted(name):
        case, found = next(
            (case, finding)
            for seed in range(100)
            for case in [replace(tiny_case(needed, *others, seed=seed), subject=drawn.subject)]
            for finding in examine(case).findings
        )
        small, difference = shrink_finding(case, found, choices, 20.0)
        assert difference.signature == found.difference.signature in signatures(small, name)
    (run,) = small.interleavings
    assert isinstance(run, Faulted) and isinstance(run.inner, Switches) and run.inner.strict
    assert [fault.kind for fault in run.faults] == [needed.kind]
    assert run.faults[0].steps <= needed.steps
    assert len(small.compile().transitions) <= len(case.compile().transitions)
    with suppress(Drift):  # the healthy executor may take other steps, and then it is no verdict
        assert signatures(small) == set()


# ---- in a file -----------------------------------------------------------------------------------


@given(SETS, SETS)
def test_faults_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, one: tuple[Fault, ...], two: tuple[Fault, ...]
) -> None:
    runs = (Faulted(Walk(3, 0.2), one), Walk(4, 0.5), Faulted(Switches(((0, 3, 1),)), two))
    case = replace(tiny_case(), interleavings=runs)
    path = tmp_path_factory.mktemp("case") / "case.json"
    write_case(path, case, None, None)
    assert read_case(path).case.interleavings == runs


GOOD = {"run": 0, "kind": "death", "worker": 1, "own": 7, "after": False}


@pytest.mark.parametrize(
    ("faults", "field", "problem"),
    [
        ({}, "faults", "must be an array"),
        ([{}], "faults[0].run", "is missing"),
        ([GOOD | {"run": 1}], "faults[0]", "there is no such run"),
        ([GOOD | {"kind": "sleep"}], "faults[0].kind", "must be one of stall, death"),
        ([GOOD | {"worker": 3}], "faults[0].worker", "there are 3 workers"),
        ([GOOD | {"own": -1}], "faults[0].own", ""),
        ([GOOD | {"after": 0}], "faults[0].after", ""),
        ([GOOD | {"steps": 4}], "faults[0]", "a fault of kind death has no steps"),
        ([{k: v for k, v in GOOD.items() if k != "after"}], "faults[0].after", "is missing"),
        ([GOOD, GOOD | {"after": True}], "faults", "two faults at the same step"),
        (
            [{"run": 0, "kind": "stall", "worker": 0, "own": 0, "steps": 0}],
            "faults[0].steps",
            "must be from 1 to 1000000",
        ),
        (
            [{"run": 0, "kind": "exception", "worker": 0, "own": 0, "after": True}],
            "faults[0]",
            "has no after",
        ),
    ],
)
def test_bad_faults_are_refused(tmp_path: Path, faults: object, field: str, problem: str) -> None:
    document = case_to_json(tiny_case(), None, None) | {"faults": faults}
    path = tmp_path / "case.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_case(path)
    assert caught.value.field == field and problem in caught.value.problem


# ---- replayed ------------------------------------------------------------------------------------


def replayed(
    capsys: pytest.CaptureFixture[str], path: Path, case: Case, *options: str
) -> tuple[int, str]:
    write_case(path, case, None, None)
    code = run(["replay", str(path), *options])
    told = capsys.readouterr()
    return int(code), told.out + told.err


def test_replay_shows_what_a_fault_has_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = replayed(
        capsys, tmp_path / "c.json", tiny_case(DEATH), "--seed-bug", "death-swallowed"
    )
    assert code == 1
    assert "look for work for ever and find none" in output
    assert "task(s) count as under way: 1 of worker 1" in output
    assert replayed(capsys, tmp_path / "c.json", tiny_case(DEATH))[0] == 0


def test_replay_explains_a_deadlock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(300):
        case = replace(tiny_case(), interleavings=(Walk(seed, 0.3),))
        if "liveness:deadlock:-" in signatures(case, "stays-locked"):
            break
    code, output = replayed(capsys, tmp_path / "c.json", case, "--seed-bug", "stays-locked")
    told = " ".join(output.split())
    assert code == 1
    assert "deadlock: nobody can go on" in told
    assert "waits for the list of those who wait for position" in told
    assert "locked at its step" in told and "does not unlock" in told


def test_a_recorded_fault_that_is_not_reached_is_drift(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = Fault(FaultKind.DEATH, 0, 5000)
    recorded = replace(tiny_case(), interleavings=(Faulted(Switches(()), (late,)),))
    with pytest.raises(Drift, match="never reached: worker 0 dies before its step 5000"):
        examine(recorded)
    code, output = replayed(capsys, tmp_path / "c.json", recorded)
    assert code == 3 and "never reached" in output
    drawn: Examination = examine(tiny_case(late))
    assert not drawn.findings and drawn.faults == {"death: not reached": 1}

"""Found differences become small: transactions, workers, preemptions, switches; same signature."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case, case_at
from pel_fuzz.examine import Finding, examine
from pel_fuzz.executors import step_limit
from pel_fuzz.interleavings import Interleaving, Switches, Walk
from pel_fuzz.recording import Following, RecordedRun, record, turns_of
from pel_fuzz.shrinking import delta_debug, shrink_finding
from pel_fuzz.shrinking.block import Candidate, parts_of, steps_about, with_parts_left_out
from pel_fuzz.shrinking.bounded import with_two_preemptions
from pel_fuzz.shrinking.interleaving import simplest, without_steps
from pel_fuzz.shrinking.restarts import from_other_runs, other_runs
from pel_fuzz.shrinking.trial import Measure, Shown, Trial
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.workloads.draws import Choices
from pel_reference.block import Block
from pel_spec.fold import fold
from pel_spec.sync import Step

FOR_EVER = float("inf")
STEP = (("get", 0), ("put", 0))
CHAIN = TinyBlock((STEP,) * 3)
LIMIT = step_limit(fold(CHAIN)[1], 3)

walks = st.builds(Walk, st.integers(0, 10_000), st.floats(0.05, 0.9))


@given(st.lists(st.integers(0, 30), max_size=40), st.sets(st.integers(0, 30), max_size=4))
def test_delta_debugging_leaves_only_what_is_needed(items: list[int], needed: set[int]) -> None:
    def attempt(some: list[int]) -> list[int] | None:
        return some if needed <= set(some) else None

    if attempt(items) is None:
        return
    kept = delta_debug(items, attempt, FOR_EVER)
    assert sorted(kept) == sorted(needed)


def test_without_time_nothing_is_removed() -> None:
    assert delta_debug([1, 2, 3], list, time.monotonic() - 1) == [1, 2, 3]


def _record(steered: Walk | Switches | Following, workers: int = 3) -> RecordedRun:
    return record(CHAIN, workers, steered, LIMIT)


@given(walks)
def test_a_recorded_run_is_replayed_by_its_switches_and_by_its_turns(walk: Walk) -> None:
    recorded = _record(walk)
    for again in (recorded.switches, Switches(recorded.schedule), Following(recorded.turns)):
        assert _record(again) == recorded


@given(walks)
def test_preemptions_are_the_switches_away_from_who_could_go_on(walk: Walk) -> None:
    """In a run that ends well nobody waits for a lock, unless two are suspended at once."""
    recorded = _record(walk)
    upcoming = {(step.worker, step.own): step.action for step in recorded.steps}
    own = {-1: 0, 0: 0, 1: 0, 2: 0}
    last, preempted = -1, 0
    for step in recorded.steps:
        if step.worker != last and last >= 0:
            follows = upcoming.get((last, own[last]), "nothing")
            blocked = follows in ("read_estimate", "swap_deps") and _is_locked(recorded, step)
            preempted += follows not in ("nothing", "idle") and not blocked
        own[step.worker] = step.own + 1
        last = step.worker
    assert recorded.preemptions == preempted


def _is_locked(recorded: RecordedRun, until: Step) -> bool:
    locked: set[tuple[object, ...]] = set()
    for step in recorded.steps:
        if step is until:
            break
        if step.action == "read_estimate":
            locked.add(step.object)
        elif step.action in ("suspend", "stay"):
            locked.discard(step.object)
    return bool(locked)


def test_turns_end_before_the_next_step_of_their_worker() -> None:
    steps = [
        Step(w, own, "idle", (), ("worker", w), 0, None) for w, own in ((0, 0), (0, 1), (1, 0))
    ]
    assert turns_of(steps) == ((0, 2), (1, 1))
    assert without_steps(((0, 5), (1, 3), (0, 9)), {0: [2, 3, 7]}) == ((0, 3), (1, 3), (0, 6))


def test_the_steps_about_a_position_are_those_of_its_rounds() -> None:
    recorded = _record(Walk(0, 0), workers=1)
    about = steps_about(recorded.steps, 1)
    actions = [recorded.steps[own].action for own in about[0]]
    assert actions[0] == "load_done" and "exec_fetch" in actions
    assert actions.count("load_done") == actions.count("exec_fetch") + actions.count("val_fetch")
    named = [s.args for s in recorded.steps if s.own in about[0] and s.action == "read_cell"]
    assert named == [(1,)]


def _first_tiny_finding(seed: int) -> tuple[Case, Finding, Choices]:
    for index in range(200):
        case, choices = case_at(seed, index)
        if isinstance(case.subject, TinyBlock):
            found = examine(case).findings
            if found:
                return case, found[0], choices
    raise AssertionError("the seeded bug was not found")


def _trial(case: Case, signature: str) -> tuple[Trial, Shown]:
    trial = Trial(case, signature)
    for seed in range(500):
        shown = trial.shown(Walk(seed, 0.2))
        if shown is not None and shown.measure.preemptions > 1:
            return trial, shown
    raise AssertionError("the seeded bug was not found")


def test_a_scheduler_bug_shrinks_to_a_few_transactions_and_switches() -> None:
    with planted("no-estimate"):
        case, finding, choices = _first_tiny_finding(1)
        small, difference = shrink_finding(case, finding, choices, 60)
        assert difference.signature == finding.difference.signature
        assert isinstance(small.subject, TinyBlock)
        assert len(small.subject.programs) <= 3 and small.workers == 2
        (interleaving,) = small.interleavings
        assert isinstance(interleaving, Switches) and len(interleaving.switches) <= 3
        again = [f.difference.signature for f in examine(small).findings]
        assert difference.signature in again
    assert not examine(small).findings, "the healthy executor must pass the shrunk case"


NO_ESTIMATE = "conformance:step.set_ready:-"


def test_an_interleaving_becomes_a_single_preemption() -> None:
    with planted("no-estimate"):
        trial, shown = _trial(Case(CHAIN, "tiny", 2, ()), NO_ESTIMATE)
        best = simplest(trial, shown, FOR_EVER)
        assert best.measure < shown.measure
        assert (best.measure.preemptions, best.measure.switches) == (1, 0)
        strict = trial.shown(Switches(best.recording.schedule))
        assert strict is not None and strict.measure == best.measure


def test_shrinking_is_the_same_each_time() -> None:
    with planted("no-estimate"):
        trial, shown = _trial(Case(CHAIN, "tiny", 2, ()), NO_ESTIMATE)
        one, other = (simplest(trial, shown, FOR_EVER).recording.schedule for _ in range(2))
        assert one == other


def test_without_time_the_run_stays_as_it_was_found() -> None:
    with planted("no-estimate"):
        trial, shown = _trial(Case(CHAIN, "tiny", 2, ()), NO_ESTIMATE)
        assert simplest(trial, shown, time.monotonic() - 1) is shown


def test_parts_are_left_out_and_the_schedule_stays() -> None:
    """Two transitions in the middle of nowhere, and an instruction that does nothing."""
    lonely = (("get", 1), ("put", 1))
    block = TinyBlock((STEP, lonely, (*STEP, ("get", 2)), lonely), (0, 0, 0))
    with planted("no-estimate"):
        case = Case(block, "tiny", 2, ())
        trial, shown = _trial(case, NO_ESTIMATE)
        found = Candidate(case, simplest(trial, shown, FOR_EVER), None)
        small = with_parts_left_out(found, NO_ESTIMATE, FOR_EVER)
        assert isinstance(small.case.subject, TinyBlock)
        assert len(small.case.subject.programs) == 2
        assert sum(map(len, small.case.subject.programs)) <= 4
        assert small.shown.measure.preemptions <= found.shown.measure.preemptions + 1


def test_transactions_of_a_block_are_parts() -> None:
    case = next(c for i in range(50) if isinstance((c := case_at(3, i)[0]).subject, Block))
    assert isinstance(case.subject, Block)
    parts = list(parts_of(case))
    assert len(parts) == len(case.subject.transactions)
    for part in parts:
        assert isinstance(part.subject, Block)
        assert len(part.subject.transactions) == len(parts) - 1
        assert part.position is not None
        assert case.compile().transitions[part.position].tx_index is not None


def test_preemptions_count_before_all_other_switches() -> None:
    assert Measure(1, 9, 9) < Measure(2, 0, 0)
    assert Measure(1, 2, 9) < Measure(1, 3, 0)


def test_two_preemptions_are_found_that_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one must come within the wait of the first."""
    block = TinyBlock(((("put", 0),), (("get", 0),), (("get", 0),)), (0,))
    signature = "conformance:step.finish_execution:-"
    with planted("abort-lowers-nothing"):
        case = Case(block, "tiny", 2, ())
        trial = Trial(case, signature)
        shown = trial.shown(Switches(((0, 6, 1), (1, 9, 0), (0, 10, 1))))
        assert shown is not None and shown.measure.preemptions == 3
        found = with_two_preemptions(trial, shown, FOR_EVER)
        assert found.measure[:2] == (2, 0)
        assert with_two_preemptions(trial, found, FOR_EVER) is found
        monkeypatch.setattr("pel_fuzz.shrinking.bounded.MOST_RUNS", 3)
        assert with_two_preemptions(trial, shown, FOR_EVER) is shown


@pytest.mark.parametrize("interleaving", [Walk(0, 0), Switches(((0, 1, 1),))])
def test_a_difference_that_does_not_show_again_is_kept(interleaving: Walk | Switches) -> None:
    case, choices = next(c for i in range(50) if (c := case_at(1, i))[0].kind == "tiny")
    with planted("no-estimate"):
        _, finding, _ = _first_tiny_finding(1)
    wrong = Finding(replace(finding.difference), interleaving)
    small, difference = shrink_finding(case, wrong, choices, 5)
    assert (small.subject, small.interleavings) == (case.subject, (interleaving,))
    assert difference == finding.difference


def _chain_finding(seed: int) -> tuple[Case, Trial, Shown]:
    """A wrong result on the chain, under a walk that was not made simple."""
    subject = TinyBlock(((("get", 0), ("put", 1), ("get", 1), ("put", 0)),) * 4, (1, 2))
    found = examine(Case(subject, "tiny", 3, (Walk(seed, 0.5),)), stop_at_first=False).findings
    signatures = [each.difference.signature for each in found]
    signature = next(each for each in signatures if each.startswith("result"))
    trial = Trial(Case(subject, "tiny", 3, ()), signature)
    shown = trial.shown(Walk(seed, 0.5))
    assert shown is not None and shown.measure.preemptions > 20
    return trial.case, trial, shown


def test_other_runs_of_the_block_lead_to_something_simpler() -> None:
    with planted("no-estimate"):
        _, trial, shown = _chain_finding(1)
        assert from_other_runs(trial, shown, 0.0) is shown, "there is no time"
        found = from_other_runs(trial, shown, time.monotonic() + 5)
        assert found.measure < shown.measure
        again = trial.shown(found.recording.switches)
        assert again is not None and again.measure == found.measure


def test_a_transition_goes_that_only_other_runs_can_do_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pel_fuzz.shrinking.block.walks", lambda count: ())
    with planted("no-estimate"):
        case, trial, shown = _chain_finding(1)
        start, late = Candidate(case, shown, None), FOR_EVER
        before = with_parts_left_out(start, trial.signature, late)
        after = with_parts_left_out(start, trial.signature, late, other_runs("tiny"))
    kept, less = before.case.subject, after.case.subject
    assert isinstance(kept, TinyBlock) and isinstance(less, TinyBlock)
    assert (len(kept.programs), len(less.programs)) == (4, 3)


def test_what_time_is_left_goes_to_other_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def begun_again(trial: Trial, shown: Shown, deadline: float) -> Shown:
        asked.append("runs")
        return from_other_runs(trial, shown, deadline)

    def walks_of(kind: str) -> tuple[Interleaving, ...]:
        asked.append("walks")
        return other_runs(kind)

    monkeypatch.setattr("pel_fuzz.shrinking.together.from_other_runs", begun_again)
    monkeypatch.setattr("pel_fuzz.shrinking.together.other_runs", walks_of)
    with planted("no-estimate"):
        case, finding, choices = _first_tiny_finding(1)
        shrink_finding(case, finding, choices, 60)
    assert asked[-2:] == ["walks", "runs"], "it ends when neither has got on"

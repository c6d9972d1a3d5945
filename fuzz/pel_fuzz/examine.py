"""One case through every oracle that it asks for.

The fold gives the meaning; each interleaving is run and compared with it, its history with the
specification, and its steps with the specification's text; the tiers above (the reference proper,
EELS) then judge what the fold says itself.
"""

import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace

from pel_fuzz.cases import Case
from pel_fuzz.conformance.check import Conformance, TooLarge, check_run, check_trace
from pel_fuzz.conformance.violation import Violation
from pel_fuzz.coverage.case import CaseCoverage, Watch
from pel_fuzz.executors import (
    STUCK,
    Crash,
    expected_steps,
    run_controlled,
    run_on_threads,
    step_limit,
)
from pel_fuzz.explain import effect_differences, explain
from pel_fuzz.fault_runs import Meaning, attempt, failure_differences, meaning_of
from pel_fuzz.interleavings import Faulted, Interleaving, each_run, kept, strategy_of
from pel_fuzz.tiers import (
    eels_can_judge,
    eels_difference,
    reference_outcome,
    settled_differences,
)
from pel_fuzz.twins import Leak, twin
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_fuzz.workloads.observed import observed_features
from pel_parallel.errors import Deadlock, Drift, ExecutionError, Explored
from pel_parallel.executor import Run
from pel_parallel.overlap import overlapping_executions
from pel_reference.eels import EelsFailure
from pel_reference.errors import UnsupportedFork
from pel_reference.transitions import EvmBlock
from pel_spec.anomalies import Names, Witness
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History
from pel_spec.serializability import check_preset
from pel_spec.transition import TransitionBlock

REPLAYED_OF_SAMPLED, LARGE_TRACE = 4, 20_000
"""Under control every run is replayed through the specification's text. In the stress lane, and of
traces with more steps than this, it is one in so many."""


@dataclass(slots=True)
class Finding:
    """A difference, and the interleaving under which it showed (`None`: without any)."""

    difference: Difference
    interleaving: Interleaving | None = None


@dataclass(slots=True)
class Examination:
    """What was done with one case, and what was found. `counters` adds up over its runs, and so do
    `faults`: how those that were injected ended, and `strategies`: how many runs each steered.
    `drift`: that of the first recorded schedule that did not fit, beside what was found."""

    findings: list[Finding] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    strategies: Counter[str] = field(default_factory=Counter)
    location_kinds: set[str] = field(default_factory=set)
    features: frozenset[str] = frozenset()
    coverage: CaseCoverage = field(default_factory=CaseCoverage)
    drift: Drift | None = None

    def count_run(self, strategy: str, runs: int = 1) -> None:
        """So many runs more, whatever comes of them."""
        self.counters["runs"] += runs
        self.strategies[strategy] += runs

    def count_no_run(self, strategy: str, why: Explored | Drift) -> None:
        """The last one was none: what may follow was explored before, or is not what it was."""
        self.count_run(strategy, -1)
        if isinstance(why, Drift):
            self.drift = self.drift or why


class OutOfTime(Exception):
    """A case was given up half-way, for lack of time: nothing is said of it."""


def examine(
    case: Case,
    *,
    threads: bool = False,
    stop_at_first: bool = True,
    watched: bool = False,
    until: float | None = None,
) -> Examination:
    """Run `case` and compare all there is to compare.

    With `threads` the runs are on plain threads, which the interleavings do not steer. If
    `watched`, what the runs cover is noted too, which costs about a tenth more.

    Raises: `OutOfTime`, where a run would begin after `until`, by the monotonic clock; `Drift`,
    where a recorded schedule does not fit this code, and nothing differs in whatever else was run.
    """
    done = Examination(features=case.features)
    watch = Watch(case) if watched else None
    _examine_runs(case, done, watch, until, threads=threads, stop_at_first=stop_at_first)
    if watch is not None:
        done.coverage = watch.covered()
    if done.drift is not None and not done.findings:
        raise done.drift
    return done


def _in_time(runs: Iterable[Interleaving], until: float | None) -> Iterator[Interleaving]:
    for run in runs:
        if until is not None and time.monotonic() >= until:
            raise OutOfTime
        yield run


def _examine_runs(
    case: Case,
    done: Examination,
    watch: Watch | None,
    until: float | None,
    *,
    threads: bool,
    stop_at_first: bool,
) -> None:
    block = case.compile()
    expected, expected_history = fold(block)
    done.location_kinds |= _kinds_of(expected_history)
    done.counters.update(positions=len(block.transitions), twins=case.twin)
    done.findings += map(Finding, _faults(block, expected, "the fold"))
    results = [("fold", expected)]
    watched, limit = twin(block) if case.twin else block, step_limit(expected_history, case.workers)
    steps = expected_steps(expected_history, case.workers)
    runs = _in_time(each_run(case.interleavings, steps, done.counters), until)
    for number, interleaving in enumerate(runs):
        if done.findings and stop_at_first:
            return
        strategy = "threads" if threads else strategy_of(interleaving)
        done.count_run(strategy)
        try:
            if isinstance(interleaving, Faulted) and not threads:
                meaning = Meaning(block, expected, expected_history)
                for found in _examine_faulted(meaning, watched, case, interleaving, done, watch):
                    done.findings.append(Finding(found, interleaving))
                continue
            run = (
                run_on_threads(watched, case.workers, number, limit)
                if threads
                else run_controlled(watched, case.workers, interleaving, limit)
            )
        except (*STUCK, Leak) as stopped:
            difference = _stopped_difference(stopped, block, case.workers)
            done.findings.append(Finding(difference, kept(interleaving)))
            continue
        except (Explored, Drift) as why:
            done.count_no_run(strategy, why)
            continue
        _count(run, len(block.transitions), done.counters, watch)
        conformance = _replay(run, done.counters, sampled=threads, number=number)
        for difference in judge(block, expected, expected_history, run, conformance):
            done.findings.append(Finding(difference, kept(interleaving)))
        if agree(expected, run.result):  # a wrong one would be objected to once more above
            results.append(("optimistic", run.result))
    if isinstance(block, EvmBlock) and not (done.findings and stop_at_first):
        # Results that agree settle alike, so one optimistic result is enough, now and then.
        _examine_above(case, block, done, results[: 2 if case.twin else 1])


def _examine_faulted(
    meaning: Meaning,
    watched: TransitionBlock,
    case: Case,
    faulted: Faulted,
    done: Examination,
    watch: Watch | None,
) -> Iterator[Difference]:
    """A run in which faults strike: what it does that it may not."""
    positions = len(meaning.block.transitions)
    try:
        tried = attempt(watched, case.workers, faulted, step_limit(meaning.history, case.workers))
    except (*STUCK, Leak) as stopped:
        yield _stopped_difference(stopped, meaning.block, case.workers)
        return
    done.faults.update(tried.counts())
    if tried.run is not None:
        _count(tried.run, positions, done.counters, watch)
        conformance = _replay(tried.run, done.counters, sampled=False, number=0)
        right = meaning_of(tried, meaning)
        yield from judge(
            right.block, right.result, right.history, tried.run, conformance, right.injected
        )
        return
    yield from failure_differences(tried, meaning.result)
    try:
        cut = check_trace(tried.trace, positions, case.workers, complete=False)
    except TooLarge:
        done.counters["too_large_to_replay"] += 1
        return
    done.counters["replayed"] += 1
    done.counters["replayed_steps"] += cut.steps
    if cut.violation is not None:
        yield _conformance_difference(cut.violation)


def _examine_above(
    case: Case, block: EvmBlock, done: Examination, results: list[tuple[str, Result]]
) -> None:
    """The tiers above the fold, as far as the case asks for them."""
    if case.reference:
        done.counters["reference"] += 1
        expected = reference_outcome(block.block)
        if not isinstance(expected, str):
            done.features |= observed_features(block.block, expected)
        for difference in settled_differences(block, expected, results):
            done.findings.append(Finding(difference))
    if case.eels and not eels_can_judge(block.block):
        done.counters["eels_silent"] += 1
    elif case.eels:
        try:
            found = eels_difference(block.block)
        except (UnsupportedFork, EelsFailure):  # it gave no verdict, and none may be taken from it
            done.counters["eels_silent"] += 1
            return
        done.counters["eels"] += 1
        if found is not None:
            done.findings.append(Finding(found))


def judge(
    block: TransitionBlock,
    expected: Result,
    expected_history: History,
    run: Run,
    conformance: Conformance | None,
    injected: Container[tuple[int, str]] = (),
) -> Iterator[Difference]:
    """What is wrong with one run: its result, its history, its faults but for the `injected` ones,
    and its steps, where these were replayed. A wrong result is told together with the step that
    went wrong."""
    witness = check_preset(run.history)
    violation = None if conformance is None else conformance.violation
    if not agree(expected, run.result):
        difference = explain(block, expected, expected_history, run.result, run.history)
        assert difference is not None, "results that do not agree differ somewhere"
        yield _with_violation(_with_anomaly(block, difference, witness), violation)
        return
    if witness is not None:
        yield Difference(
            Oracle.HISTORY,
            "history",
            "history",
            "equivalent to the preset order",
            "not equivalent",
            anomaly=witness.anomaly,
            words=witness.explain(_names(block)),
        )
    if violation is not None:
        yield _conformance_difference(violation)
    yield from _faults(block, run.result, "the optimistic run", injected)


def _conformance_difference(violation: Violation) -> Difference:
    step = violation.step
    return Difference(
        Oracle.CONFORMANCE,
        f"step.{'end' if step is None else step.action}",
        violation.place,
        "a step of the specification",
        str(violation.kind),
        words=violation.explain(),
    )


def _with_violation(difference: Difference, violation: Violation | None) -> Difference:
    if violation is None:
        return difference
    told = f"against the specification: {violation.headline()}"
    return replace(difference, words="\n".join(filter(None, (difference.words, told))))


def _names(block: TransitionBlock) -> Names:
    """What people call the transitions of a block."""

    def name(position: int) -> str:
        transition = block.transitions[position]
        if transition.tx_index is None:
            return f"{transition.kind} {position}"
        return f"tx {transition.tx_index}"

    return name


def _with_anomaly(
    block: TransitionBlock, difference: Difference, witness: Witness | None
) -> Difference:
    if witness is None:
        return difference
    words = "\n".join(filter(None, (difference.words, witness.explain(_names(block)))))
    return replace(difference, anomaly=witness.anomaly, words=words)


def _faults(
    block: TransitionBlock,
    result: Result,
    where: str,
    injected: Container[tuple[int, str]] = (),
) -> Iterable[Difference]:
    for position, fault in result.faults:
        if (position, fault) in injected:
            continue
        tx_index = block.transitions[position].tx_index
        got = shorten(fault)
        yield Difference(
            Oracle.FAULT, "fault", f"internal error in {where}", "none", got, position, tx_index
        )


def leak_difference(block: TransitionBlock, leak: Leak) -> Difference:
    """What to say of an incarnation that does something else on fresh objects."""
    _, field, fresh, kept = next(effect_differences(leak.fresh, leak.kept))
    return Difference(
        Oracle.LEAK,
        "leak",
        f"{field}, run again with the same reads on fresh objects",
        fresh,
        kept,
        leak.position,
        block.transitions[leak.position].tx_index,
        words="what an incarnation does must depend on its recorded reads alone: this one carries "
        "something over, or reads what it does not record",
    )


def stuck_difference(stuck: ExecutionError) -> Difference:
    """What to say of a run that did not end as a run should, whatever its steps."""
    kind, oracle = type(stuck).__name__.lower(), Oracle.LIVENESS
    if isinstance(stuck, Crash):
        kind, oracle = f"crash.{stuck.raised}", Oracle.FAULT
    headline, _, why = str(stuck).partition("\n")
    got, words = shorten(headline, 400), shorten(why, 2000)
    return Difference(oracle, kind, kind, "the block ends", got, words=words)


def _stopped_difference(
    stuck: ExecutionError | Leak, block: TransitionBlock, workers: int
) -> Difference:
    if isinstance(stuck, Leak):
        return leak_difference(block, stuck)
    difference, transitions = stuck_difference(stuck), len(block.transitions)
    waits = stuck.waits_for if isinstance(stuck, Deadlock) else {}
    try:
        found = check_trace(
            stuck.trace, transitions, workers, invariants=False, complete=False, waits=waits
        )
    except TooLarge:
        return difference
    return _with_violation(difference, found.violation)


def _kinds_of(history: History) -> set[str]:
    reads = {str(read.location[0]) for i in history.incarnations for read in i.reads}
    writes = {str(write.location[0]) for i in history.incarnations for write in i.writes}
    return reads | writes


def _count(run: Run, positions: int, counters: Counter[str], watch: Watch | None = None) -> None:
    if watch is not None:
        watch.see(run)
    counters["could_overlap"] += positions > 1 and len(run.counters.by_worker) > 1
    counters["overlapped"] += overlapping_executions(run.trace or ()) > 0
    for name in ("incarnations", "aborts", "suspensions", "validations"):
        counters[name] += getattr(run.counters, name)


def _replay(run: Run, counters: Counter[str], *, sampled: bool, number: int) -> Conformance | None:
    """The steps of a run against the specification's text; of large ones, and in the stress lane,
    only a sample is replayed, the first run of each case among it."""
    if run.trace is None:
        return None
    sampled = sampled or len(run.trace) > LARGE_TRACE
    if sampled and number % REPLAYED_OF_SAMPLED:
        return None
    try:
        found = check_run(run)
    except TooLarge:
        counters["too_large_to_replay"] += 1
        return None
    counters["replayed"] += 1
    counters["replayed_steps"] += found.steps
    counters["nonconforming"] += found.violation is not None
    return found

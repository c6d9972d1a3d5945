"""One case through every oracle that it asks for.

The fold gives the meaning; each interleaving is run and compared with it, and its history with the
specification; the tiers above (the reference proper, EELS) then judge what the fold says itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from pel_fuzz.cases import Case, Interleaving
from pel_fuzz.executors import STUCK, run_controlled, run_on_threads, step_limit
from pel_fuzz.explain import effect_differences, explain
from pel_fuzz.tiers import (
    eels_can_judge,
    eels_difference,
    reference_outcome,
    settled_differences,
)
from pel_fuzz.twins import Leak, twin
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_fuzz.workloads.observed import observed_features
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


@dataclass(slots=True)
class Finding:
    """A difference, and the interleaving under which it showed (`None`: without any)."""

    difference: Difference
    interleaving: Interleaving | None = None


@dataclass(slots=True)
class Examination:
    """What was done with one case, and what was found. `counters` adds up over its runs."""

    findings: list[Finding] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    location_kinds: set[str] = field(default_factory=set)
    features: frozenset[str] = frozenset()


def examine(case: Case, *, threads: bool = False, stop_at_first: bool = True) -> Examination:
    """Run `case` and compare all there is to compare.

    With `threads` the runs are on plain threads, which the interleavings do not steer.
    """
    done = Examination(features=case.features)
    _examine_runs(case, case.compile(), done, threads=threads, stop_at_first=stop_at_first)
    return done


def _examine_runs(
    case: Case, block: TransitionBlock, done: Examination, *, threads: bool, stop_at_first: bool
) -> None:
    expected, expected_history = fold(block)
    done.location_kinds |= _kinds_of(expected_history)
    done.counters["positions"] += len(block.transitions)
    done.counters["twins"] += case.twin
    for difference in _faults(block, expected, "the fold"):
        done.findings.append(Finding(difference))
    results = [("fold", expected)]
    watched, limit = twin(block) if case.twin else block, step_limit(expected_history)
    for interleaving in case.interleavings:
        if done.findings and stop_at_first:
            return
        try:
            run = (
                run_on_threads(watched, case.workers)
                if threads
                else run_controlled(watched, case.workers, interleaving, limit)
            )
        except STUCK as stuck:
            done.findings.append(Finding(_stuck_difference(stuck), interleaving))
            continue
        except Leak as leak:
            done.findings.append(Finding(_leak_difference(block, leak), interleaving))
            continue
        _count(run, len(block.transitions), done.counters)
        for difference in judge(block, expected, expected_history, run):
            done.findings.append(Finding(difference, interleaving))
        results.append(("optimistic", run.result))
    if isinstance(block, EvmBlock) and not (done.findings and stop_at_first):
        # Results that agree settle alike, so one optimistic result is enough, now and then.
        _examine_above(case, block, done, results[: 2 if case.twin else 1])


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
    block: TransitionBlock, expected: Result, expected_history: History, run: Run
) -> Iterator[Difference]:
    """What is wrong with one run: its result, its history, its faults."""
    witness = check_preset(run.history)
    if not agree(expected, run.result):
        difference = explain(block, expected, expected_history, run.result, run.history)
        assert difference is not None, "results that do not agree differ somewhere"
        yield _with_anomaly(block, difference, witness)
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
    yield from _faults(block, run.result, "the optimistic run")


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


def _faults(block: TransitionBlock, result: Result, where: str) -> Iterable[Difference]:
    for position, fault in result.faults:
        tx_index = block.transitions[position].tx_index
        got = shorten(fault)
        yield Difference(
            Oracle.FAULT, "fault", f"internal error in {where}", "none", got, position, tx_index
        )


def _leak_difference(block: TransitionBlock, leak: Leak) -> Difference:
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


def _stuck_difference(stuck: Exception) -> Difference:
    kind = type(stuck).__name__.lower()
    return Difference(Oracle.LIVENESS, kind, kind, "the block ends", shorten(stuck, 2000))


def _kinds_of(history: History) -> set[str]:
    reads = {str(read.location[0]) for i in history.incarnations for read in i.reads}
    writes = {str(write.location[0]) for i in history.incarnations for write in i.writes}
    return reads | writes


def _count(run: Run, positions: int, counters: Counter[str]) -> None:
    counters["runs"] += 1
    counters["could_overlap"] += positions > 1 and len(run.counters.by_worker) > 1
    counters["overlapped"] += overlapping_executions(run.trace or ()) > 0
    for name in ("incarnations", "aborts", "suspensions", "validations"):
        counters[name] += getattr(run.counters, name)

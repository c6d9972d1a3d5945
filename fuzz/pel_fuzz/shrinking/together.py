"""Block and interleaving made small together, each again whenever the other has become smaller."""

import time
from dataclasses import replace

from pel_fuzz.cases import Case
from pel_fuzz.examine import Finding, examine
from pel_fuzz.interleavings import Faulted, Interleaving, Switches
from pel_fuzz.shrinking.block import (
    Candidate,
    with_fewer_workers,
    with_parts_left_out,
    with_smaller_block,
)
from pel_fuzz.shrinking.bounded import with_two_preemptions
from pel_fuzz.shrinking.faulted import finding_under, shrink_faulted
from pel_fuzz.shrinking.interleaving import fewer_choices, simplest
from pel_fuzz.shrinking.restarts import from_other_runs, other_runs
from pel_fuzz.shrinking.trial import Trial
from pel_fuzz.verdict import Difference
from pel_fuzz.workloads.draws import Choices, UndrawableCase, shrink
from pel_parallel.errors import Drift

BLOCK_SHARES = (0.6, 0.7, 0.8)
"""How often Hypothesis shrinks the block, each time with the fewest choices so far, and the shares
of the time after which it ends: an interleaving that was never shrunk is of no use to anybody."""


def shrink_finding(
    case: Case, finding: Finding, choices: Choices, max_seconds: float
) -> tuple[Case, Difference]:
    """The smallest case found that still shows the finding's signature, and its difference."""
    begin = time.monotonic()
    signature = finding.difference.signature
    if finding.interleaving is None:
        small = _block_alone(case, signature, choices, begin + max_seconds)
        last = _find(small, signature)
        return small, (last or finding).difference
    if isinstance(finding.interleaving, Faulted):
        faulted = finding.interleaving
        if finding_under(case, faulted.inner, signature) is None:
            small = shrink_faulted(case, faulted, signature, choices, begin + max_seconds)
            return small, (_find(small, signature) or finding).difference
        finding = replace(finding, interleaving=faulted.inner)
    assert finding.interleaving is not None
    shown = Trial(case, signature).shown(finding.interleaving)
    if shown is None:  # a run that is not reproducible is a finding of its own, and kept
        return replace(case, interleavings=(finding.interleaving,)), finding.difference
    start = Candidate(case, shown, choices)
    best = _shrink(start, finding.interleaving, signature, begin, max_seconds)
    small = _as_case(best)
    last = _find(small, signature) or finding
    return small, last.difference


def _shrink(
    best: Candidate, found_under: Interleaving, signature: str, begin: float, max_seconds: float
) -> Candidate:
    deadline = begin + max_seconds
    first: Interleaving = found_under
    for share in BLOCK_SHARES:
        before = best.choices
        best = with_smaller_block(best, (first,), signature, begin + max_seconds * share)
        if share != BLOCK_SHARES[0] and best.choices == before:
            break
        best = with_fewer_workers(best, signature, deadline)
        trial = Trial(best.case, signature)
        best = replace(best, shown=fewer_choices(trial, best.shown, deadline))
        first = best.shown.recording.switches
    best = _simplified(best, signature, deadline)
    # Faults of a case are to be made fewer here, between the interleaving and the last parts.
    smaller = with_parts_left_out(best, signature, deadline)
    best = best if smaller is best else _simplified(smaller, signature, deadline)
    return _with_more_runs(best, signature, deadline)


def _with_more_runs(best: Candidate, signature: str, deadline: float) -> Candidate:
    """What the cheap ways have left, under many more interleavings: transitions that can go, and
    runs that are simpler and not near. Each again whenever the other has got on."""
    while True:
        smaller = with_parts_left_out(best, signature, deadline, other_runs(best.case.kind))
        if smaller is not best:
            best = _simplified(smaller, signature, deadline)
            continue
        trial = Trial(best.case, signature)
        shown = with_two_preemptions(trial, best.shown, deadline)
        shown = from_other_runs(trial, shown, deadline)
        if shown is best.shown:
            return best
        best = replace(best, shown=shown)


def _simplified(best: Candidate, signature: str, deadline: float) -> Candidate:
    """Fewer workers, and a simple interleaving: that may need fewer workers again."""
    simple: Candidate | None = None
    while True:
        best = with_fewer_workers(best, signature, deadline)
        if best is simple:
            return best
        trial = Trial(best.case, signature)
        simple = best = replace(best, shown=simplest(trial, best.shown, deadline))


def _as_case(best: Candidate) -> Case:
    """The case with the one interleaving that shows the difference, exactly as it went."""
    return replace(best.case, interleavings=(Switches(best.shown.recording.schedule),))


def _block_alone(case: Case, signature: str, choices: Choices, deadline: float) -> Case:
    """The smallest case of a difference that shows under any interleaving, or needs none."""
    alone = replace(case, interleavings=())
    try:
        drawn = shrink(
            case.strategy(),
            choices,
            lambda drawn: _find(alone.with_subject(drawn), signature) is not None,
            keep_going=lambda: time.monotonic() < deadline,
        )
    except UndrawableCase:
        return case
    return alone.with_subject(drawn.value)


def _find(case: Case, signature: str) -> Finding | None:
    try:
        found = examine(case, stop_at_first=False).findings
    except Drift:  # a schedule of another block
        return None
    return next((f for f in found if f.difference.signature == signature), None)

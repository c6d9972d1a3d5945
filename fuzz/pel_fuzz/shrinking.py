"""A difference made small: first the block, then the workers, then the interleaving.

Hypothesis shrinks the block: a smaller block counts when the plan still finds a difference with
the same signature, under the interleaving that found it or one of a few fixed walks (a walk over a
smaller block is another walk, so one alone would give up too early). Then the schedule of the
failing run is recorded, and delta debugging removes switches for as long as the difference stays.
Every step is deterministic; the time budget bounds how far it goes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pel_fuzz.cases import Case, Interleaving, Switches, Walk
from pel_fuzz.examine import Finding, examine
from pel_fuzz.executors import record_schedule
from pel_fuzz.verdict import Difference
from pel_fuzz.workloads.draws import Choices, UndrawableCase, shrink
from pel_parallel.errors import Drift

WALKS_A_BLOCK = 10
"""Fixed walks tried on a smaller block, beside the interleaving that found the difference."""
WALKS_A_COUNT = 100
"""And those tried with fewer workers, once the block is small."""

T = TypeVar("T")


def shrink_finding(
    case: Case, finding: Finding, choices: Choices, max_seconds: float
) -> tuple[Case, Difference]:
    """The smallest case found that still shows the finding's signature, and its difference."""
    deadline = time.monotonic() + max_seconds
    small = _shrink_block(_focused(case, finding, WALKS_A_BLOCK), finding, choices, deadline)
    small = _with_fewer_workers(_focused(small, finding, WALKS_A_COUNT), finding, deadline)
    found = _find(small, finding.difference.signature)
    if found is None:  # a run that is not reproducible is a finding of its own, and kept
        return replace(case, interleavings=_only(finding)), finding.difference
    if found.interleaving is None:
        return replace(small, interleavings=()), found.difference
    small = _shrink_interleaving(replace(small, interleavings=_only(found)), found, deadline)
    last = _find(small, finding.difference.signature) or found
    return small, last.difference


def _only(finding: Finding) -> tuple[Interleaving, ...]:
    return () if finding.interleaving is None else (finding.interleaving,)


def _focused(case: Case, finding: Finding, count: int) -> Case:
    """The case with only what the finding needs, and fixed walks beside its interleaving."""
    walks = tuple(Walk(seed, 0.3 if seed % 2 else 0.1) for seed in range(count))
    interleavings = () if finding.interleaving is None else (finding.interleaving, *walks)
    return replace(case, interleavings=interleavings)


def _with_fewer_workers(case: Case, finding: Finding, deadline: float) -> Case:
    """The case with the fewest workers under which one of its interleavings still shows it."""
    signature = finding.difference.signature
    for workers in range(1, case.workers if case.interleavings else 1):
        fewer = replace(case, workers=workers)
        if time.monotonic() < deadline and _find(fewer, signature) is not None:
            return fewer
    return case


def _find(case: Case, signature: str) -> Finding | None:
    try:
        found = examine(case).findings
    except Drift:  # a schedule of another block
        return None
    return next((f for f in found if f.difference.signature == signature), None)


def _shrink_block(case: Case, finding: Finding, choices: Choices, deadline: float) -> Case:
    signature = finding.difference.signature
    try:
        smallest = shrink(
            case.strategy(),
            choices,
            lambda drawn: _find(case.with_subject(drawn), signature) is not None,
            keep_going=lambda: time.monotonic() < deadline,
        )
    except UndrawableCase:  # what was found does not show again: keep it as it is
        return case
    return case.with_subject(smallest.value)


def _shrink_interleaving(case: Case, finding: Finding, deadline: float) -> Case:
    """The case with the fewest switches that still show the difference."""
    recorded = record_schedule(case)

    def shows(switches: Sequence[tuple[int, int, int]]) -> bool:
        candidate = replace(case, interleavings=(Switches(tuple(switches), strict=False),))
        return _find(candidate, finding.difference.signature) is not None

    if not shows(recorded):
        return case
    kept = delta_debug(list(recorded), shows, deadline)
    lenient = replace(case, interleavings=(Switches(tuple(kept), strict=False),))
    exact = replace(case, interleavings=(Switches(record_schedule(lenient)),))
    return exact if _find(exact, finding.difference.signature) is not None else lenient


def delta_debug(items: list[T], shows: Callable[[list[T]], bool], deadline: float) -> list[T]:
    """A sub-list from which no single item can go (unless time runs out) and that still `shows`.

    Source: [ddmin], complements only: chunks of halving size are left out one after the other.
    """
    size = max(1, len(items) // 2)
    while items:
        start, removed = 0, False
        while start < len(items):
            if time.monotonic() >= deadline:
                return items
            shorter = items[:start] + items[start + size :]
            if shows(shorter):
                items, removed = shorter, True
            else:
                start += size
        if size == 1 and not removed:
            break
        size = max(1, size // 2)
    return items

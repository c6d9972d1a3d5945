"""A difference that needs a fault, made small: block, workers, faults, and then the switches.

Faults stay faults: a stall costs a schedule nothing, where the same done by switches takes
thousands of them.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from pel_fuzz.cases import Case
from pel_fuzz.examine import Finding, examine
from pel_fuzz.executors import step_limit
from pel_fuzz.fault_draws import smaller_faults
from pel_fuzz.fault_runs import CLEAN, seam_with
from pel_fuzz.interleavings import Faulted, Interleaving, Plain, Switches, Walk
from pel_fuzz.shrinking.interleaving import delta_debug
from pel_fuzz.workloads.draws import Choices, UndrawableCase, shrink
from pel_parallel.errors import Drift, ExecutionError
from pel_parallel.executor import run_block
from pel_parallel.sync import Schedule
from pel_spec.fold import fold

WALKS = 6
"""Fixed walks tried on a smaller case, beside the interleaving that found the difference."""


def finding_under(case: Case, interleaving: Interleaving, signature: str) -> Finding | None:
    """What the case shows under one interleaving, if that is the difference looked for."""
    try:
        found = examine(replace(case, interleavings=(interleaving,)), stop_at_first=False).findings
    except Drift:  # a schedule of another block
        return None
    return next((f for f in found if f.difference.signature == signature), None)


def shrink_faulted(
    case: Case, faulted: Faulted, signature: str, choices: Choices, deadline: float
) -> Case:
    """The smallest case found that still shows the difference; its one interleaving has faults."""
    case, faulted = _smaller_block(case, faulted, signature, choices, deadline)
    for workers in range(1 + max(fault.worker for fault in faulted.faults), case.workers):
        fewer = replace(case, workers=workers)
        shown = _first_shown(fewer, _variants(faulted), signature, deadline)
        if shown is not None:
            case, faulted = fewer, shown
            break
    faulted = _fewer_faults(case, faulted, signature, deadline)
    return replace(case, interleavings=(_fewer_switches(case, faulted, signature, deadline),))


def _variants(faulted: Faulted) -> tuple[Faulted, ...]:
    walks = (Walk(seed, 0.3 if seed % 2 else 0.1) for seed in range(WALKS))
    return (faulted, *(replace(faulted, inner=walk) for walk in walks))


def _first_shown(
    case: Case, tried: Iterable[Faulted], signature: str, deadline: float
) -> Faulted | None:
    for faulted in tried:
        if time.monotonic() < deadline and finding_under(case, faulted, signature) is not None:
            return faulted
    return None


def _smaller_block(
    case: Case, faulted: Faulted, signature: str, choices: Choices, deadline: float
) -> tuple[Case, Faulted]:
    variants = _variants(faulted)
    until = (time.monotonic() + deadline) / 2
    try:
        best = shrink(
            case.strategy(),
            choices,
            lambda drawn: (
                _first_shown(case.with_subject(drawn), variants, signature, until) is not None
            ),
            keep_going=lambda: time.monotonic() < until,
        )
    except UndrawableCase:  # what was found does not show again: keep it as it is
        return case, faulted
    small = case.with_subject(best.value)
    shown = _first_shown(small, variants, signature, deadline)
    return (case, faulted) if shown is None else (small, shown)


def _fewer_faults(case: Case, faulted: Faulted, signature: str, deadline: float) -> Faulted:
    again = True
    while again:
        tried = (
            variant
            for faults in smaller_faults(faulted.faults)
            if faults
            for variant in _variants(replace(faulted, faults=faults))
        )
        shown = _first_shown(case, tried, signature, deadline)
        again, faulted = shown is not None, shown or faulted
    return faulted


def _fewer_switches(case: Case, faulted: Faulted, signature: str, deadline: float) -> Faulted:
    """The same with a recorded schedule that cannot be made shorter by leaving anything out."""

    def attempt(switches: list[tuple[int, int, int]]) -> list[tuple[int, int, int]] | None:
        lenient = replace(faulted, inner=Switches(tuple(switches), strict=False))
        return switches if finding_under(case, lenient, signature) is not None else None

    kept = attempt(list(_schedule_of(case, faulted.inner, faulted)))
    if kept is None:
        return faulted
    lenient = Switches(tuple(delta_debug(kept, attempt, deadline)), strict=False)
    exact = replace(faulted, inner=Switches(_schedule_of(case, lenient, faulted)))
    return exact if finding_under(case, exact, signature) is not None else faulted


def _schedule_of(case: Case, inner: Plain, faulted: Faulted) -> Schedule:
    """What is chosen in a run with the faults, whether or not that ends well."""
    block = case.compile()
    limit = step_limit(fold(block)[1], case.workers)
    seam = seam_with(inner.steering(), faulted.faults, limit, strict=False)
    with suppress(ExecutionError, *CLEAN):
        run_block(block, workers=case.workers, runtime=seam)
    return seam.schedule() or ()

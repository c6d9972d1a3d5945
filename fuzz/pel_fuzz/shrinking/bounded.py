"""All interleavings with two preemptions, where the simplest one found has more.

Delta debugging only ever takes away from what is there. A run with two preemptions that have
nothing to do with those found is found by trying them all, which is dear: only on small blocks.
"""

from collections.abc import Iterator, Sequence

from pel_fuzz.interleavings import Switches
from pel_fuzz.shrinking.interleaving import Search
from pel_fuzz.shrinking.trial import Shown, Trial
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.sync import Schedule
from pel_spec.sync import Step

MOST_RUNS = 4_000
"""Runs after which nothing more is tried."""


def with_two_preemptions(trial: Trial, shown: Shown, deadline: float) -> Shown:
    """A run with at most two preemptions that shows the same, where there are more in `shown`."""
    search = Search(trial, shown, deadline)
    if shown.measure.preemptions <= 2:
        return shown
    left = MOST_RUNS
    base, _ = trial.attempt(Switches((), strict=False))
    for one in _preemptions(() if base is None else base.steps, (), trial.workers):
        first, _ = trial.attempt(Switches(one, strict=False))
        left -= 1
        for two in _preemptions(() if first is None else first.steps, one, trial.workers):
            left -= 1
            if left < 0 or search.is_late:
                return shown
            if search.offer(Switches(two, strict=False)):
                return search.best
    return shown


def _preemptions(steps: Sequence[Step], before: Schedule, workers: int) -> Iterator[Schedule]:
    """The schedule with one more preemption, later in the run. Before a look at what nobody changes
    none is needed: it can as well come later."""
    changed = {step.object for step in steps if step.action not in LOOKS_AT}
    first = _place(before[-1], steps) if before else 0
    for step in steps[first:]:
        if any((step.worker, step.own) == each[:2] for each in before):
            continue
        if step.object not in changed or step.object[0] == "worker":
            continue
        for target in range(workers):
            if target != step.worker:
                yield (*before, (step.worker, step.own, target))


def _place(choice: tuple[int, int, int], steps: Sequence[Step]) -> int:
    """Where in a run a choice was made: after the worker's step before it."""
    worker, own, _ = choice
    for number, step in enumerate(steps):
        if (step.worker, step.own) == (worker, own - 1):
            return number + 1
    return 0

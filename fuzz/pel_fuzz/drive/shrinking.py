"""A difference of a driven executor made small: block, then workers, then interleaving.

As for our own executor (`pel_fuzz.shrinking`), with runs that are dearer: less is tried on each
block.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from pel_fuzz.cases import Case
from pel_fuzz.drive.external import External, Made
from pel_fuzz.interleavings import Steered, Switches, draw_interleaving
from pel_fuzz.recording import Following, RecordedRun
from pel_fuzz.shrinking.interleaving import simplest
from pel_fuzz.shrinking.trial import Shown, Trial
from pel_fuzz.text_runs import smaller
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference
from pel_fuzz.workloads.draws import Choices, UndrawableCase, shrink
from pel_parallel.errors import Drift
from pel_spec.sync import Step

FIRST_SHARE, BLOCK_SHARE, SIMPLE_SHARE = 0.2, 0.5, 0.8
"""Shares of the time after which the interleaving is simple enough to fit smaller blocks, after
which Hypothesis leaves the block as it is, and after which the interleaving is simple enough to
look for parts of the block that it does not need."""
RUNS_A_BLOCK, RUNS_A_COUNT = 10, 40
"""Interleavings tried on a smaller block, and with fewer workers."""


@dataclass(slots=True)
class Budget:
    """How many runs may still be made."""

    runs: int


class DrivenTrial(Trial):
    """Looks for one signature in runs of one block by a driven executor, while the budget lasts."""

    def __init__(self, external: External, case: Case, signature: str, budget: Budget) -> None:
        super().__init__(case, signature)
        assert isinstance(case.subject, TinyBlock), "a driven executor runs tiny blocks"
        self._subject, self._external, self._budget = case.subject, external, budget

    def attempt(self, steered: Steered) -> tuple[RecordedRun | None, bool]:
        """The run that `steered` makes, if it makes one, and whether that shows the difference."""
        if self._budget.runs <= 0:
            return None, False
        self._budget.runs -= 1
        try:
            made = self._external.run(self._subject, self.workers, steered)
        except Drift:  # a schedule of another block
            return None, False
        found = made.difference
        return recording_of(made), found is not None and found.signature == self.signature


def recording_of(made: Made) -> RecordedRun:
    """What one run did, as the shrinking of interleavings wants it."""
    steps = tuple(
        Step(what.worker, own, what.step, what.args, what.object, 0, None)
        for own, what in made.story
    )
    return RecordedRun(None, None, made.schedule, made.preemptions, steps)


class Small(NamedTuple):
    """The smallest case found, with the one interleaving that shows the difference.

    `difference` is `None` where it did not show again, and the case is as it was found.
    """

    case: Case
    difference: Difference | None


class _Best(NamedTuple):
    case: Case
    shown: Shown


def shrink_driven(
    external: External,
    case: Case,
    signature: str,
    choices: Choices,
    max_seconds: float,
    max_runs: int,
) -> Small:
    """The smallest case found of what the one recorded schedule of `case` shows."""
    start = time.monotonic()
    deadline = start + max_seconds
    (found_under,) = case.interleavings
    trial_of = _trials(external, signature, Budget(max_runs))
    shown = trial_of(case).shown(found_under)
    if shown is None:  # the executor is not deterministic: nothing can be shrunk
        return Small(case, None)
    best = _simplified(_Best(case, shown), trial_of, start + max_seconds * FIRST_SHARE)
    best = _smaller_block(best, trial_of, choices, start + max_seconds * BLOCK_SHARE)
    best = _fewer_workers(best, trial_of, deadline)
    best = _simplified(best, trial_of, start + max_seconds * SIMPLE_SHARE)
    smaller_block = _without_parts(best, trial_of, deadline)
    if smaller_block is not best:
        best = _fewer_workers(smaller_block, trial_of, deadline)
        best = _simplified(best, trial_of, deadline)
    exact = Switches(best.shown.recording.schedule)
    small = replace(best.case, interleavings=(exact,))
    return Small(small, _again(external, small, exact, signature))


def _again(external: External, small: Case, exact: Switches, signature: str) -> Difference | None:
    """The difference in one more run, exactly as the last one; `None`, if it is not that one."""
    assert isinstance(small.subject, TinyBlock)
    try:
        found = external.run(small.subject, small.workers, exact).difference
    except Drift:  # the executor is not deterministic, which shows only now
        return None
    return found if found is not None and found.signature == signature else None


_TrialOf = Callable[[Case], Trial]


def _trials(external: External, signature: str, budget: Budget) -> _TrialOf:
    def trial_of(case: Case) -> Trial:
        return DrivenTrial(external, case, signature, budget)

    return trial_of


def _simplified(best: _Best, trial_of: _TrialOf, deadline: float) -> _Best:
    return best._replace(shown=simplest(trial_of(best.case), best.shown, deadline))


def _as_it_went(best: _Best) -> list[Steered]:
    """The run that showed it, as far as it fits another case."""
    recording = best.shown.recording
    return [recording.switches, Following(recording.turns)]


def _fixed(count: int) -> list[Steered]:
    """Interleavings of all strategies, always the same."""
    random = Random(0)
    return [draw_interleaving(random, "tiny", "mix") for _ in range(count)]


def _smaller_block(best: _Best, trial_of: _TrialOf, choices: Choices, deadline: float) -> _Best:
    """The smallest block that Hypothesis finds."""
    order = [*_as_it_went(best), *_fixed(RUNS_A_BLOCK)]

    def shows(drawn: object) -> bool:
        assert isinstance(drawn, TinyBlock)
        trial = trial_of(best.case.with_subject(drawn))
        for steered in order:
            if trial.shown(steered) is not None:
                order.remove(steered)  # what showed it once is likely to show it again
                order.insert(0, steered)
                return True
        return False

    try:
        drawn = shrink(
            best.case.strategy(), choices, shows, keep_going=lambda: time.monotonic() < deadline
        )
    except UndrawableCase:  # it does not show again: keep it as it is
        return best
    return _first(best.case.with_subject(drawn.value), order, trial_of) or best


def _first(case: Case, order: Iterable[Steered], trial_of: _TrialOf) -> _Best | None:
    trial = trial_of(case)
    shown = next(filter(None, map(trial.shown, order)), None)
    return None if shown is None else _Best(case, shown)


def _fewer_workers(best: _Best, trial_of: _TrialOf, deadline: float) -> _Best:
    """The case with the fewest workers: the run without what the idlest did, or another one."""
    turns = best.shown.recording.turns
    busiest = sorted(range(best.case.workers), key=lambda w: -sum(w == each for each, _ in turns))
    for workers in range(1, best.case.workers):
        if time.monotonic() >= deadline:
            break
        names = {worker: name for name, worker in enumerate(sorted(busiest[:workers]))}
        kept = Following(tuple((names[w], end) for w, end in turns if w in names))
        order = [kept, *_as_it_went(best), *_fixed(RUNS_A_COUNT)]
        found = _first(replace(best.case, workers=workers), order, trial_of)
        if found is not None:
            return found
    return best


def _without_parts(best: _Best, trial_of: _TrialOf, deadline: float) -> _Best:
    """The case without the transitions, and instructions, that the difference does not need. For
    a transition less, any interleaving is good; for less than that, one that is as simple."""
    again = True
    while again:
        again = False
        block = best.case.subject
        assert isinstance(block, TinyBlock)
        for less in smaller(block):
            if time.monotonic() >= deadline:
                return best
            shorter = len(less.programs) < len(block.programs)
            order = [*_as_it_went(best), *(_fixed(RUNS_A_BLOCK) if shorter else ())]
            found = _first(best.case.with_subject(less), order, trial_of)
            if found is not None and (shorter or found.shown.measure <= best.shown.measure):
                best, again = found, True
                break
    return best

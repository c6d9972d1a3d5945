"""An interleaving made simple: delta debugging of its choices, and merging of turns.

Whatever is tried is run, and the run recorded; it is taken where it shows the same difference and
is simpler. So each step makes the measure smaller, and what is kept is always a run that happened,
never a schedule that only nearly fits.
"""

import time
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import TypeVar

from pel_fuzz.interleavings import Steered, Switches
from pel_fuzz.recording import Following, Turns
from pel_fuzz.shrinking.trial import Shown, Trial
from pel_parallel.sync import Schedule

ALL_PAIRS, NEAR = 16, 4
"""With up to so many choices every two are left out together; with more, those so near."""
ALL_NAMES = 4
"""Workers that are renamed in every way; more of them, in the order of their first turns."""
MOST_TURNS, REACH = 60, 40
"""Turns of a run up to which their ends are moved step by step, and by how many steps at most."""

T = TypeVar("T")


def delta_debug(
    items: list[T], attempt: Callable[[list[T]], list[T] | None], deadline: float
) -> list[T]:
    """A list from which no single item can go, unless time runs out.

    `attempt` says what is left of a shorter list: `None`, if that does not do.
    Source: [ddmin], complements only: chunks of halving size are left out one after the other.
    """
    size = max(1, len(items) // 2)
    while items:
        start, removed = 0, False
        while start < len(items):
            if time.monotonic() >= deadline:
                return items
            shorter = attempt(items[:start] + items[start + size :])
            if shorter is None:
                start += size
            else:
                items, removed = shorter, True
        if size == 1 and not removed:
            break
        size = max(1, min(size, len(items)) // 2)
    return items


def fewer_choices(trial: Trial, shown: Shown, deadline: float) -> Shown:
    """A run with fewer choices that shows the same: the cheap part of `simplest`."""
    search = Search(trial, shown, deadline)
    search.leave_out()
    return search.best


def simplest(trial: Trial, shown: Shown, deadline: float) -> Shown:
    """The simplest run found that shows the same as `shown`."""
    search = Search(trial, shown, deadline)
    search.leave_out()
    while not search.is_simple and not search.is_late:
        before = search.best.measure
        for candidates in (_renamed, _merged, _without_two, _elsewhere, _with_one, _moved):
            if not search.is_simple:
                search.take_from(candidates)
        search.leave_out()
        if search.best.measure == before:
            break
    return search.best


class Search:
    """The simplest run so far, and what has been tried already."""

    def __init__(self, trial: Trial, shown: Shown, deadline: float) -> None:
        self.trial, self.best, self.deadline = trial, shown, deadline
        self._tried: set[Steered] = set()

    @property
    def is_simple(self) -> bool:
        """Is a single choice left? That none is too few has been found out."""
        return sum(self.best.measure[:2]) <= 1

    @property
    def is_late(self) -> bool:
        """Is the time over?"""
        return time.monotonic() >= self.deadline

    def offer(self, steered: Steered) -> bool:
        """Take the run that `steered` makes, if it is simpler and shows the same."""
        if steered in self._tried or self.is_late:
            return False
        self._tried.add(steered)
        shown = self.trial.shown(steered)
        if shown is None or shown.measure >= self.best.measure:
            return False
        self.best = shown
        return True

    def leave_out(self) -> None:
        """Leave out as many choices as can be."""

        def attempt(shorter: list[tuple[int, int, int]]) -> list[tuple[int, int, int]] | None:
            if self.offer(Switches(tuple(shorter), strict=False)):
                return list(self.best.recording.schedule)
            return None

        delta_debug(list(self.best.recording.schedule), attempt, self.deadline)

    def take_from(self, candidates: Callable[[Shown, int], Iterator[Steered]]) -> None:
        """Offer what is near the best run, begin again with each that is simpler, to the end."""
        while any(self.offer(each) for each in candidates(self.best, self.trial.workers)):
            pass


# ---- what is near a run ---------------------------------------------------------------------


def _renamed(shown: Shown, workers: int) -> Iterator[Steered]:
    """The same run with other names of the workers: the rotation may then fit it by itself."""
    turns = shown.recording.turns
    if workers <= ALL_NAMES:
        orders = list(permutations(range(workers)))
    else:
        by_first_turn = list(dict.fromkeys(worker for worker, _ in turns))
        orders = [tuple(by_first_turn.index(w) for w in sorted(by_first_turn))]
    for names in orders:
        if len(names) == workers:
            yield Following(tuple((names[worker], end) for worker, end in turns))


def _merged(shown: Shown, _workers: int) -> Iterator[Steered]:
    """Two turns of one worker become one, where the first was or where the second was; or two
    neighbouring turns change places."""
    turns = shown.recording.turns
    for first, (worker, _) in enumerate(turns):
        later = [i for i in range(first + 1, len(turns)) if turns[i][0] == worker]
        if later:
            second = later[0]
            yield Following(turns[:first] + turns[first + 1 :])  # the second goes that far, too
            between, after = turns[first + 1 : second], turns[second + 1 :]
            yield Following((*turns[:first], turns[second], *between, *after))
        if len(later) > 1:  # and those after it
            others = tuple(turn for turn in turns[first + 1 :] if turn[0] != worker)
            yield Following((*turns[:first], turns[later[-1]], *others))
        if first + 1 < len(turns):
            yield Following((*turns[:first], turns[first + 1], turns[first], *turns[first + 2 :]))


def _without_two(shown: Shown, _workers: int) -> Iterator[Steered]:
    """Two choices left out together: one that goes away and one that comes back, say."""
    schedule = shown.recording.schedule
    reach = len(schedule) if len(schedule) <= ALL_PAIRS else NEAR
    for one, other in combinations(range(len(schedule)), 2):
        if other - one <= reach:
            rest = (schedule[:one], schedule[one + 1 : other], schedule[other + 1 :])
            yield _lenient(sum(rest, ()))


def _elsewhere(shown: Shown, workers: int) -> Iterator[Steered]:
    """A choice of another worker."""
    schedule = shown.recording.schedule
    for i, (worker, own, target) in enumerate(schedule):
        for other in range(workers):
            if other not in (worker, target):
                yield _lenient((*schedule[:i], (worker, own, other), *schedule[i + 1 :]))


def _with_one(shown: Shown, workers: int) -> Iterator[Steered]:
    """A single choice, anywhere."""
    if len(shown.recording.schedule) > 1:
        for step in shown.recording.steps:
            for target in range(workers):
                if target != step.worker:
                    yield _lenient(((step.worker, step.own, target),))


def _moved(shown: Shown, _workers: int) -> Iterator[Steered]:
    """The end of a turn moved along the worker's own steps, from where its last one ended to where
    its next one ends."""
    turns = shown.recording.turns
    if len(turns) > MOST_TURNS:
        return
    for i, (worker, end) in enumerate(turns):
        low = max((e for w, e in turns[:i] if w == worker), default=0)
        high = next((e for w, e in turns[i + 1 :] if w == worker), end)
        for moved in (*range(end + 1, high)[:REACH], *range(end - 1, low, -1)[:REACH]):
            yield Following((*turns[:i], (worker, moved), *turns[i + 1 :]))


def _lenient(schedule: Schedule) -> Steered:
    return Switches(schedule, strict=False)


def without_steps(turns: Turns, gone: dict[int, list[int]]) -> Turns:
    """The turns of a run in which each worker does not take the steps that are `gone`."""
    return tuple(
        (worker, end - sum(own < end for own in gone.get(worker, ()))) for worker, end in turns
    )

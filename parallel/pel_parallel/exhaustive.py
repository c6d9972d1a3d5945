"""Every interleaving of a small run, by the number of its preemptions: first those without any,
then those with one, and so on up to a bound.

A *preemption* takes the turn from a worker that could have gone on. Who goes on where a worker
idles, waits or has ended is no preemption: all of these choices are explored within each bound. It
works by runs from the beginning, one for each choice that is still to be tried; nothing is copied.

Of two beginnings of runs that are the same trace up to commutation, only the first is continued.
That loses nothing. The two have taken every worker through the same steps with the same outcomes,
so what is shared is the same, and so is what each worker does next. What may follow within the
bound depends on this, on whose turn it is (if that worker can go on, it takes a preemption to stop
it) and on how many preemptions are left; so a beginning is remembered with the worker whose turn it
is, and those with fewer preemptions come first. Persistent and sleep sets, which leave out choices,
are not used: with a bound they would lose runs.

Workers that look for work in vain would make it endless. A worker that idles forgets what it has
looked at since it last changed anything (that is what `idle` means), so a vain round leads back to
where it began; and who has idled twice since anything changed does not go on before something does.
The controller counts the same, to find a livelock, so this count is a part of what is remembered.

Source: [ICB], [CHESS].
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from pel_parallel.beginnings import Beginning, Numbers
from pel_parallel.choices import Default, Pending
from pel_parallel.errors import Explored
from pel_parallel.sync import Schedule


class Branch(NamedTuple):
    """Where a run leaves an earlier one: after so many choices, made as in `schedule`."""

    schedule: Schedule
    choices: int


class Exhaustive(Default):
    """Steers one run after the other, each another one, for as long as there is `more`.

    `bound`: the most preemptions, `None` for any number. A run that comes to what was explored
    before ends there: the controller raises `Explored`. Without `prune` every interleaving is run
    to its end, apart from those that differ by vain rounds.
    """

    def __init__(self, bound: int | None, *, prune: bool = True) -> None:
        self.bound, self.prune = bound, prune
        self.level, self.runs = 0, 0
        self._now: list[Branch] = [Branch((), 0)]
        self._later: list[Branch] = []
        self._numbers, self._draw = Numbers(), Random(0).random
        self._seen: set[int] = set()
        self._prepare(0)

    def more(self) -> bool:
        """Whether any interleaving is left."""
        if not self._now and self._later:
            # In a random order, so that a search that is cut short has tried something everywhere.
            self._now, self._later = self._later, []
            self._now.sort(key=lambda _: self._draw())
            self.level += 1
        return bool(self._now)

    @property
    def complete(self) -> int:
        """All interleavings with so many preemptions and fewer are explored; -1: not even those
        without any. To be asked between runs."""
        return self.level - 1 if self._now else self.level

    def schedule(self) -> Schedule:
        """What was chosen in the last run, against the default; `Recorded` replays it."""
        return tuple(self._made)

    def begin(self, workers: int) -> None:
        """The next run begins."""
        self.runs += 1
        branch = self._now.pop() if self.more() else Branch((), 0)
        self._left = {(worker, own): target for worker, own, target in branch.schedule}
        self._replayed = branch.choices
        self._prepare(workers)

    def _prepare(self, workers: int) -> None:
        self._beginning = Beginning(self._numbers, workers)
        self._own = [0] * workers
        self._asked = 0
        self._made: list[tuple[int, int, int]] = []
        self._went = -1
        self._step: tuple[str, tuple[object, ...]] = ("", ())

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """As the branch says, and then the default.

        Raises: `Explored`.
        """
        self._note(worker, own)
        self._asked += 1
        if self._asked <= self._replayed:
            target = self._left.get((worker, own), default)
        else:
            target = self._explore(worker, own, runnable, default, pending)
        if target != default:
            self._made.append((worker, own, target))
        self._went = target
        self._step = pending[target][0], pending[target][2]
        return target

    def _note(self, worker: int, own: int) -> None:
        """What has been done since the last choice: the step of who went then, and perhaps others
        in which nobody had a choice."""
        went = self._went
        if went < 0:
            return
        self._beginning.take(went, *self._step)
        self._own[went] += 1
        if worker != went or own != self._own[worker]:
            self._beginning.skip(went, worker)
            self._own[worker] = own

    def _explore(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The default, or another where that only looks in vain; all others are left for later."""
        idled = self._beginning.idled
        able = [w for w in runnable if not (idled[w] and pending[w][0] == "idle")]
        if not able:
            return default
        target = default if default in able else able[0]
        goes_on = default == worker and self.bound is not None
        if self.prune:
            self._remember(worker if goes_on else -1)
            if goes_on and self._need_not_stop(worker, pending):
                return target
        if goes_on and self.level == self.bound:
            return target
        branches = self._later if goes_on else self._now
        made = tuple(self._made)
        for other in able:
            if other != target:
                switched = (*made, (worker, own, other)) if other != default else made
                branches.append(Branch(switched, self._asked))
        return target

    def _remember(self, turn: int) -> None:
        """Raises: `Explored`, where this beginning is known."""
        number = self._numbers.of
        idled = number(("idled", *self._beginning.idled))
        key = self._beginning.key ^ number(("turn", turn)) ^ idled
        if key in self._seen:
            raise Explored("what may follow is explored")
        self._seen.add(key)

    def _need_not_stop(self, worker: int, pending: Pending) -> bool:
        """Whether others may just as well go before or after the worker's next step: it touches
        nothing but the worker itself, or the worker was free to let them go when it idled."""
        return pending[worker][2] == ("worker", worker) or self._beginning.is_fresh(worker)

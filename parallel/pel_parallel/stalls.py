"""Workers that stall: choices in which some are passed over for a while.

A stall needs no power over the run: it is a choice not to let a worker go. So it cannot make a run
deadlock or livelock, and it cannot hide that one does: whoever waits for a guard waits as before,
and a stalled worker counts as one that has still to look for work.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from pel_parallel.choices import Choices, Pending
from pel_parallel.sync import Schedule

About: TypeAlias = tuple[str, tuple[Any, ...], tuple[Any, ...]]
"""An action, its arguments, and the name of the object."""


class Stall(NamedTuple):
    """`worker`, about to take its own step number `own`, is passed over in the next `steps` choices
    in which it could go and somebody else can."""

    worker: int
    own: int
    steps: int


class _Standing:
    """A stall that has begun. It is over at the latest when its worker has gone on nevertheless,
    because nobody else could."""

    __slots__ = ("about", "left")

    def __init__(self, about: About, steps: int) -> None:
        self.about, self.left = about, steps


class Stalling:
    """Choices under which workers stall; what the stalls leave open is up to `choices`.

    The default is that of a run in which the stalled worker is not there, and what is recorded are
    deviations from that: so a stall costs a schedule nothing, however long it is, and the schedule
    replays the run together with the stalls.
    """

    def __init__(self, choices: Choices, stalls: Iterable[Stall]) -> None:
        self.choices = choices
        self.stalls = tuple(stalls)
        self._reset()

    def _reset(self) -> None:
        self._due = {(stall.worker, stall.own): stall for stall in self.stalls}
        self._standing: dict[int, _Standing] = {}
        self._schedule: list[tuple[int, int, int]] = []
        self.struck: dict[Stall, About] = {}
        """The stalls that began in the last run, and at what step. One by which nobody was passed
        over counts as well: it can have kept another worker from being passed over."""

    def begin(self, workers: int) -> None:
        """A run begins: all stalls are still to come."""
        self._reset()
        self.choices.begin(workers)

    def end(self) -> None:
        """The run has ended well."""
        self.choices.end()

    def schedule(self) -> Schedule:
        """What was chosen otherwise than by default."""
        return tuple(self._schedule)

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """One of those who do not stall; of all, if everybody who can run does."""
        self._notice(worker, own, pending)
        awake = self._awake(runnable) if self._standing else runnable
        if default not in awake:
            default = next((other for other in awake if other > worker), awake[0])
        if len(awake) == 1:
            return default
        target = self.choices.choose(worker, own, awake, default, pending)
        if target != default:
            self._schedule.append((worker, own, target))
        return target

    def _notice(self, worker: int, own: int, pending: Pending) -> None:
        """Stalls begin, and stalls are over."""
        if worker < 0:  # at the beginning of a run everybody is at step 0
            for each in range(len(pending)):
                self._begin_stall(each, 0, pending)
        else:
            self._begin_stall(worker, own, pending)
        for each in [w for w, s in self._standing.items() if pending[w] is not s.about]:
            del self._standing[each]

    def _begin_stall(self, worker: int, own: int, pending: Pending) -> None:
        stall = self._due.pop((worker, own), None)
        if stall is not None:
            self._standing[worker] = _Standing(pending[worker], stall.steps)
            self.struck[stall] = pending[worker]

    def _awake(self, runnable: Sequence[int]) -> Sequence[int]:
        awake = [worker for worker in runnable if worker not in self._standing]
        if not awake or len(awake) == len(runnable):
            return runnable
        for worker in runnable:
            standing = self._standing.get(worker)
            if standing is not None:
                standing.left -= 1
                if not standing.left:
                    del self._standing[worker]
        return awake

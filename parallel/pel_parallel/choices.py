"""Who goes next: strategies that steer a controlled run.

Before every shared step of a worker the controller knows what each worker is about to do, and
asks. There is a *default*, which needs no choice: the worker goes on, unless it is idle, must wait
or has ended; then the next one that can run goes on, in rotation. What is recorded of a run are the
deviations from that default, so a schedule is as long as the run is unusual.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Protocol

from pel_parallel.errors import Drift
from pel_parallel.sync import Schedule

Pending = Sequence[tuple[str, tuple[Any, ...], tuple[Any, ...]]]
"""By worker: the action it is about to take, its arguments, and the name of the object."""


class Choices(Protocol):
    """Chooses who goes next. One object steers one run at a time, any number in succession."""

    def begin(self, workers: int) -> None:
        """A run begins; what was chosen in earlier runs is forgotten."""
        ...

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The worker that goes next, one of `runnable` (at least two, ascending).

        `worker` is about to take its step number `own`, or has ended, or is -1 at the beginning of
        a run. It is asked at most once for each such pair.

        Raises: `Drift`, where the choice to be made cannot be made.
        """
        ...

    def end(self) -> None:
        """The run has ended well.

        Raises: `Drift`, where choices are left over that had to be made.
        """
        ...


class Default:
    """Never deviates: each worker runs until it has nothing to do."""

    def begin(self, workers: int) -> None:
        """Nothing to prepare."""

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The default."""
        return default

    def end(self) -> None:
        """Nothing is left over."""


class RandomWalk(Default):
    """At each step, with `switch_probability`, any runnable worker; otherwise the default.

    Deterministic in `seed`, on every platform and under every hash seed.
    """

    def __init__(self, seed: int, switch_probability: float = 0.3) -> None:
        self.seed, self.switch_probability = seed, switch_probability

    def begin(self, workers: int) -> None:
        """Start the walk again from its seed."""
        self._draw: Callable[[], float] = Random(self.seed).random

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """A step of the walk: one draw decides both whether and where to."""
        drawn = self._draw()
        if drawn >= self.switch_probability:
            return default
        return runnable[int(drawn / self.switch_probability * len(runnable))]


class Recorded(Default):
    """Follows a recorded schedule, and the default elsewhere.

    A choice that cannot be made (its worker never takes that step, or the target cannot run) is
    drift. `strict`: drift fails the run. Otherwise it is ignored, which is what shrinking wants.
    """

    def __init__(self, schedule: Iterable[Sequence[int]], *, strict: bool = True) -> None:
        self.strict = strict
        self.switches = {(worker, own): target for worker, own, target in schedule}
        self._left = dict(self.switches)

    def begin(self, workers: int) -> None:
        """All choices are still to be made."""
        self._left = dict(self.switches)

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The recorded choice for this step of this worker, or the default."""
        target = self._left.pop((worker, own), None)
        if target is None:
            return default
        if target in runnable:
            return target
        if self.strict:
            raise Drift(
                f"the schedule wants worker {target} to go at step {own} of worker {worker}, "
                f"but only {', '.join(map(str, runnable))} can"
            )
        return default

    def end(self) -> None:
        """Every recorded choice must have been made."""
        if self.strict and self._left:
            (worker, own), target = min(self._left.items())
            raise Drift(
                f"{len(self._left)} choices were never reached, the first of them: worker {target} "
                f"to go at step {own} of worker {worker}"
            )


def schedule_of(switches: Iterable[Sequence[int]]) -> Schedule:
    """A schedule from what a file holds.

    Raises: `ValueError`: not a list of triples of integers, or two choices for the same step.
    """
    schedule: list[tuple[int, int, int]] = []
    for switch in switches:
        if len(switch) != 3 or not all(type(number) is int for number in switch):
            raise ValueError(f"a choice is [worker, own step, target], not {switch!r}")
        worker, own, target = switch
        schedule.append((worker, own, target))
    if len({(worker, own) for worker, own, _ in schedule}) != len(schedule):
        raise ValueError("two choices for the same step of the same worker")
    return tuple(schedule)

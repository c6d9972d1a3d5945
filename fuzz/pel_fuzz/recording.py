"""A controlled run with what was chosen in it: the schedule, its preemptions, and its turns.

A *preemption* is a choice that takes the turn from a worker that could have gone on. The other
choices say who goes on where a worker idles, waits or has ended. A *turn* is what one worker does
without a break, by its own steps: `(worker, end)` ends before its step number `end`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from pel_fuzz.executors import STUCK, run_controlled
from pel_fuzz.interleavings import Steered, Switches
from pel_fuzz.twins import Leak
from pel_parallel.choices import Choices, Default, Pending
from pel_parallel.errors import ExecutionError
from pel_parallel.executor import Run
from pel_parallel.sync import Schedule
from pel_spec.sync import Step
from pel_spec.transition import TransitionBlock

Turns: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Following:
    """Follows turns, those that cannot be taken left out; after the last, the default."""

    turns: Turns

    def steering(self) -> Choices:
        """What the controller asks."""
        return _Follower(self.turns)


class _Follower(Default):
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def begin(self, workers: int) -> None:
        self._at = 0
        self._own = [0] * (workers + 1)  # the last is that of worker -1, the beginning

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        self._own[worker] = own
        while self._at < len(self._turns):
            target, end = self._turns[self._at]
            if target in runnable and self._own[target] < end:
                return target
            self._at += 1
        return default


class RecordedRun(NamedTuple):
    """What one run did. `run` is `None` where it did not end well: `stuck` says why."""

    run: Run | None
    stuck: ExecutionError | Leak | None
    schedule: Schedule
    preemptions: int
    steps: tuple[Step, ...]

    @property
    def turns(self) -> Turns:
        """The run as turns."""
        return turns_of(self.steps)

    @property
    def switches(self) -> Switches:
        """The run as an interleaving that fits other blocks as far as it can."""
        return Switches(self.schedule, strict=False)


def record(block: TransitionBlock, workers: int, steered: Steered, limit: int) -> RecordedRun:
    """Run `block` and note all that was chosen; `limit` is a number of steps.

    Raises: `Drift`, where a schedule that must fit does not.
    """
    noted = Noted(steered)
    run: Run | None = None
    stuck: ExecutionError | Leak | None = None
    steps: tuple[Step, ...] = ()
    try:
        run = run_controlled(block, workers, noted, limit)
        steps = run.trace or ()
    except STUCK as error:
        stuck, steps = error, error.trace
    except Leak as leak:
        stuck = leak
    return RecordedRun(run, stuck, tuple(noted.schedule), len(noted.preempted), steps)


def turns_of(steps: Sequence[Step]) -> Turns:
    """Who took how many steps in a row."""
    turns: list[tuple[int, int]] = []
    for step in steps:
        if turns and turns[-1][0] == step.worker:
            turns.pop()
        turns.append((step.worker, step.own + 1))
    return tuple(turns)


@dataclass(slots=True)
class Noted:
    """Steers as `steered` does, and notes every choice that is not the default. `preempted`: the
    workers that a preemption took the turn from, each with its step that had to wait."""

    steered: Steered
    schedule: list[tuple[int, int, int]] = field(default_factory=list)
    preempted: list[tuple[int, int]] = field(default_factory=list)

    def steering(self) -> Choices:
        """What the controller asks."""
        return _Noting(self.steered.steering(), self)


class _Noting(Default):
    def __init__(self, inner: Choices, noted: "Noted") -> None:
        self._inner, self._noted = inner, noted
        self._choose = inner.choose

    def begin(self, workers: int) -> None:
        self._inner.begin(workers)

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        target = self._choose(worker, own, runnable, default, pending)
        if target != default:
            # A worker that can go on does so by default; one that idles, waits or has ended never.
            if default == worker:
                self._noted.preempted.append((worker, own))
            self._noted.schedule.append((worker, own, target))
        return target

    def end(self) -> None:
        self._inner.end()

"""Who goes next, and when nothing can happen any more: the rules of every controlled run.

`control` applies them to workers of this process, whose steps it runs itself. An executor in
another language, which only announces its steps, is driven by the same rules, so that a strategy,
a schedule and a verdict mean the same for both.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NoReturn

from pel_parallel.choices import Choices, Default
from pel_parallel.errors import ChoiceFailed, Deadlock, ExecutionError, Livelock, Waits
from pel_parallel.sync import Schedule

FUTILE_ROUNDS = 2
"""Idle steps of every worker since anything last changed, after which nothing ever will: between
the first and the second, each has looked everywhere, and each would do the same again."""


class Decider(ABC):
    """Knows what every worker is about to do, asks `choices`, and notes what was chosen.

    A worker with a guard can go only where that holds. Subclasses keep the fields up to date:
    `_own` (steps taken), `_pending` (the step announced) and `_idled` (idle steps since anything
    changed) by worker, `_guards`, and `_alive`, ascending.
    """

    def __init__(self, choices: Choices | None) -> None:
        self.choices: Choices = choices if choices is not None else Default()
        self._schedule: list[tuple[int, int, int]] = []

    def schedule(self) -> Schedule:
        """The choices of the last run; `Recorded` replays them."""
        return tuple(self._schedule)

    @abstractmethod
    def _fail(self, error: Exception) -> NoReturn:
        """End the run from inside a step, because of `error`."""

    def _begin_deciding(self, pending: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]]) -> None:
        """A run begins, in which each worker is about to do what is `pending`."""
        workers = len(pending)
        self._schedule = []
        self._pending = pending
        self._own = [0] * workers
        self._alive = list(range(workers))
        self._guards: dict[int, Callable[[], bool]] = {}
        self._idled: dict[int, int] = {}

    def _next(self, worker: int, own: int, preferred: int | None) -> int:
        """Who goes next; `preferred` does by default, if it can."""
        runnable = self._alive
        if self._guards:
            waiting = [worker for worker, guard in self._guards.items() if not guard()]
            if waiting:
                runnable = [each for each in runnable if each not in waiting]
                if not runnable:
                    self._fail(Deadlock(self._waits()))
        if preferred is not None and preferred in runnable:
            default = preferred
        else:
            default = next((other for other in runnable if other > worker), runnable[0])
        return default if len(runnable) == 1 else self._chosen(worker, own, runnable, default)

    def _chosen(self, worker: int, own: int, runnable: list[int], default: int) -> int:
        """Who goes next of several that can; what is not the default is noted."""
        try:
            target = self.choices.choose(worker, own, runnable, default, self._pending)
        except Exception as error:
            self._fail_choosing(error)
        if target != default:
            self._note(worker, own, runnable, target)
        return target

    def _note(self, worker: int, own: int, runnable: list[int], target: int) -> None:
        """The default was not followed."""
        if target not in runnable:
            self._fail_choosing(ValueError(f"worker {target} was chosen, but cannot run"))
        self._schedule.append((worker, own, target))

    def _fail_choosing(self, error: Exception) -> NoReturn:
        """A strategy has raised its verdict, a drift, say; or fails itself."""
        if isinstance(error, ExecutionError):
            self._fail(error)
        failure = ChoiceFailed(error)
        failure.__cause__ = error
        self._fail(failure)

    def _check_progress(self) -> None:
        """Has everybody looked for work in vain since anything last changed?"""
        stuck = {w for w in self._alive if w in self._guards and not self._guards[w]()}
        if any(self._idled.get(w, 0) < FUTILE_ROUNDS for w in self._alive if w not in stuck):
            return
        waits = {w: wait for w, wait in self._waits().items() if w in stuck}
        self._fail(Deadlock(waits) if waits else Livelock.idle(self._alive))

    def _waits(self) -> Waits:
        return {w: (self._pending[w][0], self._pending[w][2]) for w in self._alive}

"""The controller: a runtime that decides, before every shared step, which worker goes on.

Same choices, same run: nothing here depends on a clock, on hash order or on the threads of the
operating system. Who goes next is decided in `deciding`, `Controller` runs the steps; how control
really passes from worker to worker is in `greenlets` (fast) and `batons` (real threads), which
give identical traces.
"""

from abc import abstractmethod
from collections.abc import Callable
from itertools import repeat
from typing import Any, NoReturn, TypeVar

from pel_parallel.choices import Choices
from pel_parallel.deciding import Decider
from pel_parallel.errors import StepLimit, WorkerStopped
from pel_parallel.sync import SharedObject
from pel_parallel.watch import LOOKS
from pel_spec.sync import Step

T = TypeVar("T")

STEP_LIMIT = 50_000_000
"""Steps in a run before it is given up, where the caller names no bound: the last resort. What
bugs do (deadlocks, idling for ever, executing for ever) is recognised much earlier."""

AT_ONCE = 4096
"""Steps made of a log at a time: both forms of a long one would take twice the memory."""


class Controller(Decider):
    """Runs workers one at a time and asks `choices` who goes on.

    A trace that nobody wants need not be kept: that of a large block takes a gigabyte.

    Raises, from `run`: what a worker raised; `Deadlock`, `Livelock`, `StepLimit`, `Drift`.
    """

    def __init__(
        self,
        choices: Choices | None = None,
        *,
        step_limit: int = STEP_LIMIT,
        keep_trace: bool = True,
    ) -> None:
        super().__init__(choices)
        self.step_limit, self.keep_trace = step_limit, keep_trace
        self._made = 0  # of the log, so many are a `Step` already
        self._begin(0)

    def run(self, workers: int, body: Callable[[int], None]) -> None:
        """Run the workers to their ends, in the order that the choices make."""
        self._begin(workers)
        self.choices.begin(workers)
        if workers:
            self._start(workers, body)
        if self._error is not None:
            raise self._error
        self.choices.end()

    def trace(self) -> tuple[Step, ...] | None:
        """The steps of the last run, in the order in which they were taken, if kept."""
        if not self.keep_trace:
            return None
        log = self._log
        for at in range(self._made, len(log), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            log[part] = map(tuple.__new__, repeat(Step), log[part])  # half the time of Step(...)
        self._made = len(log)
        return tuple(log)

    @property
    def steps_taken(self) -> int:
        """How many steps the last run took."""
        return self.step_limit - self._left

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """Announce the step, let others go first if so chosen, then take it."""
        if self._stopping:
            raise WorkerStopped
        own = self._own[worker]
        self._pending[worker] = (action, args, obj.name)
        if enabled is not None or self._guards:
            self._take_turn(worker, own, enabled)
        elif self._crowded:  # `_chosen`, without the call
            try:
                target = self.choices.choose(worker, own, self._alive, worker, self._pending)
            except Exception as error:
                self._fail_choosing(error)
            if target != worker:
                self._note(worker, own, self._alive, target)
                self._switch(worker, target)
        if self._left <= 0:
            self._give_up_at_limit()
        result = body()
        self._left -= 1
        self._own[worker] = own + 1
        if self.keep_trace:
            sequence = obj.sequence
            obj.sequence = sequence + 1
            self._log.append((worker, own, action, args, obj.name, sequence, result))
        if self._idled and action not in LOOKS:
            self._idled.clear()
        return result

    def idle(self, worker: int) -> None:
        """The worker found nothing to do: by default the next one goes on."""
        if self._stopping:
            raise WorkerStopped
        place = self._places[worker]
        self._pending[worker] = ("idle", (), place.name)
        if self._crowded:
            target = self._next(worker, self._own[worker], None)
            if target != worker:
                self._switch(worker, target)
        if self._left <= 0:
            self._give_up_at_limit()
        self._log_own(worker, "idle")
        self._idled[worker] = self._idled.get(worker, 0) + 1
        self._check_progress()

    # ---- what the ways of passing control provide ---------------------------------------

    @abstractmethod
    def _carry_out(self, workers: int, body: Callable[[int], None], first: int) -> None:
        """Run `_live_through` for each worker, `first` first; return when all have ended."""

    @abstractmethod
    def _switch(self, worker: int, target: int) -> None:
        """Let `target` go on, and return when it is `worker`'s turn again.

        Raises: `WorkerStopped`, where the run has failed meanwhile.
        """

    # ---- the logic ----------------------------------------------------------------------

    def _begin(self, workers: int) -> None:
        self._log: list[Any] = []
        self._made = 0
        self._left = self.step_limit
        self._places = [SharedObject(("worker", worker)) for worker in range(workers)]
        self._begin_deciding([("start_worker", (), place.name) for place in self._places])
        self._crowded = workers > 1
        self._error: BaseException | None = None
        self._stopping = False

    def _start(self, workers: int, body: Callable[[int], None]) -> None:
        try:
            first = self._next(-1, 0, None)
        except WorkerStopped:
            return
        self._carry_out(workers, body, first)

    def _live_through(self, worker: int, body: Callable[[int], None]) -> None:
        """One worker from its first step to its last; its failure ends the run."""
        try:
            if self._stopping:
                return
            self._log_own(worker, "start_worker")
            body(worker)
            self.step(worker, "end_worker", (), self._places[worker], _nothing)
        except WorkerStopped:
            pass
        except BaseException as error:
            self._give_up(error)

    def _take_turn(self, worker: int, own: int, enabled: Callable[[], bool] | None) -> None:
        """Return when the worker goes next, and can: some have to wait, this one or others."""
        if enabled is not None:
            self._guards[worker] = enabled
        target = self._next(worker, own, worker)
        if target != worker:
            self._switch(worker, target)
        if enabled is not None:
            del self._guards[worker]

    def _retire(self, worker: int) -> int | None:
        """`worker` has ended: who goes on, or `None` if nobody is left or the run has failed."""
        self._alive.remove(worker)
        self._crowded = len(self._alive) > 1
        if not self._alive or self._stopping:
            return None
        try:
            return self._next(worker, self._own[worker], None)
        except WorkerStopped:
            return None

    def _log_own(self, worker: int, action: str) -> None:
        """Log a step that touches nothing but the worker itself."""
        place, own = self._places[worker], self._own[worker]
        self._left -= 1
        self._own[worker] = own + 1
        if self.keep_trace:
            self._log.append((worker, own, action, (), place.name, place.sequence, None))
            place.sequence += 1

    def _give_up_at_limit(self) -> NoReturn:
        self._fail(StepLimit(self.step_limit, self._waits()))

    def _fail(self, error: Exception) -> NoReturn:
        """End the run from inside a step. The error itself must not pass through a transition,
        which would take it for an outcome."""
        self._give_up(error)
        raise WorkerStopped

    def _give_up(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._stopping = True


def _nothing() -> None:
    """The body of a step that touches nothing but the worker itself."""

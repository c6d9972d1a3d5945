"""The synchronisation seam: every access to shared state is one step, and a step is data.

An executor never touches shared state except inside the body of a step. The runtime that is
plugged in decides what a step costs and who goes next: in production a lock of the one object
that the step touches, and nothing recorded; under test a controller that chooses, after every
step, which worker goes on. The same executor code runs under both, unmodified.

One step is one action of the specified scheduler, on one shared object.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Shared(Protocol):
    """A shared object; `name` identifies it in a trace, such as `("status", 3)`."""

    @property
    def name(self) -> tuple[Any, ...]: ...


class Step(NamedTuple):
    """One recorded step: an event of a trace.

    `own` is the worker's own step number and `sequence` the number of this step among those on the
    same object, both from 0. Together they are a partial order that an executor can log without a
    global lock; a controlled run lists its steps in the order in which they were taken.
    `observed` is what the body returned, as far as it is data.
    """

    worker: int
    own: int
    action: str
    args: tuple[Any, ...]
    object: tuple[Any, ...]
    sequence: int
    observed: Any


S_contra = TypeVar("S_contra", bound=Shared, contravariant=True)


class Runtime(Protocol[S_contra]):
    """Runs workers, and each of their steps atomically. `S_contra`: the objects it can guard."""

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: S_contra,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """Run `body`, atomically with respect to every other step on `obj`; give its result.

        A step that may have to wait declares when it is `enabled` (a condition on `obj` alone);
        the body then runs in a state where that holds. Action names are those of `ACTIONS`.
        """
        ...

    def idle(self, worker: int) -> None:
        """The worker found nothing to do and looks again: a step, and a hint to go elsewhere."""
        ...

    def run(self, workers: int, body: Callable[[int], None]) -> None:
        """Run `body(worker)` for each worker 0 .. `workers`-1 to its end.

        Raises: what a worker raised first, after all workers have ended.
        """
        ...


ACTIONS: dict[str, str] = {
    "start_worker": "a worker begins",
    "end_worker": "a worker ends",
    "idle": "a worker found nothing to do",
    "load_done": "look whether the block is done",
    "prefer_val_idx": "load the validation index, to choose between the two kinds of task",
    "prefer_exec_idx": "load the execution index, to choose between the two kinds of task",
    "choose_validation": "look whether positions are left to validate",
    "choose_execution": "look whether positions are left to execute",
    "val_enter": "count as active before taking a validation",
    "exec_enter": "count as active before taking an execution",
    "val_fetch": "take the next position to validate",
    "exec_fetch": "take the next position to execute",
    "val_look": "validate only what is executed, in its present incarnation",
    "try_incarnate": "execute only what is ready; from now on it is executing",
    "leave": "no longer active",
    "cd_observe": "done check: the count of decreases, first look",
    "cd_exec_idx": "done check: no position is left to execute",
    "cd_val_idx": "done check: no position is left to validate",
    "cd_num_active": "done check: nobody is active",
    "cd_observe_again": "done check: the count of decreases has not moved",
    "set_done": "the block is done",
    "read_cell": "read the version of a location below a position",
    "read_estimate": "a read met an ESTIMATE: lock the dependents of the blocking transition",
    "look_blocking": "has the blocking transition executed meanwhile?",
    "mark_suspended": "the reader waits: its status becomes aborting",
    "suspend": "the reader is listed as a dependent, and the list unlocked",
    "stay": "the blocking transition has executed meanwhile: unlock its list, execute again",
    "load_written": "load the locations that the last executed incarnation wrote",
    "write_cell": "write a version",
    "remove_cell": "remove what an earlier incarnation wrote and this one did not",
    "record_done": "the read set and the written locations are recorded",
    "publish": "executed: the incarnation can be validated",
    "swap_deps": "take the list of dependents",
    "resume_one": "a dependent is ready again, in its next incarnation",
    "resume_done": "lower the execution index to the lowest resumed position",
    "resume_count": "count that decrease",
    "finish_execution": "has validation gone past this position?",
    "lower_val_idx": "a new location was written: validate from here on again",
    "lower_val_count": "count that decrease",
    "load_reads": "load the read set that is to be validated",
    "check_read": "look up one read again",
    "try_validation_abort": "abort, if this incarnation is still the executed one",
    "load_aborted": "load the locations that the aborted incarnation wrote",
    "mark_estimate": "an aborted write becomes an ESTIMATE",
    "set_ready": "ready again, in the next incarnation",
    "lower_after_abort": "everything above an abort is validated again",
    "lower_abort_count": "count that decrease",
    "retry": "execute the aborted transition at once, if execution has gone past it",
}
"""The names of the steps of our executor, with what each does. Data: the list may grow."""

"""How a parallel run can fail, apart from what its transitions report.

None of these is a verdict on the block: each says that the executor (or whoever steered it) did
not do its job, and why.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pel_spec.sync import Step

Waits: TypeAlias = Mapping[int, tuple[str, tuple[Any, ...]]]
"""For each worker, the action that it is about to take and the name of the object."""


class ExecutionError(Exception):
    """A run did not end as a run should. `state` pictures the scheduler at that moment, `trace` are
    the steps until then, where they were recorded."""

    state: str = ""
    trace: tuple[Step, ...] = ()

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n{self.state}" if self.state else message


class ChoiceFailed(Exception):
    """Whoever decides who goes next has failed: a fault of the harness, which says nothing about
    the executor. The cause is what it raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the strategy failed: {type(error).__name__}: {error}")


class Deadlock(ExecutionError):
    """Somebody waits for what nobody will do."""

    def __init__(self, waits: Waits) -> None:
        super().__init__(f"deadlock: nobody can go on: {describe(waits)}")
        self.waits = dict(waits)

    @property
    def waits_for(self) -> dict[int, str]:
        """For each worker that waits, the action that it waits for."""
        return {worker: action for worker, (action, _) in self.waits.items()}


class Livelock(ExecutionError):
    """Work goes round in circles: nothing can change any more, or the transition at `position` is
    executed again and again."""

    position: int | None = None

    @classmethod
    def idle(cls, workers: Iterable[int]) -> "Livelock":
        """Every worker looks for work, finds none, and the block is not done."""
        names = ", ".join(map(str, workers))
        return cls(f"livelock: workers {names} look for work for ever and find none")

    @classmethod
    def repeating(cls, position: int, incarnation: int) -> "Livelock":
        """A position is executed far more often than its reads can have changed."""
        livelock = cls(
            f"livelock: position {position} is executed again and again, "
            f"now in incarnation {incarnation}"
        )
        livelock.position = position
        return livelock


class StepLimit(ExecutionError):
    """More steps than any run of such a block should need; `limit` of them were taken."""

    def __init__(self, limit: int, waits: Waits) -> None:
        super().__init__(f"no end after {limit} steps: {describe(waits)}")
        self.limit, self.waits = limit, dict(waits)


class Drift(ExecutionError):
    """A recorded schedule does not fit this run: other code, another block, or another file."""


class Explored(ExecutionError):
    """No failure: whoever steers the run knows already what may follow from here on."""


class Incomplete(ExecutionError):
    """The workers stopped, but the block is not executed: done was declared too early."""


class WorkerStopped(BaseException):
    """Ends a worker because the run has failed elsewhere or was interrupted. Not an `Exception`:
    no transition may take it for an outcome of its own."""


def describe(waits: Waits) -> str:
    """Who is about to do what, in words."""
    return "; ".join(
        f"worker {worker} at {action} of {'/'.join(map(str, name))}"
        for worker, (action, name) in sorted(waits.items())
    )

"""The synchronisation seam: every access to shared state is one step, and a step is data.

An executor never touches shared state except inside the body of a step. The runtime that is
plugged in decides what a step costs and who goes next: in production a lock of the one object
that the step touches, and nothing recorded; under test a controller that chooses, after every
step, which worker goes on. The same executor code runs under both, unmodified.

One step is one action of the specified scheduler (`pel_spec.scheduler.blockstm`), on one shared
object.
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
        the body then runs in a state where that holds. Action names are those of the text,
        `pel_spec.scheduler.blockstm.ACTIONS`.
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

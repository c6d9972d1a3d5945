"""Bugs that only a fault shows: what is made of a worker that dies, stalls, is interrupted or fails
in the middle of something. Without faults they show next to never."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final

from pel_fuzz.canaries.bug import Bug
from pel_fuzz.canaries.planting import bug
from pel_parallel.executor import Executor
from pel_parallel.faults import WorkerDied
from pel_parallel.scheduler import Scheduler, Task, TaskKind
from pel_parallel.shared import State
from pel_parallel.sync import Seam
from pel_reference.overlay import Overlay
from pel_reference.seam import Workspace
from pel_spec.fold import Result
from pel_spec.transition import TransitionBlock, View
from pel_spec.vocabulary import Version

_bugs: dict[str, Bug] = {}


@bug("G", registry=_bugs)
class DeathSwallowed(Executor):
    """Whatever kills a worker is swallowed by its thread: the others go on without it, and wait for
    ever for what it had begun."""

    def work(self, worker: int) -> None:
        try:
            super().work(worker)
        except WorkerDied:
            return


@bug("G", registry=_bugs)
class FailedBlockStaysClaimed(Executor):
    """A block is claimed while it is executed, and given back where that ends well: after a run
    that failed or was interrupted, the next one waits for ever."""

    _claimed: ClassVar[TransitionBlock | None] = None

    def __init__(
        self, block: TransitionBlock, seam: Seam, workers: int, *, fresh_workspaces: bool
    ) -> None:
        super().__init__(block, seam, workers, fresh_workspaces=fresh_workspaces)
        self._wait = seam.idle
        self._refused = FailedBlockStaysClaimed._claimed is block
        FailedBlockStaysClaimed._claimed = block

    def work(self, worker: int) -> None:
        while self._refused:
            self._wait(worker)
        super().work(worker)

    def result(self) -> Result:
        FailedBlockStaysClaimed._claimed = None
        return super().result()


@contextmanager
def _unclaimed(plant: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    FailedBlockStaysClaimed._claimed = None
    with plant():
        yield


_claims: Final = _bugs["failed-block-stays-claimed"]
_bugs[_claims.name] = replace(_claims, plant=partial(_unclaimed, _claims.plant))


@bug("G52", registry=_bugs)
class StalledTaskTakenOver(Scheduler):
    """Who has looked for work in vain for long takes over what another worker seems to have left
    lying: that was only slow, and both execute the same incarnation."""

    PATIENCE: Final = 60

    def __init__(self, seam: Seam, transitions: int) -> None:
        super().__init__(seam, transitions)
        self._in_vain: dict[int, int] = {}

    def next_task(self, worker: int) -> Task | None:
        task = super().next_task(worker)
        looks = 0 if task is not None else self._in_vain.get(worker, 0) + 1
        self._in_vain[worker] = looks
        return self._take_over(worker) if looks >= self.PATIENCE else task

    def _take_over(self, worker: int) -> Task | None:
        for position, status in enumerate(self.status):
            if status.state is State.EXECUTING:
                self.exec_enter(worker)
                self._in_vain[worker] = 0
                return Task(TaskKind.EXECUTE, Version(position, status.incarnation))
        return None


# ---- the seam to the EVM ------------------------------------------------------------------------


@contextmanager
def _replaced(name: str, substitute: Callable[..., Any]) -> Iterator[None]:
    """A method of the workspace."""
    original = vars(Workspace)[name]
    setattr(Workspace, name, substitute)
    try:
        yield
    finally:
        setattr(Workspace, name, original)


_open: Final = Workspace.open


def _open_after_failure(self: Workspace, view: View, position: int) -> Overlay:
    overlay = _open(self, view, position)
    last: Overlay | None = vars(self.state).get("last_overlay")
    if last is not None and last.failure is not None:
        overlay.writes.update(last.writes)
    vars(self.state)["last_overlay"] = overlay
    return overlay


def _execute_regardless(self: Workspace, transaction: Any) -> Any:
    return self._executor(transaction)


_bugs["failure-leaves-writes"] = Bug(
    "failure-leaves-writes",
    "I59",
    "What a transaction has written is given up when it is reverted, but not when it fails inside:"
    " the next one in the same workspace finds it, and publishes it.",
    lambda: _replaced("open", _open_after_failure),
)
FAILED_READ_SWALLOWED: Final = Bug(
    "failed-read-swallowed",
    "B",
    "An authorization whose read fails is skipped, as one that is invalid: the outcome is then not"
    " what the reads say, and nobody is told.",
    lambda: _replaced("execute", _execute_regardless),
)
"""The interpreter itself does so. It takes a fault in the very loop that goes through a list of
authorizations, so it is no bug of the registry, which campaigns must find soon."""

FAULT_BUGS: Final[Mapping[str, Bug]] = MappingProxyType(_bugs)
"""Those that campaigns find soon, by name."""

"""The optimistic executor: Block-STM (arXiv 2203.06871) over any transitions.

`run_block` is the way in. Workers take tasks from the scheduler, execute transitions against the
multi-version memory, and validate what was executed, until the block is done. The same code runs
in production, recorded, and under a controller: only the seam differs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pel_parallel.counters import Counters, WorkerCounters
from pel_parallel.errors import ExecutionError, Incomplete, Livelock
from pel_parallel.memory import Entry, LastExecution, Memory
from pel_parallel.scheduler import Scheduler, Task, TaskKind
from pel_parallel.standstill import explain_standstill
from pel_parallel.sync import Schedule, Seam, ThreadRuntime
from pel_spec.fold import Result
from pel_spec.history import End, History, Incarnation, Validation
from pel_spec.sync import Step
from pel_spec.transition import Effects, RecordedView, Suspend, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Value, Version, Write

PATIENCE, PATIENCE_PER_TRANSITION = 100, 10
"""How often one position may be executed. An incarnation is repeated only when something below it
has changed, so a few times is normal, and this is a scheduler that goes round in circles."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    `trace` and `schedule` are `None` where the runtime does not record them.
    """

    result: Result
    history: History
    counters: Counters
    trace: tuple[Step, ...] | None
    schedule: Schedule | None


def run_block(
    block: TransitionBlock,
    *,
    workers: int,
    runtime: Seam | None = None,
    fresh_workspaces: bool = False,
) -> Run:
    """Execute `block` optimistically, on plain threads unless another `runtime` is given.

    It never falls back to sequential execution: one worker runs the same machine. With
    `fresh_workspaces` every incarnation gets a workspace of its own, not its worker's.

    Raises: `ExecutionError` where the run did not end as it should; what a worker raised, such as
    a `BaseException` of a transition; what interrupted the caller.
    """
    if workers < 1:
        raise ValueError(f"a run needs at least one worker, not {workers}")
    seam = runtime if runtime is not None else ThreadRuntime()
    executor = Executor(block, seam, workers, fresh_workspaces=fresh_workspaces)
    try:
        seam.run(workers, executor.work)
        result = executor.result()
    except ExecutionError as error:
        error.trace = plain(seam.trace() or ())
        error.state = "\n".join(explain_standstill(executor.scheduler, error, error.trace))
        raise
    steps = seam.trace()
    return Run(
        result=result,
        history=executor.history(),
        counters=Counters.of(log.counters for log in executor.logs),
        trace=None if steps is None else plain(steps),
        schedule=seam.schedule(),
    )


@dataclass(slots=True)
class WorkerLog:
    """What one worker keeps of its work; no other worker ever looks at it."""

    counters: WorkerCounters = field(default_factory=WorkerCounters)
    incarnations: list[Incarnation] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)


class Executor:
    """One run of one block."""

    def __init__(
        self, block: TransitionBlock, seam: Seam, workers: int, *, fresh_workspaces: bool
    ) -> None:
        self.block = block
        self.transitions = block.transitions
        self.memory = Memory(seam, len(block.transitions))
        self.scheduler = Scheduler(seam, len(block.transitions))
        self.logs = [WorkerLog() for _ in range(workers)]
        self._workspaces: list[Any] = [None] * workers
        self._fresh = fresh_workspaces
        self._patience = PATIENCE + PATIENCE_PER_TRANSITION * len(block.transitions)

    # ---- the work -----------------------------------------------------------------------

    def work(self, worker: int) -> None:
        """A worker's loop. Algorithm 1, `run`."""
        if not self._fresh:
            self._workspaces[worker] = self.block.workspace()
        while not self.scheduler.load_done(worker):
            task = self.scheduler.next_task(worker)
            while task is not None:
                task = self.perform(worker, task)

    def perform(self, worker: int, task: Task) -> Task | None:
        """Do a task; the task that follows from it, if any."""
        if task.kind is TaskKind.EXECUTE:
            return self.try_execute(worker, task.version)
        return self.try_validate(worker, task.version)

    def try_execute(self, worker: int, version: Version) -> Task | None:
        """Execute an incarnation until it has effects, or must wait. Algorithm 1.

        Raises: `Livelock`, where this has been done far too often.
        """
        attempts = range(max(0, self._patience - version.incarnation))
        for _ in attempts:
            view = self.view(worker, version.position)
            try:
                effects = self.execute(worker, version.position, view)
            except Suspend as suspension:
                if self.suspended(worker, version, view, suspension.blocking):
                    return None
            else:
                return self.executed(worker, version, view, effects)
        raise Livelock.repeating(*version)

    def view(self, worker: int, position: int) -> RecordedView:
        """What an incarnation of `position` sees, recorded as it is read."""
        return RecordedView(partial(self.lookup, worker, position))

    def lookup(self, worker: int, position: int, location: Location) -> tuple[Value, Version]:
        """What `position` reads at `location` now.

        Raises: `Suspend` on an ESTIMATE.
        """
        entry = self.memory.read_cell(worker, position, location)
        if entry is None:
            return self.block.initial(location), PRE_STATE
        if entry.estimate:
            raise Suspend(entry.version.position)
        return entry.value, entry.version

    def execute(self, worker: int, position: int, view: RecordedView) -> Effects:
        """Run the transition; an exception is an outcome, provisional like any other."""
        workspace = self.block.workspace() if self._fresh else self._workspaces[worker]
        return run_contained(self.transitions[position], view, workspace)

    def suspended(self, worker: int, version: Version, view: RecordedView, blocking: int) -> bool:
        """An incarnation has met an ESTIMATE of `blocking`: whether it gives up, or goes again
        because `blocking` has executed meanwhile."""
        log = self.logs[worker]
        if not self.scheduler.add_dependency(worker, version.position, blocking):
            log.counters.restarts += 1
            return False
        log.counters.suspensions += 1
        log.incarnations.append(Incarnation(version, _reads(view), (), End.SUSPENDED))
        return True

    def executed(
        self, worker: int, version: Version, view: RecordedView, effects: Effects
    ) -> Task | None:
        """An incarnation has effects: publish them, and tell the scheduler."""
        reads = _reads(view)
        log = self.logs[worker]
        log.counters.executions += 1
        writes = tuple(Write(location, value) for location, value in effects.writes.items())
        log.incarnations.append(Incarnation(version, reads, writes))
        wrote_new = self.memory.record(worker, version, reads, effects)
        return self.scheduler.finish_execution(worker, version, wrote_new)

    def try_validate(self, worker: int, version: Version) -> Task | None:
        """Look up an incarnation's reads again, and abort it where one has changed. Algorithm 1,
        `needs_reexecution`."""
        passed = self.memory.validate_read_set(worker, version)
        log = self.logs[worker]
        if passed is not None:
            log.counters.validations += 1
            log.validations.append(Validation(version, passed))
        aborted = passed is False and self.abort(worker, version)
        return self.scheduler.finish_validation(worker, version, aborted)

    def abort(self, worker: int, version: Version) -> bool:
        """Abort a version whose validation has failed, unless somebody else was faster."""
        log = self.logs[worker]
        log.counters.failures += 1
        if not self.scheduler.try_validation_abort(worker, version):
            return False
        log.counters.aborts += 1
        self.memory.convert_writes_to_estimates(worker, version)
        return True

    # ---- what is left when all workers have ended ---------------------------------------

    def result(self) -> Result:
        """Memory and effects of the block.

        Raises: `Incomplete`, where a position is not executed or an ESTIMATE is left.
        """
        if self.scheduler.unfinished():
            raise Incomplete("the block was declared done, but is not")
        memory: dict[Location, tuple[Value, Version]] = {}
        for location, cell in self.memory.cells.items():
            if any(entry.estimate for entry in cell.entries.values()):
                raise Incomplete(f"an ESTIMATE is left at {location!r}")
            last = cell.last
            if last is not None:
                memory[location] = (last.value, last.version)
        return Result(memory, tuple(last.effects for last in self._last_executions()))

    def history(self) -> History:
        """Everything that was executed, suspended and validated; the last incarnations commit."""
        incarnations = (each for log in self.logs for each in log.incarnations)
        validations = (each for log in self.logs for each in log.validations)
        return History(
            transitions=len(self.transitions),
            incarnations=tuple(sorted(incarnations, key=lambda each: each.version)),
            validations=tuple(
                sorted(validations, key=lambda each: (each.version, not each.passed))
            ),
            commits=tuple(
                Version(position, last.incarnation)
                for position, last in enumerate(self._last_executions())
            ),
        )

    def _last_executions(self) -> Sequence[LastExecution]:
        found = [record.content for record in self.memory.records]
        return [content for content in found if content is not None]


def plain(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, with plain data as observations: of a cell, the version or `("estimate",
    position)`, of a record its incarnation, `None` where there was nothing. Values are in the
    history."""
    return tuple([_plain(step) if type(step[-1]) in NOT_DATA else step for step in steps])


NOT_DATA = frozenset((Entry, LastExecution))


def _plain(step: Step) -> Step:
    seen = step.observed
    if isinstance(seen, LastExecution):
        return Step(*step[:-1], seen.incarnation)
    found = ("estimate", seen.version.position) if seen.estimate else tuple(seen.version)
    return Step(*step[:-1], found)


def _reads(view: RecordedView) -> tuple[Any, ...]:
    return tuple(view.reads.values())

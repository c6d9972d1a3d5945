"""The collaborative scheduler (Block-STM, Algorithms 4 and 5): who executes or validates what.

Two counters hand out positions in order, one for execution and one for validation; aborts and new
writes lower them again. Here are the paper's algorithms; they touch nothing shared except through
the steps of `actions`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pel_parallel.actions import Actions
from pel_parallel.shared import State
from pel_spec.vocabulary import Version


class TaskKind(StrEnum):
    """What there is to do with a version."""

    EXECUTE = "execute"
    VALIDATE = "validate"


class Task(NamedTuple):
    """A piece of work that one worker owns. Whoever has one counts as active."""

    kind: TaskKind
    version: Version


class Scheduler(Actions):
    """Hands out tasks, and learns how they ended."""

    def next_task(self, worker: int) -> Task | None:
        """The lower of the two indices goes first; `None`: look again. Algorithm 4."""
        if self.prefer_val_idx(worker) < self.prefer_exec_idx(worker):
            return self.next_version_to_validate(worker)
        return self.next_version_to_execute(worker)

    def next_version_to_validate(self, worker: int) -> Task | None:
        """Take the next position to validate, if it is executed. Algorithm 4."""
        if not self.choose_validation(worker):
            self.without_work(worker)
            return None
        self.val_enter(worker)
        position = self.val_fetch(worker)
        if position < self.transitions:
            incarnation = self.val_look(worker, position)
            if incarnation is not None:
                return Task(TaskKind.VALIDATE, Version(position, incarnation))
        self.leave(worker)
        return None

    def next_version_to_execute(self, worker: int) -> Task | None:
        """Take the next position to execute, if it is ready. Algorithm 4."""
        if not self.choose_execution(worker):
            self.without_work(worker)
            return None
        self.exec_enter(worker)
        return self.execution_of(worker, self.exec_fetch(worker))

    def execution_of(self, worker: int, position: int) -> Task | None:
        """The task to execute `position`, if that is ready. Algorithm 4, `try_incarnate`."""
        if position < self.transitions:
            incarnation = self.try_incarnate(worker, position)
            if incarnation is not None:
                return Task(TaskKind.EXECUTE, Version(position, incarnation))
        self.leave(worker)
        return None

    def without_work(self, worker: int) -> None:
        """Nothing is left to hand out: either the block is done, or others are still at work."""
        if not self.check_done(worker):
            self.seam.idle(worker)

    def check_done(self, worker: int) -> bool:
        """Whether the block is done; if so, everybody is told. Algorithm 4."""
        observed = self.cd_observe(worker)
        if self.cd_exec_idx(worker) < self.transitions:
            return False
        if self.cd_val_idx(worker) < self.transitions:
            return False
        if self.cd_num_active(worker) > 0:
            return False
        if self.cd_observe_again(worker) != observed:
            return False
        self.set_done(worker)
        return True

    def add_dependency(self, worker: int, position: int, blocking: int) -> bool:
        """Let `position` wait until `blocking` has executed; `False` if it has. Algorithm 5."""
        self.read_estimate(worker, position, blocking)
        if self.look_blocking(worker, blocking):
            self.stay(worker, position, blocking)
            return False
        self.mark_suspended(worker, position)
        self.suspend(worker, position, blocking)
        self.leave(worker)
        return True

    def finish_execution(self, worker: int, version: Version, wrote_new: bool) -> Task | None:
        """An incarnation is recorded: let it be validated, by this worker if validation has gone
        past it, together with all above it if it wrote a new location. Algorithm 5."""
        self.publish(worker, version)
        waiting = self.swap_deps(worker, version.position)
        if waiting:
            self.resume_dependencies(worker, waiting)
        if self.load_finish_execution(worker, version) <= version.position:
            self.leave(worker)
            return None
        if not wrote_new:
            return Task(TaskKind.VALIDATE, version)
        self.lower_val_idx(worker, version.position)
        self.lower_val_count(worker)
        self.leave(worker)
        return None

    def resume_dependencies(self, worker: int, waiting: Sequence[int]) -> None:
        """Make those who waited ready, and lower the execution index to them. Algorithm 5."""
        for position in waiting:
            self.resume_one(worker, position)
        self.resume_done(worker, min(waiting))
        self.resume_count(worker)

    def finish_validation(self, worker: int, version: Version, aborted: bool) -> Task | None:
        """A version is validated or, with its writes marked, aborted: in that case everything
        above is validated again, and it is executed again at once if execution has gone past it.
        Algorithm 5."""
        position = version.position
        if not aborted:
            self.leave(worker)
            return None
        self.set_ready(worker, version)
        self.lower_after_abort(worker, position)
        self.lower_abort_count(worker)
        if self.load_retry(worker, position) > position:
            return self.execution_of(worker, position)
        self.leave(worker)
        return None

    def unfinished(self) -> list[str]:
        """What is not executed, in words; of use once the workers have stopped."""
        return [
            f"position {position} is {status.state} in incarnation {status.incarnation}"
            + (f", waits for {blocking}" if (blocking := self._blocking(position)) else "")
            for position, status in enumerate(self.status)
            if status.state is not State.EXECUTED
        ]

    def _blocking(self, position: int) -> str:
        found = (str(b) for b, d in enumerate(self.dependents) if position in d.waiting)
        return ", ".join(found)

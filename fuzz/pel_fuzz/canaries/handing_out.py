"""Bugs in handing out work, and in the done check. How a bug is written: `planting`."""

from contextlib import suppress
from functools import partial

from pel_fuzz.canaries.planting import bug
from pel_parallel.executor import Executor
from pel_parallel.memory import Memory
from pel_parallel.scheduler import Scheduler, Task, TaskKind
from pel_parallel.shared import Number, State, Status
from pel_spec.vocabulary import Version


@bug("G49")
class DoneAtFirstLook(Scheduler):
    """The done check does not look again whether an index was lowered between its looks."""

    def check_done(self, worker: int) -> bool:
        self.cd_observe(worker)
        if self.cd_exec_idx(worker) < self.transitions:
            return False
        if self.cd_val_idx(worker) < self.transitions:
            return False
        if self.cd_num_active(worker) > 0:
            return False
        self.cd_observe_again(worker)
        self.set_done(worker)
        return True


@bug("G49")
class ActiveLookedAtFirst(Scheduler):
    """The done check looks at the count of active workers before it looks at the indices: a worker
    can enter, and take the last position, between the two."""

    def check_done(self, worker: int) -> bool:
        observed = self.cd_observe(worker)
        if self.cd_num_active(worker) > 0:
            return False
        if self.cd_exec_idx(worker) < self.transitions:
            return False
        if self.cd_val_idx(worker) < self.transitions:
            return False
        if self.cd_observe_again(worker) != observed:
            return False
        self.set_done(worker)
        return True


@bug("G49")
class ActiveNotLookedAt(Scheduler):
    """The done check looks at the two indices only: the last positions are still at work."""

    def cd_num_active(self, worker: int) -> int:
        return 0


@bug("G49")
class CountedAfterFetch(Scheduler):
    """The validation index moves before the task is counted as active: in the gap nobody is."""

    def val_enter(self, worker: int) -> None:
        """Does nothing yet: the index goes first."""

    def val_fetch(self, worker: int) -> int:
        fetched = self.seam.step(worker, "val_enter", (), self.val_idx, self.val_idx.increment)
        self.seam.step(worker, "val_fetch", (), self.num_active, self.num_active.increment)
        return fetched


@bug("G")
class CountedOutTwice(Scheduler):
    """Who finds a position not ready leaves the count at once, and then again on the way out."""

    def try_incarnate(self, worker: int, position: int) -> int | None:
        incarnation = super().try_incarnate(worker, position)
        if incarnation is None:
            self.leave(worker)
        return incarnation


@bug("G54")
class FetchedInTwoSteps(Scheduler):
    """The execution index is loaded, and stored with one more later on: a position can be given to
    two workers, and a decrease in between is undone."""

    def exec_fetch(self, worker: int) -> int:
        fetched = self.seam.step(worker, "exec_fetch", (), self.exec_idx, self.exec_idx.load)
        store = partial(_store, self.exec_idx, fetched + 1)
        self.seam.step(worker, "exec_fetch_store", (), self.exec_idx, store)
        return fetched


@bug("G54")
class ValidationFetchedInTwoSteps(Scheduler):
    """The validation index is loaded, and stored with one more later on: an abort that lowers it in
    between goes unheard."""

    def val_fetch(self, worker: int) -> int:
        fetched = self.seam.step(worker, "val_fetch", (), self.val_idx, self.val_idx.load)
        store = partial(_store, self.val_idx, fetched + 1)
        self.seam.step(worker, "val_fetch_store", (), self.val_idx, store)
        return fetched


def _store(number: Number, value: int) -> None:
    number.value = value


@bug("G54")
class EndLookedAtBeforeFetch(Scheduler):
    """That there is a position left was seen before the index was moved, and is not looked at
    again: who is overtaken between the two gets a position past the end."""

    def next_version_to_execute(self, worker: int) -> Task | None:
        if not self.choose_execution(worker):
            self.without_work(worker)
            return None
        self.exec_enter(worker)
        position = self.exec_fetch(worker)
        incarnation = self.try_incarnate(worker, position)
        if incarnation is not None:
            return Task(TaskKind.EXECUTE, Version(position, incarnation))
        self.leave(worker)
        return None


@bug("G54")
class IncarnatedInTwoSteps(Scheduler):
    """The status is looked at, and changed in another step: two workers execute one incarnation."""

    def try_incarnate(self, worker: int, position: int) -> int | None:
        status = self.status[position]
        look = partial(_ready_incarnation, status)
        if self.seam.step(worker, "try_incarnate", (position,), status, look) is None:
            return None
        return self.seam.step(worker, "incarnate", (position,), status, partial(_start, status))


def _ready_incarnation(status: Status) -> int | None:
    return status.incarnation if status.state is State.READY else None


def _start(status: Status) -> int:
    status.state = State.EXECUTING
    return status.incarnation


@bug("G")
class LeavesWithAVerdict(Memory):
    """A validation leaves when the first of its reads is found as it was."""

    def validate_read_set(self, worker: int, version: Version) -> bool | None:
        recorded = self.load_reads(worker, version)
        if recorded is None or recorded.incarnation != version.incarnation:
            return None
        return all(self.read_holds(worker, version, read) for read in recorded.reads[:1])


@bug("G")
class ExecutionNeverChosen(Scheduler):
    """Validation is always tried first, and it never gets to a position that is executed."""

    def next_task(self, worker: int) -> Task | None:
        self.prefer_val_idx(worker)
        self.prefer_exec_idx(worker)
        return self.next_version_to_validate(worker)


@bug("G")
class EntersWithoutWork(Scheduler):
    """Who looks for a validation counts as active before there is any: the done check of another
    finds somebody active who has nothing to do."""

    def choose_validation(self, worker: int) -> bool:
        super().choose_validation(worker)
        return True


class _GoesHome(Exception):
    """A worker has found nothing to do."""


class _EndsQuietly(Executor):
    def work(self, worker: int) -> None:
        with suppress(_GoesHome):
            super().work(worker)


@bug("G53", _EndsQuietly)
class QuitsWithoutWork(Scheduler):
    """Who finds nothing to do goes home, though the block is not done: whatever an abort brings is
    left to fewer and fewer workers."""

    def without_work(self, worker: int) -> None:
        if not self.check_done(worker):
            self.seam.idle(worker)
            raise _GoesHome

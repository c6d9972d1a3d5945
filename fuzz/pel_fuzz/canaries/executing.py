"""Bugs while a transition runs: its reads, its suspension, and how it is recorded. How a bug is
written: `planting`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from pel_fuzz.canaries.planting import bug
from pel_parallel.executor import Executor
from pel_parallel.memory import Cell, Entry, Memory, Record
from pel_parallel.scheduler import Scheduler
from pel_parallel.shared import Dependents
from pel_parallel.sync import Seam
from pel_spec.transition import Effects, TransitionBlock
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version

# ---- reads --------------------------------------------------------------------------------------

_ESTIMATE = -1
"""The incarnation of an ESTIMATE that is taken for a version."""


class _ComparesEstimates(Memory):
    def read_holds(self, worker: int, version: Version, read: Read) -> bool:
        found = self.check_read(worker, version, read.location)
        return (PRE_STATE if found is None else _version_of(found)) == read.version


@bug("A", _ComparesEstimates)
class EstimateIsAVersion(Executor):
    """An ESTIMATE is read like any other entry, and the read is recorded."""

    def lookup(self, worker: int, position: int, location: Location) -> tuple[Value, Version]:
        entry = self.memory.read_cell(worker, position, location)
        if entry is None:
            return self.block.initial(location), PRE_STATE
        return entry.value, _version_of(entry)


def _version_of(entry: Entry) -> Version:
    return Version(entry.version.position, _ESTIMATE) if entry.estimate else entry.version


@bug("A")
class EstimateIsSkipped(Memory):
    """A read looks past an ESTIMATE, at what is below: it cannot be valid, and is known not to be.
    Safe, as it is validated; but nothing bounds how often an incarnation is aborted."""

    def read_cell(self, worker: int, position: int, location: Location) -> Entry | None:
        cell = self.cell(location)
        body = partial(_newest_written, cell, position)
        return self.seam.step(worker, "read_cell", (position,), cell, body)


def _newest_written(cell: Cell, position: int) -> Entry | None:
    below = (cell.entries[k] for k in reversed(cell.positions) if k < position)
    return next((entry for entry in below if not entry.estimate), None)


@bug("C26")
class ReadsItsOwnPosition(Memory):
    """A read sees up to its own position: a later incarnation meets the ESTIMATE that an earlier
    one has left there, and waits for itself."""

    def read_cell(self, worker: int, position: int, location: Location) -> Entry | None:
        cell = self.cell(location)
        body = partial(cell.newest_below, position + 1)
        return self.seam.step(worker, "read_cell", (position,), cell, body)


# ---- suspension ---------------------------------------------------------------------------------


@bug("G54")
class LooksBeforeItLocks(Scheduler):
    """Whether the blocking position has been executed is seen before its list is locked: its worker
    takes the list in between, and nobody wakes who is then listed."""

    def add_dependency(self, worker: int, position: int, blocking: int) -> bool:
        status, dependents = self.status[blocking], self.dependents[blocking]
        about = (position, blocking)
        if self.seam.step(worker, "read_estimate", about, status, status.is_executed):
            return False
        lock, free = dependents.lock_list, dependents.is_free
        self.seam.step(worker, "look_blocking", (blocking,), dependents, lock, free)
        self.mark_suspended(worker, position)
        self.suspend(worker, position, blocking)
        self.leave(worker)
        return True


@bug("G54")
class WaitsUnlocked(Scheduler):
    """A reader registers with its blocking transition without the lock: the wake-up can be lost."""

    def read_estimate(self, worker: int, position: int, blocking: int) -> None:
        dependents = self.dependents[blocking]
        self.seam.step(worker, "read_estimate", (position, blocking), dependents, _nothing)


@bug("G53")
class WaitsForWhatIsThere(Scheduler):
    """It does not look whether the blocking position has been executed meanwhile."""

    def look_blocking(self, worker: int, blocking: int) -> bool:
        super().look_blocking(worker, blocking)
        return False


@bug("G52")
class StaysLocked(Scheduler):
    """Where there is nothing to wait for, the list is not unlocked again: the blocking position
    never gets at it, and whoever reads there waits for the lock."""

    def stay(self, worker: int, position: int, blocking: int) -> None:
        dependents = self.dependents[blocking]
        self.seam.step(worker, "stay", (position, blocking), dependents, _nothing)


class _GivesUp(Scheduler):
    """How an incarnation is given up can be told otherwise."""

    def add_dependency(self, worker: int, position: int, blocking: int) -> bool:
        self.read_estimate(worker, position, blocking)
        if self.look_blocking(worker, blocking):
            self.stay(worker, position, blocking)
            return False
        self.give_up(worker, position, blocking)
        self.leave(worker)
        return True

    def give_up(self, worker: int, position: int, blocking: int) -> None:
        self.mark_suspended(worker, position)
        self.suspend(worker, position, blocking)


@bug("G53")
class SuspendedAfterListing(_GivesUp):
    """Listed first, and given up after that: it may be resumed in between, and is then set to
    aborting, which it stays for ever."""

    def give_up(self, worker: int, position: int, blocking: int) -> None:
        status, dependents = self.status[position], self.dependents[blocking]
        listed = partial(dependents.add_and_unlock, position)
        self.seam.step(worker, "mark_suspended", (position,), dependents, listed)
        self.seam.step(worker, "suspend", (position, blocking), status, status.suspend)


@bug("G54")
class UnlockedBeforeListing(_GivesUp):
    """The lock covers the look, but not the entry into the list: a lost wake-up."""

    def give_up(self, worker: int, position: int, blocking: int) -> None:
        dependents = self.dependents[blocking]
        self.mark_suspended(worker, position)
        self.seam.step(worker, "unlock_early", (blocking,), dependents, dependents.unlock)
        listed = partial(_add, dependents, position)
        self.seam.step(worker, "suspend", (position, blocking), dependents, listed)


@bug("G51")
class WaitsInTwoLists(Scheduler):
    """A suspended position is listed with two others: the later wake-up finds it long gone on, and
    makes ready what is being executed, or aborted."""

    def suspend(self, worker: int, position: int, blocking: int) -> None:
        if blocking != 0:
            listed = partial(_add, self.dependents[0], position)
            self.seam.step(worker, "suspend", (position, 0), self.dependents[0], listed)
        super().suspend(worker, position, blocking)


def _add(dependents: Dependents, position: int) -> None:
    if position not in dependents.waiting:
        dependents.waiting.append(position)


class _KnowsRecords(Scheduler):
    records: list[Record]

    def mark_suspended(self, worker: int, position: int) -> None:
        super().mark_suspended(worker, position)
        record = self.records[position]
        self.seam.step(worker, "forget_written", (position,), record, partial(_forget, record))


@bug("A", _KnowsRecords)
class SuspensionForgetsWrites(Executor):
    """A suspended incarnation is taken for one that wrote nothing: what the last executed one wrote
    is not removed any more, and stays in memory as an ESTIMATE."""

    def __init__(
        self, block: TransitionBlock, seam: Seam, workers: int, *, fresh_workspaces: bool
    ) -> None:
        super().__init__(block, seam, workers, fresh_workspaces=fresh_workspaces)
        assert isinstance(self.scheduler, _KnowsRecords)
        self.scheduler.records = self.memory.records


def _forget(record: Record) -> None:
    if record.content is not None:
        nothing_written = replace(record.content.effects, writes={})
        record.content = record.content._replace(effects=nothing_written)


# ---- recording ----------------------------------------------------------------------------------


@bug("A")
class LastLocationIsNews(Memory):
    """Whether anything new was written is decided by the last location alone."""

    def wrote_new_location(self, before: Iterable[Location], now: Iterable[Location]) -> bool:
        return not set(list(now)[-1:]) <= set(before)


@bug("C28")
class RemovedLocationLeft(Memory):
    """A location that the last incarnation wrote and this one does not is left in memory."""

    def _remove_unwritten(
        self, worker: int, version: Version, before: Iterable[Location], now: Iterable[Location]
    ) -> None:
        pass


class _KeepsWritten(Memory):
    """Where each position wrote is kept beside its record, in a way that can be told otherwise.
    Entries that are not there are marked and removed all the same."""

    def __init__(self, seam: Seam, transitions: int) -> None:
        super().__init__(seam, transitions)
        self.written: list[dict[Location, None] | None] = [None] * transitions

    def keep(self, position: int, writes: Iterable[Location]) -> None:
        self.written[position] = dict.fromkeys(writes)

    def record(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> bool:
        self.load_written(worker, version.position, effects.writes)
        before = tuple(self.written[version.position] or ())
        self._apply_writes(worker, version, effects.writes)
        self._remove_unwritten(worker, version, before, effects.writes)
        self.record_done(worker, version, reads, effects)
        self.keep(version.position, effects.writes)
        return self.wrote_new_location(before, effects.writes)

    def convert_writes_to_estimates(self, worker: int, version: Version) -> None:
        self.load_aborted(worker, version)
        for location in self.written[version.position] or ():
            self.mark_estimate(worker, version, location)

    def remove_cell(self, worker: int, version: Version, location: Location) -> None:
        cell = self.cell(location)
        body = partial(_remove, cell, version.position)
        self.seam.step(worker, "remove_cell", tuple(version), cell, body)

    def mark_estimate(self, worker: int, version: Version, location: Location) -> None:
        cell = self.cell(location)
        body = partial(_mark, cell, version)
        self.seam.step(worker, "mark_estimate", tuple(version), cell, body)


def _remove(cell: Cell, position: int) -> None:
    if position in cell.entries:
        cell.remove(position)


def _mark(cell: Cell, version: Version) -> None:
    if version.position not in cell.entries:
        cell.write(version, None)
    cell.mark_estimate(version.position)


@bug("A")
class WrittenOnceWrittenEver(_KeepsWritten):
    """What counts as written before grows, and never forgets what was removed: a location that is
    written again after two incarnations is no news, and those who read past it are not looked at
    again."""

    def keep(self, position: int, writes: Iterable[Location]) -> None:
        super().keep(position, (*(self.written[position] or ()), *writes))


@bug("A")
class FirstWritesKept(_KeepsWritten):
    """What counts as written before is set by the first incarnation, and stays as it was then."""

    def keep(self, position: int, writes: Iterable[Location]) -> None:
        if self.written[position] is None:
            super().keep(position, writes)


class _PublishesFirst(Memory):
    publish: Callable[[int, Version], None]

    def record(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> bool:
        before = self.load_written(worker, version.position, effects.writes)
        written_before: Mapping[Location, Value] = before.effects.writes if before else {}
        self.publish(worker, version)
        self._apply_writes(worker, version, effects.writes)
        self._remove_unwritten(worker, version, written_before, effects.writes)
        self.record_done(worker, version, reads, effects)
        return self.wrote_new_location(written_before, effects.writes)


class _IsPublished(Scheduler):
    def publish(self, worker: int, version: Version) -> None:
        """It is already."""


@bug("G50", _PublishesFirst, _IsPublished)
class PublishedBeforeRecorded(Executor):
    """A transition counts as executed before its writes are in memory and its reads recorded: a
    validator finds an earlier read set, and an aborter marks what is then written."""

    def __init__(
        self, block: TransitionBlock, seam: Seam, workers: int, *, fresh_workspaces: bool
    ) -> None:
        super().__init__(block, seam, workers, fresh_workspaces=fresh_workspaces)
        assert isinstance(self.memory, _PublishesFirst)
        self.memory.publish = partial(Scheduler.publish, self.scheduler)


@bug("A")
class EveryWriteIsNews(Memory):
    """All above are validated after each execution, whether it wrote anywhere new or not.

    Benign: Validation is only begun earlier than it need be, and never later."""

    def wrote_new_location(self, before: Iterable[Location], now: Iterable[Location]) -> bool:
        return bool(set(now))


def _nothing() -> None:
    """The body of a step that is taken in vain."""

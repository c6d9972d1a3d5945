"""Bugs in validation and in abort. How a bug is written: `planting`."""

from functools import partial

from pel_fuzz.canaries.planting import bug
from pel_parallel.executor import Executor
from pel_parallel.memory import LastExecution, Memory
from pel_parallel.scheduler import Scheduler, Task, TaskKind
from pel_parallel.shared import State, Status
from pel_parallel.sync import Seam
from pel_spec.transition import Effects, RecordedView
from pel_spec.vocabulary import PRE_STATE, Location, Read, Version

# ---- validation ---------------------------------------------------------------------------------


class _KnowsFirstReads(Memory):
    def __init__(self, seam: Seam, transitions: int) -> None:
        super().__init__(seam, transitions)
        self.first_reads: dict[int, tuple[Location, ...]] = {}

    def validate_read_set(self, worker: int, version: Version) -> bool | None:
        recorded = self.load_reads(worker, version)
        if recorded is None or recorded.incarnation != version.incarnation:
            return None
        known = {read.location: read for read in recorded.reads}
        reads = (known.get(x, Read(x, None, PRE_STATE)) for x in self.first_reads[version.position])
        return all(self.read_holds(worker, version, read) for read in reads)


@bug("A7", _KnowsFirstReads)
class FirstReadSetKept(Executor):
    """The locations that the first incarnation read are looked up for all later ones."""

    def suspended(self, worker: int, version: Version, view: RecordedView, blocking: int) -> bool:
        self._keep(version, view)
        return super().suspended(worker, version, view, blocking)

    def executed(
        self, worker: int, version: Version, view: RecordedView, effects: Effects
    ) -> Task | None:
        self._keep(version, view)
        return super().executed(worker, version, view, effects)

    def _keep(self, version: Version, view: RecordedView) -> None:
        assert isinstance(self.memory, _KnowsFirstReads)
        if version.incarnation == 0:
            self.memory.first_reads[version.position] = tuple(view.reads)


@bug("A7")
class FirstVersionsKept(Memory):
    """The read set that was recorded first is kept for all later incarnations, which are validated
    by it: by the versions, too, that the first one has read."""

    def record_done(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> None:
        record = self.records[version.position]
        kept = reads if record.content is None else record.content.reads
        body = partial(record.store, LastExecution(version.incarnation, kept, effects))
        self.seam.step(worker, "record_done", tuple(version), record, body)


@bug("G")
class EstimateValidates(Memory):
    """A read whose version has become an ESTIMATE passes: its value is still the same."""

    def read_holds(self, worker: int, version: Version, read: Read) -> bool:
        found = self.check_read(worker, version, read.location)
        if found is None or read.version is None:
            return read.version == PRE_STATE
        if found.estimate:
            return found.version.position == read.version.position
        return found.version == read.version


@bug("E8")
class WriterAloneCompared(Memory):
    """A read passes if the same position wrote what is there now, whichever incarnation of it."""

    def read_holds(self, worker: int, version: Version, read: Read) -> bool:
        found = self.check_read(worker, version, read.location)
        if found is None or read.version is None:
            return read.version == PRE_STATE
        return not found.estimate and found.version.position == read.version.position


@bug("A1")
class AbsentReadsUnchecked(Memory):
    """A read that found nothing below it is not validated: a later first write goes unnoticed."""

    def read_holds(self, worker: int, version: Version, read: Read) -> bool:
        return super().read_holds(worker, version, read) or read.version == PRE_STATE


class _KeepsOldReads(Memory):
    """The reads of every version that was recorded are kept."""

    def __init__(self, seam: Seam, transitions: int) -> None:
        super().__init__(seam, transitions)
        self.reads_of: dict[Version, tuple[Read, ...]] = {}

    def record_done(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> None:
        self.reads_of[version] = reads
        super().record_done(worker, version, reads, effects)


@bug("G")
class OldReadsLookedUp(_KeepsOldReads):
    """It is not asked whether the version that is validated is still the one that was recorded.

    Benign: The read set of an earlier incarnation is looked up in vain: a verdict about it aborts
    nothing, as the versions are compared once more when the status is changed."""

    def validate_read_set(self, worker: int, version: Version) -> bool | None:
        self.load_reads(worker, version)
        return all(self.read_holds(worker, version, read) for read in self.reads_of[version])


# ---- abort --------------------------------------------------------------------------------------


@bug("G51")
class StaleAbort(Scheduler):
    """Whoever is executed is aborted, whichever incarnation the verdict was about."""

    def try_validation_abort(self, worker: int, version: Version) -> bool:
        status = self.status[version.position]
        body = partial(_abort_any, status)
        return self.seam.step(worker, "try_validation_abort", tuple(version), status, body)


def _abort_any(status: Status) -> bool:
    return status.try_abort(status.incarnation)


@bug("G54")
class AbortedInTwoSteps(Scheduler):
    """The status is looked at, and changed in another step: two validators abort one version."""

    def try_validation_abort(self, worker: int, version: Version) -> bool:
        status = self.status[version.position]
        look = partial(_can_abort, status, version.incarnation)
        if not self.seam.step(worker, "try_validation_abort", tuple(version), status, look):
            return False
        self.seam.step(worker, "abort", tuple(version), status, status.suspend)
        return True


def _can_abort(status: Status, incarnation: int) -> bool:
    return status.executed_incarnation() == incarnation


@bug("G")
class NoEstimate(Memory):
    """Aborted writes are not marked: they are read, and validated, until they are replaced."""

    def convert_writes_to_estimates(self, worker: int, version: Version) -> None:
        self.load_aborted(worker, version)


@bug("G")
class ReadyBeforeMarked(Scheduler):
    """What is aborted is ready at once, and marked after that: so is what the next incarnation has
    written meanwhile."""

    def try_validation_abort(self, worker: int, version: Version) -> bool:
        status = self.status[version.position]
        body = partial(_abort_and_ready, status, version.incarnation)
        return self.seam.step(worker, "try_validation_abort", tuple(version), status, body)

    def set_ready(self, worker: int, version: Version) -> None:
        status = self.status[version.position]
        self.seam.step(worker, "set_ready", tuple(version), status, lambda: None)


def _abort_and_ready(status: Status, incarnation: int) -> bool:
    aborted = status.try_abort(incarnation)
    if aborted:
        status.make_ready()
    return aborted


@bug("E8")
class AbortKeepsIncarnation(Scheduler):
    """What was aborted is executed again under the same version: who has read the old one finds it
    unchanged (ABA)."""

    def set_ready(self, worker: int, version: Version) -> None:
        status = self.status[version.position]
        body = partial(_ready_as_it_was, status)
        self.seam.step(worker, "set_ready", tuple(version), status, body)


def _ready_as_it_was(status: Status) -> None:
    status.state = State.READY


@bug("G")
class AbortLowersNothing(Scheduler):
    """The validation index is not lowered after an abort: who read what was aborted stays valid."""

    def lower_after_abort(self, worker: int, position: int) -> None:
        self.seam.step(worker, "lower_after_abort", (position,), self.val_idx, lambda: None)


@bug("G")
class AbortLowersTooLittle(Scheduler):
    """After an abort validation begins again two positions above it instead of one."""

    def lower_after_abort(self, worker: int, position: int) -> None:
        body = partial(self.val_idx.lower, position + 2)
        self.seam.step(worker, "lower_after_abort", (position,), self.val_idx, body)


@bug("G")
class AbortLowersToItself(Scheduler):
    """After an abort validation begins again at what was aborted, not above it.

    Benign: It is not executed then, or it is the next incarnation: one useless look."""

    def lower_after_abort(self, worker: int, position: int) -> None:
        body = partial(self.val_idx.lower, position)
        self.seam.step(worker, "lower_after_abort", (position,), self.val_idx, body)


@bug("G53")
class NoRetry(Scheduler):
    """Who aborts does not see to it that what is ready again is taken up."""

    def load_retry(self, worker: int, position: int) -> int:
        super().load_retry(worker, position)
        return position


@bug("G54")
class RetryTakesItUnasked(Scheduler):
    """Who has aborted executes what it made ready, without a look whether somebody else does."""

    def finish_validation(self, worker: int, version: Version, aborted: bool) -> Task | None:
        position = version.position
        if not aborted:
            self.leave(worker)
            return None
        self.set_ready(worker, version)
        self.lower_after_abort(worker, position)
        self.lower_abort_count(worker)
        if self.load_retry(worker, position) > position:
            status = self.status[position]
            take = partial(_take, status)
            incarnation = self.seam.step(worker, "take_unasked", (position,), status, take)
            return Task(TaskKind.EXECUTE, Version(position, incarnation))
        self.leave(worker)
        return None


def _take(status: Status) -> int:
    status.state = State.EXECUTING
    return status.incarnation

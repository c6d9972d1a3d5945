"""Seeded bugs of scheduler and multi-version memory, each by replacing one method of the executor.

Published ones carry their number in the bug zoo, the others the class. All of them need an unlucky
interleaving: on one worker, most give the right result every time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, Final

from pel_fuzz.canaries.bug import Bug
from pel_parallel.actions import Actions
from pel_parallel.executor import Executor
from pel_parallel.memory import Entry, LastExecution, Memory
from pel_parallel.scheduler import Scheduler, Task, TaskKind
from pel_spec.transition import Effects, RecordedView
from pel_spec.vocabulary import PRE_STATE, Location, Read, Version

_bugs: dict[str, Bug] = {}
_rare: dict[str, Bug] = {}


@contextmanager
def _replaced(owner: type, name: str, substitute: object) -> Iterator[None]:
    original = owner.__dict__[name]
    setattr(owner, name, substitute)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _bug(
    name: str, zoo: str, story: str, owner: type, method: str, registry: dict[str, Bug] = _bugs
) -> Callable[[Any], Any]:
    """Register the decorated function as what takes the place of `method` of `owner`."""

    def register(substitute: Any) -> Any:
        def plant() -> AbstractContextManager[None]:
            return _replaced(owner, method, substitute)

        registry[name] = Bug(name, zoo, story, plant)
        return substitute

    return register


@_bug(
    "abort-lowers-nothing",
    "G",
    "The validation index is not lowered after an abort: what read the aborted writes stays valid.",
    Actions,
    "lower_after_abort",
)
def _abort_lowers_nothing(self: Actions, worker: int, position: int) -> None:
    self._step(worker, "lower_after_abort", (position,), self.val_idx, lambda: None)


@_bug(
    "abort-lowers-too-little",
    "G",
    "After an abort validation starts again two positions above it instead of one.",
    Actions,
    "lower_after_abort",
)
def _abort_lowers_too_little(self: Actions, worker: int, position: int) -> None:
    def body() -> None:
        self.val_idx.lower(position + 2)

    self._step(worker, "lower_after_abort", (position,), self.val_idx, body)


@_bug(
    "no-estimate",
    "G",
    "Aborted writes are not marked: they are read, and validated, until they are replaced.",
    Memory,
    "convert_writes_to_estimates",
)
def _no_estimate(self: Memory, worker: int, version: Version) -> None:
    self.load_aborted(worker, version)


@_bug(
    "estimate-validates",
    "G",
    "Validation accepts a read whose version has become an ESTIMATE.",
    Memory,
    "read_holds",
)
def _estimate_validates(self: Memory, worker: int, version: Version, read: Read) -> bool:
    found = self.check_read(worker, version, read.location)
    return (PRE_STATE if found is None else found.version) == read.version


@_bug(
    "absent-reads-unchecked",
    "A1",
    "A read that found nothing below it is not validated: a later first write goes unnoticed.",
    Memory,
    "read_holds",
)
def _absent_reads_unchecked(self: Memory, worker: int, version: Version, read: Read) -> bool:
    found = self.check_read(worker, version, read.location)
    if read.version == PRE_STATE:
        return True
    return found is not None and not found.estimate and found.version == read.version


@_bug(
    "new-location-unnoticed",
    "A",
    "A write to a location that the last incarnation did not write does not cause validation.",
    Memory,
    "wrote_new_location",
)
def _new_location_unnoticed(self: Memory, before: object, now: object) -> bool:
    return False


@_bug(
    "first-read-set-kept",
    "A7",
    "The read set of incarnation 0 is kept for all later ones, which are validated by it.",
    Memory,
    "record_done",
)
def _first_read_set_kept(
    self: Memory, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
) -> None:
    record = self.records[version.position]
    kept = reads if record.content is None else record.content.reads

    def body() -> None:
        record.content = LastExecution(version.incarnation, kept, effects)

    self._step(worker, "record_done", tuple(version), record, body)


@_bug(
    "removed-location-left",
    "C28",
    "A location that an earlier incarnation wrote and this one did not stays in memory.",
    Memory,
    "remove_cell",
)
def _removed_location_left(self: Memory, worker: int, version: Version, location: Location) -> None:
    self._step(worker, "remove_cell", tuple(version), self.cell(location), lambda: None)


@_bug(
    "reads-own-position",
    "C26",
    "A read sees up to its own position, so a later incarnation reads what an earlier one wrote.",
    Memory,
    "read_cell",
)
def _reads_own_position(
    self: Memory, worker: int, position: int, location: Location
) -> Entry | None:
    cell = self.cell(location)

    def body() -> Entry | None:
        return cell.newest_below(position + 1)

    return self._step(worker, "read_cell", (position,), cell, body)


@_bug(
    "done-at-first-look",
    "G49",
    "The done check does not look again whether an index was lowered between its looks.",
    Scheduler,
    "check_done",
    _rare,
)
def _done_at_first_look(self: Scheduler, worker: int) -> bool:
    if self.cd_exec_idx(worker) < self.transitions:
        return False
    if self.cd_val_idx(worker) < self.transitions:
        return False
    if self.cd_num_active(worker) > 0:
        return False
    self.set_done(worker)
    return True


@_bug(
    "counted-after-fetch",
    "G49",
    "A validation counts as active only after the index has moved: in the gap nobody is active.",
    Scheduler,
    "next_version_to_validate",
    _rare,
)
def _counted_after_fetch(self: Scheduler, worker: int) -> Task | None:
    if not self.choose_validation(worker):
        self.without_work(worker)
        return None
    position = self.val_fetch(worker)
    self.val_enter(worker)
    if position < self.transitions:
        incarnation = self.val_look(worker, position)
        if incarnation is not None:
            return Task(TaskKind.VALIDATE, Version(position, incarnation))
    self.leave(worker)
    return None


@_bug(
    "dependents-unlocked",
    "G54",
    "A reader registers with its blocking transition without the lock: the wake-up can be lost.",
    Actions,
    "read_estimate",
)
def _dependents_unlocked(self: Actions, worker: int, position: int, blocking: int) -> None:
    self._step(
        worker, "read_estimate", (position, blocking), self.dependents[blocking], lambda: None
    )


@_bug(
    "dependents-stay-locked",
    "G52",
    "Where there is nothing to wait for, the list of dependents is not unlocked again.",
    Actions,
    "stay",
)
def _dependents_stay_locked(self: Actions, worker: int, position: int, blocking: int) -> None:
    self._step(worker, "stay", (position, blocking), self.dependents[blocking], lambda: None)


@_bug(
    "resumed-not-handed-out",
    "G53",
    "Resumed transitions are ready, but the execution index is not lowered to them.",
    Scheduler,
    "resume_dependencies",
)
def _resumed_not_handed_out(self: Scheduler, worker: int, waiting: tuple[int, ...]) -> None:
    for position in waiting:
        self.resume_one(worker, position)


@_bug(
    "abort-keeps-incarnation",
    "E8",
    "An aborted transition is executed again under the same version, which then looks unchanged.",
    Actions,
    "set_ready",
)
def _abort_keeps_incarnation(self: Actions, worker: int, version: Version) -> None:
    status = self.status[version.position]

    def body() -> None:
        status.make_ready()
        status.incarnation -= 1

    self._step(worker, "set_ready", tuple(version), status, body)


@_bug(
    "published-before-recorded",
    "G50",
    "A transition counts as executed before its writes are in memory and its reads recorded.",
    Executor,
    "executed",
    _rare,
)
def _published_before_recorded(
    self: Executor, worker: int, version: Version, view: RecordedView, effects: Effects
) -> Task | None:
    self.scheduler.publish(worker, version)
    return _executed(self, worker, version, view, effects)


_executed = Executor.executed

SCHEDULER_BUGS: Final[Mapping[str, Bug]] = MappingProxyType(_bugs)
"""The bugs that random walks find within some hundred runs, by name."""

RARE_SCHEDULER_BUGS: Final[Mapping[str, Bug]] = MappingProxyType(_rare)
"""Bugs that take a random walk thousands of runs, by name: two switches must fall on the right
steps while an abort is under way. They are there to measure better strategies by."""

"""Multi-version memory (Block-STM, Algorithms 2 and 3): for each location, one version per writer.

A cell answers in one step what the transition at a position reads there: the newest version below
it, or an ESTIMATE. Nothing is composed here: no deltas, no ranges, no lookups of two cells at once.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from pel_parallel.sync import Seam, SharedObject
from pel_spec.transition import Effects
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version


class Entry(NamedTuple):
    """What one transition wrote to a location. `estimate`: its incarnation was aborted, and the
    next one is likely to write here again, so a reader had better wait."""

    version: Version
    value: Value
    estimate: bool = False


class Cell(SharedObject):
    """All versions of one location, by position."""

    __slots__ = ("entries", "positions")

    def __init__(self, location: Location) -> None:
        super().__init__(("cell", location))
        self.entries: dict[int, Entry] = {}
        self.positions: list[int] = []

    def newest_below(self, position: int) -> Entry | None:
        """What a reader at `position` finds; `None` where nobody below it has written."""
        index = bisect_left(self.positions, position)
        return self.entries[self.positions[index - 1]] if index else None

    def write(self, version: Version, value: Value) -> None:
        """Store a version, in the place of an earlier one of the same position."""
        if version.position not in self.entries:
            insort(self.positions, version.position)
        self.entries[version.position] = Entry(version, value)

    def remove(self, position: int) -> None:
        """Forget what `position` wrote."""
        del self.entries[position]
        self.positions.remove(position)

    def mark_estimate(self, position: int) -> None:
        """Let readers of what `position` wrote wait."""
        self.entries[position] = self.entries[position]._replace(estimate=True)

    @property
    def last(self) -> Entry | None:
        """The entry of the highest position."""
        return self.entries[self.positions[-1]] if self.positions else None


class LastExecution(NamedTuple):
    """What is kept of the last incarnation of a transition that executed."""

    incarnation: int
    reads: tuple[Read, ...]
    effects: Effects


class Record(SharedObject):
    """The place where that is kept, one for each position."""

    __slots__ = ("content",)

    def __init__(self, position: int) -> None:
        super().__init__(("record", position))
        self.content: LastExecution | None = None

    def load(self) -> LastExecution | None:
        """What is recorded."""
        return self.content

    def store(self, content: LastExecution) -> None:
        """Record, in the place of an earlier incarnation."""
        self.content = content


class Memory:
    """The cells and records of one run."""

    def __init__(self, seam: Seam, transitions: int) -> None:
        self.seam = seam
        self.cells: dict[Location, Cell] = {}
        self.records = [Record(position) for position in range(transitions)]

    def cell(self, location: Location) -> Cell:
        """The one cell of `location`.

        Looking it up is no step: a cell that is not there yet and an empty one are the same to
        everybody, and `setdefault` lets only one of two that are made at the same time exist.
        """
        found = self.cells.get(location)
        return found if found is not None else self.cells.setdefault(location, Cell(location))

    # ---- steps --------------------------------------------------------------------------

    def read_cell(self, worker: int, position: int, location: Location) -> Entry | None:
        """Algorithm 2, `read`."""
        cell = self.cell(location)
        body = partial(cell.newest_below, position)
        return self.seam.step(worker, "read_cell", (position,), cell, body)

    def load_written(
        self, worker: int, position: int, writes: Iterable[Location]
    ) -> LastExecution | None:
        """What the last incarnation that executed wrote. Incarnations that suspended since then
        have written nothing. Here a trace also learns which locations this one `writes`."""
        record = self.records[position]
        args = (position, tuple(writes))
        return self.seam.step(worker, "load_written", args, record, record.load)

    def write_cell(self, worker: int, version: Version, location: Location, value: Value) -> None:
        """Algorithm 2, one write of `apply_write_set`."""
        cell = self.cell(location)
        body = partial(cell.write, version, value)
        self.seam.step(worker, "write_cell", tuple(version), cell, body)

    def remove_cell(self, worker: int, version: Version, location: Location) -> None:
        """Algorithm 2, `rcu_update_written_locations`: a location that is not written any more."""
        cell = self.cell(location)
        body = partial(cell.remove, version.position)
        self.seam.step(worker, "remove_cell", tuple(version), cell, body)

    def record_done(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> None:
        """Algorithm 2, `record`: read set and written locations, replaced at once."""
        record = self.records[version.position]
        body = partial(record.store, LastExecution(version.incarnation, reads, effects))
        self.seam.step(worker, "record_done", tuple(version), record, body)

    def load_reads(self, worker: int, version: Version) -> LastExecution | None:
        """Algorithm 3, `validate_read_set`: the reads of the last incarnation that executed."""
        record = self.records[version.position]
        return self.seam.step(worker, "load_reads", tuple(version), record, record.load)

    def check_read(self, worker: int, version: Version, location: Location) -> Entry | None:
        """Algorithm 3: what a validator finds where `version` has read."""
        cell = self.cell(location)
        body = partial(cell.newest_below, version.position)
        return self.seam.step(worker, "check_read", tuple(version), cell, body)

    def load_aborted(self, worker: int, version: Version) -> LastExecution | None:
        """Algorithm 2, `convert_writes_to_estimates`: where the aborted incarnation has written."""
        record = self.records[version.position]
        return self.seam.step(worker, "load_aborted", tuple(version), record, record.load)

    def mark_estimate(self, worker: int, version: Version, location: Location) -> None:
        """Algorithm 2, one location of `convert_writes_to_estimates`."""
        cell = self.cell(location)
        body = partial(cell.mark_estimate, version.position)
        self.seam.step(worker, "mark_estimate", tuple(version), cell, body)

    # ---- algorithms ---------------------------------------------------------------------

    def record(
        self, worker: int, version: Version, reads: tuple[Read, ...], effects: Effects
    ) -> bool:
        """Publish what an incarnation wrote and read; say whether it wrote a new location, one
        that the last incarnation to execute did not write. Algorithm 2, `record`."""
        before = self.load_written(worker, version.position, effects.writes)
        written_before = before.effects.writes if before is not None else {}
        self._apply_writes(worker, version, effects.writes)
        self._remove_unwritten(worker, version, written_before, effects.writes)
        self.record_done(worker, version, reads, effects)
        return self.wrote_new_location(written_before, effects.writes)

    def _apply_writes(
        self, worker: int, version: Version, writes: Mapping[Location, Value]
    ) -> None:
        for location, value in writes.items():
            self.write_cell(worker, version, location, value)

    def _remove_unwritten(
        self, worker: int, version: Version, before: Iterable[Location], now: Iterable[Location]
    ) -> None:
        kept = set(now)
        for location in before:
            if location not in kept:
                self.remove_cell(worker, version, location)

    def wrote_new_location(self, before: Iterable[Location], now: Iterable[Location]) -> bool:
        """Whether transitions above may have to be validated for the first time against a
        location, because it had no version of this position until now."""
        return not set(now) <= set(before)

    def validate_read_set(self, worker: int, version: Version) -> bool | None:
        """Whether every read of `version` would give the same version again. `None`: a later
        incarnation is recorded, so nobody needs to know. Algorithm 3."""
        recorded = self.load_reads(worker, version)
        if recorded is None or recorded.incarnation != version.incarnation:
            return None
        return all(self.read_holds(worker, version, read) for read in recorded.reads)

    def read_holds(self, worker: int, version: Version, read: Read) -> bool:
        """Whether one read would give the same version again. An ESTIMATE never does: a new
        version is expected there."""
        found = self.check_read(worker, version, read.location)
        if found is None:
            return read.version == PRE_STATE
        return not found.estimate and found.version == read.version

    def convert_writes_to_estimates(self, worker: int, version: Version) -> None:
        """Mark whatever an aborted incarnation has written. Algorithm 2."""
        aborted = self.load_aborted(worker, version)
        if aborted is not None:
            for location in aborted.effects.writes:
                self.mark_estimate(worker, version, location)

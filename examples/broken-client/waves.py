"""A parallel executor in a hundred lines, with a bug to be found.

It executes a block in *waves*: the next few transitions all run on the memory that is there when
the wave begins, as if each had a core of its own. Then they are taken in the preset order, and
whoever has read what a lower one of the same wave has written is executed once more.

Every transaction pays the fee recipient. If each of these payments were a conflict, nothing would
run in parallel; so a fee is a location of its own for each transaction, and only who reads the
recipient's balance reads them all. The bug is that conflicts on fees are not looked for, "as nobody
reads them anyway": whoever does read that balance may see it before the last payments.
"""

from dataclasses import dataclass, field

from pel_spec.fold import Result
from pel_spec.history import End, History, Incarnation
from pel_spec.transition import Effects, RecordedView, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version, Write

FEE = "fee"
"""The kind of location that holds what one transaction pays the fee recipient."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of one transition: what it has read, and what it has done."""

    version: Version
    reads: tuple[Read, ...]
    effects: Effects

    def told(self) -> Incarnation:
        """As a history tells it."""
        writes = tuple(Write(location, value) for location, value in self.effects.writes.items())
        return Incarnation(self.version, self.reads, writes, End.EXECUTED)


@dataclass(slots=True)
class Waves:
    """A block in execution; `fixed` mends the bug."""

    block: TransitionBlock
    width: int = 4
    fixed: bool = False
    again: int = 0
    """How many were executed once more."""
    memory: dict[Location, tuple[Value, Version]] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    committed: list[Attempt] = field(default_factory=list)

    def run(self) -> tuple[Result, History]:
        """Execute the block: what it leaves, and the history of it."""
        positions = range(len(self.block.transitions))
        for first in positions[:: self.width]:
            self._wave(positions[first : first + self.width])
        result = Result(self.memory, tuple(attempt.effects for attempt in self.committed))
        history = History(
            transitions=len(positions),
            incarnations=tuple(attempt.told() for attempt in self.attempts),
            commits=tuple(attempt.version for attempt in self.committed),
        )
        return result, history

    def _wave(self, positions: range) -> None:
        tried = [self._execute(Version(position, 0)) for position in positions]
        written: set[Location] = set()
        for attempt in tried:
            counts = attempt
            if self._touched(attempt) & written:
                self.again += 1
                counts = self._execute(Version(attempt.version.position, 1))
            self.committed.append(counts)
            for location, value in counts.effects.writes.items():
                self.memory[location] = value, counts.version
            written.update(counts.effects.writes)

    def _touched(self, attempt: Attempt) -> set[Location]:
        """What must not have been written by a lower transition meanwhile."""
        reads = {read.location for read in attempt.reads}
        return reads if self.fixed else {location for location in reads if location[0] != FEE}

    def _execute(self, version: Version) -> Attempt:
        view = RecordedView(self._lookup)
        transition = self.block.transitions[version.position]
        effects = run_contained(transition, view, self.block.workspace())
        attempt = Attempt(version, tuple(view.reads.values()), effects)
        self.attempts.append(attempt)
        return attempt

    def _lookup(self, location: Location) -> tuple[Value, Version]:
        return self.memory.get(location) or (self.block.initial(location), PRE_STATE)

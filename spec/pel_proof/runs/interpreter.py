"""The text runs a block: the machine's own actions, on the transitions of the block.

What the text leaves open, a block fills in: a worker that executes reads what its transition asks
for next, and ends with the writes that it returns. Values are kept beside the machine, in the cells
of its memory. Everything else is the text's, so a machine with a seeded bug goes wrong here as an
executor would that has it.

A run is *turns*: which worker goes, for how many steps. Where they end, or where there are none,
the default goes on: a worker keeps going until it idles, cannot move or has ended, then the next
one in rotation. So turns say how a run is unusual, and fit other machines as far as they can.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from pel_proof.finite.explore import Move
from pel_proof.runs.text import Text
from pel_spec.fold import Result, agree, fold
from pel_spec.history import End, History, Incarnation
from pel_spec.kernel import BEFORE, Disabled
from pel_spec.scheduler.state import ABSENT, ESTIMATE, At
from pel_spec.transition import Effects, Suspend, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version, Write

MOST_STEPS = 20_000
"""A run that has not ended after so many steps is given up."""


MOST_IN_A_ROW = 500
"""Steps that the default lets one worker take, before it is the next one's turn."""


class Turn(NamedTuple):
    """`worker` takes so many steps, fewer if it cannot go on. Where several moves may come next,
    the first step begins to look at the one with number `pick`, all others at the first."""

    worker: int
    steps: int
    pick: int = 0


class Outcome(StrEnum):
    """How a run has ended."""

    RIGHT = "right"
    """It leaves what the fold leaves."""
    WRONG = "wrong result"
    """It leaves something else."""
    UNFINISHED = "unfinished"
    """It was declared done while a position was not executed, or an ESTIMATE is left in memory."""
    BROKEN = "broken"
    """A worker was given a position that is not in the block."""
    STUCK = "stuck"
    """Nobody can move, or all go round in circles."""
    ENDLESS = "given up"
    """It has taken too many steps: nothing is known of it."""

    @property
    def is_bad(self) -> bool:
        """Did the machine break its promise?"""
        return self not in (Outcome.RIGHT, Outcome.ENDLESS)


class NoSuchPosition(Exception):
    """A worker executes a position that is not in the block."""


class _Wanted(Suspend):
    """The transition wants to read what has not been read yet."""

    def __init__(self, location: Location) -> None:
        super().__init__(BEFORE)
        self.location = location


Next: TypeAlias = Location | Effects
"""What a worker's transition comes to: the location that it wants to read, or its end."""


@dataclass(slots=True)
class _Known:
    """A view of what an incarnation has read so far."""

    state: Any
    version: Version
    values: Mapping[tuple[Version, Location], Read]

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        """What was read, if it was."""
        if not self.state.reads[(*self.version, location)]:
            raise _Wanted(location)
        known = self.values[self.version, location]
        assert known.version is not None
        return known.value, known.version


@dataclass(slots=True)
class Interpreter:
    """A run of `block` by a text. `state` is its machine's."""

    text: Text
    block: TransitionBlock
    workers: int
    state: Any = field(init=False)
    steps: int = field(init=False, default=0)
    _locations: list[Location] = field(init=False, default_factory=list)
    _cells: dict[tuple[int, Location], Value] = field(init=False, default_factory=dict)
    _reads: dict[tuple[Version, Location], Read] = field(init=False, default_factory=dict)
    _effects: dict[int, Effects] = field(init=False, default_factory=dict)
    _recorded: dict[int, tuple[Effects, Version]] = field(init=False, default_factory=dict)
    _next: dict[int, Next] = field(init=False, default_factory=dict)
    _workspace: Any = field(init=False)

    def __post_init__(self) -> None:
        # The list grows, and all of the state knows it: a location is there once it is asked for.
        self.state = self.text.machine(len(self.block.transitions), self.workers, self._locations)
        self._workspace = self.block.workspace()

    # ---- moves --------------------------------------------------------------------------------

    def candidates(self, worker: int) -> list[Move]:
        """What may come next for a worker, as far as can be said without trying."""
        at = self.state.pc[worker]
        if at == At.ENDED:
            return []
        return [
            Move(name, (worker, *arguments))
            for name in self.text.standing[at]
            for arguments in self._arguments(worker, name)
        ]

    def _arguments(self, worker: int, action: str) -> Iterable[tuple[Any, ...]]:
        domains = self.text.domains[action]
        if not domains:
            return ((),)
        return product(*(self._domain(worker, domain) for domain in domains))

    def _domain(self, worker: int, domain: str) -> Iterable[Any]:
        executes = self.state.pc[worker] == At.EXECUTE
        if domain == "Writer":
            return range(BEFORE, self.state.n)
        if domain == "Places" or (domain == "Place" and executes):
            there = self.next_of(worker)
            if isinstance(there, Effects):
                return (frozenset(there.writes),) if domain == "Places" else ()
            return (there,) if domain == "Place" else ()
        return self._locations if domain == "Place" else self.state.positions

    def next_of(self, worker: int) -> Next:
        """What the transition that a worker executes comes to, from what it has read so far."""
        if worker not in self._next:
            state = self.state
            version = Version(state.held[worker], state.held_inc[worker])
            view = _Known(state, version, self._reads)
            if version.position >= state.n:
                raise NoSuchPosition
            transition = self.block.transitions[version.position]
            try:
                effects = run_contained(transition, view, self._workspace)
                self._next[worker] = effects
                self._meet(effects.writes)
            except _Wanted as wanted:
                self._next[worker] = wanted.location
                self._meet((wanted.location,))
        return self._next[worker]

    def _meet(self, locations: Iterable[Location]) -> None:
        self._locations += (x for x in locations if x not in self._locations)

    def moves(self) -> list[Move]:
        """All enabled moves, always in the same order."""
        return [m for w in self.state.workers for m in self.candidates(w) if self.is_enabled(m)]

    def is_enabled(self, move: Move) -> bool:
        """May this come next?"""
        try:
            self.text.actions[move.action](self.state.copy(), *move.arguments)
        except Disabled:
            return False
        return True

    def take(self, move: Move) -> None:
        """One step.

        Raises: `Disabled`, and then nothing has changed.
        """
        worker = move.arguments[0]
        self.text.actions[move.action](self.state, *move.arguments)
        after = _BESIDE.get(move.action)
        if after is not None:
            after(self, *move.arguments)
        self._next.pop(worker, None)
        self.steps += 1

    def step(self, worker: int, pick: int = 0) -> Move | None:
        """One step of a worker: the first of its enabled moves, from number `pick` on; `None` if it
        has none."""
        found = self.candidates(worker)
        pick = pick % len(found) if found else 0
        for move in (*found[pick:], *found[:pick]):
            try:
                self.take(move)
            except Disabled:
                continue
            return move
        self._next.pop(worker, None)  # another one may have begun the same incarnation again
        return None

    # ---- values, beside the machine -----------------------------------------------------------

    def version(self, worker: int) -> Version:
        """What a worker executes."""
        return Version(self.state.held[worker], self.state.held_inc[worker])

    def after_read_cell(self, worker: int, location: Location, k: int) -> None:
        """A read has its value."""
        version = self.version(worker)
        if self.state.reads[(*version, location)]:
            before = self.block.initial(location)
            value = self._cells.get((k, location), before) if k >= 0 else before
            source = self.state.source_inc[(*version, location)]
            found = Version(k, source) if k >= 0 else PRE_STATE
            self._reads[version, location] = Read(location, value, found)

    def after_load_written(self, worker: int, writes: frozenset[Location]) -> None:
        """The transition has ended."""
        effects = self.next_of(worker)
        assert isinstance(effects, Effects)
        self._effects[worker] = effects

    def after_write_cell(self, worker: int, location: Location) -> None:
        """An entry has its value."""
        self._cells[self.state.held[worker], location] = self._effects[worker].writes[location]

    def after_record_done(self, worker: int) -> None:
        """An incarnation's effects are known."""
        version = self.version(worker)
        self._recorded[version.position] = self._effects[worker], version

    # ---- the end ------------------------------------------------------------------------------

    @property
    def has_ended(self) -> bool:
        """Have all workers ended?"""
        return all(self.state.pc[w] == At.ENDED for w in self.state.workers)

    @property
    def snapshot(self) -> tuple[Any, ...]:
        """Everything: two equal ones, and the default goes round in circles."""
        maps = (getattr(item, "values", item) for item in vars(self.state).values())
        return tuple(x.copy() if isinstance(x, dict | list) else x for x in (*maps, self._cells))

    def outcome(self) -> Outcome:
        """How it ended, where it has."""
        state = self.state
        executed = all(i in self._recorded and state.finished(i) for i in state.positions)
        cells = (state.mem[i, x] for i in state.positions for x in self._locations)
        if not executed or ESTIMATE in cells:
            return Outcome.UNFINISHED
        return Outcome.RIGHT if agree(fold(self.block)[0], self.result()) else Outcome.WRONG

    def result(self) -> Result:
        """What is left in memory, and the effects of each position; to be compared with the
        fold's."""
        memory = {}
        for x in self._locations:
            for i in self.state.positions:
                if self.state.mem[i, x] not in (ABSENT, ESTIMATE):
                    memory[x] = self._cells[i, x], Version(i, self.state.mem[i, x])
        missing = Effects({}, fault="was not executed"), PRE_STATE
        effects = (self._recorded.get(i, missing)[0] for i in self.state.positions)
        return Result(memory, tuple(effects))

    def history(self) -> History:
        """The recorded incarnations, with their reads."""
        found = []
        for effects, version in self._recorded.values():
            reads = tuple(
                self._reads[version, x] for x in self._locations if (version, x) in self._reads
            )
            writes = tuple(Write(location, value) for location, value in effects.writes.items())
            found.append(Incarnation(version, reads, writes, End.EXECUTED))
        found.sort(key=lambda incarnation: incarnation.version)
        commits = tuple(incarnation.version for incarnation in found)
        return History(len(self.block.transitions), tuple(found), commits=commits)

    # ---- runs ---------------------------------------------------------------------------------

    def run(self, turns: Iterable[Turn] = (), most_steps: int = MOST_STEPS) -> Outcome:
        """Take the turns as far as they fit, then go on by default until the end."""
        last = 0
        try:
            for turn in turns:
                last = turn.worker % self.workers
                for number in range(turn.steps):
                    if self.step(last, 0 if number else turn.pick) is None:
                        break
            return self._finish(last, most_steps)
        except NoSuchPosition:
            return Outcome.BROKEN

    def _finish(self, first: int, most_steps: int) -> Outcome:
        """Go on by default until the end, beginning with worker `first`."""
        seen, rounds = self.snapshot, 0
        while self.steps < most_steps:
            before = self.steps
            for offset in range(self.workers):
                self._go((first + offset) % self.workers, most_steps)
            if self.has_ended:
                return self.outcome()
            now, rounds = self.snapshot, rounds + 1
            if self.steps == before or now == seen:
                return Outcome.STUCK
            if rounds & (rounds - 1) == 0:  # at each power of two: every circle is noticed
                seen = now
        return Outcome.ENDLESS

    def _go(self, worker: int, most_steps: int) -> None:
        """A worker goes on until it idles, cannot move or has ended; or has gone on for so long
        that it may be going round in circles."""
        for _ in range(min(MOST_IN_A_ROW, most_steps - self.steps)):
            move = self.step(worker)
            if move is None or move.action == "idle":
                return


_BESIDE: Mapping[str, Callable[..., None]] = {
    "read_cell": Interpreter.after_read_cell,
    "load_written": Interpreter.after_load_written,
    "write_cell": Interpreter.after_write_cell,
    "record_done": Interpreter.after_record_done,
}
"""What happens to values after an action."""

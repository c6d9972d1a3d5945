"""Footprints: does a transition depend on anything that it did not record as read?

That it does not is the only thing that the proof assumes of the EVM, so it is tested: each
transition of a block runs again, in a workspace that other executions have used, over a memory
where every location *outside* its recorded reads holds something else. Reads, writes, outcome (gas
and logs are in it) must be the same. And it runs once more with the same values under other
versions, except where composing reads compares versions: there the version is part of what is read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from random import Random
from typing import Any, TypeAlias

from pel_reference.block import Block
from pel_reference.evm_transitions import Outcome
from pel_reference.locations import (
    BALANCE,
    BLOB_GAS,
    CODE,
    EXISTS,
    FEE,
    GAS,
    LOGS,
    NONCE,
    STORAGE,
    SUM,
    WIPE,
    render_location,
    render_value,
)
from pel_reference.requests import DEPOSIT_CONTRACT, DEPOSIT_TOPIC
from pel_reference.transitions import EvmBlock, EvmTransition, compile_block
from pel_reference.validity import DELEGATION_PREFIX
from pel_spec.fold import fold
from pel_spec.transition import Effects, RecordedView, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version

Lookup: TypeAlias = Callable[[Location], tuple[Value, Version]]

_CODES = (b"", b"\x00", bytes.fromhex("6001600055"), DELEGATION_PREFIX + b"\x42" * 20)
_MALFORMED_DEPOSIT = (DEPOSIT_CONTRACT, (DEPOSIT_TOPIC,), b"\x42")


@dataclass(frozen=True, slots=True)
class Violation:
    """A transition that came to something else, though all that it had recorded was the same.

    `scrambled` says what was changed, `difference` what was then different.
    """

    position: int
    tx_index: int | None
    scrambled: str
    difference: str

    def __str__(self) -> str:
        who = f"position {self.position}"
        if self.tx_index is not None:
            who += f" (transaction {self.tx_index})"
        return f"{who}: {self.difference}, when {self.scrambled}"


def _another_code(value: Any, random: Random) -> Value:
    return random.choice([code for code in _CODES if code != value])


def _another_slot(value: Any, random: Random) -> Value:
    return random.choice([0, random.getrandbits(256)]) if value else 1 + random.getrandbits(8)


def _another_amount(value: Any, random: Random) -> Value:
    return random.choice([value // 2, 0]) if value else random.randint(1, 10**9)


_ANOTHER: Mapping[str, Callable[[Any, Random], Value]] = {
    BALANCE: _another_amount,
    NONCE: lambda value, random: value + random.randint(1, 3),
    CODE: _another_code,
    STORAGE: _another_slot,
    WIPE: lambda value, _: not value,
    EXISTS: lambda value, _: not value,
    FEE: _another_amount,
    GAS: _another_amount,
    BLOB_GAS: _another_amount,
    LOGS: lambda value, _: () if value else (_MALFORMED_DEPOSIT,),
    SUM: _another_amount,
}
"""For each kind of location: another value that it could hold."""


class _Scrambler:
    """A memory like the true one below a position, but for the locations it is asked to change."""

    def __init__(self, truth: Lookup, position: int, random: Random) -> None:
        self._truth, self._position, self._random = truth, position, random
        self._known: dict[Location, tuple[Value, Version]] = {}

    def lookup(self, location: Location) -> tuple[Value, Version]:
        """Something else than what is at `location`, and always the same."""
        known = self._known.get(location)
        if known is None:
            known = self._known[location] = self._scramble(location)
        return known

    def _scramble(self, location: Location) -> tuple[Value, Version]:
        kind: Any = location[0]
        another = _ANOTHER[kind](self._truth(location)[0], self._random)
        if kind == WIPE:  # a wipe is there exactly if somebody wrote it
            return another, self.version_below() if another else PRE_STATE
        return another, self.version_below()

    def version_below(self) -> Version:
        """A version that a reader at the position could see, if it is not the first."""
        if self._position == 0:
            return PRE_STATE
        return Version(self._random.randrange(self._position), self._random.randrange(3))


@dataclass(frozen=True, slots=True)
class _Subject:
    """A transition with what it read, wrote and reported in the fold."""

    evm_block: EvmBlock
    transition: EvmTransition
    reads: Mapping[Location, Read]
    effects: Effects
    truth: Lookup

    @property
    def position(self) -> int:
        return self.transition.position

    def recorded(self, location: Location) -> tuple[Value, Version] | None:
        read = self.reads.get(location)
        if read is None or read.version is None:
            return None
        return read.value, read.version

    def compares_version(self, location: Location) -> bool:
        """Whether a composed read looks at the version that this location has."""
        recipient = self.evm_block.facts.fee_recipient
        return location[0] in (STORAGE, WIPE) or location == (BALANCE, recipient)


def _read_differences(expected: Mapping[Location, Read], found: Mapping[Location, Read]) -> str:
    for location in (*expected, *found):
        one, other = expected.get(location), found.get(location)
        if one is None or other is None:
            verb = "no longer reads" if other is None else "also reads"
            return f"it {verb} the {render_location(location)}"
        if (one.value, one.predicate) != (other.value, other.predicate):
            return f"its read of the {render_location(location)} is another"
    return "" if [*expected] == [*found] else "it reads in another order"


def _write_differences(expected: Mapping[Location, Value], found: Mapping[Location, Value]) -> str:
    for location in (*expected, *found):
        if location not in expected or location not in found:
            verb = "also" if location in found else "no longer"
            return f"it {verb} writes the {render_location(location)}"
        before, after = expected[location], found[location]
        if before != after:
            change = f"{render_value(before)} becomes {render_value(after)}"
            return f"it writes the {render_location(location)} differently: {change}"
    return "" if [*expected] == [*found] else "it writes in another order"


def _outcome_differences(expected: Outcome, found: Outcome) -> str:
    for field in fields(Outcome):
        before, after = getattr(expected, field.name), getattr(found, field.name)
        if before != after:
            return f"its {field.name} is another: {before} becomes {after}"
    return ""


def _difference(subject: _Subject, effects: Effects, view: RecordedView) -> str:
    """The first thing that is different, in words; nothing if all is the same."""
    expected = subject.effects
    if effects.fault != expected.fault:
        return f"its internal error is another: {expected.fault} becomes {effects.fault}"
    reported = ""
    if isinstance(expected.outcome, Outcome) and isinstance(effects.outcome, Outcome):
        reported = _outcome_differences(expected.outcome, effects.outcome)
    return (
        reported
        or _write_differences(expected.writes, effects.writes)
        or _read_differences(subject.reads, view.reads)
    )


def _around(subject: _Subject, random: Random) -> Lookup:
    """What was read is the same; everything else is scrambled."""
    scrambler = _Scrambler(subject.truth, subject.position, random)
    return lambda location: subject.recorded(location) or scrambler.lookup(location)


def _reversioned(subject: _Subject, random: Random) -> Lookup:
    """What was read has the same values under other versions, where no version is compared."""
    scrambler = _Scrambler(subject.truth, subject.position, random)

    def lookup(location: Location) -> tuple[Value, Version]:
        recorded = subject.recorded(location)
        if recorded is None:
            return scrambler.lookup(location)
        value, version = recorded
        if subject.compares_version(location):
            return value, version._replace(incarnation=random.randrange(3))
        return value, scrambler.version_below()

    return lookup


def _partly(subject: _Subject, random: Random) -> Lookup:
    """A quarter of what was read is scrambled too: an incarnation that read too early."""
    around = _around(subject, random)
    scrambler = _Scrambler(subject.truth, subject.position, random)
    chosen: dict[Location, Lookup] = {}

    def lookup(location: Location) -> tuple[Value, Version]:
        choose = scrambler.lookup if random.random() < 0.25 else around
        return chosen.setdefault(location, choose)(location)

    return lookup


_CHECKS: tuple[tuple[str, Callable[[_Subject, Random], Lookup]], ...] = (
    ("all that it had not read was something else", _around),
    ("what it had read came from other versions", _reversioned),
)


def _check(subject: _Subject, random: Random) -> Iterator[Violation]:
    """Run a transition again and again in one workspace, and compare where it has to agree."""
    workspace = subject.evm_block.workspace()
    for scrambled, scramble in _CHECKS:
        for used in (_around, _partly):  # so that what is left of other incarnations would show
            run_contained(subject.transition, RecordedView(used(subject, random)), workspace)
        view = RecordedView(scramble(subject, random))
        effects = run_contained(subject.transition, view, workspace)
        difference = _difference(subject, effects, view)
        if difference:
            transition = subject.transition
            yield Violation(transition.position, transition.tx_index, scrambled, difference)


def check_footprint(block: Block, seed: int) -> list[Violation]:
    """Test every transition of the block; the same seed scrambles in the same way.

    Result: at most one violation for a transition and a way to scramble; empty if it holds.
    Raises: `UnsupportedFork`.
    """
    evm_block = compile_block(block)
    result, history = fold(evm_block)
    memory: dict[Location, tuple[Value, Version]] = {}

    def truth(location: Location) -> tuple[Value, Version]:
        found = memory.get(location)
        return found if found is not None else (evm_block.initial(location), PRE_STATE)

    violations: list[Violation] = []
    for transition, incarnation, effects in zip(
        evm_block.transitions, history.incarnations, result.effects, strict=True
    ):
        reads = {read.location: read for read in incarnation.reads}
        subject = _Subject(evm_block, transition, reads, effects, truth)
        violations += _check(subject, Random(f"{seed}/{transition.position}"))
        for location, value in effects.writes.items():
            memory[location] = value, incarnation.version
    return violations

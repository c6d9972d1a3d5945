"""Where two runs of one block part: the first position, the field, and the read that misled it.

The fold is right by definition. The first position (in the preset order) whose effects differ is
where the optimistic run went wrong; the first of its committed incarnation's reads that differs
from the fold's is why. Where no read differs, memory or the transition itself is at fault.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_spec.fold import Result
from pel_spec.history import History
from pel_spec.transition import Effects, TransitionBlock
from pel_spec.vocabulary import Location, Read, Value, Version

MISSING = "(none)"


def place_name(location: Location) -> str:
    """A location for people: its kind, then its parts in hex."""
    parts = (hex(part) if isinstance(part, int) else shorten(part) for part in location[1:])
    return " ".join((str(location[0]), *parts))


def explain(
    block: TransitionBlock, fold: Result, fold_history: History, run: Result, run_history: History
) -> Difference | None:
    """The first difference between a run's result and the fold's, or `None` where they agree."""
    for position, (expected, got) in enumerate(zip(fold.effects, run.effects, strict=True)):
        if expected != got:
            kind, field, left, right = next(effect_differences(expected, got))
            read = _first_misleading_read(fold_history, run_history, position)
            return Difference(
                Oracle.RESULT,
                kind,
                field,
                left,
                right,
                position,
                block.transitions[position].tx_index,
                read=read,
                words=f"its first read that differs: {read}" if read else _NO_READ,
            )
    return _memory_difference(fold, run)


_NO_READ = "every read was the same: the transition itself, or what it leaves behind, differs"


def effect_differences(left: Effects, right: Effects) -> Iterator[tuple[str, str, str, str]]:
    """Each difference between two effects as (kind, field, expected, got); faults come first."""
    if left.fault != right.fault:
        yield "fault", "fault", left.fault or MISSING, right.fault or MISSING
    yield from _outcome_differences(left.outcome, right.outcome)
    for location in sorted(left.writes.keys() | right.writes.keys(), key=repr):
        one, two = (effects.writes.get(location, MISSING) for effects in (left, right))
        if one != two:
            name = place_name(location)
            yield f"write.{location[0]}", f"write of {name}", shorten(one), shorten(two)
    yield "effects", "effects", shorten(left), shorten(right)


def _outcome_differences(left: object, right: object) -> Iterator[tuple[str, str, str, str]]:
    if left == right:
        return
    if type(left) is type(right) and is_dataclass(left):
        for each in fields(left):
            one, two = getattr(left, each.name), getattr(right, each.name)
            if one != two:
                yield f"outcome.{each.name}", each.name, shorten(one), shorten(two)
    else:
        yield "outcome", "outcome", shorten(left), shorten(right)


def _committed_reads(history: History, position: int) -> tuple[Read, ...]:
    return next((i.reads for i in history.committed() if i.version.position == position), ())


def _first_misleading_read(fold: History, run: History, position: int) -> str | None:
    """The first read of the run's committed incarnation that the fold answered otherwise."""
    expected = {read.location: read for read in _committed_reads(fold, position)}
    for read in _committed_reads(run, position):
        right = expected.get(read.location)
        if right is None:
            return None  # from here on it took another path without having been misled
        if (read.value, _position(read)) != (right.value, _position(right)):
            return (
                f"{place_name(read.location)} gave {shorten(read.value)} {_source(read)}, "
                f"where the preset order gives {shorten(right.value)} {_source(right)}"
            )
    return None


def _position(read: Read) -> int | None:
    return read.version.position if read.version is not None else None


def _source(read: Read) -> str:
    if read.version is None:
        return "(no version)"
    position = read.version.position
    return "of the pre-state" if position < 0 else f"written at position {position}"


def _memory_difference(fold: Result, run: Result) -> Difference | None:
    """A difference in what is left behind although every transition did the same."""
    for location in sorted(fold.memory.keys() | run.memory.keys(), key=repr):
        left, right = fold.memory.get(location), run.memory.get(location)
        if _written(left) != _written(right):
            return Difference(
                Oracle.RESULT,
                f"memory.{location[0]}",
                f"final {place_name(location)}",
                _told(left),
                _told(right),
                words="every transition did the same, but the memory that is left differs",
            )
    return None


def _written(entry: tuple[Value, Version] | None) -> tuple[Value, int] | None:
    """The value and who wrote it: incarnations are free."""
    return None if entry is None else (entry[0], entry[1].position)


def _told(entry: tuple[Value, Version] | None) -> str:
    if entry is None:
        return MISSING
    value, version = entry
    return f"{shorten(value)} written at position {version.position}"

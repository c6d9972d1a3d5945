"""A state for people: every field under the name that it has in the text, where it is not as it
began. A worker's variables are shown only while it uses them; whatever a picture leaves out because
there is too much of it, it counts."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from pel_spec.kernel import BEFORE, Field, Map, State, fields
from pel_spec.scheduler.state import ABSENT, ESTIMATE, At

MOST_LINES: Final = 24
"""Positions, and places, that a picture shows."""
MOST_ENTRIES: Final = 12
"""Entries of one field that a line shows."""
LONGEST_NAME: Final = 60
"""Characters of the name of a place."""

LARGE: Final = 10**9
"""From here on numbers are shown in hex, like the hashes that they often are."""

READ_SET: Final = ("reads", "source", "source_inc")
"""Three fields that are shown as one."""

_NUMBERS: Final[Mapping[str, Mapping[int, str]]] = {
    "mem": {ABSENT: "ABSENT", ESTIMATE: "ESTIMATE"},
    "source": {BEFORE: "BEFORE"},
    "record_inc": {-1: "none"},
    "answered": {-1: "none"},
    "published": {-1: "none"},
}
"""Numbers that are words, by field."""


def _between(first: At, last: At) -> Callable[[int], bool]:
    return lambda pc: first <= pc <= last


_USED: Final[Mapping[str, Callable[[int], bool]]] = {
    "held": lambda pc: pc >= At.VAL_LOOK or At.COMMIT_LOOK <= pc <= At.COMMIT_ADVANCE,
    "held_inc": lambda pc: pc >= At.EXECUTE or At.COMMIT_LOAD <= pc <= At.COMMIT_ADVANCE,
    "preferred": lambda pc: pc == At.PREFER_EXEC,
    "observed": _between(At.CD_EXEC, At.CD_AGAIN),
    "blocking": lambda pc: At.READ_ESTIMATE <= pc <= At.MARK_SUSPENDED or pc == At.SUSPEND,
    "lowest": lambda pc: pc == At.RESUME,
    "wrote_new": lambda pc: pc in (At.RECORD, At.PUBLISH) or At.SWAP_DEPS <= pc <= At.FINISH,
    "writes": lambda pc: pc == At.RECORD,
    "before": lambda pc: pc == At.RECORD,
    "todo": lambda pc: pc in (At.RECORD, At.VALIDATE, At.MARK, At.COMMIT_CHECK),
}
"""Where a worker of Block-STM uses a variable; elsewhere what is in it is left over."""


def picture(state: State) -> str:
    """The state in lines: the numbers, the positions, the memory, the workers, the ghosts."""
    shown = _Shown(state)
    return "\n".join(
        (
            shown.numbers(),
            *_few(list(shown.positions())),
            *_few(list(shown.memory())),
            *(shown.worker(w) for w in state.workers if "pc" in shown.declared),
            *shown.ghosts(),
        )
    )


def difference(before: State, after: State) -> str:
    """What has changed from one state to another, a line for each field and index."""
    lines = []
    for name, field in fields(type(before)).items():
        old, new = getattr(before, name), getattr(after, name)
        keys: Iterable[Any] = ((),)
        if isinstance(old, Map):
            keys = sorted({**old.values, **new.values}, key=_sorting)
        for key in keys:
            one, two = (_at(item, key) for item in (old, new))
            if one != two:
                was, now = (_value(name, field, value) for value in (one, two))
                lines.append(f"{name}{_index(key)}: {was} -> {now}")
    return "\n".join(lines) or "nothing has changed"


def standing(state: State, worker: int) -> str:
    """Where a worker stands, and with what."""
    return _Shown(state).worker(worker)


def name_of(place: Hashable) -> str:
    """A place for people: its parts; of addresses, hashes and large numbers only both ends."""
    parts = place if isinstance(place, tuple) else (place,)
    text = " ".join(map(_part, parts))
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _part(part: Hashable) -> str:
    if not isinstance(part, bytes) and not (isinstance(part, int) and part >= LARGE):
        return str(part)
    digits = part.hex() if isinstance(part, bytes) else f"{part:x}"
    return f"0x{digits}" if len(digits) <= 12 else f"0x{digits[:6]}…{digits[-4:]}"


class _Shown:
    """One state, with its fields sorted by what they are about."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.declared = fields(type(state))
        self.rows = {
            name: _rows(getattr(state, name), field)
            for name, field in self.declared.items()
            if field.indices
        }

    def names(self, index: str) -> list[str]:
        """The fields whose first index is of this kind; memory and ghosts are shown apart."""
        return [
            name
            for name, field in self.declared.items()
            if field.kind != "ghost"
            and field.owner != "cell"
            and (field.indices[0] if field.indices else "") == index
        ]

    def numbers(self) -> str:
        told = (
            f"{name} {_value(name, self.declared[name], getattr(self.state, name))}"
            for name in self.names("")
        )
        size = f"{self.state.n} positions, {len(self.state.workers)} workers"
        return ", ".join((size, *told))

    def positions(self) -> Iterator[str]:
        names = [name for name in self.names("Position") if name not in READ_SET]
        for position in self.state.positions:
            told = [*self.told(names, position), *self.read_sets(position)]
            yield f"position {position}: {', '.join(told) or 'as it began'}"

    def worker(self, worker: int) -> str:
        pc = self.state.pc[worker]
        used = [n for n in self.names("Worker") if n != "pc" and _USED.get(n, bool)(pc)]
        where = f"worker {worker} at {_value('pc', self.declared['pc'], pc)}"
        return ", ".join((where, *self.told(used, worker, always=True)))

    def told(self, names: Iterable[str], index: int, *, always: bool = False) -> Iterator[str]:
        """Some fields at their first index; with `always`, single values that are initial too."""
        for name in names:
            field, entries = self.declared[name], self.rows[name].get(index, {})
            if entries:
                yield f"{name} {_entries(name, field, entries)}"
            elif len(field.indices) == 1 and (always or name == "status"):
                yield f"{name} {_value(name, field, field.initial)}"

    def read_sets(self, position: int) -> Iterator[str]:
        """What was read, and from whom: of each incarnation that has read anything."""
        reads, source, source_inc = (self.rows.get(name, {}).get(position, {}) for name in READ_SET)
        by_incarnation: dict[tuple[Any, ...], list[str]] = {}
        for key in reads:
            writer = source.get(key, BEFORE)
            seen = "BEFORE" if writer == BEFORE else f"{writer}.{source_inc.get(key, 0)}"
            by_incarnation.setdefault(key[:-1], []).append(f"{name_of(key[-1])} of {seen}")
        for incarnation, read in by_incarnation.items():
            of = "".join(f" in incarnation {c}" for c in incarnation)
            yield f"read{of}: {{{', '.join(_few(read, MOST_ENTRIES))}}}"

    def memory(self) -> Iterator[str]:
        """The entries in memory, by place."""
        for name, field in self.declared.items():
            if field.owner == "cell":
                places: dict[Hashable, list[str]] = {}
                for position, entries in sorted(self.rows[name].items()):
                    for (place,), value in entries.items():
                        entry = f"{position}: {_value(name, field, value)}"
                        places.setdefault(place, []).append(entry)
                for place, found in places.items():
                    shown = ", ".join(_few(found, MOST_ENTRIES))
                    yield f"{name} of {name_of(place)}: {shown}"

    def ghosts(self) -> Iterator[str]:
        told = [
            f"{name} {{{', '.join(f'{k}: {_entries(name, field, e)}' for k, e in rows.items())}}}"
            for name, field in self.declared.items()
            if field.kind == "ghost" and (rows := self.rows[name]) and len(rows) <= MOST_ENTRIES
        ]
        if told:
            yield f"ghosts: {', '.join(told)}"


def _rows(item: Map, field: Field) -> dict[Any, dict[tuple[Any, ...], Any]]:
    """The values that are not initial, by the first index and then by the others."""
    found: dict[Any, dict[tuple[Any, ...], Any]] = {}
    for key, value in sorted(item.values.items(), key=lambda each: _sorting(each[0])):
        first, *rest = key if isinstance(key, tuple) and len(field.indices) > 1 else (key,)
        if value != field.initial:
            found.setdefault(first, {})[tuple(rest)] = value
    return found


def _entries(name: str, field: Field, entries: Mapping[tuple[Any, ...], Any]) -> str:
    if len(field.indices) == 1:
        return _value(name, field, entries[()])
    told = []
    for key, value in entries.items():
        where = "/".join(map(name_of, key))
        told.append(where if value is True else f"{where}: {_value(name, field, value)}")
    return f"{{{', '.join(_few(told, MOST_ENTRIES))}}}"


def _value(name: str, field: Field, value: Any) -> str:
    if isinstance(field.initial, IntEnum):
        kind = type(field.initial)
        return kind(value).name if value in list(kind) else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _NUMBERS.get(name, {}).get(value, str(value))


def _at(item: Any, key: Any) -> Any:
    return item[key] if isinstance(item, Map) else item


def _index(key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return f"[{', '.join(map(name_of, parts))}]" if parts else ""


def _sorting(key: Any) -> tuple[Any, ...]:
    """Numbers by size, and whatever else there is by how it is written."""
    parts = key if isinstance(key, tuple) else (key,)
    return tuple((0, p, "") if isinstance(p, int) else (1, 0, repr(p)) for p in parts)


def _few(lines: Sequence[str], most: int = MOST_LINES) -> Iterator[str]:
    """The first lines, and how many are left out."""
    yield from lines[:most]
    if len(lines) > most:
        yield f"(and {len(lines) - most} more)"

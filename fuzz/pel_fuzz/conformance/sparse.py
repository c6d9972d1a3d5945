"""Fields that keep only what is not initial, row by row: the same `Map` to the text, but rows are
emptied, copied and filled at the cost of what is in them. Blocks have thousands of locations."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from pel_spec.kernel import Map, fields, row_of
from pel_spec.scheduler.blockstm import BlockStm


class Row(NamedTuple):
    """A row as it is when it is read."""

    entries: Mapping[Any, Any]
    initial: int | bool

    def __call__(self, index: Any) -> Any:
        """The value at the last index."""
        return self.entries.get(index, self.initial)


_EMPTY: Mapping[Any, Any] = {}


class SparseMap(Map):
    """A `Map` of two indices."""

    def __init__(self, last: Iterable[Hashable], initial: int | bool) -> None:
        self.domain = frozenset(last)
        self.last, self.initial = self.domain, initial
        self.rows: dict[Any, dict[Any, Any]] = {}

    @property
    def values(self) -> dict[Any, Any]:  # type: ignore[override]
        """What is not initial."""
        return {(first, last): v for first, row in self.rows.items() for last, v in row.items()}

    def __getitem__(self, key: Any) -> Any:
        first, last = key
        row = self.rows.get(first, _EMPTY)
        return Row(row, self.initial) if type(last) is slice else row.get(last, self.initial)

    def __setitem__(self, key: Any, value: Any) -> None:
        first, last = key
        self._set(first, last, value)

    def copy(self) -> "SparseMap":
        """The same values, to be changed on their own."""
        other = type(self)(self.last, self.initial)
        other.rows = {first: row.copy() for first, row in self.rows.items()}
        return other

    def _set(self, first: Any, last: Any, value: Any) -> None:
        if type(last) is slice:
            self.rows[first] = self._row(value)
        elif value != self.initial:
            self.rows.setdefault(first, {})[last] = value
        elif first in self.rows:
            self.rows[first].pop(last, None)

    def _row(self, value: Any) -> dict[Any, Any]:
        if isinstance(value, Row) and value.initial == self.initial:
            return dict(value.entries)
        if isinstance(value, frozenset) and not self.initial:
            return dict.fromkeys(value & self.domain, True)
        if not callable(value) and value == self.initial:
            return {}
        row = row_of(value)
        return {index: row(index) for index in self.last if row(index) != self.initial}


class SparseMapOfThree(SparseMap):
    """A `Map` of three indices."""

    @property
    def values(self) -> dict[Any, Any]:  # type: ignore[override]
        """What is not initial."""
        return {(*first, last): v for first, row in self.rows.items() for last, v in row.items()}

    def __getitem__(self, key: Any) -> Any:
        one, two, last = key
        row = self.rows.get((one, two), _EMPTY)
        return Row(row, self.initial) if type(last) is slice else row.get(last, self.initial)

    def __setitem__(self, key: Any, value: Any) -> None:
        one, two, last = key
        self._set((one, two), last, value)


def _nothing(*_: Any) -> None:
    """What a ghost update does where nobody looks at ghosts."""


WithoutGhosts: type[BlockStm] = type(
    "WithoutGhosts",
    (BlockStm,),
    {name: _nothing for name in dir(BlockStm) if name.startswith("ghost_")},
)
"""The machine for those who do not evaluate invariants: no action reads a ghost."""


def sparse_state(
    transitions: int, workers: int, locations: tuple[Hashable, ...], *, ghosts: bool = True
) -> BlockStm:
    """The initial state, with such fields."""
    state = (BlockStm if ghosts else WithoutGhosts)(transitions, workers, locations)
    domains = {
        "Position": frozenset(state.positions),
        "Place": frozenset(locations),
        "Worker": frozenset(state.workers),
    }
    for name, field in fields(BlockStm).items():
        if len(field.indices) > 1:
            kind = SparseMap if len(field.indices) == 2 else SparseMapOfThree
            setattr(state, name, kind(domains[field.indices[-1]], field.initial))
    return state

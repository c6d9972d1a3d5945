"""The kernel under the machines of this package: what a state is, and what an action may say of it.

A machine is a class that derives from `State`. Its fields are declared with `shared`, `own`, `log`
and `ghost`, by who may touch them; its actions are methods that `require` something of the state
and then change it; what always holds of it are methods that answer yes or no. All of that is plain
Python, and runs. `pel_proof` reads the same text, and turns it into formulas about any number of
positions, workers and locations: so the text quantifies by `all` and `any` over `s.positions`,
`s.workers` and `s.locations` only, and its parameters are annotated with the types below.

Methods call their state `s`. Numbers are unbounded.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeAlias

Position: TypeAlias = int
"""Of a transition in its block, from 0."""
Writer: TypeAlias = int
"""A position, or `BEFORE`: who wrote what is found in memory."""
Incarnation: TypeAlias = int
Number: TypeAlias = int
Worker: TypeAlias = int
Place: TypeAlias = Hashable
"""A location, or whatever stands for one."""
Places: TypeAlias = frozenset[Hashable]

BEFORE = -1
"""The writer of what was there before the block."""


class Disabled(Exception):
    """An action was asked for in a state where its guard does not hold. Nothing has changed."""


def require(guard: bool) -> None:
    """The guard of an action. All guards of an action stand before its first change."""
    if not guard:
        raise Disabled


class Field:
    """One declared field: what it belongs to, what its indices range over, how it begins."""

    def __init__(
        self, kind: str, owner: str, indices: tuple[str, ...], initial: int | bool, to: str = ""
    ) -> None:
        self.kind, self.owner, self.indices = kind, owner, indices
        self.initial, self.to = initial, to or type(initial).__name__


def shared(owner: str, *indices: str, initial: int | bool) -> Any:
    """A field of the shared object `owner`. An action touches at most one shared object."""
    return Field("shared", owner, indices, initial)


def own(*indices: str, initial: int | bool = 0) -> Any:
    """A local variable of each worker, by its first index. Nobody else looks at it."""
    return Field("own", "", ("Worker", *indices), initial)


def log(*indices: str, initial: int | bool = 0) -> Any:
    """What an incarnation has done: written by its worker while it runs, and then never again."""
    return Field("log", "", indices, initial)


def ghost(*indices: str, initial: int | bool = 0, to: str = "") -> Any:
    """What only the proof knows. No action reads it, and only `ghost_` methods write it."""
    return Field("ghost", "", indices, initial, to)


class Map:
    """The values of an indexed field. `m[i, :]` is a row: all values of the last index."""

    def __init__(self, last: Iterable[Any], initial: int | bool) -> None:
        self.last, self.initial = last, initial
        self.values: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        kind = type(key)
        if kind is tuple:
            if type(key[-1]) is slice:
                return lambda index: self[(*key[:-1], index)]
        elif kind is slice:
            return self.__getitem__
        return self.values.get(key, self.initial)

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is not tuple or type(key[-1]) is not slice:
            self.values[key] = value
            return
        row = row_of(value)
        new = [((*key[:-1], index), row(index)) for index in self.last]
        self.values.update(new)

    def copy(self) -> "Map":
        """The same values, to be changed on their own."""
        other = Map(self.last, self.initial)
        other.values = self.values.copy()
        return other


def row_of(value: Any) -> Callable[[Any], Any]:
    """A row as a function: it is given as one, as a set, or as the one value of all."""
    if callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, frozenset):
        return value.__contains__
    return lambda _: value


class State:
    """A state of a machine over `n` positions. Its fields begin as they are declared."""

    def __init__(self, n: int, workers: int, locations: Sequence[Hashable]) -> None:
        self.n = n
        self.positions, self.workers, self.locations = range(n), range(workers), locations
        domains = {"Position": self.positions, "Place": locations, "Worker": self.workers}
        for name, field in fields(type(self)).items():
            last = domains.get(field.indices[-1], ()) if field.indices else ()
            setattr(self, name, Map(last, field.initial) if field.indices else field.initial)

    def copy(self) -> Any:
        """The same state, to be changed on its own."""
        other = object.__new__(type(self))
        for name, item in vars(self).items():
            other.__dict__[name] = item.copy() if isinstance(item, Map) else item
        return other


_FIELDS: dict[type, dict[str, Field]] = {}


def fields(machine: type) -> dict[str, Field]:
    """The declared fields of a machine, in the order of their declaration."""
    if machine not in _FIELDS:
        found: dict[str, Field] = {}
        for base in reversed(machine.__mro__):
            found |= {name: item for name, item in vars(base).items() if isinstance(item, Field)}
        _FIELDS[machine] = found
    return _FIELDS[machine]


def methods(*parts: type) -> dict[str, Callable[..., Any]]:
    """What the parts of a machine themselves define, in order: its actions, or its invariants."""
    return {
        name: item
        for part in parts
        for name, item in vars(part).items()
        if callable(item) and not name.startswith(("_", "ghost_"))
    }

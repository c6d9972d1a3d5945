"""Finite scopes: a general state of which every value is one of a few, so that all is decided.

A state of a finite world is typed here: enumerations and workers are what they are, numbers are
small, and an index that stands for no position has what every state has there. From a model of
formulas about it comes a native state, on which the text itself then runs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Any

import z3

from pel_proof.machine import Model
from pel_proof.symbolic import Scope, Term, World
from pel_spec.kernel import Field, State, fields

SCOPES = (
    Scope(1, 1, 1),
    Scope(2, 1, 1),
    Scope(2, 2, 1),
    Scope(3, 2, 1),
    Scope(2, 2, 2),
    Scope(3, 3, 1),
    Scope(3, 3, 2),
)
"""Smallest first: whatever shows itself in a small one is shown there."""

NAMES = ("x", "y", "z")
"""What locations are called in native states."""

LEAST = -2
"""The smallest number that a field holds."""

BOTH = (False, True)

RESOURCES = 3_000_000
"""What the solver may spend on one question."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a state: of a field, or of an indexed field at one index."""

    field: str
    index: tuple[int, ...]
    term: Term
    initial: int | bool
    values: Sequence[int | bool]
    """What it may be; numbers are without gaps."""

    @property
    def typing(self) -> Term:
        """It is one of its values."""
        if len(self.values) == 1:
            return self.term == self.values[0]
        if isinstance(self.initial, bool):
            return z3.BoolVal(True)
        return z3.And(self.term >= self.values[0], self.term <= self.values[-1])


class FiniteState:
    """A general state in a finite world, cell by cell. `highest` bounds its numbers."""

    def __init__(self, model: Model, world: World, tag: str = "") -> None:
        assert world.scope is not None
        self.world, self.scope = world, world.scope
        self.highest = self.scope.positions + 1
        self.state = model.state(world, tag)
        self.declared = fields(model.state)
        self.cells = tuple(self._cells())

    def _cells(self) -> Iterator[Cell]:
        for name, field in self.declared.items():
            item, values = getattr(self.state, name), self._values(name, field)
            if not field.indices:
                yield Cell(name, (), item, field.initial, values)
                continue
            for index in product(*map(self._indices, field.indices)):
                term = item[tuple(map(z3.IntVal, index))]
                nowhere = (int(field.initial),) if values is not BOTH else (field.initial,)
                there = self._is_somewhere(field, index)
                yield Cell(name, index, term, field.initial, values if there else nowhere)

    def _is_somewhere(self, field: Field, index: tuple[int, ...]) -> bool:
        """Are all positions of the index positions?"""
        return all(
            domain != "Position" or 0 <= i < self.scope.positions
            for domain, i in zip(field.indices, index, strict=True)
        )

    def _values(self, name: str, field: Field) -> Sequence[int | bool]:
        if isinstance(field.initial, bool):
            return BOTH
        if isinstance(field.initial, IntEnum):
            return range(min(type(field.initial)), max(type(field.initial)) + 1)
        if field.to == "Worker":
            return range(self.scope.workers)
        if name == "num_active":
            return range(self.scope.workers + 1)  # it counts workers, by the numbers they have
        least = LEAST if field.kind in ("own", "log") else min(field.initial, 0)
        return range(least, self.highest + 1)

    def _indices(self, domain: str) -> range:
        """Whatever a formula may look at: beside what there is, what any number may point to."""
        if domain in ("Worker", "Place"):
            return range(self.world.size(domain))
        return range(LEAST, self.highest + 2)

    @property
    def typing(self) -> tuple[Term, ...]:
        """What is known of a state of this scope by its types."""
        return (self.world.n == self.scope.positions, *(cell.typing for cell in self.cells))

    def native(self, machine: type[State], model: z3.ModelRef) -> Any:
        """The state that a model of the formulas describes."""
        state = machine(self.scope.positions, self.scope.workers, NAMES[: self.scope.locations])
        for cell in self.cells:
            value = self.value(cell, model)
            if value == cell.initial:
                continue
            if not cell.index:
                setattr(state, cell.field, value)
                continue
            domains = self.declared[cell.field].indices
            key = tuple(self.argument(d, i) for d, i in zip(domains, cell.index, strict=True))
            getattr(state, cell.field)[key if len(key) > 1 else key[0]] = value
        return state

    def value(self, cell: Cell, model: z3.ModelRef) -> Any:
        """The value of a cell, as the text has it."""
        found = model.eval(cell.term, model_completion=True)
        if isinstance(cell.initial, bool):
            return z3.is_true(found)
        return type(cell.initial)(found.as_long())

    def argument(self, domain: str, number: int) -> Any:
        """An index or an argument, as the text has it."""
        return NAMES[number] if domain == "Place" else number

    def arguments(self, domains: dict[str, str], given: Any, model: z3.ModelRef) -> dict[str, Any]:
        """The arguments of an action in a model; a set of places is what its predicate holds of."""
        found: dict[str, Any] = {}
        for name, domain in domains.items():
            if domain == "Places":
                there = range(self.scope.locations)
                inside = (x for x in there if z3.is_true(model.eval(given[name](x), True)))
                found[name] = frozenset(NAMES[x] for x in inside)
            else:
                number = model.eval(given[name], model_completion=True).as_long()
                found[name] = self.argument(domain, number)
        return found


def solver() -> z3.Solver:
    """A solver for questions in a finite scope."""
    made = z3.Solver()
    made.set(rlimit=RESOURCES)
    return made


def simplest(asked: z3.Solver, cells: Iterable[Cell]) -> z3.ModelRef | None:
    """A model in which, cell by cell, as much as possible is as in the beginning, and numbers are
    small; `None` if there is no model."""
    if asked.check() != z3.sat:
        return None
    model = asked.model()
    for cell in cells:
        for value in _preferred(cell):
            term = cell.term == value
            if z3.is_true(model.eval(term, model_completion=True)):
                asked.add(term)
                break
            asked.push()
            asked.add(term)
            if asked.check() == z3.sat:
                model = asked.model()
                asked.pop()
                asked.add(term)
                break
            asked.pop()
    return model


def _preferred(cell: Cell) -> list[int | bool]:
    if isinstance(cell.initial, bool):
        return [cell.initial]
    small = [value for value in cell.values if 0 <= value < 3 and value != cell.initial]
    return [int(cell.initial), *small]


def has_finite_model(
    build: Callable[[World], Iterable[Term]], scopes: Iterable[Scope] = SCOPES
) -> Scope | None:
    """The first of the scopes in which the hypotheses that `build` makes hold together, of some
    state; `None` if there is no such scope. `build` adds the `typing` of its states itself."""
    for scope in scopes:
        world = World(scope)
        with world.active():
            asked = solver()
            asked.add(*build(world))
            if asked.check() == z3.sat:
                return scope
    return None

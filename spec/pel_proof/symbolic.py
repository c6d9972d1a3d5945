"""States whose values are formulas: over any number of everything, or in a finite scope.

The lifted text (`lift`) speaks in the words below instead of Python's own. In a `World` without a
scope, workers and locations are uninterpreted sorts, positions are the numbers below an unknown
`n`, and `all` is a quantifier. In a world with a `Scope` all of them are a few numbers, and `all`
is a conjunction: there every question is decided, which is where counterexamples come from.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from pel_spec.kernel import Field, fields

ROWS = ("Position", "Place", "Worker")
"""The domains whose values a native state goes through when a row is set."""

Term = Any
"""A Z3 expression, or a number or truth value of Python."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How many positions, workers and locations a finite world has."""

    positions: int
    workers: int
    locations: int


class World:
    """Where formulas live: the sorts, the unknown `n`, and the path through an action."""

    current: "World"

    def __init__(self, scope: Scope | None = None) -> None:
        self.scope = scope
        finite = scope is not None
        opaque = {d: z3.IntSort() if finite else z3.DeclareSort(d) for d in ("Worker", "Place")}
        numbers = ("Position", "Slot", "Writer", "Incarnation", "Number", "int")
        self.sorts = {name: z3.IntSort() for name in numbers} | opaque | {"bool": z3.BoolSort()}
        self.n = z3.Int("n")
        self.num_active: Term = None
        self.path: list[Term] = []
        self.named: list[Term] = []
        self.demands: list[Term] | None = None
        self._choices: list[bool] = []
        self._taken = 0
        self._depth = 0
        self._unused = 0

    @contextmanager
    def active(self) -> Iterator["World"]:
        """Let the lifted words mean this world."""
        before = getattr(World, "current", None)
        World.current = self
        try:
            yield self
        finally:
            if before is not None:
                World.current = before

    # ---- paths ----------------------------------------------------------------------------

    def paths(self, run: Callable[[], Any]) -> Iterator[Any]:
        """Run it once for each way through its branches; `path` and `named` are of that way. One
        such exploration may go on within a step of another."""
        choices: list[bool] = []
        while True:
            self._choices, self._taken, self.path, self.named = choices, 0, [], []
            yield run()
            while choices and not choices[-1]:
                choices.pop()
            if not choices:
                return
            choices[-1] = False

    def branch(self, condition: Term) -> bool:
        """Which way to go here, this time."""
        if isinstance(condition, bool):
            return condition
        if self._taken == len(self._choices):
            self._choices.append(True)
        chosen = self._choices[self._taken]
        self._taken += 1
        self.path.append(condition if chosen else z3.Not(condition))
        return chosen

    def require(self, guard: Term) -> None:
        """A guard is taken for granted; or, where demands are collected, it is to be proved."""
        (self.path if self.demands is None else self.demands).append(_formula(guard))

    # ---- quantifiers ------------------------------------------------------------------------

    def bounds(self, domain: str, x: Term) -> list[Term]:
        """What is known of a value of that domain."""
        if domain == "Position":
            return [x >= 0, x < self.n]
        if domain == "Slot":
            if self.num_active is None:
                raise TypeError("only what is said of a state may speak of its slots")
            return [x >= 0, x < self.num_active]
        if self.scope is not None and domain in ("Worker", "Place"):
            return [x >= 0, x < self.size(domain)]
        return []

    def size(self, domain: str) -> int:
        """How many values a domain has in the finite scope."""
        assert self.scope is not None
        return {
            "Position": self.scope.positions,
            "Worker": self.scope.workers,
            "Slot": self.scope.workers,
            "Place": self.scope.locations,
        }[domain]

    def quantify(self, universal: bool, domains: Sequence[str], body: Callable[..., Term]) -> Term:
        """For all, or for some, values of the domains."""
        if self.scope is not None:
            return self._unfold(universal, domains, body)
        names = list(inspect.signature(body).parameters)
        self._depth += 1  # names depend on nesting alone, so that equal formulas are equal terms
        pairs = list(zip(domains, names, strict=True))
        xs = [z3.Const(f"{name}:{self._depth}", self.sorts[d]) for d, name in pairs]
        inner = _formula(body(*xs))
        self._depth -= 1
        known = [b for d, x in zip(domains, xs, strict=True) for b in self.bounds(d, x)]
        if universal:
            return z3.ForAll(xs, implies(*known, inner))
        return z3.Exists(xs, all_(*known, inner))

    def _unfold(self, universal: bool, domains: Sequence[str], body: Callable[..., Term]) -> Term:
        parts = []
        for values in product(*(range(self.size(d)) for d in domains)):
            terms = [z3.IntVal(value) for value in values]
            pairs = zip(domains, terms, strict=True)
            known = [b for d, x in pairs if d in ("Position", "Slot") for b in self.bounds(d, x)]
            inner = _formula(body(*terms))
            parts.append(implies(*known, inner) if universal else all_(*known, inner))
        return all_(*parts) if universal else any_(*parts)

    def unused(self, name: str, sort: z3.SortRef) -> Term:
        """A constant that this world has not used yet."""
        self._unused += 1
        return z3.Const(f"{name}:{self._unused}", sort)

    def parameter(self, name: str, domain: str) -> Term:
        """The symbolic argument of an action; a set of places is a predicate."""
        if domain == "Places":
            return z3.Function(f"arg:{name}", self.sorts["Place"], z3.BoolSort())
        return z3.Const(f"arg:{name}", self.sorts[domain])


def _formula(x: Term) -> Term:
    return z3.BoolVal(x) if isinstance(x, bool) else x


def _value(x: Term) -> Term:
    if isinstance(x, bool):
        return z3.BoolVal(x)
    return z3.IntVal(int(x)) if isinstance(x, int) else x


# ---- the words of the lifted text ----------------------------------------------------------------


def all_(*parts: Term) -> Term:
    """`and`, and `all` of what is listed."""
    left = [p for p in map(_formula, parts) if not z3.is_true(p)]
    return left[0] if len(left) == 1 else z3.And(left) if left else z3.BoolVal(True)


def any_(*parts: Term) -> Term:
    """`or`."""
    left = [p for p in map(_formula, parts) if not z3.is_false(p)]
    return left[0] if len(left) == 1 else z3.Or(left) if left else z3.BoolVal(False)


def not_(x: Term) -> Term:
    """`not`."""
    return z3.Not(_formula(x))


def implies(*parts: Term) -> Term:
    """All but the last imply the last: the filters of a comprehension."""
    known = [p for p in map(_formula, parts[:-1]) if not z3.is_true(p)]
    return any_(z3.Not(all_(*known)), parts[-1]) if known else _formula(parts[-1])


def forall(*parts: Any) -> Term:
    """`all(... for ...)`."""
    return World.current.quantify(True, parts[:-1], parts[-1])


def exists(*parts: Any) -> Term:
    """`any(... for ...)`."""
    return World.current.quantify(False, parts[:-1], parts[-1])


def ite(condition: Term, yes: Term, no: Term) -> Term:
    """`yes if condition else no`."""
    return z3.If(_formula(condition), _value(yes), _value(no))


def among(x: Term, values: Any) -> Term:
    """`x in values`, of a few values, or of a set of places."""
    if isinstance(values, tuple):
        return any_(*(x == _value(value) for value in values))
    return values(x)


def lowest(x: Term, y: Term) -> Term:
    """`min` of two."""
    return z3.If(x <= y, x, y)


def holds(condition: Term) -> bool:
    """The condition of an `if`: both ways are gone."""
    return World.current.branch(condition)


def require(guard: Term) -> None:
    """The guard of an action."""
    World.current.require(guard)


# ---- states --------------------------------------------------------------------------------------


class SymbolicMap:
    """An indexed field: a function from its indices to a formula, replaced at every change."""

    def __init__(self, world: World, field: Field, name: str, function: Callable[..., Term]):
        self.world, self.field, self.name, self.function = world, field, name, function

    def copy(self) -> "SymbolicMap":
        """The same values, to be changed on their own."""
        return SymbolicMap(self.world, self.field, self.name, self.function)

    def __getitem__(self, key: Any) -> Any:
        key = self._whole(key)
        if isinstance(key[-1], slice):
            function = self.function
            return lambda index: function(*key[:-1], index)
        return self.function(*map(_value, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        key = self._whole(key)
        is_row = isinstance(key[-1], slice)
        fixed = [_value(k) for k in key[: len(key) - is_row]]
        before = self.function
        if is_row:
            new = self._row(value)
        else:
            term = _value(value)
            self._name_old_value(before(*fixed))

            def new(_: Term) -> Term:
                return term

        def function(*indices: Term) -> Term:
            there = [a == b for a, b in zip(indices, fixed, strict=False)]
            return z3.If(all_(*there), new(indices[-1]), before(*indices))

        self.function = function

    def _whole(self, key: Any) -> tuple[Any, ...]:
        """All indices of the field. A row is one of a domain that the text can go through."""
        whole = key if isinstance(key, tuple) else (key,)
        if len(whole) != len(self.field.indices):
            raise TypeError(f"{self.name} has {len(self.field.indices)} indices, not {len(whole)}")
        if isinstance(whole[-1], slice) and self.field.indices[-1] not in ROWS:
            raise TypeError(f"{self.name} has no rows over {self.field.indices[-1]}")
        return whole

    def _row(self, value: Any) -> Callable[[Term], Term]:
        """A whole row, as it is now: what it was taken from may change later."""
        if not callable(value) and not isinstance(value, z3.FuncDeclRef):
            term = _value(value)
            return lambda _: term
        index = self.world.unused("row", self.world.sorts[self.field.indices[-1]])
        term = _value(value(index))
        return lambda x: z3.substitute(term, (index, x))

    def _name_old_value(self, old: Term) -> None:
        """Say the term that is overwritten, so that what is known of it is found by matching. The
        name is used for nothing else, so this says nothing but that."""
        self.world.named.append(self.world.unused(f"old:{self.name}", old.sort()) == old)


class SymbolicState:
    """The base of lifted machines, in the place of `pel_spec.kernel.State`."""

    def __init__(self, world: World, tag: str = "") -> None:
        values: dict[str, Any] = {}
        declared = fields(type(self))
        for name, field in declared.items():
            to = world.sorts[field.to if field.to in world.sorts else "int"]
            if field.indices:
                domain = [world.sorts[index] for index in field.indices]
                values[name] = SymbolicMap(world, field, name, z3.Function(name + tag, *domain, to))
            else:
                values[name] = z3.Const(name + tag, to)
        self.__dict__.update(world=world, n=world.n, declared=declared, values=values)

    def __getattribute__(self, name: str) -> Any:
        values = object.__getattribute__(self, "__dict__").get("values", {})
        return values[name] if name in values else object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["values"][name] = _value(value)

    def copy(self) -> Any:
        """The same values, to be changed on their own."""
        other = object.__new__(type(self))
        values = self.__dict__["values"].items()
        copied = {k: v.copy() if isinstance(v, SymbolicMap) else v for k, v in values}
        other.__dict__.update(self.__dict__ | {"values": copied})
        return other

    def say(self, statement: Callable[..., Term], *arguments: Term) -> Term:
        """What a method of the text says of this state. Its slots are those of this state."""
        world = self.__dict__["world"]
        before, world.num_active = world.num_active, self.__dict__["values"].get("num_active")
        try:
            return _formula(statement(self, *arguments))
        finally:
            world.num_active = before

"""A machine twice: as Python runs it, and as formulas, which a model with the same values decides.

The formulas are those of a finite world, or those that the proof is about, with their quantifiers
written out. An index that is out of range natively gives the initial value; in the models,
functions have that value wherever a state says nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from itertools import product
from typing import Any

import z3

from lifting.drawn import MOST, PLACES, WORKERS, Ranges, around
from pel_proof import machine
from pel_proof.symbolic import Scope, World
from pel_spec.kernel import Disabled, Field, Map, fields

WRITTEN_OUT = range(-1, MOST + 1)
"""The numbers in the place of all numbers: quantifiers' own bounds pick the right ones."""

Term = Any


class Lifted:
    """Formulas of a world, with models in which they have a value. Written out, the quantifiers of
    the unbounded world range over the same few values as a finite one's."""

    def __init__(self, scope: Scope | None) -> None:
        self.world = World(scope)
        self.elements: dict[str, list[Term]] = {}
        if scope is None:
            for domain, size in (("Worker", WORKERS), ("Place", PLACES)):
                names = [f"{domain}:{k}" for k in range(size)]
                sort, self.elements[domain] = enumeration(domain, tuple(names))
                self.world.sorts[domain] = sort
        self.context = z3.main_ctx()
        self.model: z3.ModelRef = z3.Model()
        self.parameter = cache(self.world.parameter)

    def value(self, domain: str, value: Any) -> Term:
        """A value of Python as a formula."""
        if domain in self.elements:
            return self.elements[domain][value]
        return BOOLS[value] if isinstance(value, bool) else number(int(value))

    def begin(self, *states: Any, tags: tuple[str, ...] = ("", "/m")) -> None:
        """A model in which the functions have the values of these states."""
        self.model = z3.Model()
        for state, tag in zip(states, tags, strict=False):
            for name, field in fields(type(state)).items():
                item = getattr(state, name)
                sorts = [self.world.sorts[d] for d in field.indices]
                to = field.to if field.to in self.world.sorts else "int"
                if not field.indices:
                    self.let(z3.Const(name + tag, self.world.sorts[to]), self.value(to, item))
                    continue
                function = z3.Function(name + tag, *sorts, self.world.sorts[to])
                found = {k if isinstance(k, tuple) else (k,): v for k, v in item.values.items()}
                entries = {
                    tuple(map(self.value, field.indices, k)): self.value(to, v)
                    for k, v in found.items()
                }
                self.let_function(function, entries, self.value(to, field.initial))
        self.let(self.world.n, number(states[0].n))

    def let(self, constant: Term, value: Term) -> None:
        """A constant has this value."""
        z3.Z3_add_const_interp(
            self.context.ref(), self.model.model, constant.decl().ast, value.as_ast()
        )

    def let_function(self, f: Any, entries: Mapping[Any, Term], otherwise: Term) -> None:
        """A function has these values, and one everywhere else."""
        ref = self.context.ref()
        added = z3.Z3_add_func_interp(ref, self.model.model, f.ast, otherwise.as_ast())
        made = z3.FuncInterp(added, self.context)  # which keeps it alive
        for key, value in entries.items():
            vector = z3.AstVector(None, self.context)
            for part in key:
                vector.push(part)
            z3.Z3_func_interp_add_entry(ref, made.f, vector.vector, value.as_ast())

    def call(self, signature: Mapping[str, str], given: tuple[Any, ...]) -> None:
        """The parameters have these values."""
        for (name, domain), value in zip(signature.items(), given, strict=True):
            parameter = self.parameter(name, domain)
            if domain == "Places":
                entries = {(self.value("Place", x),): BOOLS[True] for x in value}
                self.let_function(parameter, entries, BOOLS[False])
            else:
                self.let(parameter, self.value(domain, value))

    def written_out(self, term: Term) -> Term:
        """Without quantifiers."""
        found: dict[int, Term] = {}
        outermost_quantifiers(term, found, set())
        pairs = [(q, self._instances(q)) for q in found.values()]
        return z3.substitute(term, *pairs) if pairs else term

    def _instances(self, term: z3.QuantifierRef) -> Term:
        sorts = [term.var_sort(k) for k in range(term.num_vars())]
        every = [
            list(map(number, WRITTEN_OUT)) if sort == z3.IntSort() else enumerated(sort)
            for sort in sorts
        ]
        cases = [z3.substitute_vars(term.body(), *reversed(xs)) for xs in product(*every)]
        parts = [self.written_out(case) for case in cases]
        return z3.And(parts) if term.is_forall() else z3.Or(parts)

    def says(self, term: Term) -> Term:
        """The value of a formula."""
        return self.model.eval(term, model_completion=True) if z3.is_expr(term) else term

    def equal(self, native: Any, term: Any, field: Field | None = None) -> bool:
        """Has a formula, or what the lifter has found already, the value that Python has found?"""
        if not z3.is_expr(term):
            return bool(native == term)
        domain = field.to if field is not None else "int"
        return bool(self.says(term).eq(self.value(domain, native)))


BOOLS = {value: z3.BoolVal(value) for value in (False, True)}


@cache
def number(value: int) -> Term:
    return z3.IntVal(value)


@cache
def enumeration(name: str, values: tuple[str, ...]) -> Any:
    return z3.EnumSort(name, values)


def enumerated(sort: Any) -> list[Term]:
    return [sort.constructor(k)() for k in range(sort.num_constructors())]


def outermost_quantifiers(term: Term, found: dict[int, Term], seen: set[int]) -> None:
    if term.get_id() in seen:
        return
    seen.add(term.get_id())
    if z3.is_quantifier(term):
        found[term.get_id()] = term
        return
    for child in term.children():
        outermost_quantifiers(child, found, seen)


# ---- side by side --------------------------------------------------------------------------------


@dataclass
class Way:
    """One way through a lifted action: when it is taken, what it changes, what it returns."""

    guard: Term
    changed: dict[str, dict[tuple[int, ...], Term]]
    returned: Any


class Twin:
    """A machine, natively and lifted: its statements, and its actions. The state that actions
    change is the last of the states; those before it they only look at."""

    def __init__(self, lifted: Lifted, model: machine.Model, tag: str = "") -> None:
        self.lifted = lifted
        self.compared: Counter[str] = Counter()
        self.seen: set[tuple[str, Any]] = set()
        self.statements, self.actions = model.invariants, model.actions
        self.signatures = {
            name: machine.parameters(f) for name, f in {**model.invariants, **model.actions}.items()
        }
        with lifted.world.active():
            self.before = model.state(lifted.world, tag)
        self.term, self.ways = cache(self._term), cache(self._ways)

    def _term(self, name: str) -> Term:
        with self.lifted.world.active() as world:
            given = [world.parameter(p, domain) for p, domain in self.signatures[name].items()]
            return self.lifted.written_out(self.before.say(self.statements[name], *given))

    def _ways(self, name: str) -> list[Way]:
        returned: list[Any] = []
        action = self.actions[name]

        @wraps(action)
        def recorded(*state: Any, **given: Any) -> None:
            returned[:] = [action(*state, **given)]

        with self.lifted.world.active() as world:
            found = machine.paths(world, self.before, name, recorded)
            return [self._way(path, returned[0]) for path in found]

    def every_way(self) -> set[tuple[str, int]]:
        """All ways through all actions."""
        return {(name, k) for name in self.actions for k in range(len(self.ways(name)))}

    def _way(self, path: machine.Path, returned: Any) -> Way:
        before, after = self.before.__dict__["values"], path.after.__dict__["values"]
        changed: dict[str, dict[tuple[int, ...], Term]] = {}
        for name, field in path.after.declared.items():
            if not field.indices:
                if before[name] is not after[name]:
                    changed[name] = {(): after[name]}
            elif before[name].function is not after[name].function:
                changed[name] = {
                    at: after[name][tuple(map(self.lifted.value, field.indices, at))]
                    for at in product(*map(around, field.indices))
                }
        return Way(self.lifted.written_out(z3.And(path.guards)), changed, returned)

    # Each comparison gives what it finds different.

    def statements_of(self, state: Any, only: str = "") -> Iterator[str]:
        """What is said of a state. The model is begun."""
        ranges = Ranges(state)
        for name in [only] if only else self.statements:
            term, signature = self.term(name), self.signatures[name]
            for given in product(*(ranges[d] for d in signature.values())):
                self.lifted.call(signature, given)
                native = getattr(state, name)
                native = native(*given) if callable(native) else native
                self.compared["statements"] += 1
                self.seen.add((name, native))
                if not self.lifted.equal(native, term):
                    yield f"{name}{given}: {native}, lifted {self.lifted.says(term)}"

    def actions_of(self, actions: Mapping[str, Any], *states: Any, only: str = "") -> Iterator[str]:
        """Where the actions lead. The model is begun."""
        after, ranges = states[-1].copy(), Ranges(states[-1])
        for name in [only] if only else self.actions:
            ways, signature = self.ways(name), self.signatures[name]
            for given in product(*(ranges[d] for d in signature.values())):
                self.lifted.call(signature, given)
                enabled = [way for way in ways if self.lifted.equal(True, way.guard)]
                self.compared["actions"] += 1
                try:
                    returned = actions[name](*states[:-1], after, *given)
                except Disabled:
                    if enabled:
                        yield f"{name}{given} is enabled when it is lifted"
                    continue
                if len(enabled) != 1:
                    yield f"{name}{given} is enabled, and lifted has {len(enabled)} ways"
                else:
                    self.seen.add((name, ways.index(enabled[0])))
                    found = self._successors(enabled[0], states[-1], after, returned)
                    yield from (f"{name}{given}: {line}" for line in found)
                after = states[-1].copy()

    def _successors(self, way: Way, before: Any, after: Any, returned: Any) -> Iterator[str]:
        if returned is not None and not self.lifted.equal(returned, way.returned):
            yield f"returns {returned}, lifted {way.returned}"
        for name, field in fields(type(after)).items():
            native = getattr(after, name)
            if name not in way.changed:
                if plain(native) != plain(getattr(before, name)):
                    yield f"changes {name}, and not lifted"
                continue
            for at, term in way.changed[name].items():
                value = native[at if len(at) > 1 else at[0]] if at else native
                self.compared["values"] += 1
                if not self.lifted.equal(value, term, field):
                    yield f"{name}{at} becomes {value}, lifted {self.lifted.says(term)}"


def plain(item: Any) -> Any:
    """The values of a field, without those that it has anyway."""
    if not isinstance(item, Map):
        return item
    return {key: value for key, value in item.values.items() if value != item.initial}

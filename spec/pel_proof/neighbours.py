"""Which two actions never follow each other on one shared object: proved, of any number of workers.

Between the two steps others may come, on other objects, of anybody. What is known nevertheless:

- The state after the first step and the state before the second both have all invariants.
- The object is the same in both, and so is whatever changes only in steps on that object.
- Each of the two workers has, between the two, only taken steps that come neither on that object
  (if they change it, or if both of the two do) nor change what names the object to it. So where it
  stands is one of a few places, and it still has the same version, or the same blocking position.

Where these contradict each other, the pair cannot happen. Where they do not, nothing is said.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import z3

from pel_proof.machine import Model, Path
from pel_proof.obligations import Obligation, Setting
from pel_proof.runs.text import Text
from pel_proof.symbolic import SymbolicMap, Term, World, all_, any_
from pel_spec.kernel import fields
from pel_spec.scheduler.state import At

NAMING = ("held", "blocking")
"""What names a shared object to a worker."""
VERSION = ("held", "held_inc", "blocking")
"""What a worker keeps between two steps, if none between them changes it."""

Objects = Mapping[str, tuple[str, ...]]
"""For each action the kind of its object, and the variable of the worker that names it: none where
there is one object of the kind, `*` where the step itself names it."""


class _Later(World):
    """A world whose parameters and helpers are not those of another one."""

    def parameter(self, name: str, domain: str) -> Term:
        """The argument of the later action."""
        return super().parameter(f"later:{name}", domain)

    def unused(self, name: str, sort: z3.SortRef) -> Term:
        """A constant that neither world has used yet."""
        return super().unused(f"later:{name}", sort)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A way through an action leads a worker from one place to another; `writes` are those of its
    variables, of `VERSION`, that it changes."""

    action: str
    before: At
    after: At
    writes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Region:
    """Where a worker may stand, and what it keeps."""

    places: frozenset[At]
    keeps: tuple[str, ...]

    def kept(self, worker: Term, standing: Any, one: Any, other: Any) -> Term:
        """The worker stands there, and has in one state what it has in the other."""
        same = (getattr(one, v)[worker] == getattr(other, v)[worker] for v in self.keeps)
        return all_(any_(*(standing.pc[worker] == int(at) for at in self.places)), *same)


class Neighbours:
    """The question for a machine of workers, which stands in `text` as it runs."""

    def __init__(self, model: Model, text: Text, objects: Objects) -> None:
        self.model, self.text, self.objects = model, text, objects
        self.world, self.later = World(), _Later()
        with self.world.active():
            self.first = Setting.of(model, self.world)
        with self.later.active():
            self.second = Setting.of(model, self.later, "'")

    # ---- obligations ------------------------------------------------------------------------

    def obligations(self, first: str, then: str) -> Iterator[Obligation]:
        """`then`, by another worker, never comes next on the object after `first`: of each way
        through the one and the other."""
        with self.world.active():
            ways = list(self.first.paths(first))
        with self.later.active():
            later = list(self.second.paths(then))
        for one in ways:
            for other in later:
                yield self._obligation(one, other)

    def _obligation(self, one: Path, other: Path) -> Obligation:
        w, v = one.arguments["w"], other.arguments["w"]
        here, there = self._index(one, self.first.before), self._index(other, self.second.before)
        known = [*self.first.size, w != v, *one.guards, *one.named, *other.guards, *other.named]
        known += [here == there] if here is not None else []
        known += self._unchanged(one, here)
        both = one.action not in self.looks and other.action not in self.looks
        after, before = one.after, self.second.before
        region = self._forward(one, both)
        if region is not None:
            known.append(region.kept(w, before, after, before))
        region = self._backward(other, both)
        if region is not None:
            known.append(region.kept(v, after, after, before))
        named = (*self.first.invariants, *((f"{n}'", t) for n, t in self.second.invariants))
        goal = z3.BoolVal(False)
        return Obligation("neighbours", one.name, other.name, tuple(known), goal, named)

    def _index(self, path: Path, state: Any) -> Term | None:
        """Which object of its kind a step touches."""
        _, *names = self.objects[path.action]
        if not names:
            return None
        if names == ["*"]:
            return path.arguments.get("x", path.arguments.get("k"))
        return getattr(state, names[0])[path.arguments["w"]]

    def _unchanged(self, one: Path, index: Term | None) -> Iterator[Term]:
        """The object after the first step is the object before the second."""
        kind, after, before = self.objects[one.action][0], one.after, self.second.before
        for name, field in fields(self.model.state).items():
            old, new = getattr(after, name), getattr(before, name)
            if name not in self._with[kind] and (field.kind, field.owner) != ("shared", kind):
                continue
            if not field.indices:
                yield new == old
                continue
            fixed = 1 if kind == "cell" else 0
            xs = [z3.Const(f"{d}:{k}", self.world.sorts[d]) for k, d in enumerate(field.indices)]
            free = [x for k, x in enumerate(xs) if k != fixed]
            key = tuple(index if k == fixed else x for k, x in enumerate(xs))
            same = new[key] == old[key]
            yield z3.ForAll(free, same) if free else same

    # ---- what is a look -----------------------------------------------------------------------

    @cached_property
    def looks(self) -> frozenset[str]:
        """The actions that change nothing shared, whichever way they take."""
        shared = {
            name for name, field in fields(self.model.state).items() if field.kind == "shared"
        }
        with self.world.active():
            changing = {
                path.action
                for path in self.first.paths()
                if not all(_is_same(path.after, self.first.before, name) for name in shared)
            }
        return frozenset(self.model.actions) - changing

    # ---- what changes only with an object ---------------------------------------------------

    @cached_property
    def _with(self) -> Mapping[str, frozenset[str]]:
        """By kind of object: the fields that are no part of it, and change only at the same
        position, in steps on the object of that position."""
        writers: dict[str, list[Path]] = {}
        with self.world.active():
            for path in self.first.paths():
                for name, field in fields(self.model.state).items():
                    is_of_position = field.kind == "ghost" and field.indices == ("Position",)
                    if is_of_position and not _is_same(path.after, self.first.before, name):
                        writers.setdefault(name, []).append(path)
        found: dict[str, set[str]] = {kind: set() for kind, *_ in self.objects.values()}
        for name, changing in writers.items():
            kinds = {self.objects[path.action][0] for path in changing}
            if len(kinds) == 1 and all(self._only_there(path, name) for path in changing):
                found[kinds.pop()].add(name)
        return {kind: frozenset(names) for kind, names in found.items()}

    def _only_there(self, path: Path, name: str) -> bool:
        """Is the field changed only where the object of the step is?"""
        index, elsewhere = self._index(path, self.first.before), z3.Int("elsewhere")
        if index is None or index.sort() != z3.IntSort():
            return False
        asked = z3.Solver()
        old, new = getattr(self.first.before, name), getattr(path.after, name)
        asked.add(*path.guards, elsewhere != index, new[elsewhere] != old[elsewhere])
        return bool(asked.check() == z3.unsat)

    # ---- where the two workers can be -------------------------------------------------------

    @cached_property
    def _edges(self) -> tuple[_Edge, ...]:
        with self.world.active():
            return tuple(edge for path in self.first.paths() for edge in self._ways_of(path))

    def _ways_of(self, path: Path) -> Iterator[_Edge]:
        """From each place where the action can come, to wherever this way through it leads."""
        worker, before = path.arguments["w"], self.first.before
        writes = frozenset(v for v in VERSION if not _is_same(path.after, before, v))
        goes = z3.simplify(path.after.pc[worker])
        for at in self._stands(path.action):
            for to in _places(goes, before.pc[worker], at):
                yield _Edge(path.action, at, to, writes)

    def _stands(self, action: str) -> list[At]:
        return [at for at in At if action in self.text.standing[at]]

    def _forward(self, one: Path, both: bool) -> _Region | None:
        """Where the first worker may be before the second step; `None`: anywhere."""
        goes = {edge.after for edge in self._ways_of(one)}
        return self._region(one.action, goes, both, forward=True)

    def _backward(self, other: Path, both: bool) -> _Region | None:
        """Where the second worker may have been after the first step; `None`: anywhere."""
        return self._region(other.action, self._stands(other.action), both, forward=False)

    def _region(
        self, action: str, start: Iterable[At], both: bool, *, forward: bool
    ) -> _Region | None:
        kind, *names = self.objects[action]
        if names == ["*"]:
            return None
        places, written, left = set(start), set[str](), list(start)
        while left:
            at = left.pop()
            for edge in self._edges:
                begin, end = (edge.before, edge.after)[:: 1 if forward else -1]
                is_on_it = self.objects[edge.action] == (kind, *names)
                if begin != at or (is_on_it and (both or edge.action not in self.looks)):
                    continue
                if edge.writes & set(names):
                    return None
                written |= edge.writes
                if end not in places:
                    places.add(end)
                    left.append(end)
        return _Region(frozenset(places), tuple(v for v in VERSION if v not in written))


def _is_same(after: Any, before: Any, name: str) -> bool:
    """Has a field not been assigned to?"""
    new, old = getattr(after, name), getattr(before, name)
    if isinstance(new, SymbolicMap):
        return new.function is old.function
    return bool(new.eq(old))


def _places(term: Term, unmoved: Term, at: At) -> Iterator[At]:
    """Where a worker that stood at `at` has come to, from a formula for its place.

    Raises: `TypeError`, if the formula is more than a choice of places.
    """
    if z3.is_int_value(term):
        yield At(term.as_long())
    elif z3.is_app_of(term, z3.Z3_OP_ITE):
        for part in term.children()[1:]:
            yield from _places(part, unmoved, at)
    elif term.eq(unmoved):
        yield at
    else:
        raise TypeError(f"{term} is no place")

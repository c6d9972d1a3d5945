"""What can happen does happen: a run from the initial state for each way through each action.

Random walks over the text, with transitions that read and write anything, in a finite scope and
from a fixed seed. Which way through an action a step has taken is told by the guards of its path
(`machine.paths`), evaluated in the native state before it. A run that is found is a list of moves,
and anybody can `replay` it.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from random import Random
from typing import Any

import z3

from pel_proof.finite.explore import Move, domains
from pel_proof.machine import Model, Path, parameters, paths
from pel_proof.runs.text import Text
from pel_proof.symbolic import Scope, Term, World
from pel_spec.kernel import Disabled, State, fields
from pel_spec.scheduler.state import At

SCOPE = Scope(4, 3, 2)
"""Large enough for all of Block-STM's ways."""

SEEDS = (3303, 185, 2826, 780, 960, 3124, *range(200))
"""Walks of Block-STM that come everywhere; and what is tried where the text is another one."""

LONGEST = 400
"""Steps of a walk."""

INCARNATIONS = range(4)
"""The numbers that walks of the abstract machine give to incarnations."""

Run = tuple[Move, ...]

_MEANING: Mapping[int, Callable[[Iterator[Any]], Any]] = {
    z3.Z3_OP_TRUE: lambda _: True,
    z3.Z3_OP_FALSE: lambda _: False,
    z3.Z3_OP_AND: all,
    z3.Z3_OP_OR: any,
    z3.Z3_OP_NOT: lambda xs: not next(xs),
    z3.Z3_OP_EQ: lambda xs: operator.eq(*xs),
    z3.Z3_OP_DISTINCT: lambda xs: operator.ne(*xs),
    z3.Z3_OP_LE: lambda xs: operator.le(*xs),
    z3.Z3_OP_LT: lambda xs: operator.lt(*xs),
    z3.Z3_OP_GE: lambda xs: operator.ge(*xs),
    z3.Z3_OP_GT: lambda xs: operator.gt(*xs),
    z3.Z3_OP_ADD: sum,
    z3.Z3_OP_SUB: lambda xs: operator.sub(*xs),
}


def value(term: Term, state: State, arguments: Mapping[str, Any]) -> Any:
    """The value of a term without quantifiers in a native state, whose locations are numbers."""
    if z3.is_int_value(term):
        return term.as_long()
    kind = term.decl().kind()
    if kind == z3.Z3_OP_ITE:
        condition, yes, no = term.children()
        return value(yes if value(condition, state, arguments) else no, state, arguments)
    values = (value(child, state, arguments) for child in term.children())
    if kind != z3.Z3_OP_UNINTERPRETED:
        return _MEANING[kind](values)
    index, name = tuple(values), term.decl().name()
    if name.startswith("arg:"):
        given = arguments[name.removeprefix("arg:")]
        return index[0] in given if index else given
    item = getattr(state, name)
    return item[index if len(index) > 1 else index[0]] if index else item


class Ways:
    """The ways through the actions of a model in a finite scope, told apart in native states."""

    def __init__(self, model: Model, scope: Scope) -> None:
        world = World(scope)
        with world.active():
            before = model.state(world)
            self.of: dict[str, list[Path]] = {
                name: list(paths(world, before, name, action))
                for name, action in model.actions.items()
            }
        self.names = tuple(path.name for found in self.of.values() for path in found)

    def forks(self, text: Text) -> list[At]:
        """Where a worker stands before an action that can go several ways."""
        forking = {name for name, found in self.of.items() if len(found) > 1}
        return [at for at in At if forking.intersection(text.standing[at])]

    def taken(self, state: State, move: Move) -> str:
        """The way that `move`, which is enabled in `state`, takes."""
        found = self.of[move.action]
        given = dict(zip(found[0].arguments, move.arguments, strict=True))
        fits = (p for p in found if all(value(guard, state, given) for guard in p.guards))
        return next(fits).name


def replay(machine: type[State], scope: Scope, run: Run) -> Any:
    """The state to which a run leads.

    Raises: `Disabled`, if it is none.
    """
    state = _start(machine, scope)
    for action, arguments in run:
        getattr(machine, action)(state, *arguments)
    return state


def _start(machine: type[State], scope: Scope) -> State:
    return machine(scope.positions, scope.workers, range(scope.locations))


def witnesses(
    model: Model,
    machine: type[State],
    scope: Scope,
    final: Callable[[Any], bool],
    seeds: Iterable[int] = SEEDS,
) -> dict[str, Run | None]:
    """For each way through each action, a run whose last step takes it; and `final`, a run to a
    state of which that is true. `None` for what was not found by a walk from each of the seeds."""
    ways, text = Ways(model, scope), Text.of(machine, model)
    found: dict[str, Run | None] = {**dict.fromkeys(ways.names), "final": None}
    for seed in seeds:
        if None not in found.values():
            break
        for way, run in discovered(
            ways, _Walk(ways, model, text, scope, seed), final, found
        ).items():
            found[way] = run
    return found


def discovered(
    ways: Ways, walk: "_Walk", final: Callable[[Any], bool], known: Mapping[str, Run | None]
) -> dict[str, Run]:
    """What a walk comes upon that is not known yet."""
    found: dict[str, Run] = {}
    for _ in range(LONGEST):
        if not walk.step():
            break
        action = walk.moves[-1].action
        new = {p.name for p in ways.of[action] if not known[p.name] and p.name not in found}
        way = ways.taken(walk.before, walk.moves[-1]) if new else ""
        if way in new:
            found[way] = tuple(walk.moves)
        if "final" not in found and not known["final"] and final(walk.state):
            found["final"] = tuple(walk.moves)
    return found


class _Walk:
    """A random walk. A worker that comes to one of a few points may fall asleep there, and others
    overtake it far: what is rare is mostly one that has looked, and acts much later."""

    def __init__(self, ways: Ways, model: Model, text: Text, scope: Scope, seed: int) -> None:
        self.text, self.random = text, Random(seed)
        self.state: Any = _start(text.machine, scope)
        self.before = self.state
        self.moves: list[Move] = []
        self.has_workers = "pc" in fields(text.machine)
        self.movers = range(scope.workers if self.has_workers else 1)
        self.mover, self.asleep = 0, dict.fromkeys(self.movers, 0)
        forks = self.random.sample(ways.forks(text), 3) if self.has_workers else []
        self.points = {At.EXECUTE, *forks, *self.random.sample(sorted(At), 2)}
        commits = self.random.choice((0.01, 0.3))
        self.rarely = {"commit_next": commits, "load_written": 0.1, "abort": 0.1}
        ends = {"Number": range(scope.positions + 1), "Incarnation": INCARNATIONS}
        self.values = {**domains(self.state), **ends}
        self.signatures = {name: tuple(parameters(a).values()) for name, a in model.actions.items()}

    def step(self) -> bool:
        """A step of somebody, if anybody can; `before` is the state before it."""
        self.before = self.state.copy()
        for _ in range(4 * len(self.movers)):
            for move in self._candidates():
                try:
                    self.text.actions[move.action](self.state, *move.arguments)
                except Disabled:
                    continue
                self.moves.append(move)
                if self.has_workers and self._pauses(move):
                    self._switch()
                return True
            self._switch()
        return False

    def _pauses(self, move: Move) -> bool:
        if self.state.pc[self.mover] in self.points and self.random.random() < 0.7:
            self.asleep[self.mover] = len(self.moves) + self.random.choice((5, 20, 50, 100))
        return move.action == "idle" or self.asleep[self.mover] > len(self.moves)

    def _switch(self) -> None:
        awake = [mover for mover in self.movers if self.asleep[mover] <= len(self.moves)]
        self.mover = self.random.choice(awake or self.movers)

    def _candidates(self) -> list[Move]:
        """What may come next for the one whose turn it is, in a random order."""
        names: Iterable[str] = self.text.actions
        if self.has_workers:
            names = self.text.standing[self.state.pc[self.mover]]
        found = [
            Move(name, arguments) for name in names for arguments in product(*self._values(name))
        ]
        if len(found) > 1:
            likely = {name: self.rarely.get(name, 1.0) for name in names}
            found.sort(key=lambda move: -(self.random.random() ** (1 / likely[move.action])))
        return found

    def _values(self, name: str) -> Iterator[Iterable[Any]]:
        for place, domain in enumerate(self.signatures[name]):
            yield (self.mover,) if self.has_workers and place == 0 else self.values[domain]

"""Nothing is proved of nothing: hypotheses hold of some state, checked in a finite scope.

An obligation whose hypotheses contradict each other is proved, and says nothing. Here a state is
shown in which all invariants hold and an action is enabled, for each way through each action; the
text itself confirms it. For what else is proved, `vacuous` asks the solver alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import z3

from pel_proof.finite.scope import RESOURCES, SCOPES, FiniteState, solver
from pel_proof.machine import Model, Path, parameters, paths
from pel_proof.obligations import Obligation, Setting
from pel_proof.symbolic import Scope, Term, World
from pel_spec.kernel import Disabled, State


@dataclass(frozen=True, slots=True)
class Witness:
    """A native state in which all invariants hold; and an action that is enabled in it, if it is a
    witness for one."""

    scope: Scope
    state: Any
    action: str = ""
    arguments: Mapping[str, Any] | None = None

    def confirmed(self, invariants: Iterable[str]) -> bool:
        """Does the text say the same?"""
        if not all(getattr(type(self.state), name)(self.state) for name in invariants):
            return False
        try:
            if self.arguments is not None:
                getattr(type(self.state), self.action)(self.state.copy(), **self.arguments)
        except Disabled:
            return False
        return True


def state_with(
    model: Model,
    machine: type[State],
    statement: Callable[[Any], Term],
    scopes: Iterable[Scope] = SCOPES,
) -> Witness | None:
    """A state with all invariants, of which the (lifted) statement holds."""
    for scope in scopes:
        world = World(scope)
        with world.active():
            finite, asked = _with_invariants(model, world)
            asked.add(finite.state.say(statement))
            if asked.check() == z3.sat:
                return Witness(scope, finite.native(machine, asked.model()))
    return None


def path_witnesses(
    model: Model, machine: type[State], scopes: Iterable[Scope] = SCOPES
) -> dict[str, Witness | None]:
    """For each way through each action, a state in which it is enabled; `None` where there is none
    in any of the scopes."""
    found: dict[str, Witness | None] = {}
    for scope in scopes:
        world = World(scope)
        with world.active():
            finite, asked = _with_invariants(model, world)
            for path in _all_paths(model, world, finite.state):
                if found.setdefault(path.name, None) is None:
                    found[path.name] = _witness(model, machine, finite, path, asked)
        if None not in found.values():
            break
    return found


def _with_invariants(model: Model, world: World) -> tuple[FiniteState, z3.Solver]:
    finite, asked = FiniteState(model, world), solver()
    asked.add(*finite.typing)
    asked.add(*(finite.state.say(statement) for statement in model.invariants.values()))
    return finite, asked


def _all_paths(model: Model, world: World, state: Any) -> Iterator[Path]:
    for name, action in model.actions.items():
        yield from paths(world, state, name, action)


def _witness(
    model: Model, machine: type[State], finite: FiniteState, path: Path, asked: z3.Solver
) -> Witness | None:
    asked.push()
    asked.add(*path.guards)
    here = None
    if asked.check() == z3.sat:
        found = asked.model()
        domains = parameters(model.actions[path.action])
        arguments = finite.arguments(domains, path.arguments, found)
        here = Witness(finite.scope, finite.native(machine, found), path.action, arguments)
    asked.pop()
    return here


Family = Callable[[Setting], Iterable[Obligation]]
"""What makes obligations about the state of a setting. Its world is active meanwhile."""


def vacuous(model: Model, family: Family, scopes: Iterable[Scope] = SCOPES) -> list[str]:
    """The obligations of a family whose hypotheses hold of no state in any of the scopes; of a
    refinement, the steps. (A way through a simulation may exclude a way through the action.)"""
    empty: dict[str, bool] = {}
    for scope in scopes:
        world = World(scope)
        with world.active():
            finite = FiniteState(model, world)
            said = tuple((name, finite.state.say(f)) for name, f in model.invariants.items())
            setting = Setting(model, world, finite.state, said)
            for obligation, is_empty in _judged(family(setting), finite.typing, said):
                name = obligation.name
                if obligation.family == "refinement":
                    name = obligation.step.partition("~")[0]
                empty[name] = empty.get(name, True) and is_empty
        if not any(empty.values()):
            break
    return [name for name, is_empty in empty.items() if is_empty]


def _judged(
    family: Iterable[Obligation], typing: Iterable[Term], said: Iterable[tuple[str, Term]]
) -> Iterator[tuple[Obligation, bool]]:
    """Each obligation, and whether its hypotheses have no model here. What most of them have in
    common is told the solver once."""
    known = {term.get_id(): term for _, term in said}
    with_invariants, alone = _solver(*typing, *known.values()), _solver(*typing)
    answers: dict[tuple[int, ...], bool] = {}
    for obligation in family:
        here = {term.get_id(): term for term in obligation.known}
        key = tuple(sorted(here))
        if key not in answers:
            has_all = known.keys() <= here.keys()
            asked = with_invariants if has_all else alone
            asked.push()
            asked.add(*(t for i, t in here.items() if not (has_all and i in known)))
            answers[key] = asked.check() != z3.sat
            asked.pop()
        yield obligation, answers[key]


def _solver(*terms: Term) -> z3.Solver:
    asked = solver()
    asked.set(rlimit=10 * RESOURCES)
    asked.add(*terms)
    return asked

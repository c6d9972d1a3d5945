"""Why an invariant is not inductive: a small state in which all invariants hold, and one step.

A counterexample to induction is found by the solver, and does not rest on it: both of its states
are native, and the text itself says that every invariant holds in the first, that the action is
enabled there, and that the invariant is broken in the second. Whether a run from the initial state
ever comes there is another question (`badrun`).
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import z3

from pel_proof.finite.picture import difference, picture
from pel_proof.finite.scope import NAMES, SCOPES, Cell, FiniteState, simplest, solver
from pel_proof.machine import Model, Path, parameters, paths
from pel_proof.symbolic import Scope, World
from pel_spec.kernel import Disabled, State

INITIAL = "initial"
"""The step of the obligations that say what holds at the beginning."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An action that breaks an invariant, with native states before and after it. At the beginning
    there is no action, and both are the initial state."""

    action: str
    arguments: Mapping[str, Any]
    invariant: str
    before: Any
    after: Any

    @property
    def step(self) -> str:
        """The action as it is called."""
        given = ", ".join(f"{name}={_told(value)}" for name, value in self.arguments.items())
        return f"{self.action}({given})"

    def explain(self) -> str:
        """The counterexample for people."""
        why = inspect.getdoc(getattr(type(self.before), self.invariant)) or ""
        if self.action == INITIAL:
            return f"the initial state does not have {self.invariant}\n  {_indented(why)}"
        return (
            f"{self.step} breaks {self.invariant}\n  {_indented(why)}\n"
            f"before:\n  {_indented(picture(self.before))}\n"
            f"what changes:\n  {_indented(difference(self.before, self.after))}"
        )


def _told(value: Any) -> str:
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    return str(value)


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


class Search:
    """Counterexamples of one model, in the smallest scopes that have them. `machine` is the native
    class of which `model` is the lifted one. What all questions have in common is said once."""

    def __init__(
        self, model: Model, machine: type[State], scopes: Iterable[Scope] = SCOPES
    ) -> None:
        self.model, self.machine, self.scopes = model, machine, tuple(scopes)
        self._known: dict[Scope, tuple[FiniteState, z3.Solver]] = {}

    def find(self, step: str, invariant: str) -> Counterexample | None:
        """A counterexample to the obligation `step`/`invariant`; `None` if there is none in any of
        the scopes.

        Raises: `RuntimeError`, if the text does not confirm what the solver has found.
        """
        for scope in self.scopes:
            look = self._at_the_beginning if step == INITIAL else self._in_scope
            found = look(step, invariant, scope)
            if found is not None:
                confirm(found, self.model.invariants)
                return found
        return None

    def _at_the_beginning(self, step: str, invariant: str, scope: Scope) -> Counterexample | None:
        start = self.machine(scope.positions, scope.workers, NAMES[: scope.locations])
        holds = getattr(self.machine, invariant)(start)
        return None if holds else Counterexample(step, {}, invariant, start, start)

    def _in_scope(self, step: str, invariant: str, scope: Scope) -> Counterexample | None:
        finite, asked = self._setting(scope)
        with finite.world.active():
            path = _path(self.model, finite, step)
            asked.push()
            asked.add(*path.guards, z3.Not(path.after.say(self.model.invariants[invariant])))
            found = simplest(asked, sorted(finite.cells, key=_readable))
            asked.pop()
        if found is None:
            return None
        before = finite.native(self.machine, found)
        domains = parameters(self.model.actions[path.action])
        arguments = finite.arguments(domains, path.arguments, found)
        after = before.copy()
        try:
            getattr(self.machine, path.action)(after, **arguments)
        except Disabled:
            raise RuntimeError(f"{step} is not enabled in the state that was found") from None
        return Counterexample(path.action, arguments, invariant, before, after)

    def _setting(self, scope: Scope) -> tuple[FiniteState, z3.Solver]:
        """The general state of a scope, and a solver that knows all invariants of it."""
        if scope not in self._known:
            world = World(scope)
            with world.active():
                finite, asked = FiniteState(self.model, world), solver()
                asked.add(*finite.typing, *map(finite.state.say, self.model.invariants.values()))
            self._known[scope] = finite, asked
        return self._known[scope]


def _path(model: Model, finite: FiniteState, step: str) -> Path:
    action = step.partition("#")[0]
    found = paths(finite.world, finite.state, action, model.actions[action])
    return next(path for path in found if path.name == step)


def _readable(cell: Cell) -> tuple[bool, bool, list[int]]:
    """What is made simple first: that few workers are at work says most; numbers come last; and
    what is of high positions and incarnations goes before what is of low ones."""
    return cell.field != "pc", not isinstance(cell.initial, bool), [-i for i in cell.index]


def confirm(found: Counterexample, invariants: Iterable[str]) -> None:
    """That the text says the same: all invariants hold before, and one no more after.

    Raises: `RuntimeError`.
    """
    wrong = list(broken(found.before, invariants)) if found.action != INITIAL else []
    if wrong:
        raise RuntimeError(f"{found.step}: the state that was found does not have {wrong}")
    if found.invariant not in broken(found.after, invariants):
        raise RuntimeError(f"{found.step} does not break {found.invariant}, whatever was found")


def broken(state: Any, invariants: Iterable[str]) -> Iterator[str]:
    """The invariants that a native state does not have."""
    return (name for name in invariants if not getattr(type(state), name)(state))

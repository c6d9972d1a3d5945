"""The lifted machines: their actions and invariants as they stand in the text, or with one changed.

A `Model` is what obligations are made from. `BLOCK_STM` is the text's own; a seeded bug or a
mutation is a model in which an action is another function (`with_actions`).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pel_proof import lift
from pel_proof.symbolic import SymbolicState, Term, World
from pel_spec.kernel import methods
from pel_spec.scheduler import blockstm

Action = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Model:
    """A machine, as formulas: the class of its states, its actions, its invariants."""

    state: type[SymbolicState]
    actions: Mapping[str, Action]
    invariants: Mapping[str, Callable[..., Term]]

    def with_actions(self, changed: Mapping[str, Action | None]) -> "Model":
        """The same machine but for some actions; `None` takes one away."""
        actions = {**self.actions, **changed}
        return replace(self, actions={k: a for k, a in actions.items() if a is not None})


@dataclass(frozen=True, slots=True)
class Path:
    """One way through an action: its arguments, what must hold for it, and where it leads."""

    action: str
    number: int
    arguments: Mapping[str, Term]
    guards: tuple[Term, ...]
    named: tuple[Term, ...]
    after: Any

    @property
    def name(self) -> str:
        """The action's, and which of its ways."""
        return self.action if self.number == 0 else f"{self.action}#{self.number}"


def parameters(action: Action) -> dict[str, str]:
    """The parameters of a lifted action, with what they range over."""
    found = list(inspect.signature(action).parameters.values())[1:]
    return {p.name: str(p.annotation) for p in found}


def paths(world: World, before: Any, name: str, action: Action) -> Iterator[Path]:
    """All ways through an action from a state. To be used while `world` is active."""
    arguments = {p: world.parameter(p, domain) for p, domain in parameters(action).items()}
    bounds = [
        bound
        for p, domain in parameters(action).items()
        if domain != "Places"
        for bound in world.bounds(domain, arguments[p])
    ]

    def run() -> Any:
        after = before.copy()
        action(after, **arguments)
        return after

    for number, after in enumerate(world.paths(run)):
        guards = (*bounds, *world.path)
        yield Path(name, number, arguments, guards, tuple(world.named), after)


@cache
def block_stm() -> Model:
    """Block-STM as its text says it."""
    lifted = lift.lift(lift.BLOCK_STM)
    bases = tuple(lifted[part.__name__] for part in blockstm.BlockStm.__bases__)
    return Model(
        type("BlockStm", bases, {}),
        _lifted(lifted, blockstm.ACTION_PARTS),
        _lifted(lifted, blockstm.INVARIANT_PARTS),
    )


@cache
def simulation() -> dict[str, Action]:
    """What each action of Block-STM does to the abstract machine."""
    return methods(lift.lift(lift.BLOCK_STM)["Steps"])


@cache
def abstract_machine() -> Model:
    """The abstract machine."""
    lifted = lift.lift(lift.OPTIMISTIC)
    actions, invariants = lifted["Optimistic"], lifted["OptimisticInvariants"]
    return Model(type("Machine", (actions, invariants), {}), methods(actions), methods(invariants))


def _lifted(lifted: Mapping[str, type], parts: tuple[type, ...]) -> dict[str, Action]:
    return methods(*(lifted[part.__name__] for part in parts))

"""What has to be proved: for each obligation, what is known and what follows from it.

An obligation is discharged when its hypotheses together with the negation of its goal are
unsatisfiable: then the goal holds in every state of any size in which they do.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from pel_proof.machine import Model, Path, paths
from pel_proof.symbolic import SymbolicMap, Term, World, all_
from pel_spec.kernel import fields


@dataclass(frozen=True, slots=True)
class Obligation:
    """`hypotheses` imply `goal`. `step` is the action (and its way), or what else it is about;
    `about` the invariant or the lemma; `named` are the named hypotheses, for unsat cores."""

    family: str
    step: str
    about: str
    hypotheses: tuple[Term, ...]
    goal: Term
    named: tuple[tuple[str, Term], ...] = ()

    @property
    def name(self) -> str:
        """How it is called in tables and reports."""
        return f"{self.step}/{self.about}"

    @property
    def known(self) -> tuple[Term, ...]:
        """All hypotheses."""
        return (*self.hypotheses, *(term for _, term in self.named))


@dataclass(frozen=True, slots=True)
class Setting:
    """A model in a world, in a state of which all its invariants are known."""

    model: Model
    world: World
    before: Any
    invariants: tuple[tuple[str, Term], ...]

    @classmethod
    def of(cls, model: Model, world: World, tag: str = "") -> "Setting":
        """The general state. To be used while `world` is active."""
        before = model.state(world, tag)
        found = tuple((name, before.say(f)) for name, f in model.invariants.items())
        return cls(model, world, before, found)

    @property
    def size(self) -> tuple[Term, ...]:
        """What is known of the block."""
        return (self.world.n >= 0,)

    def paths(self, *names: str) -> Iterator[Path]:
        """All ways through the named actions, or through all."""
        for name in names or self.model.actions:
            yield from paths(self.world, self.before, name, self.model.actions[name])


def initial(setting: Setting) -> Term:
    """Every field is as it was declared."""
    parts = []
    for name, field in fields(setting.model.state).items():
        if field.kind == "ghost" and field.to == "Worker":
            continue  # which worker a place that nobody has belongs to
        if field.indices:
            lambda_names = [f"i{k}" for k in range(len(field.indices))]
            parts.append(_everywhere(setting, name, field.indices, lambda_names, field.initial))
        else:
            parts.append(getattr(setting.before, name) == _constant(field.initial))
    return all_(*parts)


def _everywhere(
    setting: Setting, name: str, indices: Sequence[str], names: Sequence[str], value: int | bool
) -> Term:
    world = setting.world
    xs = [z3.Const(f"{i}:{name}", world.sorts[d]) for i, d in zip(names, indices, strict=True)]
    found: SymbolicMap = getattr(setting.before, name)
    return z3.ForAll(xs, found[tuple(xs)] == _constant(value))


def _constant(value: int | bool) -> Term:
    return z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(int(value))


def invariant_obligations(
    setting: Setting,
    family: str = "invariants",
    *,
    only: Callable[[str, str], bool] | None = None,
) -> Iterator[Obligation]:
    """Each invariant holds at the beginning, and each step keeps it. `only` says of which actions
    and invariants."""
    start = (*setting.size, initial(setting))
    ways = list(setting.paths())
    for name, term in setting.invariants:
        statement = setting.model.invariants[name]
        if only is None or only("initial", name):
            yield Obligation(family, "initial", name, start, term)
        for path in ways:
            if only is None or only(path.action, name):
                known = (*setting.size, *path.guards, *path.named)
                goal = path.after.say(statement)
                yield Obligation(family, path.name, name, known, goal, setting.invariants)

"""Every step of Block-STM is the step of the abstract machine that `refinement` says, or none.

For each way through an action: from the abstract state that the state before stands for, the
abstract actions that its simulation takes are enabled, and lead to the abstract state that the
state after stands for. What was read from where counts only where something was read: two abstract
states that differ there alone do the same (`relation`). A simulation has no other way to change the
abstract state than its actions. Ways of a simulation that the action's own way excludes are left
out.

That the block is done when `set_done` says so needs one induction: where nothing is left to do,
everything below a position being finished, it is finished too, as nobody can be waiting for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import z3

from pel_proof.machine import Path, abstract_machine, parameters, paths
from pel_proof.obligations import Obligation, Setting, initial
from pel_proof.schemas import Lemma, strong_induction
from pel_proof.solve import solver
from pel_proof.symbolic import SymbolicMap, SymbolicState, Term, all_, implies, require
from pel_spec.kernel import Field, fields

WHERE_READ = ("source", "source_inc")
"""Fields of the abstract machine that say something only where there is a read."""


def all_finished(setting: Setting) -> Lemma:
    """If nothing is left to do, every position is finished."""
    quiet = setting.before.say(type(setting.before).quiet)
    finished = type(setting.before).finished
    invariants = tuple(term for _, term in setting.invariants)
    return strong_induction(
        "all_finished",
        lambda i: implies(quiet, setting.before.say(finished, i)),
        setting.world.n,
        lambda _: (*setting.size, *invariants),
    )


def refinement_obligations(
    setting: Setting,
    abstract: type[SymbolicState],
    simulation: Mapping[str, Callable[..., Any]],
    *,
    only: Callable[[str], bool] | None = None,
) -> Iterator[Obligation]:
    """The initial states correspond, and so does each step. `world` is to be active."""
    begin = (*setting.size, initial(setting))
    stands_for = _abstraction(setting.before, abstract)
    for name, goal in _declared(setting, stands_for, fields(abstract)):
        yield Obligation("refinement", "initial", name, begin, goal)
    lemma = all_finished(setting)
    yield from lemma.obligations
    yield from _relation(setting, abstract)
    for path in setting.paths():
        if only is None or only(path.action):
            yield from _step(setting, abstract, path, simulation.get(path.action), lemma)


def _step(
    setting: Setting,
    abstract: type[SymbolicState],
    path: Path,
    simulated: Callable[..., Any] | None,
    lemma: Lemma,
) -> Iterator[Obligation]:
    """The obligations of one way through an action, for each way through its simulation."""
    world = setting.world
    known = (*setting.size, *path.guards, *path.named)
    if path.action == "set_done":
        known = (*known, lemma.conclusion)
    expected = _abstraction(path.after, abstract)

    def run() -> Any:
        m = _abstraction(setting.before, abstract)
        if simulated is None:
            return m, ()
        world.demands = []
        names = list(parameters(simulated))[1:]
        through = _OnlyActions(m)
        simulated(setting.before, through, *(path.arguments[name] for name in names))
        demands, world.demands = world.demands, None
        return m, tuple(demands)

    for number, (m, demands) in enumerate(world.paths(run)):
        here = (*known, *world.path, *world.named)
        if _excluded(here):
            continue
        name = path.name if number == 0 else f"{path.name}~{number}"
        for which, demand in enumerate(demands):
            about = f"allowed.{which}"
            yield Obligation("refinement", name, about, here, demand, setting.invariants)
        for about, goal in _equal(setting, m, expected, fields(abstract)):
            yield Obligation("refinement", name, about, here, goal, setting.invariants)


class _OnlyActions:
    """The abstract machine as a simulation may touch it: by its five actions, with arguments that
    are in their domains, which is to be proved as their guards are."""

    def __init__(self, machine: Any) -> None:
        object.__setattr__(self, "_machine", machine)

    def __getattr__(self, name: str) -> Callable[..., None]:
        machine: Any = object.__getattribute__(self, "_machine")
        if name not in abstract_machine().actions:
            raise TypeError(f"a simulation takes actions, and {name} is none")
        action = getattr(type(machine), name)

        def act(*arguments: Term) -> None:
            for domain, given in zip(parameters(action).values(), arguments, strict=True):
                if domain != "Places":
                    for bound in machine.world.bounds(domain, given):
                        require(bound)
            action(machine, *arguments)

        return act

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError(f"a simulation takes actions, and does not set {name}")


def _excluded(known: Sequence[Term]) -> bool:
    """Do the conditions of a way contradict each other?"""
    asked = solver()
    asked.add(*known)
    return bool(asked.check() == z3.unsat)


def _relation(setting: Setting, abstract: type[SymbolicState]) -> Iterator[Obligation]:
    """Two abstract states that differ only in where something was read that was not: what is
    enabled in one is enabled in the other, and leads to two such states again."""
    world, model = setting.world, abstract_machine()
    one, other = abstract(world), abstract(world, "_other")
    invariants = tuple((name, one.say(f)) for name, f in model.invariants.items())
    same = tuple(_alike(setting, one, other, fields(abstract)))
    for action in model.actions:
        does = getattr(abstract, action)
        ways = zip(paths(world, one, action, does), paths(world, other, action, does), strict=True)
        for mine, its in ways:
            known = (*setting.size, *same, *mine.guards, *mine.named)
            enabled, name = all_(*its.guards), f"abstract.{mine.action}"
            yield Obligation("refinement", name, "relation.enabled", known, enabled, invariants)
            both = (*known, *its.guards, *its.named)
            for field, goal in _equal(setting, mine.after, its.after, fields(abstract)):
                about = f"relation.{field}"
                yield Obligation("refinement", name, about, both, goal, invariants)


def _alike(setting: Setting, one: Any, other: Any, declared: Mapping[str, Field]) -> Iterator[Term]:
    """Every field is the same, everywhere."""
    for name, field in declared.items():
        if not field.indices:
            yield getattr(one, name) == getattr(other, name)
            continue
        xs, bounds = _indices(setting, field)
        if name in WHERE_READ:
            bounds.append(one.reads[tuple(xs)])
        equal = getattr(one, name)[tuple(xs)] == getattr(other, name)[tuple(xs)]
        yield z3.ForAll(xs, implies(*bounds, equal))


def _abstraction(state: Any, abstract: type[SymbolicState]) -> Any:
    """The abstract state that a state stands for."""
    found = abstract(state.world)
    for name, field in fields(abstract).items():
        says = getattr(type(state), f"as_{name}")
        if field.indices:
            frozen = state.copy()

            def function(*xs: Term, says: Any = says, frozen: Any = frozen) -> Term:
                return frozen.say(says, *xs)

            item: Any = SymbolicMap(state.world, field, name, function)
        else:
            item = state.say(says)
        object.__getattribute__(found, "__dict__")["values"][name] = item
    return found


def _equal(
    setting: Setting, m: Any, expected: Any, declared: Mapping[str, Field]
) -> Iterator[tuple[str, Term]]:
    for name, field in declared.items():
        if not field.indices:
            yield name, getattr(m, name) == getattr(expected, name)
            continue
        xs, bounds = _indices(setting, field)
        if name in WHERE_READ:
            bounds.append(expected.reads[tuple(xs)])
        equal = getattr(m, name)[tuple(xs)] == getattr(expected, name)[tuple(xs)]
        yield name, implies(*bounds, equal)


def _declared(
    setting: Setting, m: Any, declared: Mapping[str, Field]
) -> Iterator[tuple[str, Term]]:
    for name, field in declared.items():
        if not field.indices:
            yield name, getattr(m, name) == field.initial
        elif name not in WHERE_READ:
            xs, bounds = _indices(setting, field)
            yield name, implies(*bounds, getattr(m, name)[tuple(xs)] == field.initial)


def _indices(setting: Setting, field: Field) -> tuple[list[Term], list[Term]]:
    """Arbitrary indices of a field, and what is known of them."""
    world = setting.world
    xs = [z3.Const(f"any:{k}:{d}", world.sorts[d]) for k, d in enumerate(field.indices)]
    bounds = [b for d, x in zip(field.indices, xs, strict=True) for b in world.bounds(d, x)]
    return xs, bounds

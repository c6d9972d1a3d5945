"""Mutation of the text: whatever is changed in an action, does the proof notice?

A mutant is killed by the first obligation that is not proved any more; by a way through its action
whose hypotheses cannot hold, so that what is proved of it says nothing (`vacuity`); or because
others are not reached any more where one worker alone reaches them in the text (`reachability`).
What survives is on the list of `survivors`, with the reason; a survivor that is not listed is a gap
in the proof, and a listed one that is killed now is a reason that does not hold any more: both make
a report fail.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import z3

from pel_proof.finite.explore import signatures
from pel_proof.machine import Action, abstract_machine, block_stm, simulation
from pel_proof.mutation import changed
from pel_proof.mutation.mutants import Mutant, mutants
from pel_proof.mutation.survivors import SURVIVORS
from pel_proof.obligations import Obligation, Setting, invariant_obligations
from pel_proof.refine import refinement_obligations
from pel_proof.runs.small_runs import Step, steps
from pel_proof.solve import discharge, solver
from pel_proof.symbolic import World
from pel_spec.kernel import methods
from pel_spec.optimistic import Optimistic
from pel_spec.scheduler.blockstm import ACTION_PARTS, ACTIONS, REFINES, BlockStm
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import SchedulerState


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: the family and the name of the obligation that fails."""

    mutant: Mutant
    family: str | None = None
    obligation: str | None = None

    @property
    def killed(self) -> bool:
        """Does an obligation fail?"""
        return self.obligation is not None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of some mutants."""

    outcomes: Sequence[Outcome]

    @property
    def families(self) -> Counter[str]:
        """How many were killed by each family of obligations."""
        return Counter(o.family for o in self.outcomes if o.family)

    @property
    def survivors(self) -> list[str]:
        """Those that no obligation notices."""
        return [o.mutant.name for o in self.outcomes if not o.killed]

    @property
    def unexplained(self) -> list[str]:
        """Survivors for which no reason is known."""
        return [name for name in self.survivors if name not in SURVIVORS]

    @property
    def stale(self) -> list[str]:
        """Those that are said to survive, and do not."""
        return [o.mutant.name for o in self.outcomes if o.killed and o.mutant.name in SURVIVORS]

    @property
    def holds(self) -> bool:
        """Is there a reason for each survivor, and a survivor for each reason?"""
        return bool(self.outcomes) and not self.unexplained and not self.stale


HELPERS = ("newest_below", "same_version", "has_todo")
"""What several actions ask of the state, and no invariant does."""

GHOSTS = tuple(name for name in vars(Ghosts) if name.startswith("ghost_"))
"""The updates of ghost state."""


def all_mutants() -> list[Mutant]:
    """All mutants: of the actions of Block-STM, of what they share, of the abstract
    machine."""
    return [
        *(mutant for part in ACTION_PARTS for mutant in mutants(part, ACTIONS)),
        *mutants(SchedulerState, HELPERS, returned=True),
        *mutants(Ghosts, GHOSTS),
        *mutants(Optimistic, methods(Optimistic)),
    ]


def mutate(
    chosen: Iterable[Mutant] | None = None, told: Callable[[Outcome], None] | None = None
) -> Report:
    """Judge the mutants, all unless some are given; `told` hears of each as it comes."""
    outcomes = []
    judge = _Judge()
    with judge.world.active():
        for mutant in all_mutants() if chosen is None else chosen:
            outcomes.append(judge.judge(mutant))
            if told is not None:
                told(outcomes[-1])
    return Report(outcomes)


class _Judge:
    """Judges mutants of one text after the other. Its world is to be active."""

    def __init__(self) -> None:
        self.world = World()
        self.kills = Counter[str]()  # what has killed most is tried first
        with self.world.active():
            self.setting = Setting.of(block_stm(), self.world)
            self.paths = tuple(self.setting.paths())

    def judge(self, mutant: Mutant) -> Outcome:
        """The first obligation that the change concerns and that fails; else the first that says
        nothing any more."""
        for family, name in self._killers(mutant):
            self.kills[name.partition("/")[2]] += 1
            return Outcome(mutant, family, name)
        return Outcome(mutant)

    def _killers(self, mutant: Mutant) -> Iterator[tuple[str, str]]:
        if mutant.part is Optimistic:
            yield from self._killers_of_abstract(mutant)
            return
        mutated, names = self._mutated(mutant)
        others = [path for path in self.paths if path.action not in names]
        yield from _failing(changed.obligations(mutated, names, others))
        yield from _vacuous(mutated, names)
        lost = sorted(_alone_in_text() - _alone(mutant))
        yield from (("reachability", f"{s.action}/reached") for s in lost if s.action not in names)

    def _mutated(self, mutant: Mutant) -> tuple[Setting, list[str]]:
        """The text with the mutant in it, and the actions that it changes."""
        lifted, model = {mutant.method: mutant.lifted()}, self.setting.model
        rank = sorted(model.invariants.items(), key=lambda item: -self.kills[item[0]])
        model = replace(model, invariants=dict(rank))
        if mutant.method in ACTIONS:
            return replace(self.setting, model=model.with_actions(lifted)), [mutant.method]
        model = replace(model, state=type("BlockStm", (model.state,), lifted))
        return Setting.of(model, self.world), _users(ACTIONS, f"s.{mutant.method}(")

    def _killers_of_abstract(self, mutant: Mutant) -> Iterator[tuple[str, str]]:
        """It is too weak for its own invariants, or too strong to be refined."""
        lifted, machine = {mutant.method: mutant.lifted()}, abstract_machine()
        world = World()
        with world.active():
            own = Setting.of(machine.with_actions(lifted), world)
            only = replace(own, model=replace(own.model, actions=lifted))
            weak = _failing(invariant_obligations(only, "abstract"))
            found = next(chain(weak, _vacuous(own, [mutant.method])), None)
        if found is not None:
            yield found
        users = _users(REFINES, f"m.{mutant.method}(")
        actions = {name: self.setting.model.actions[name] for name in users}
        refining = replace(self.setting, model=replace(self.setting.model, actions=actions))
        state = type("Machine", (machine.state,), lifted)
        yield from _failing(refinement_obligations(refining, state, simulation()))


def _failing(obligations: Iterator[Obligation]) -> Iterator[tuple[str, str]]:
    failed = (verdict.obligation for verdict in discharge(obligations) if not verdict.proved)
    yield from ((obligation.family, obligation.name) for obligation in failed)


def _vacuous(setting: Setting, names: Collection[str]) -> Iterator[tuple[str, str]]:
    known = (*setting.size, *(term for _, term in setting.invariants))
    for path in setting.paths(*names):
        asked = solver()
        asked.add(*known, *path.guards, *path.named)
        if asked.check() == z3.unsat:
            yield "vacuity", f"{path.name}/possible"


def _users(texts: Mapping[str, Action], word: str) -> list[str]:
    return [name for name, method in texts.items() if word in inspect.getsource(method)]


@cache
def _alone_in_text() -> frozenset[Step]:
    return steps(BlockStm(1, 1, ("x",)), ACTIONS, signatures(block_stm().actions))


def _alone(mutant: Mutant) -> frozenset[Step]:
    """All steps of one worker alone."""
    native = {mutant.method: mutant.native()}
    machine = type("BlockStm", (BlockStm,), native)
    actions = {name: getattr(machine, name) for name in ACTIONS}
    return steps(machine(1, 1, ("x",)), actions, signatures(block_stm().actions))

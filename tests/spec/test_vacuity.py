"""Hypotheses hold of something, and what can happen does happen."""

from collections.abc import Callable, Iterator

import pytest
import z3

from pel_proof.finite.explore import Move
from pel_proof.finite.reachable import SCOPE, Run, Ways, replay, witnesses
from pel_proof.finite.scope import FiniteState, has_finite_model
from pel_proof.finite.vacuity import Family, path_witnesses, state_with, vacuous
from pel_proof.machine import Model, abstract_machine, block_stm, simulation
from pel_proof.obligations import Obligation, Setting, invariant_obligations
from pel_proof.refine import refinement_obligations
from pel_proof.serial import memory_obligations, theorem_obligations
from pel_proof.symbolic import Scope, Term, World
from pel_spec.kernel import Disabled, State
from pel_spec.optimistic import Optimistic, OptimisticInvariants
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import At


class AbstractMachine(Optimistic, OptimisticInvariants):
    """The abstract machine, as it runs."""


MACHINES = [(block_stm, BlockStm), (abstract_machine, AbstractMachine)]


# ---- hypotheses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("made", "machine"), MACHINES)
def test_each_way_through_each_action_is_enabled_somewhere(
    made: Callable[[], Model], machine: type[State]
) -> None:
    model = made()
    found = path_witnesses(model, machine)
    assert set(found) == set(Ways(model, Scope(1, 1, 1)).names)
    for name, witness in found.items():
        assert witness is not None, name
        assert witness.confirmed(model.invariants), name


def test_a_finished_block_has_all_invariants() -> None:
    found = state_with(block_stm(), BlockStm, lambda s: s.done)
    assert found is not None
    assert found.state.done
    assert found.confirmed(block_stm().invariants)
    all_committed = state_with(abstract_machine(), AbstractMachine, lambda s: s.committed == s.n)
    assert all_committed is not None


FAMILIES = {
    "abstract": (abstract_machine, invariant_obligations),
    "refinement": (
        block_stm,
        lambda s: refinement_obligations(s, abstract_machine().state, simulation()),
    ),
    "theorem": (abstract_machine, theorem_obligations),
    "memory": (block_stm, memory_obligations),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_is_vacuous(family: str) -> None:
    model, build = FAMILIES[family]
    assert vacuous(model(), build) == []


def test_what_is_vacuous_is_named() -> None:
    def contradictory(setting: Setting) -> Iterator[Obligation]:
        yield Obligation("lemmas", "one", "fine", setting.size, z3.BoolVal(True))
        never = z3.And(setting.before.done, z3.Not(setting.before.done))
        yield Obligation("lemmas", "two", "empty", (never,), z3.BoolVal(False))

    build: Family = contradictory
    assert vacuous(block_stm(), build, [Scope(1, 1, 1)]) == ["two/empty"]


def test_a_way_that_the_invariants_exclude_is_seen() -> None:
    """Whoever would commit out of order is nowhere enabled."""
    model = block_stm()
    found = state_with(
        model,
        BlockStm,
        lambda s: z3.And(s.pc[0] == int(At.COMMIT_LOAD), s.held[0] > s.committed),
        [Scope(2, 1, 1), Scope(2, 2, 1)],
    )
    assert found is None


def test_the_first_scope_is_the_smallest_that_fits() -> None:
    def two_wait(world: World) -> Iterator[Term]:
        finite = FiniteState(block_stm(), world)
        yield from finite.typing
        yield from (finite.state.say(f) for f in block_stm().invariants.values())
        yield z3.And(finite.state.waits[0, 1], finite.state.waits[0, 2])

    def nothing(world: World) -> Iterator[Term]:
        yield z3.BoolVal(False)

    assert has_finite_model(two_wait) == Scope(3, 2, 1)
    assert has_finite_model(nothing) is None


# ---- reachability --------------------------------------------------------------------------------


def taken(model: Model, machine: type[State], scope: Scope, found: dict[str, Run | None]) -> None:
    """Each run is one of the text, from the initial state; its last step goes the way it is for."""
    ways = Ways(model, scope)
    for name, run in found.items():
        assert run is not None, name
        before = replay(machine, scope, run[:-1])
        after = replay(machine, scope, run)
        for state in (before, after):
            assert all(getattr(machine, invariant)(state) for invariant in model.invariants), name
        if name != "final":
            assert ways.taken(before, run[-1]) == name


def test_every_way_of_block_stm_is_reached() -> None:
    found = witnesses(block_stm(), BlockStm, SCOPE, lambda s: s.done)
    taken(block_stm(), BlockStm, SCOPE, found)
    assert replay(BlockStm, SCOPE, found["final"] or ()).done


def test_every_way_of_the_abstract_machine_is_reached() -> None:
    scope = Scope(2, 1, 1)
    model = abstract_machine()
    found = witnesses(model, AbstractMachine, scope, lambda s: s.committed == s.n)
    taken(model, AbstractMachine, scope, found)


def test_what_cannot_be_reached_is_not_found() -> None:
    """Nobody suspends where there is one position."""
    scope = Scope(1, 2, 1)
    found = witnesses(block_stm(), BlockStm, scope, lambda s: False, range(5))
    assert found["suspend"] is None
    assert found["final"] is None
    assert found["publish"] is not None


def test_a_run_that_is_none_is_refused() -> None:
    with pytest.raises(Disabled):
        replay(AbstractMachine, Scope(2, 1, 1), (Move("commit", (1,)),))

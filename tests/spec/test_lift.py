"""The lifted text says what the text does, on states drawn at random, corrupted ones included.

`lifting.twin` evaluates both. Lifters with a planted fault are noticed.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pytest

from lifting.drawn import (
    MOST,
    PLACES,
    WORKERS,
    AbstractMachine,
    noise,
    states,
)
from lifting.twin import Lifted, Twin
from pel_proof import lift, machine
from pel_proof.symbolic import Scope
from pel_spec.kernel import methods
from pel_spec.optimistic import Optimistic
from pel_spec.scheduler import blockstm
from pel_spec.scheduler.predicates import Predicates
from pel_spec.scheduler.refinement import Abstraction
from pel_spec.scheduler.state import At, SchedulerState

WORLDS = {"finite": Scope(MOST, WORKERS, PLACES), "unbounded": None}
SAID = methods(SchedulerState, Predicates, Abstraction)
"""What the invariants are made of, and the abstract state that a state stands for."""


def block_stm() -> machine.Model:
    """With all that is said of a state as its invariants."""
    model = machine.block_stm()
    said = {name: getattr(model.state, name) for name in SAID}
    return replace(model, invariants={**said, **model.invariants})


def named(text: Any) -> list[At]:
    """Where workers stand that an action or an invariant speaks of, or anywhere."""
    return [At[name] for name in re.findall(r"At\.(\w+)", inspect.getsource(text))] or list(At)


def differences(twin: Twin, number: int) -> Iterator[str]:
    """What is not the same, in some states of Block-STM."""
    for state in islice(states(blockstm.BlockStm, blockstm.ACTIONS, 1), number):
        twin.lifted.begin(state)
        yield from twin.statements_of(state)
        yield from twin.actions_of(blockstm.ACTIONS, state)


@pytest.mark.parametrize("world", WORLDS)
def test_block_stm_is_what_is_proved_of(world: str) -> None:
    twin = Twin(Lifted(WORLDS[world]), block_stm())
    assert not list(islice(differences(twin, 60), 1))
    assert twin.compared["statements"] > 10_000
    assert twin.compared["actions"] > 8_000


@pytest.mark.parametrize("world", WORLDS)
def test_every_way_through_an_action_is_compared(world: str) -> None:
    twin = Twin(Lifted(WORLDS[world]), replace(block_stm(), invariants={}))
    for name in twin.actions:
        every = {way for way in twin.every_way() if way[0] == name}
        for state in islice(noise(named(blockstm.ACTIONS[name])[:1], 1), 400):
            twin.lifted.begin(state)
            assert not list(twin.actions_of(blockstm.ACTIONS, state, only=name))
            if every <= twin.seen:
                break
        assert every <= twin.seen
    assert twin.compared["values"] > 3_000


@pytest.mark.parametrize("world", WORLDS)
def test_every_invariant_is_compared_where_it_holds_and_where_not(world: str) -> None:
    twin = Twin(Lifted(WORLDS[world]), replace(block_stm(), actions={}))
    for name, invariant in blockstm.INVARIANTS.items():
        for state in islice(noise(named(invariant), 1), 400):
            twin.lifted.begin(state)
            assert not list(twin.statements_of(state, only=name))
            if twin.seen >= {(name, False), (name, True)}:
                break
        assert twin.seen >= {(name, False), (name, True)}


@pytest.mark.parametrize("world", WORLDS)
def test_the_abstract_machine_is_what_is_proved_of(world: str) -> None:
    twin = Twin(Lifted(WORLDS[world]), machine.abstract_machine())
    actions = methods(Optimistic)
    for state in islice(states(AbstractMachine, actions, 2), 50):
        twin.lifted.begin(state)
        assert not list(twin.statements_of(state))
        assert not list(twin.actions_of(actions, state))
    assert twin.every_way() <= twin.seen
    assert {(name, v) for name in twin.statements for v in (False, True)} <= twin.seen


@pytest.mark.parametrize("world", WORLDS)
def test_the_simulation_is_what_is_proved_of(world: str) -> None:
    lifted = Lifted(WORLDS[world])
    with lifted.world.active():
        before = machine.block_stm().state(lifted.world)
    steps = {name: partial(step, before) for name, step in machine.simulation().items()}
    model = machine.Model(machine.abstract_machine().state, steps, {})
    twin = Twin(lifted, model, "/m")
    concrete = states(blockstm.BlockStm, blockstm.ACTIONS, 3)
    abstract = states(AbstractMachine, methods(Optimistic), 4)
    for s, m in islice(zip(concrete, abstract, strict=False), 80):
        if s.n == m.n:
            lifted.begin(s, m)
            assert not list(twin.actions_of(blockstm.REFINES, s, m))
    assert twin.every_way() <= twin.seen


# Canaries.


def compares(old: type, new: ast.cmpop) -> Any:
    def change(node: ast.AST) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Compare) and isinstance(part.ops[0], old):
                part.ops[0] = new

    return change


def calls(word: str, new: str = "", *, lose: int | None = None) -> Any:
    def change(node: ast.AST) -> None:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == word:
            node.func = ast.Name(new or word, ast.Load())
            if lose is not None and len(node.args) > 1:
                node.args.pop(lose)

    return change


def loses_a_filter(node: ast.AST) -> None:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "implies":
            part.args = part.args[-1:]


def swaps(node: ast.AST) -> None:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "ite":
        node.args[1:] = reversed(node.args[1:])


def forgets_workers(node: ast.AST) -> None:
    if isinstance(node, ast.Constant) and node.value == "Worker":
        node.value = "Position"
    for part in node.args if isinstance(node, ast.Call) else ():
        forgets_workers(part)


def turns_round(node: ast.AST) -> None:
    if isinstance(node, ast.If):
        node.body, node.orelse = node.orelse or [ast.Pass()], node.body


def forgets_else(node: ast.AST) -> None:
    if isinstance(node, ast.If):
        node.orelse = []


FAULTS = {
    "< is <=": compares(ast.Lt, ast.LtE()),
    "< is >": compares(ast.Lt, ast.Gt()),
    ">= is >": compares(ast.GtE, ast.Gt()),
    "== is !=": compares(ast.Eq, ast.NotEq()),
    "and is or": calls("all_", "any_"),
    "or is and": calls("any_", "all_"),
    "and loses its first": calls("all_", lose=0),
    "and loses its last": calls("all_", lose=-1),
    "or loses its last": calls("any_", lose=-1),
    "not is lost": calls("not_", "all_"),
    "if and else are swapped": swaps,
    "min is the first": calls("lowest", "all_", lose=-1),
    "all is any": calls("forall", "exists"),
    "any is all": calls("exists", "forall"),
    "filters are lost": loses_a_filter,
    "workers are positions": forgets_workers,
    "branches are swapped": turns_round,
    "the other branch is lost": forgets_else,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_lifter_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = lift.Lifter.visit

    def wrong(self: lift.Lifter, node: ast.AST) -> Any:
        good = right(self, node)
        FAULTS[fault](good)
        return good

    monkeypatch.setattr(lift.Lifter, "visit", wrong)
    model = machine.block_stm.__wrapped__()
    twin = Twin(Lifted(WORLDS["finite"]), model)
    assert next(differences(twin, 100), None) is not None

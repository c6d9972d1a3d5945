"""States drawn at random: reached ones, corrupted ones, and mere noise."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

from pel_proof import machine
from pel_proof.finite.explore import domains, moves, signatures
from pel_spec.kernel import Field, State, fields
from pel_spec.optimistic import Optimistic, OptimisticInvariants
from pel_spec.scheduler import blockstm
from pel_spec.scheduler.state import ABSENT, At, Status

WORKERS, PLACES = 2, 2
MOST = 3
"""Positions, at most."""
NUMBERS = range(-2, MOST + 2)
"""What a number may be, and a little more."""


class AbstractMachine(Optimistic, OptimisticInvariants):
    """The abstract machine, with its invariants."""


SIGNATURES = {
    blockstm.BlockStm: signatures(machine.block_stm().actions),
    AbstractMachine: signatures(machine.abstract_machine().actions),
}


def a_value(name: str, field: Field, random: Random) -> int:
    """Of what the field can hold, and a little more."""
    if isinstance(field.initial, bool):
        return random.random() < 0.5
    if field.to == "Worker":
        return random.randrange(WORKERS)
    if name == "pc":
        return random.randrange(len(At) + 2)
    if name == "num_active":  # a finite world has no more slots than workers
        return random.randrange(-1, WORKERS + 1)
    if name == "status":
        return random.randrange(len(Status) + 2)
    return random.choice(NUMBERS if random.random() < 0.3 else range(MOST))


def inside(state: State, name: str) -> Sequence[int]:
    """The indices that a field has values at."""
    ranges = {"Position": state.positions, "Slot": state.workers, "Incarnation": range(3)}
    return ranges.get(name) or around(name)


def around(name: str) -> Sequence[int]:
    """Those, and some that stand for nothing."""
    return {"Worker": range(WORKERS), "Place": range(PLACES)}.get(name, NUMBERS)


def corrupt(state: Any, random: Random, share: float) -> None:
    """Change that share of all values to others."""
    for name, field in fields(type(state)).items():
        for at in product(*(inside(state, d) for d in field.indices)):
            if random.random() < share:
                value = a_value(name, field, random)
                if at:
                    getattr(state, name)[at if len(at) > 1 else at[0]] = value
                else:
                    setattr(state, name, value)


def wander(state: Any, actions: Mapping[str, Any], random: Random, steps: int) -> Any:
    """The state after some enabled actions."""
    for _ in range(steps):
        enabled = list(moves(state, actions, SIGNATURES[type(state)], Ranges(state)))
        if enabled:
            _, state = random.choice(enabled)
    return state


class Ranges(dict[str, Sequence[Any]]):
    """What parameters range over."""

    def __init__(self, state: State) -> None:
        some = [frozenset[Any](), frozenset(state.locations), frozenset([0])]
        numbers = range(4)
        found = {name: tuple(values) for name, values in domains(state, writes=some).items()}
        super().__init__(found | {"Incarnation": numbers, "Number": numbers})


def states(kind: type, actions: Mapping[str, Any], seed: int) -> Iterator[Any]:
    """Without end: reached ones, reached and then corrupted a little, and mere noise."""
    random = Random(seed)
    while True:
        state = kind(random.choice((1, 2, 2, 3, 3)), WORKERS, range(PLACES))
        for share in (0.0, 0.02, 0.1, 0.5, 1.0):
            state = wander(state, actions, random, random.randrange(1, 20))
            corrupted = state.copy()
            corrupt(corrupted, random, share)
            yield corrupted


def noise(places: Sequence[At], seed: int) -> Iterator[Any]:
    """Without end: states of Block-STM with a worker that stands at such a place, or all do."""
    random = Random(seed)
    while True:
        state = blockstm.BlockStm(random.choice((2, 3)), WORKERS, range(PLACES))
        corrupt(state, random, random.choice((0.2, 0.5, 1.0)))
        if random.random() < 0.7:
            tidy(state, random)
        crowd(state, random.choice(places), random)
        yield state


def crowd(state: Any, at: At, random: Random) -> None:
    """Some worker stands there, or all do, with the same position: else that were too seldom."""
    state.pc[0] = at
    if random.random() < 0.2:
        for own in (state.pc, state.held, state.blocking):
            own[1] = own[0]


def tidy(state: Any, random: Random) -> None:
    """Workers have versions, and lookups find what was read: else that were too seldom as well."""
    state.val_idx = random.choice((state.val_idx, state.n))
    for w in state.workers:
        i = state.held[w] = random.randrange(state.n)
        state.status[i] = random.choice((state.status[i], Status.EXECUTED))
        c = state.held_inc[w] = state.inc[i]
        for x in state.locations:
            k = state.source[i, c, x] = random.randrange(-1, i)
            state.source_inc[i, c, x] = state.mem[k, x]
            for j in range(k + 1, i if random.random() < 0.7 else 0):
                state.mem[j, x] = ABSENT

"""Faults of campaigns: which runs have any, which, and how a set of them is made smaller."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from pel_fuzz.interleavings import Faulted, Interleaving
from pel_parallel.faults import Fault, FaultKind, faults_of

FAULT_SHARE: Final = {"tiny": 0.12, "evm": 0.3}
"""Of the runs of a campaign. What a fault shows, most blocks show; what a strategy shows, few."""
SECOND_SHARE: Final = 0.25
"""Of those, the share with two faults: the one may strike in what the other has left behind."""
KINDS: Final = {
    "tiny": {
        FaultKind.STALL: 40,
        FaultKind.EXCEPTION: 35,
        FaultKind.DEATH: 15,
        FaultKind.INTERRUPTION: 10,
    },
    "evm": {
        FaultKind.STALL: 20,
        FaultKind.EXCEPTION: 65,
        FaultKind.DEATH: 9,
        FaultKind.INTERRUPTION: 6,
    },
}
"""Shares of the kinds. The run goes on after the first two, so they show more. An interpreter has
much that an exception can leave behind."""
OWN_BITS: Final = {"tiny": (3, 8), "evm": (3, 12)}
"""A fault strikes at a step with a number of so many bits: early ones are likely, as every run
gets there, late ones not rare."""
STALL_BITS: Final = (3, 12)
"""How long a stall is: from a few steps to longer than most runs."""


def with_drawn_faults(
    random: Random, kind: str, workers: int, interleavings: Sequence[Interleaving]
) -> tuple[Interleaving, ...]:
    """The interleavings of a case; in the runs of some of them faults strike."""
    return tuple(_with_faults(random, kind, workers, each) for each in interleavings)


def _with_faults(
    random: Random, kind: str, workers: int, interleaving: Interleaving
) -> Interleaving:
    if random.random() >= FAULT_SHARE[kind] or isinstance(interleaving, Faulted):
        return interleaving
    drawn = [_draw(random, kind, workers)]
    if random.random() < SECOND_SHARE:
        other = _draw(random, kind, workers)
        if (other.worker, other.own) != (drawn[0].worker, drawn[0].own):
            drawn.append(other)
    return Faulted(interleaving, faults_of(drawn))


def _draw(random: Random, block_kind: str, workers: int) -> Fault:
    shares = KINDS[block_kind]
    kind = random.choices(tuple(shares), tuple(shares.values()))[0]
    own = random.getrandbits(random.randint(*OWN_BITS[block_kind]))
    steps, after = 1 + random.getrandbits(random.randint(*STALL_BITS)), random.random() < 0.5
    fault = Fault(kind, random.randrange(workers), own)
    if kind is FaultKind.STALL:
        return fault._replace(steps=steps)
    return fault if kind is FaultKind.EXCEPTION else fault._replace(after=after)


def smaller_faults(faults: Sequence[Fault]) -> Iterator[tuple[Fault, ...]]:
    """Sets of faults that are smaller by one step, the smallest first: none at all, one less,
    shorter stalls, deaths before their step instead of after it."""
    if len(faults) > 1:
        yield ()
    for index in range(len(faults)):
        yield (*faults[:index], *faults[index + 1 :])
    for index, fault in enumerate(faults):
        for simpler in _simpler(fault):
            yield (*faults[:index], simpler, *faults[index + 1 :])


def _simpler(fault: Fault) -> Iterator[Fault]:
    """The same fault, shorter; or before the step instead of after it."""
    shorter = 1
    while shorter < fault.steps:
        yield fault._replace(steps=shorter)
        shorter *= 2
    if fault.steps - 1 > shorter // 2:
        yield fault._replace(steps=fault.steps - 1)
    if fault.after:
        yield fault._replace(after=False)

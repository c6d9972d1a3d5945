"""Z3 decides obligations. Whatever it does not decide within its resource limit has failed.

The limit counts the solver's own work and not time, so a verdict is the same on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

import z3

from pel_proof.obligations import Obligation

RESOURCES = 5_000_000
"""About five seconds of the solver's work; the hardest obligation needs a small part of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out. `proved` also where the step touches nothing that the goal speaks of."""

    obligation: Obligation
    proved: bool
    reason: str
    seconds: float


def solver(resources: int = RESOURCES) -> z3.Solver:
    """A solver that instantiates quantifiers by matching alone: fast, and it never guesses."""
    made = z3.Solver()
    made.set(auto_config=False, mbqi=False, rlimit=resources)
    return made


def discharge(obligations: Iterable[Obligation]) -> Iterator[Verdict]:
    """The verdict on each. Neighbours with the same hypotheses share a solver."""
    shared: z3.Solver | None = None
    known: tuple[int, ...] = ()
    for obligation in obligations:
        started = perf_counter()
        if obligation.is_unchanged:
            yield Verdict(obligation, True, "unchanged", perf_counter() - started)
            continue
        here = tuple(term.get_id() for term in obligation.known)
        if shared is None or here != known:
            shared, known = solver(), here
            shared.add(*obligation.known)
        shared.push()
        shared.add(z3.Not(obligation.goal))
        answer = shared.check()
        reason = "proved" if answer == z3.unsat else f"{answer}: {shared.reason_unknown()}"
        shared.pop()
        yield Verdict(obligation, answer == z3.unsat, reason, perf_counter() - started)

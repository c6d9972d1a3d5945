"""Z3 decides obligations. Whatever it does not decide within its resource limit has failed.

The limit counts the solver's own work and not time, so a verdict is the same on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

import z3

from pel_proof.obligations import Obligation
from pel_proof.symbolic import Term

RESOURCES = 5_000_000
"""About five seconds of the solver's work; the hardest obligation needs a small part of it."""

PROVED, UNCHANGED = "proved", "unchanged"


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


def discharge(obligations: Iterable[Obligation], resources: int = RESOURCES) -> Iterator[Verdict]:
    """The verdict on each. Neighbours with the same hypotheses share a solver."""
    shared, known = solver(resources), frozenset[int]()
    alive: tuple[Term, ...] = ()  # the number of a term may be given again once it is gone
    for obligation in obligations:
        started = perf_counter()
        terms = obligation.known
        here = frozenset(term.get_id() for term in terms)
        if obligation.goal.get_id() in here:  # the step touches nothing that the goal speaks of
            yield Verdict(obligation, True, UNCHANGED, perf_counter() - started)
            continue
        if here != known:
            shared, known, alive = solver(resources), here, terms
            shared.add(*alive)
        shared.push()
        shared.add(z3.Not(obligation.goal))
        answer = shared.check()
        reason = PROVED if answer == z3.unsat else f"{answer}: {shared.reason_unknown()}"
        shared.pop()
        yield Verdict(obligation, answer == z3.unsat, reason, perf_counter() - started)


def leans_on(obligation: Obligation, resources: int = RESOURCES) -> frozenset[str] | None:
    """Which of its named hypotheses a proof of the obligation has used; `None`: it is not proved.
    Another proof may do with others."""
    tracked = solver(resources)
    tracked.set(unsat_core=True)
    tracked.add(*obligation.hypotheses, z3.Not(obligation.goal))
    for name, term in obligation.named:
        tracked.assert_and_track(term, f"uses:{name}")
    if tracked.check() != z3.unsat:
        return None
    return frozenset(str(used).removeprefix("uses:") for used in tracked.unsat_core())

"""Z3 decides obligations. Whatever it does not decide within its resource limit has failed.

The limit counts the solver's own work and not time, so a verdict is the same on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

import z3

from pel_proof.leans_on import LEANS_ON
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
    """The verdict on each. Neighbours that start from the same hypotheses share a solver."""
    shared = _Shared(resources)
    for obligation in obligations:
        started = perf_counter()
        reason = shared.decide(obligation, LEANS_ON.get(obligation.about))
        if reason not in (PROVED, UNCHANGED) and obligation.about in LEANS_ON:
            reason = shared.decide(obligation, None)
        proved = reason in (PROVED, UNCHANGED)
        yield Verdict(obligation, proved, reason, perf_counter() - started)


def decide(
    obligation: Obligation, names: Iterable[str] | None = None, resources: int = RESOURCES
) -> str:
    """`PROVED`, `UNCHANGED`, or why not, from the named hypotheses of these names only, or from
    all of them."""
    return _Shared(resources).decide(obligation, names)


class _Shared:
    """A solver, with the hypotheses that it knows already."""

    def __init__(self, resources: int) -> None:
        self.resources = resources
        self.solver, self.known = solver(resources), frozenset[int]()
        self.alive: tuple[Term, ...] = ()  # a term's number may be given again once it is gone

    def decide(self, obligation: Obligation, names: Iterable[str] | None) -> str:
        """As `decide`. Given names, what they name is shared with the neighbours; else everything
        is."""
        named = obligation.named
        if any(obligation.goal.eq(term) for _, term in named):
            return UNCHANGED
        wanted = None if names is None else {*names, obligation.about}
        some = tuple(term for name, term in named if wanted is None or name in wanted)
        own = obligation.hypotheses
        self._know(some if wanted is not None else (*own, *some))
        self.solver.push()
        self.solver.add(*(own if wanted is not None else ()), z3.Not(obligation.goal))
        answer = self.solver.check()
        reason = PROVED if answer == z3.unsat else f"{answer}: {self.solver.reason_unknown()}"
        self.solver.pop()
        return reason

    def _know(self, terms: tuple[Term, ...]) -> None:
        here = frozenset(term.get_id() for term in terms)
        if here != self.known:
            self.solver, self.known, self.alive = solver(self.resources), here, terms
            self.solver.add(*terms)


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

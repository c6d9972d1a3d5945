"""Which antecedents of the invariants hold in a state that a run has gone through.

That costs some twenty times as much as the run itself. So runs of the tiny machine are looked at,
whose states are small, of half of the cases, and there those that take an action which no run
before has taken. Which ones is decided by the case alone, never by a clock.
"""

from collections.abc import Collection
from random import Random

from pel_fuzz.cases import Case
from pel_fuzz.conformance.replay import Replay, locations_of
from pel_fuzz.coverage.antecedents import antecedents
from pel_parallel.executor import Run

CASES_SHARE = 0.5
"""Of the cases of the tiny machine."""
RUNS = 5
"""Of one case, at most."""


def is_looked_at(case: Case) -> bool:
    """Are the states of some runs of a drawn case looked at?"""
    if case.origin is None or case.kind != "tiny":
        return False
    seed, index = case.origin
    return Random(f"{seed}/{index}/states").random() < CASES_SHARE


def reached(run: Run, known: Collection[str] = ()) -> frozenset[str]:
    """The antecedents that hold somewhere in a recorded run, but for those that are `known` to,
    by their names; up to the first step that the text does not allow."""
    assert run.trace is not None, "the run was not recorded"
    left = [each for each in antecedents() if not (each.rolling or each.name in known)]
    found = set[str]()
    workers, transitions = len(run.counters.by_worker), run.history.transitions
    replay = Replay(transitions, workers, locations_of(run.trace), ghosts=True)
    for step in run.trace:
        right, _ = replay.advance((step,))
        if not right:
            break
        here = {each.name for each in left if each.holds(replay.state)}
        if here:
            left = [each for each in left if each.name not in here]
            found |= here
    return frozenset(found)

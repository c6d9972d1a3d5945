"""Does a run do what the text says? The trace step by step, the states that it goes through, and
how it ends.

The text is executed as it stands, so a replay costs what its quantifiers cost: each step about as
much as it took the run itself (under control), and besides, a look at a cell as many values as the
block has positions, the end of an execution or a validation as many as there are locations.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import getdoc
from types import MappingProxyType
from typing import Final

from pel_fuzz.conformance.ending import end_problems, vain_waits
from pel_fuzz.conformance.replay import Replay, locations_of
from pel_fuzz.conformance.violation import Kind, Problem, Violation
from pel_parallel.executor import Run
from pel_spec.scheduler.blockstm import INVARIANTS, BlockStm
from pel_spec.sync import Step

SMALL_BLOCK: Final = 6
"""Positions of a block up to which the invariants are evaluated after every step."""
INVARIANT_VALUES: Final = 2_000_000
"""About how many values invariants look at in the replay of a larger block."""
MOST_VALUES: Final = 400_000_000
"""How many values the guards of a replay may look at: about a minute."""

OVER_POSITIONS: Final = ("read_cell", "check_read", "commit_check", "swap_deps")
OVER_LOCATIONS: Final = ("load_written", "record_done", "load_reads", "set_ready", "commit")


class TooLarge(Exception):
    """The replay would take too long: nothing is known of the trace."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """How far a trace was followed: `steps` were taken, and all invariants were evaluated in
    `states`; what was wrong first, if anything was."""

    steps: int
    states: int
    violation: Violation | None


def check_trace(
    steps: Sequence[Step],
    transitions: int,
    workers: int,
    *,
    invariants: bool = True,
    complete: bool = True,
    waits: Mapping[int, str] = MappingProxyType({}),
    run: Run | None = None,
) -> Conformance:
    """Replay `steps`, which are in an order in which they can have happened.

    With `invariants` these are evaluated on the way: after every step of a small block, now and
    then in a larger one. A `complete` trace is that of a run that has ended; if it is given, its
    history and result have to agree with the state at the end. `waits` are the workers that could
    not go on at the end, each with the action that it waited for.

    Raises: `TooLarge`.
    """
    locations = locations_of(steps)
    if values_looked_at(steps, transitions, len(locations)) > MOST_VALUES:
        raise TooLarge(f"{len(steps)} steps, {transitions} positions, {len(locations)} locations")
    every = _pace(len(steps), transitions, len(locations)) if invariants else 0
    replay = Replay(transitions, workers, locations, ghosts=every > 0)
    states = taken = 0
    while taken < len(steps):
        right, problem = replay.advance(steps[taken : taken + every] if every else steps)
        taken += right
        state = replay.state
        if problem is None and every:
            states += 1
            problem = broken_invariant(state)
            taken -= problem is not None
        elif problem is not None and problem.kind is not Kind.NOT_ENABLED:
            again = Replay(transitions, workers, locations, ghosts=every > 0)
            again.advance(steps[:taken])
            state = again.state
        if problem is not None:
            violation = Violation(taken, len(steps), steps[taken], problem, state)
            return Conformance(taken, states, violation)
    ends = end_problems(replay.state, run) if complete else vain_waits(replay.state, waits)
    problem = next(ends, None)
    ending = problem and Violation(len(steps), len(steps), None, problem, replay.state)
    return Conformance(len(steps), states, ending)


def check_run(run: Run, *, invariants: bool = False) -> Conformance:
    """Replay the trace of a recorded run that has ended.

    Raises: `TooLarge`.
    """
    assert run.trace is not None, "the run was not recorded"
    workers, transitions = len(run.counters.by_worker), run.history.transitions
    return check_trace(run.trace, transitions, workers, invariants=invariants, run=run)


def values_looked_at(steps: Sequence[Step], transitions: int, locations: int) -> int:
    """About how many values the guards look at in a replay."""
    taken = Counter([step.action for step in steps])
    lookups = sum(taken[action] for action in OVER_POSITIONS)
    ends = sum(taken[action] for action in OVER_LOCATIONS)
    return len(steps) + lookups * transitions + ends * locations


def _pace(steps: int, transitions: int, locations: int) -> int:
    """Every how many steps invariants are evaluated; 0: never, as once alone would take minutes.
    They quantify over up to three positions, or two and a location."""
    if transitions <= SMALL_BLOCK:
        return 1
    values = transitions * transitions * (transitions + locations)
    if values > 20 * INVARIANT_VALUES:
        return 0
    return max(1, -(-steps // max(1, INVARIANT_VALUES // values)))


def broken_invariant(state: BlockStm) -> Problem | None:
    """The first invariant that does not hold, with the reason why it is needed."""
    for name, invariant in INVARIANTS.items():
        if not invariant(state):
            why = " ".join((getdoc(invariant) or "").split())
            return Problem(Kind.INVARIANT, f"{name} does not hold: {why}")
    return None

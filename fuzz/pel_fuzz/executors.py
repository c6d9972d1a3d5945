"""Our optimistic executor as the harness runs it: under control, or on plain threads."""

from contextlib import suppress
from typing import Final

from pel_fuzz.cases import Case, Interleaving
from pel_parallel.control import STEP_LIMIT
from pel_parallel.errors import Deadlock, ExecutionError, Incomplete, Livelock, StepLimit
from pel_parallel.executor import Run, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.stress import OpcodeStress
from pel_parallel.sync import RecordingRuntime, Schedule, switch_interval
from pel_spec.fold import fold
from pel_spec.history import History
from pel_spec.transition import TransitionBlock

STUCK: Final = (Deadlock, Livelock, StepLimit, Incomplete)
"""What a run raises that did not end as a run should, whatever its block."""

STRESS_SWITCH_SECONDS: Final = 1e-5
"""How often threads are switched in the stress lane: the default finds next to nothing."""


def step_limit(meaning: History) -> int:
    """More steps than a healthy run of a block takes, from the history of its fold: contended runs
    have taken up to 60 steps for each access and each position."""
    accesses = sum(len(i.reads) + len(i.writes) for i in meaning.incarnations)
    return 20_000 + 300 * (accesses + meaning.transitions)


def run_controlled(
    block: TransitionBlock, workers: int, interleaving: Interleaving, limit: int = STEP_LIMIT
) -> Run:
    """One run under `interleaving`; the same arguments give the same run, step by step.

    Raises: one of `STUCK`, `StepLimit` after `limit` steps; `Drift` where a recorded schedule does
    not fit.
    """
    runtime = GreenletController(interleaving.steering(), step_limit=limit)
    return run_block(block, workers=workers, runtime=runtime)


def run_on_threads(block: TransitionBlock, workers: int, number: int) -> Run:
    """Run `number` of a block on plain threads, switched often, and in every other run also between
    instructions: what lies between the points of the controller.

    Raises: one of `STUCK`.
    """
    runtime = OpcodeStress(number) if number % 2 else RecordingRuntime()
    with switch_interval(STRESS_SWITCH_SECONDS):
        return run_block(block, workers=workers, runtime=runtime)


def record_schedule(case: Case) -> Schedule:
    """The switches that the case's one interleaving makes, whether or not the run ends well."""
    (interleaving,) = case.interleavings
    block = case.compile()
    limit = step_limit(fold(block)[1])
    runtime = GreenletController(interleaving.steering(), step_limit=limit)
    with suppress(ExecutionError):  # a run that gets stuck has a schedule too
        run_block(block, workers=case.workers, runtime=runtime)
    return runtime.schedule()

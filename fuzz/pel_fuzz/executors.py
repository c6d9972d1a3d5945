"""Our optimistic executor as the harness runs it: under control, or on plain threads."""

from collections.abc import Iterable
from traceback import extract_tb
from typing import Final

from pel_fuzz.interleavings import Steered
from pel_parallel.control import STEP_LIMIT
from pel_parallel.errors import (
    ChoiceFailed,
    Deadlock,
    ExecutionError,
    Incomplete,
    Livelock,
    StepLimit,
)
from pel_parallel.executor import Run, plain, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.stress import OpcodeStress, switch_interval
from pel_parallel.sync import RecordingRuntime, Seam
from pel_spec.history import History
from pel_spec.sync import Step
from pel_spec.transition import TransitionBlock


class Crash(ExecutionError):
    """The executor itself has raised what no run should: an index past the end, say. `raised`
    names the type of that."""

    raised: str = ""

    @classmethod
    def of(cls, error: Exception, steps: Iterable[Step]) -> "Crash":
        """What was raised after these steps, and where."""
        frames = extract_tb(error.__traceback__)
        where = f", in {frames[-1].name}" if frames else ""
        crash = cls(f"{type(error).__name__}: {error}{where}")
        crash.raised, crash.trace = type(error).__name__, plain(steps)
        return crash


STUCK: Final = (Deadlock, Livelock, StepLimit, Incomplete, Crash)
"""What a run raises that did not end as a run should, whatever its block."""

STRESS_SWITCH_SECONDS: Final = 1e-5
"""How often threads are switched in the stress lane: the default finds next to nothing."""


def step_limit(meaning: History, workers: int) -> int:
    """More steps than a healthy run of a block takes, from the history of its fold: contended runs
    have taken up to 60 steps for each access and each position."""
    accesses = sum(len(i.reads) + len(i.writes) for i in meaning.incarnations)
    return for_workers(20_000 + 300 * (accesses + meaning.transitions), workers)


def for_workers(limit: int, workers: int) -> int:
    """A bound on the steps of a run on a few workers, for so many: while one sleeps, all others
    look for work in vain."""
    return limit * max(1, workers // 4)


def expected_steps(meaning: History, workers: int) -> int:
    """About how many steps a run of a block takes, from the history of its fold. Fitted to runs
    with 1 to 8 workers: four in five took 0.8 to 1.3 times as many, on the tiny machine and on the
    EVM."""
    reads = sum(len(i.reads) for i in meaning.incarnations)
    writes = sum(len(i.writes) for i in meaning.incarnations)
    alone = 20 * meaning.transitions + 2 * reads + 3 * writes // 2
    return alone * (3 + workers) // 4 + 15 * workers


def run_to_its_end(block: TransitionBlock, workers: int, runtime: Seam) -> Run:
    """One run, however it ends.

    Raises: one of `STUCK`, a `Crash` for whatever else the executor raises; `Drift`;
    `ChoiceFailed`, which is our own fault.
    """
    try:
        return run_block(block, workers=workers, runtime=runtime)
    except (ExecutionError, ChoiceFailed):
        raise
    except Exception as error:
        raise Crash.of(error, runtime.trace() or ()) from error


def run_controlled(
    block: TransitionBlock, workers: int, interleaving: Steered, limit: int = STEP_LIMIT
) -> Run:
    """One run under `interleaving`; the same arguments give the same run, step by step.

    Raises: one of `STUCK`, `StepLimit` after `limit` steps; `Drift` where a recorded schedule does
    not fit.
    """
    runtime = GreenletController(interleaving.steering(), step_limit=limit)
    return run_to_its_end(block, workers, runtime)


def run_on_threads(
    block: TransitionBlock, workers: int, number: int, limit: int | None = None
) -> Run:
    """Run `number` of a block on plain threads, switched often, and in every other run also between
    instructions: what lies between the points of the controller.

    Raises: one of `STUCK`, `StepLimit` after `limit` steps of a worker.
    """
    runtime = (
        OpcodeStress(number, step_limit=limit) if number % 2 else RecordingRuntime(step_limit=limit)
    )
    with switch_interval(STRESS_SWITCH_SECONDS):
        return run_to_its_end(block, workers, runtime)

"""How many runs a seeded bug takes to be found: by a strategy under control, or on plain threads.

The blocks are drawn from a seed, some runs each, and are the same for all who hunt: of the tiny
machine for bugs of scheduler and memory, of the EVM for those of the seam and those that only
faults show (which strike as often as in a campaign, and on plain threads never). A run shows a bug
from outside, by what it leaves or because it does not end well; or, if the steps count too, because
one of them is not the specification's.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, repeat
from random import Random
from typing import Final, Protocol

from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.cases import RUNS_A_CASE, Case
from pel_fuzz.conformance.check import TooLarge, check_run
from pel_fuzz.examine import examine
from pel_fuzz.executors import STUCK, expected_steps, run_controlled, run_on_threads, step_limit
from pel_fuzz.fault_draws import with_drawn_faults
from pel_fuzz.interleavings import draw_interleaving, sized
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.verdict import Oracle
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.executor import Run
from pel_spec.fold import agree, fold

WORKERS: Final = (2, 3, 4)
THREADS: Final = "threads"
"""The name of the lane that nothing steers, beside those of the strategies."""


@dataclass(frozen=True, slots=True)
class Job:
    """One hunt: which bug, by which strategy, from which seed, how long at most, and whether the
    steps count too."""

    bug: str
    strategy: str
    seed: int
    most_runs: int
    most_seconds: float
    steps_too: bool = False


@dataclass(frozen=True, slots=True)
class Hunt:
    """How it went: `runs` were made in `seconds` of processor time (what else the machine does
    counts for little), the last of which showed the bug if `found`."""

    found: bool
    runs: int
    seconds: float


class Ground(Protocol):
    """A block to hunt on."""

    def shows(self, strategy: str, random: Random, number: int, *, steps_too: bool) -> bool:
        """Does run `number`, steered by what is drawn from `random`, show that anything is wrong?
        The steps are looked at if `steps_too`."""
        ...


class TinyGround:
    """A block of the tiny machine, with what is right."""

    def __init__(self, seed: int, index: int) -> None:
        drawn: TinyBlock = draw_case(tiny_blocks(), seed, index).value
        self.block = drawn
        self.workers = Random(f"{seed}/{index}/workers").choice(WORKERS)
        self.expected, history = fold(drawn)  # no bug of the scheduler is in the fold
        self.limit = step_limit(history, self.workers)
        self.steps = expected_steps(history, self.workers)

    def shows(self, strategy: str, random: Random, number: int, *, steps_too: bool) -> bool:
        """By what is left, or by whatever the run raises."""
        try:
            run = self._run(strategy, random, number)
        except STUCK:  # anything else is our own fault, and no finding
            return True
        if not agree(self.expected, run.result):
            return True
        try:
            return steps_too and check_run(run).violation is not None
        except TooLarge:
            return False

    def _run(self, strategy: str, random: Random, number: int) -> Run:
        if strategy == THREADS:
            return run_on_threads(self.block, self.workers, number, self.limit)
        interleaving = sized(draw_interleaving(random, "tiny", strategy), self.steps)
        return run_controlled(self.block, self.workers, interleaving, self.limit)


class EvmGround:
    """A block of the EVM, which every oracle but EELS looks at; in some runs faults strike. Plain
    threads are not interrupted between instructions here."""

    def __init__(self, seed: int, index: int) -> None:
        drawn = draw_case(blocks(), seed, index).value
        workers = Random(f"{seed}/{index}/workers").choice(WORKERS)
        self.case = Case(drawn.block, "evm", workers, ())

    def shows(self, strategy: str, random: Random, number: int, *, steps_too: bool) -> bool:
        """By any difference, in which the steps alone do not count unless they are asked for."""
        threads = strategy == THREADS
        drawn = draw_interleaving(random, "evm", "mix" if threads else strategy)
        faulted = with_drawn_faults(random, "evm", self.case.workers, (drawn,))
        case = replace(self.case, interleavings=faulted)
        found = examine(case, threads=threads, stop_at_first=False).findings
        return any(steps_too or f.difference.oracle is not Oracle.CONFORMANCE for f in found)


GROUNDS: Final[Mapping[str, tuple[Callable[[int, int], Ground], int]]] = {
    "tiny": (TinyGround, RUNS_A_CASE["tiny"]),
    "evm": (EvmGround, RUNS_A_CASE["evm"]),
}
"""Where a bug is hunted, and how many runs of each block are made, as in a campaign."""


def grounds(kind: str, seed: int) -> Iterator[Ground]:
    """For one run after the other, the block that it is of."""
    make, runs = GROUNDS[kind]
    for index in count():
        yield from repeat(make(seed, index), runs)


def hunt(job: Job) -> Hunt:
    """Run until the bug shows, or until enough is enough. Drawing blocks costs time, but counts
    for nobody: only the runs are timed."""
    spent, kind = 0.0, "tiny" if job.bug in SCHEDULER_BUGS else "evm"
    with BUGS[job.bug].plant():
        for number, ground in enumerate(grounds(kind, job.seed)):
            if number == job.most_runs or spent >= job.most_seconds:
                return Hunt(False, number, spent)
            random = Random(f"{job.seed}/{number}/{job.strategy}")
            begun = time.process_time()
            found = ground.shows(job.strategy, random, number, steps_too=job.steps_too)
            spent += time.process_time() - begun
            if found:
                return Hunt(True, number + 1, spent)
    raise AssertionError("there is always another run")

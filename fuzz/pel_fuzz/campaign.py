"""A campaign: the cases of a shard, examined by a few processes, collected in the order of index.

Cases are handed out in order, so the cases that were run are always a prefix of the shard's; a
time budget changes only how long that prefix is. What a case finds does not depend on which
process examined it, nor on how many there are. Where time is up, cases that have not begun are
given up at once, and those that have after `GRACE_SECONDS`; nothing is said of them.
"""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from pel_fuzz.cases import Case, case_at
from pel_fuzz.examine import Examination, OutOfTime, examine
from pel_fuzz.workloads.draws import Choices

GRACE_SECONDS = 5.0
"""How long, after time is up, a case that has begun may go on, and what was found be shrunk."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cases a campaign runs: those with `index % of == shard`, from `start` on, in order.

    `max_seconds` and `max_cases` end it; at least one is given. `interleavings` is one of
    `INTERLEAVINGS`. `seed_bug` plants a known bug in every process, for tests of the harness. A
    case ends with the first run that differs, unless `stop_at_first` is unset: a difference that
    is known must not hide another.
    """

    seed: int
    max_cases: int | None = None
    max_seconds: float | None = None
    fork: str | None = None
    shard: int = 0
    of: int = 1
    start: int = 0
    jobs: int = 1
    interleavings: str = "mix"
    eels: bool = True
    seed_bug: str | None = None
    stop_at_first: bool = True

    @property
    def threads(self) -> bool:
        """Whether it is the stress lane: plain threads, which nothing steers."""
        return self.interleavings == "threads"

    def case_at(self, index: int) -> tuple[Case, Choices]:
        """Case `index`, and the choices that drew its block."""
        return case_at(self.seed, index, self.fork, self.eels, self.interleavings)

    def indices(self) -> Iterator[int]:
        """The shard's indices; endless where only time ends the campaign."""
        index, taken = self.start + (self.shard - self.start) % self.of, 0
        while self.max_cases is None or taken < self.max_cases:
            yield index
            index, taken = index + self.of, taken + 1


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One examined case, small enough to travel between processes."""

    index: int
    kind: str
    fork: str | None
    examination: Examination


def examine_index(plan: Plan, index: int, until: float | None = None) -> CaseReport:
    """Draw case `index` and examine it.

    Raises: `OutOfTime`, as `examine` does.
    """
    case, _ = plan.case_at(index)
    examination = examine(
        case, threads=plan.threads, stop_at_first=plan.stop_at_first, watched=True, until=until
    )
    return CaseReport(index, case.kind, case.fork, examination)


def run_campaign(plan: Plan, deadline: float | None = None) -> Generator[CaseReport, None, None]:
    """Each examined case, in the order of index. Closing the iterator ends the campaign.

    It ends by `deadline`, of the monotonic clock; where none is given, after the plan's seconds.
    """
    if deadline is None and plan.max_seconds is not None:
        deadline = time.monotonic() + plan.max_seconds
    if plan.jobs == 1:
        until = None if deadline is None else deadline + GRACE_SECONDS
        with planted(plan.seed_bug), suppress(OutOfTime):
            for index in plan.indices():
                if _is_late(deadline):
                    return
                yield examine_index(plan, index, until)
        return
    yield from _run_in_processes(plan, deadline)


def _is_late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _run_in_processes(plan: Plan, deadline: float | None) -> Generator[CaseReport, None, None]:
    """Keeps every process busy with a little in hand, and gives results in the order of index."""
    context = multiprocessing.get_context("spawn")
    with _interruption_held():
        pool = ProcessPoolExecutor(plan.jobs, context, _start_process, (plan,))
    waiting: deque[Future[CaseReport]] = deque()
    indices = plan.indices()
    try:
        while True:
            while len(waiting) < 4 * plan.jobs and not _is_late(deadline):
                index = next(indices, None)
                if index is None:
                    break
                with _interruption_held():
                    waiting.append(pool.submit(_examine_in_process, index))
            report = _next_report(waiting, deadline)
            if report is None:
                return
            yield report
    finally:
        for process in list((pool._processes or {}).values()) if waiting else ():
            process.terminate()  # nobody wants their cases any more
        pool.shutdown(wait=True, cancel_futures=True)


def _next_report(waiting: deque[Future[CaseReport]], deadline: float | None) -> CaseReport | None:
    """The next case's, if there is one and it does not take too long; it is then not waited for."""
    if not waiting:
        return None
    future = waiting[0]
    if deadline is not None:
        wait([future], timeout=max(deadline - time.monotonic(), 0))
        if _is_late(deadline):
            for later in reversed(waiting):
                later.cancel()
            if future.cancelled():
                return None
            wait([future], timeout=max(deadline + GRACE_SECONDS - time.monotonic(), 0))
            if not future.done():
                return None
    report = future.result()
    waiting.popleft()
    return report


@contextmanager
def _interruption_held() -> Iterator[None]:
    """An interruption that comes in here is delivered afterwards; processes that are started in
    here never see any, not even while they load."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_process_plan: Plan | None = None
_process_bug = ExitStack()
"""Keeps the seeded bug planted for as long as the process lives."""


def _start_process(plan: Plan) -> None:
    """Runs once in each process; the parent alone answers an interruption."""
    global _process_plan  # noqa: PLW0603 - the pool's protocol gives a process no other memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _process_plan = plan
    _process_bug.enter_context(planted(plan.seed_bug))


def _examine_in_process(index: int) -> CaseReport:
    assert _process_plan is not None
    return examine_index(_process_plan, index)


@contextmanager
def planted(seed_bug: str | None) -> Iterator[None]:
    """A seeded bug for as long as the context lasts: the test-only switch.

    Raises: `KeyError` for a name that no canary has.
    """
    if seed_bug is None:
        yield
        return
    from pel_fuzz.canaries.registry import BUGS  # noqa: PLC0415 - reached by the switch alone

    with BUGS[seed_bug].plant():
        yield


def default_jobs() -> int:
    """As many processes as this machine lets us use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

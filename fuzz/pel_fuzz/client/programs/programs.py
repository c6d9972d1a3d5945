"""Key-value programs for executors that run no EVM: drawn, run as a command, judged.

An executor is a command that reads one block on its standard input, prints the block's result, and
ends (docs/formats/programs.md). Blocks are large by default: an executor may run small ones
sequentially and say nothing of it. Each may be run several times, as parallel runs differ.
"""

import shlex
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TypeAlias

from hypothesis.strategies import SearchStrategy

from pel_fuzz.client.asking.answer import read_document
from pel_fuzz.client.running.failures import ClientFailure, Garbage, NoStart, Stopped, ended_badly
from pel_fuzz.client.running.folder import work_folder
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.process import Stop, never, run_process
from pel_fuzz.drive.judge import result_difference
from pel_fuzz.drive.messages import Answer, result_of
from pel_fuzz.formats.header import FormatError
from pel_fuzz.formats.programs_json import question
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_fuzz.workloads.draws import Drawn, draw_case
from pel_spec.fold import fold

LEAST_PROGRAMS, MOST_PROGRAMS, MOST_CELLS = 32, 64, 8
"""The size of a block: so many programs, over so few cells that nearly every two meet."""
EMPTY = TinyBlock(programs=(), initial_values=(0,))
"""What an executor that works at all has a result for."""

Passes: TypeAlias = Callable[[str], bool]
"""Whether differences of a signature are known, and pass."""


def nothing_passes(_signature: str) -> bool:
    """What holds where nothing is known."""
    return False


def program_blocks(small: bool = False) -> SearchStrategy[TinyBlock]:
    """Where the blocks are drawn from; `small` ones are those of the fuzzer."""
    if small:
        return tiny_blocks()
    return tiny_blocks(largest=MOST_PROGRAMS, most_cells=MOST_CELLS, least=LEAST_PROGRAMS)


def program_block_at(seed: int, index: int, small: bool = False) -> Drawn[TinyBlock]:
    """Block `index` of a seed: a function of its arguments."""
    return draw_case(program_blocks(small), seed, index)


# ---- one executor, one block ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProgramExecutor:
    """A command that takes one block and ends. No shell reads it.

    Raises: `NoStart`, for what is no command.
    """

    command: str
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise NoStart(self.command, str(error)) from None
        if not words:
            raise NoStart(self.command, "is empty")

    def execute(self, block: TinyBlock, stop: Stop = never) -> tuple[Answer, str]:
        """What it answers, and what it wrote on its standard error.

        Raises: `ClientFailure`, `NoStart`, `Stopped`.
        """
        with work_folder() as folder:
            ended = run_process(
                shlex.split(self.command),
                cwd=Path.cwd(),
                limits=self.limits,
                stdin=question(block),
                folder=folder,
                environment={"TMPDIR": str(folder)},
                stop=stop,
            )
        if ended.status != 0:
            raise ended_badly(ended.status, ended.errors)
        document = read_document("standard output", ended.output, ended.errors)
        try:
            return result_of(document.value, block, ""), ended.errors
        except FormatError as error:
            raise Garbage(f"its answer: {error}", ended.errors) from None


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of the runs of one block. `difference` ended them, at `run`, which counts from 0;
    `errors` is what the executor wrote then. `passed` are those that did not end them, one a
    signature; `answers` counts the runs that gave a result."""

    difference: Difference | None = None
    run: int = 0
    errors: str = ""
    passed: tuple[Difference, ...] = ()
    answers: int = 0

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All that was seen."""
        return self.passed if self.difference is None else (*self.passed, self.difference)


def examine(
    executor: ProgramExecutor,
    block: TinyBlock,
    runs: int = 1,
    stop: Stop = never,
    passes: Passes = nothing_passes,
) -> Examined:
    """Run a block until something is wrong, so many times at most. A difference whose signature
    `passes` does not end it, so that it hides no other one.

    Raises: `NoStart`, `Stopped`.
    """
    expected = fold(block)[0]
    passed: dict[str, Difference] = {}
    answers = 0
    for run in range(runs):
        try:
            answer, errors = executor.execute(block, stop)
            answers += 1
            found = result_difference(block, expected, answer)
            difference = None if found is None else replace(found, oracle=Oracle.ANSWER)
        except ClientFailure as failure:
            difference, errors = _failed(failure), failure.errors
        if difference is None:
            continue
        if not passes(difference.signature):
            return Examined(difference, run, errors, tuple(passed.values()), answers)
        passed.setdefault(difference.signature, difference)
    return Examined(run=runs, passed=tuple(passed.values()), answers=answers)


def unfit(executor: ProgramExecutor) -> str | None:
    """Why the executor can be asked nothing: it fails on an empty block. `None`, if it does not.

    Raises: `NoStart`.
    """
    difference = examine(executor, EMPTY).difference
    if difference is None or difference.oracle is not Oracle.FAULT:
        return None
    return shorten("; ".join(filter(None, (difference.got, difference.words.partition("\n")[0]))))


def _failed(failure: ClientFailure) -> Difference:
    """An executor that ended badly failed on a block that has a result; one that is late, or says
    what nobody understands, leaves the question open."""
    oracle = Oracle.FAULT if failure.is_verdict else Oracle.CLIENT
    problem = shorten(failure.problem, 400)
    words = failure.errors
    return Difference(oracle, failure.kind, "the executor", "a result", problem, words=words)


# ---- a campaign -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProgramsPlan:
    """Which blocks are run: those with `index % of == shard`, from `start` on, each `runs` times.

    `max_seconds` and `max_cases` end it; at least one is given.
    """

    seed: int
    executor: ProgramExecutor
    max_cases: int | None = None
    max_seconds: float | None = None
    shard: int = 0
    of: int = 1
    start: int = 0
    jobs: int = 1
    runs: int = 1
    small: bool = False

    def indices(self) -> Iterator[int]:
        """The shard's indices; endless where only time ends the campaign."""
        index, taken = self.start + (self.shard - self.start) % self.of, 0
        while self.max_cases is None or taken < self.max_cases:
            yield index
            index, taken = index + self.of, taken + 1


@dataclass(frozen=True, slots=True)
class RanBlock:
    """One block, and what came of it."""

    index: int
    drawn: Drawn[TinyBlock]
    examined: Examined


def run_programs(
    plan: ProgramsPlan, deadline: float | None = None, passes: Passes = nothing_passes
) -> Generator[RanBlock, None, None]:
    """Each block, in the order of index, until `deadline` (of the monotonic clock). A block that
    the deadline cuts off is none. Closing the iterator ends every process. `passes` is that of
    `examine`.

    Raises: `NoStart`.
    """
    ended = Event()

    def stop() -> bool:
        return ended.is_set() or (deadline is not None and time.monotonic() >= deadline)

    def run(index: int) -> RanBlock | None:
        drawn = program_block_at(plan.seed, index, plan.small)
        try:
            examined = examine(plan.executor, drawn.value, plan.runs, stop, passes)
        except Stopped:
            return None
        return RanBlock(index, drawn, examined)

    with ExitStack() as stack:
        threads = ThreadPoolExecutor(plan.jobs)
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        stack.callback(ended.set)  # called first: a process at work is given up
        waiting: deque[Future[RanBlock | None]] = deque()
        indices = plan.indices()
        while True:
            while len(waiting) < 2 * plan.jobs and not stop():
                index = next(indices, None)
                if index is None:
                    break
                waiting.append(threads.submit(run, index))
            ran = waiting.popleft().result() if waiting else None
            if ran is None:
                return
            yield ran

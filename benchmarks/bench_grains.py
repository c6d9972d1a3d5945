"""Three grains, one machinery: whole controlled runs a second, with their traces and without.

    python benchmarks/bench_grains.py [--rounds N] [BLOCK ...]

Blocks of the tiny machine with four transitions, by strategy and under the mix; blocks of the EVM
with up to four transactions, and whole blocks from files, as `pel diff` takes them, under the mix;
three workers. Processor time on one core, the rows take turns, and each keeps its best round; what
is checked afterwards is not in it.
"""

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from pel_fuzz.executors import expected_steps, run_to_its_end, step_limit
from pel_fuzz.inputs import GivenBlock, read_input
from pel_fuzz.interleavings import MIX, draw_interleaving, sized
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.greenlets import GreenletController
from pel_reference.transitions import compile_block
from pel_spec.fold import fold
from pel_spec.transition import TransitionBlock

WORKERS = 3


def tiny() -> Iterator[TransitionBlock]:
    """Drawn blocks of the tiny machine with four transitions."""
    drawn = (draw_case(tiny_blocks(), 1, index).value for index in count())
    return islice((block for block in drawn if len(block.programs) == 4), 50)


def evm() -> Iterator[TransitionBlock]:
    """Drawn blocks of the EVM with two to four transactions."""
    drawn = (draw_case(blocks(size=(2, 4)), 1, index).value.block for index in range(10))
    return map(compile_block, drawn)


class Row(NamedTuple):
    """What is measured: under a strategy, so many runs of each block."""

    name: str
    kind: str
    strategy: str
    blocks: Sequence[TransitionBlock]
    runs: int


class Round(NamedTuple):
    """Processor seconds, and what was done in them."""

    seconds: float
    runs: int
    steps: int
    transitions: int

    def words(self) -> str:
        """Runs and steps a second."""
        return f"{self.runs / self.seconds:9,.1f} runs/s {self.steps / self.seconds:9,.0f} steps/s"


def measure(row: Row, keep_trace: bool) -> Round:
    """One round of a row: the same runs each time."""
    spent, made, steps, transitions = 0.0, 0, 0, 0
    for block in row.blocks:
        history = fold(block)[1]
        length, limit = expected_steps(history, WORKERS), step_limit(history, WORKERS)
        for _ in range(row.runs):
            drawn = draw_interleaving(Random(f"1/{made}"), row.kind, row.strategy)
            interleaving = sized(drawn, length)
            begun = time.process_time()
            choices = interleaving.steering()
            runtime = GreenletController(choices, step_limit=limit, keep_trace=keep_trace)
            run_to_its_end(block, WORKERS, runtime)
            spent += time.process_time() - begun
            made, steps = made + 1, steps + runtime.steps_taken
            transitions += len(block.transitions)
    return Round(spent, made, steps, transitions)


def rows(files: Iterable[Path]) -> Iterator[Row]:
    """The tiny machine under every seeded strategy, then all grains under the mix."""
    small = list(tiny())
    for strategy in sorted(MIX):
        yield Row(f"tiny machine, {strategy}", "tiny", strategy, small, 10)
    yield Row("tiny machine, mix", "tiny", "mix", small, 40)
    yield Row("a few EVM transactions", "evm", "mix", list(evm()), 20)
    whole = [given for given in map(read_input, files) if isinstance(given, GivenBlock)]
    if whole:
        yield Row("whole blocks", "evm", "mix", [compile_block(each.block) for each in whole], 1)


def main() -> None:
    """A line for each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, metavar="BLOCK")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    measured = list(rows(given.files))
    taken = [
        [(measure(row, True), measure(row, False)) for row in measured] for _ in range(given.rounds)
    ]
    for row, of_row in zip(measured, zip(*taken, strict=True), strict=True):
        traced, bare = map(min, zip(*of_row, strict=True))
        size = f"{traced.transitions / traced.runs:7.1f} transitions"
        print(f"{row.name:24} {size} {traced.words()}   without traces {bare.words()}")


if __name__ == "__main__":
    main()

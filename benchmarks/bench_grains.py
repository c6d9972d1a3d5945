"""Three grains, one machinery: whole controlled runs a second, with their traces.

    python benchmarks/bench_grains.py [BLOCK ...]

Blocks of the tiny machine with four transitions, blocks of the EVM with up to four transactions,
and whole blocks from files, as `pel diff` takes them; three workers, under the mix of strategies.
Processor time on one core; what is checked afterwards is not in it.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count, islice
from random import Random

from pel_fuzz.executors import expected_steps, run_controlled, step_limit
from pel_fuzz.inputs import GivenBlock, read_input
from pel_fuzz.interleavings import draw_interleaving, sized
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
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


def measure(kind: str, grain: Iterable[TransitionBlock], runs: int) -> tuple[float, float, float]:
    """Runs a second, steps a second and transitions a block."""
    spent, made, steps, transitions = 0.0, 0, 0, 0
    for block in grain:
        history = fold(block)[1]
        length, limit = expected_steps(history, WORKERS), step_limit(history)
        for _ in range(runs):
            interleaving = sized(draw_interleaving(Random(f"1/{made}"), kind, "mix"), length)
            begun = time.process_time()
            run = run_controlled(block, WORKERS, interleaving, limit)
            spent += time.process_time() - begun
            made, steps = made + 1, steps + len(run.trace or ())
            transitions += len(block.transitions)
    return made / spent, steps / spent, transitions / made


def main() -> None:
    """A line for each grain."""
    whole = [given for given in map(read_input, sys.argv[1:]) if isinstance(given, GivenBlock)]
    for name, kind, grain, runs in (
        ("tiny machine", "tiny", tiny(), 40),
        ("a few EVM transactions", "evm", evm(), 20),
        ("whole blocks", "evm", (compile_block(given.block) for given in whole), 1),
    ):
        if name != "whole blocks" or whole:
            speed, steps, size = measure(kind, grain, runs)
            print(f"{name:24} {size:7.1f} transitions {speed:9.2f} runs/s {steps:9,.0f} steps/s")


if __name__ == "__main__":
    main()

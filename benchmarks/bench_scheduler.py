"""What the seam costs: the same tiny blocks under every runtime, and the controller alone.

    python benchmarks/bench_scheduler.py [--rounds N]

Blocks of four transitions of the tiny machine on three workers, drawn from fixed seeds. Every row
runs the same blocks in one process, the rows take turns, and each keeps its best round; times are
wall clock, because real threads also wait. Ratios are against the first row, the controller on
greenlets. The last table is the controller without an executor: steps that do nothing, with a
switch at each. `layers` adds up what a controlled step costs, one thing after the other: which of
them limits the controller.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import count, islice
from typing import Any, TypeVar

from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.batons import BatonController
from pel_parallel.choices import Default, Pending, RandomWalk
from pel_parallel.control import Controller
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.shared import Number
from pel_parallel.sync import RecordingRuntime, ThreadRuntime
from pel_spec.fold import fold

BLOCKS, WORKERS, SWITCH_PROBABILITY = 100, 3, 0.3
STEPS_ALONE = 20_000
Make = Callable[[int], Any]
T = TypeVar("T")
RUNTIMES: dict[str, tuple[Make, int]] = {
    "controlled, greenlets": (
        lambda seed: GreenletController(RandomWalk(seed, SWITCH_PROBABILITY)),
        WORKERS,
    ),
    "controlled, batons": (
        lambda seed: BatonController(RandomWalk(seed, SWITCH_PROBABILITY)),
        WORKERS,
    ),
    "threads, recording": (lambda seed: RecordingRuntime(), WORKERS),
    "threads, production": (lambda seed: ThreadRuntime(), WORKERS),
    "production, one worker": (lambda seed: ThreadRuntime(), 1),
}


class Rotation(Default):
    """Switches at every step."""

    def choose(
        self, worker: int, own: int, runnable: object, default: int, pending: Pending
    ) -> int:
        return (worker + 1) % WORKERS if own < STEPS_ALONE else default


def blocks_of_four() -> list[TinyBlock]:
    """The first blocks of four transitions that are drawn."""
    drawn = (draw_case(tiny_blocks(), 1, index).value for index in count())
    return list(islice((block for block in drawn if len(block.programs) == 4), BLOCKS))


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def run_all(blocks: list[TinyBlock], make: Make, workers: int) -> None:
    for seed, block in enumerate(blocks):
        run_block(block, workers=workers, runtime=make(seed))


def fold_all(blocks: list[TinyBlock]) -> None:
    for block in blocks:
        fold(block)


def steps_of(blocks: list[TinyBlock]) -> int:
    """The steps that the first row takes for all blocks."""
    make, workers = RUNTIMES["controlled, greenlets"]
    runs = (run_block(b, workers=workers, runtime=make(seed)) for seed, b in enumerate(blocks))
    return sum(len(run.trace or ()) for run in runs)


def alone(controller: Controller) -> float:
    """Steps a second of a controller whose workers do nothing but step."""
    number = Number("n")

    def body(worker: int) -> None:
        for _ in range(STEPS_ALONE):
            controller.step(worker, "leave", (), number, number.load)

    taken = seconds(lambda: controller.run(WORKERS, body))
    return len(controller.trace() or ()) / taken


class Bare:
    """No runtime at all: one worker, whose steps are their bodies."""

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[object, ...],
        obj: object,
        body: Callable[[], T],
        enabled: object = None,
    ) -> T:
        """The body."""
        return body()

    def idle(self, worker: int) -> None:
        """Nothing: a worker alone never waits for another."""

    def run(self, workers: int, body: Callable[[int], None]) -> None:
        """The one worker."""
        body(0)

    def trace(self) -> None:
        """Nothing is recorded."""

    def schedule(self) -> None:
        """Nobody chose."""


LAYERS: dict[str, tuple[Make, int]] = {
    "the executor's own code": (lambda seed: Bare(), 1),
    "+ a controller, one worker": (lambda seed: GreenletController(keep_trace=False), 1),
    "+ three workers, default": (lambda seed: GreenletController(keep_trace=False), WORKERS),
    "+ choices and switches": (
        lambda seed: GreenletController(RandomWalk(seed, SWITCH_PROBABILITY), keep_trace=False),
        WORKERS,
    ),
    "+ the trace": RUNTIMES["controlled, greenlets"],
}


def layers(blocks: list[TinyBlock], rounds: int) -> list[tuple[str, int, float]]:
    """By layer: steps taken for all blocks, and microseconds for one of them, the best of the
    rounds."""
    found = []
    for name, (make, workers) in LAYERS.items():
        taken = sum(counted(block, workers, seed, name) for seed, block in enumerate(blocks))
        run = partial(run_all, blocks, make, workers)
        found.append((name, taken, min(seconds(run) for _ in range(rounds)) / taken * 1e6))
    return found


def counted(block: TinyBlock, workers: int, seed: int, layer: str) -> int:
    """The steps of the run of a block in a layer; those without a trace take the same ones."""
    walks = layer in ("+ choices and switches", "+ the trace")
    choices = RandomWalk(seed, SWITCH_PROBABILITY) if walks else Default()
    run = run_block(block, workers=workers, runtime=GreenletController(choices))
    return len(run.trace or ())


def measure(blocks: list[TinyBlock], rounds: int) -> dict[str, float]:
    """Seconds for all blocks, by row: the best of the rounds, in which the rows take turns."""
    rows = {
        name: partial(run_all, blocks, make, workers) for name, (make, workers) in RUNTIMES.items()
    } | {"sequential fold": partial(fold_all, blocks)}
    best = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, row in rows.items():
            best[name] = min(best[name], seconds(row))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    blocks = blocks_of_four()
    best = measure(blocks, rounds)
    baseline = best["controlled, greenlets"]
    print(f"{BLOCKS} tiny blocks of 4 transitions, {WORKERS} workers, best of {rounds} rounds")
    for name, taken in best.items():
        print(f"{name:24} {BLOCKS / taken:9,.0f} runs/s   time {taken / baseline:5.2f}")
    print(f"{'greenlets':24} {steps_of(blocks) / baseline:9,.0f} steps/s with the executor")
    for name, taken, cost in layers(blocks, rounds):
        print(f"{name:27} {taken:7,} steps {cost:6.2f} us each")
    for kind in (GreenletController, BatonController):
        for choices, how in ((Default(), "never switching"), (Rotation(), "switching at each")):
            speed = max(alone(kind(choices)) for _ in range(rounds))
            print(f"{kind.__name__:24} {speed:9,.0f} steps/s alone, {how}")


if __name__ == "__main__":
    main()

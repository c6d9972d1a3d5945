"""How often each seeded bug of scheduler and memory is seen by its steps, and by its results.

python benchmarks/conformance_counts.py --runs 2000

Prints a Markdown table, which stands in `docs/conformance.md`.
"""

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache, partial
from random import Random

from pel_fuzz.campaign import default_jobs
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.conformance.check import check_trace
from pel_fuzz.conformance.violation import Violation
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import RandomWalk
from pel_parallel.errors import Deadlock
from pel_parallel.executor import plain, run_block
from pel_parallel.greenlets import GreenletController
from pel_spec.fold import agree, fold
from pel_spec.serializability import check_preset

BLOCKS, SEED, STEP_LIMIT = 300, 20261121, 20_000
COLUMNS = (
    "wrong result or no end",
    "step not allowed",
    "of these with a right result",
    "of those with a right history too",
)


@cache
def block(index: int) -> TinyBlock:
    """One of a fixed sample of contended blocks."""
    return draw_case(tiny_blocks(), SEED, index % BLOCKS).value


def count(name: str | None, runs: int) -> tuple[Counter[str], Counter[str]]:
    """The runs by column, and what was seen first, by kind and action. They are the same runs for
    every bug, and without any."""
    plan, columns, kinds = Random(0), Counter[str](), Counter[str]()
    with nullcontext() if name is None else SCHEDULER_BUGS[name].plant():
        for number in range(runs):
            workers, probability = plan.choice((2, 3, 3, 4)), plan.choice((0.02, 0.1, 0.3, 0.6))
            walk = RandomWalk(number, probability)
            result, history, violation = judge(block(number), workers, walk)
            seen = violation is not None
            found = (not result, seen, seen and result, seen and result and history)
            columns.update(column for column, true in zip(COLUMNS, found, strict=True) if true)
            if violation is not None:
                action = "the end" if violation.step is None else f"`{violation.step.action}`"
                kinds[f"{action}: {violation.kind}"] += 1
    return columns, kinds


def judge(
    subject: TinyBlock, workers: int, walk: RandomWalk
) -> tuple[bool, bool, Violation | None]:
    """Of one run: is its result right, is its history, and which of its steps is not allowed?"""
    runtime = GreenletController(walk, step_limit=STEP_LIMIT)
    run, waits = None, {}
    try:
        run = run_block(subject, workers=workers, runtime=runtime)
    except Deadlock as deadlock:
        waits = deadlock.waits_for
    except Exception:
        waits = {}  # stuck otherwise; or whatever a bug raises
    found = check_trace(
        plain(runtime.trace() or ()),
        len(subject.transitions),
        workers,
        invariants=False,
        complete=run is not None,
        waits=waits,
        run=run,
    )
    if run is None:
        return False, False, found.violation
    right = agree(fold(subject)[0], run.result)
    return right, check_preset(run.history) is None, found.violation


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    names: list[str | None] = [None, *SCHEDULER_BUGS]
    with ProcessPoolExecutor(default_jobs()) as pool:
        counted = pool.map(partial(count, runs=runs), names)
    columns = ("bug", "runs", *COLUMNS, "seen first at")
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for name, (found, kinds) in zip(names, counted, strict=True):
        told = "none" if name is None else f"`{name}`"
        numbers = " | ".join(str(found[column]) for column in COLUMNS)
        first = ", ".join(f"{kind} ({often})" for kind, often in kinds.most_common(3))
        print(f"| {told} | {runs} | {numbers} | {first} |")


if __name__ == "__main__":
    main()

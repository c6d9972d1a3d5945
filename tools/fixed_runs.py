"""Repeats a few fixed controlled runs and prints one digest of all that they leave: the same on
every machine, with every interpreter.

    PYTHONPATH=spec:reference:parallel:fuzz python tools/fixed_runs.py greenlets|batons REPETITIONS

One of the runs is repeated so many times, the others are made once. Batons need nothing but the
standard library and this project's own folders.
"""

import hashlib
import importlib
import io
import sys
from collections.abc import Callable, Iterator

from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, write_trace
from pel_fuzz.tiny import Program, TinyBlock
from pel_parallel.choices import Choices, Default, RandomWalk
from pel_parallel.control import Controller
from pel_parallel.executor import run_block
from pel_parallel.priorities import PartialOrderSampling, PriorityWalk
from pel_parallel.strategies import DelayWalk, SelectiveWalk, UniformWalk

LINK: Program = (("get", 0), ("put", 1), ("get", 1), ("pair", 0), ("put", 0), ("branch", 0, 1))
BLOCK, WORKERS = TinyBlock((LINK,) * 4), 3


def steered() -> Iterator[Choices]:
    """One of each strategy."""
    yield from (Default(), RandomWalk(1, 0.3), UniformWalk(2), SelectiveWalk(3))
    yield from (PartialOrderSampling(4), PriorityWalk(5), DelayWalk(6))


def text_of_run(kind: str, choices: Choices) -> str:
    """A trace as a file holds it, the history and the schedule."""
    run = run_block(BLOCK, workers=WORKERS, runtime=controller(kind)(choices))
    assert run.trace is not None
    stream = io.StringIO()
    write_trace(stream, Trace(WORKERS, len(BLOCK.programs), LineOrder.TAKEN, run.trace))
    stream.write(repr((run.history, run.schedule, run.result.effects)))
    return stream.getvalue()


def controller(kind: str) -> Callable[[Choices], Controller]:
    """The way in which control passes; greenlets need a package, batons do not."""
    module = importlib.import_module(f"pel_parallel.{kind}")
    found: Callable[[Choices], Controller] = (
        module.GreenletController if kind == "greenlets" else module.BatonController
    )
    return found


def main() -> None:
    """Print the digest, if all repetitions give the same."""
    kind, repetitions = sys.argv[1], int(sys.argv[2])
    again = {text_of_run(kind, RandomWalk(7, 0.3)) for _ in range(repetitions)}
    assert len(again) == 1, f"{len(again)} different texts in one process"
    texts = [*again, *(text_of_run(kind, choices) for choices in steered())]
    print(hashlib.sha256("".join(texts).encode()).hexdigest())


if __name__ == "__main__":
    main()

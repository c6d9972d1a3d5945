"""Write `tests/fuzz/reached_pairs.json` again: runs that together reach every possible pair.

    python tools/reached_pairs.py

Every pair of actions is proved impossible or reached by one of these runs, so none is left open. To
be run, for some minutes, when the executor takes its steps in another order; a test says when.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from pel_fuzz.coverage.pairs import POSSIBLE, Meetings, Pair
from pel_fuzz.tiny import TinyBlock, to_json
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import Choices, Pending, RandomWalk, Recorded
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.sync import Schedule

PLACE = Path(__file__).parent.parent / "tests" / "fuzz" / "reached_pairs.json"

SEED, BLOCKS = 21, 100
WALKS = 2_000
"""Runs before what is left is searched for by itself."""
PATIENCE = 400
"""Choices for which a worker is held back."""


class Reached(NamedTuple):
    """A run, and what it reaches."""

    block: TinyBlock
    workers: int
    schedule: Schedule
    pairs: frozenset[Pair]


class Ambush(RandomWalk):
    """Holds one worker back before the second step of a pair, until another worker has taken the
    first step on that object, and then lets it go at once."""

    def __init__(self, seed: int, pair: Pair) -> None:
        super().__init__(seed, (0.1, 0.3, 0.6)[seed % 3])
        self.pair, self.spared = pair, seed % 4
        self.held: int | None = None
        self.last: dict[tuple[object, ...], tuple[str, int]] = {}
        self.patience = PATIENCE

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """A step of the walk, without the one that is held."""
        if self.held is None:
            waiting = (w for w in runnable if pending[w][0] == self.pair.then and w != self.spared)
            self.held = next(waiting, None)
        left = list(runnable)
        if self.held in left and pending[self.held][0] == self.pair.then and self.patience > 0:
            action, by = self.last.get(pending[self.held][2], ("", self.held))
            if action == self.pair.first and by != self.held:
                left = [self.held]
            elif len(left) > 1:
                left.remove(self.held)
                self.patience -= 1
        fallback = default if default in left else left[0]
        target = super().choose(worker, own, left, fallback, pending)
        action, _, name = pending[target]
        if action == self.pair.first or action not in LOOKS_AT:
            self.last[name] = action, target
        return target


def run(block: TinyBlock, workers: int, choices: Choices) -> Reached:
    """Run a block, and see what meets."""
    controller = GreenletController(choices)
    found = run_block(block, workers=workers, runtime=controller)
    meetings = Meetings()
    meetings.add(found.trace or ())
    return Reached(block, workers, controller.schedule(), meetings.pairs())


def drawn() -> Iterator[TinyBlock]:
    """Blocks of some size."""
    for index in count():
        block: TinyBlock = draw_case(tiny_blocks(), SEED, index).value
        if len(block.programs) > 3:
            yield block


def search() -> Iterator[Reached]:
    """Runs that together reach every pair: each one something new."""
    blocks = list(islice(drawn(), BLOCKS))
    left = set(POSSIBLE)
    for seed in range(WALKS):
        walk = RandomWalk(seed, (0.1, 0.3, 0.6)[seed % 3])
        found = run(blocks[seed % len(blocks)], 2 + seed % 3, walk)
        if found.pairs & left:
            left -= found.pairs
            yield found
    for seed in count():
        for pair in sorted(left):
            found = run(blocks[seed % len(blocks)], 3 + seed % 2, Ambush(seed, pair))
            if found.pairs & left:
                print(f"seed {seed}: {', '.join(map(str, found.pairs & left))}", flush=True)
                left -= found.pairs
                yield found
        if not left:
            return


def fewest(runs: list[Reached]) -> Iterator[Reached]:
    """Some of the runs, which reach as much: each time the one that reaches most that is left."""
    left = set(POSSIBLE)
    while left:
        best = max(runs, key=lambda each: (len(each.pairs & left), -len(each.schedule)))
        best = shorter(best, left & best.pairs)
        left -= best.pairs
        yield best


def shorter(found: Reached, wanted: frozenset[Pair] | set[Pair]) -> Reached:
    """The run with fewer switches that still reaches what is wanted."""
    size = len(found.schedule) // 2
    while size:
        at = 0
        while at < len(found.schedule):
            less = found.schedule[:at] + found.schedule[at + size :]
            again = run(found.block, found.workers, Recorded(less, strict=False))
            if wanted <= again.pairs and len(again.schedule) < len(found.schedule):
                found = again
            else:
                at += size
        size //= 2
    return found


def main() -> None:
    """Search and write."""
    lines = [
        json.dumps({"block": to_json(r.block), "workers": r.workers, "schedule": r.schedule})
        for r in fewest(list(search()))
    ]
    PLACE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Begun again from other runs of the same block, where what was found is still not simple.

Delta debugging and merging of turns end where nothing near is simpler. Other runs that show the
same difference end elsewhere, and some of them at something simpler.
"""

import time
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Final

from pel_fuzz.interleavings import Interleaving, draw_interleaving
from pel_fuzz.shrinking.interleaving import simplest
from pel_fuzz.shrinking.trial import Shown, Trial

SIMPLE = 2
"""Preemptions with which nothing more is tried: runs with so many have all been looked at, where
the block is small (`bounded`)."""
MOST_RUNS, MOST_STARTS = 5_000, 20
"""Runs of the mix of strategies, and how many of those that show the difference are made simple."""
OTHER_RUNS: Final = {"tiny": 150, "evm": 20}
"""Of the mix, tried on a block with a transition less, by its kind."""


def other_runs(kind: str) -> tuple[Interleaving, ...]:
    """Interleavings for a block of a kind, always the same."""
    return tuple(islice(_drawn(kind), OTHER_RUNS[kind]))


def _drawn(kind: str) -> Iterator[Interleaving]:
    random = Random("other runs")
    while True:
        yield draw_interleaving(random, kind, "mix")


def from_other_runs(trial: Trial, shown: Shown, deadline: float) -> Shown:
    """The simplest run that a few others lead to, or `shown`."""
    starts = 0
    for interleaving in islice(_drawn(trial.case.kind), MOST_RUNS):
        if shown.measure.preemptions <= SIMPLE or starts == MOST_STARTS:
            break
        if time.monotonic() >= deadline:
            break
        other = trial.shown(interleaving)
        if other is not None:
            starts += 1
            found = simplest(trial, other, deadline)
            shown = min(shown, found, key=lambda each: each.measure)
    return shown

"""Seeded walks that know how long a run is likely to be.

Each is a function of its seed, on every platform and under every hash seed. `steps` is how many
steps the whole run is likely to take: a wrong estimate makes a walk less even, never wrong. What
each costs and finds is measured in `docs/interleavings.md`.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from pel_parallel.choices import Default, Pending, RandomWalk

ORDINARY_STEPS = 200
"""Steps of a small run, for whoever knows no better."""


class UniformWalk(Default):
    """Uniform random walk (URW): who has more steps to go is more likely to take the next one.

    Where nobody waits for anybody, and the estimate is right, every interleaving is then equally
    likely. With equal chances for all, those in which short workers end early would be preferred.

    Source: [SURW].
    """

    def __init__(self, seed: int, steps: int = ORDINARY_STEPS) -> None:
        self.seed, self.steps = seed, steps
        self.begin(1)

    def begin(self, workers: int) -> None:
        """Start again from the seed; everybody has an equal share of the steps to go."""
        self._draw: Callable[[], float] = Random(self.seed).random
        self._share = max(1, self.steps // max(1, workers))
        self._left = [self._share] * workers

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """Any worker that can go, with a chance in proportion to its steps to go."""
        left = self._left
        if worker >= 0:
            left[worker] = self._share - own if own < self._share else 1
        total = 0
        for each in runnable:
            total += left[each]
        drawn = self._draw() * total
        for each in runnable:
            drawn -= left[each]
            if drawn < 0:
                return each
        return runnable[-1]


class SelectiveWalk(Default):
    """Selectively uniform random walk (SURW): in a run only some shared objects are of interest,
    and only the order of the steps on those is drawn, as in `UniformWalk`.

    So the order of a few steps that matter is not lost in that of all others. Each object is of
    interest with the chance `share`. Who takes a step of interest next is drawn beforehand; the
    others stop where they are about to take one.

    Source: [SURW], where what is of interest comes from a profile of earlier runs.
    """

    def __init__(self, seed: int, share: float = 0.3, steps: int = ORDINARY_STEPS) -> None:
        self.seed, self.share, self.steps = seed, share, steps
        self.begin(1)

    def begin(self, workers: int) -> None:
        """Start again from the seed; an object's interest is drawn when it is first met."""
        self._draw: Callable[[], float] = Random(self.seed).random
        self._is_interesting: dict[tuple[Any, ...], bool] = {}
        self._left = [max(1, int(self.share * self.steps / max(1, workers)))] * workers
        self._stops = [False] * workers
        self._intended = -1

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """Whoever does not stop at a step of interest that is another's to take."""
        draw, stops = self._draw, self._stops
        if worker >= 0:
            name = pending[worker][2]
            stop = self._is_interesting.get(name)
            if stop is None:
                stop = self._is_interesting[name] = draw() < self.share
            stops[worker] = stop
        intended = self._intended
        if intended not in runnable or pending[intended][0] == "idle":
            intended = self._intended = self._intend(runnable, pending)
        target = runnable[int(draw() * len(runnable))]
        while stops[target] and target != intended:
            target = runnable[int(draw() * len(runnable))]
        if stops[target]:
            self._left[target] -= self._left[target] > 1
            self._intended = -1
        return target

    def _intend(self, runnable: Sequence[int], pending: Pending) -> int:
        """Who takes the next step of interest: not one that spins, where there is another."""
        able = [each for each in runnable if pending[each][0] != "idle"] or runnable
        drawn = self._draw() * sum([self._left[each] for each in able])
        for each in able:
            drawn -= self._left[each]
            if drawn < 0:
                return each
        return able[-1]


def sparse(seed: int, switches: float, steps: int = ORDINARY_STEPS) -> RandomWalk:
    """A random walk that leaves the default about `switches` times in a run of `steps`."""
    return RandomWalk(seed, min(1.0, switches / max(1, steps)))

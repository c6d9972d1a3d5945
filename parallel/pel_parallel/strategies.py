"""Seeded walks that know how long a run is likely to be.

Each is a function of its seed, on every platform and under every hash seed. `steps` is how many
steps the whole run is likely to take: a wrong estimate makes a walk less even, never wrong. What
each costs and finds is measured in `docs/interleavings.md`.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from pel_parallel.choices import Default, Pending

ORDINARY_STEPS = 200
"""Steps of a small run, for whoever knows no better."""


WAKES_UP = 0.3
"""Once everybody who is awake has idled, a sleeper wakes up with about this chance."""
MOST_SLEEPS = 20
"""In a run. Whoever is awake may spin meanwhile, so sleeping without end would be a livelock."""


class UniformWalk(Default):
    """Uniform random walk (URW): who has more steps to go is more likely to take the next one.

    Where nobody waits for anybody, and the estimate is right, every interleaving is then equally
    likely. With equal chances for all, those in which short workers end early would be preferred.

    Source: [SURW].
    """

    def __init__(self, seed: int, steps: int = ORDINARY_STEPS) -> None:
        self.seed, self.steps = seed, steps

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


class DelayWalk(Default):
    """A random walk in which whole places are slow: who is about to take certain actions sleeps
    until the others have had nothing to do for a while.

    Bugs that need a worker to stop at one place for long, while others go all the way round, are
    out of reach for walks that are the same everywhere. Each action is slow with the chance
    `share`, drawn when it is first met; who comes to one sleeps with the chance `sleepiness`.
    """

    def __init__(
        self,
        seed: int,
        share: float = 0.1,
        sleepiness: float = 0.5,
        switch_probability: float = 0.3,
    ) -> None:
        self.seed, self.share, self.sleepiness = seed, share, sleepiness
        self.switch_probability = switch_probability

    def begin(self, workers: int) -> None:
        """Start again from the seed; nobody sleeps, and which actions are slow is not known."""
        self._draw: Callable[[], float] = Random(self.seed).random
        self._chances: dict[str, float] = {"idle": 0.0}
        self._asleep: set[int] = set()
        self._left = MOST_SLEEPS

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """Somebody who is awake; when those idle, one of the sleepers may wake up."""
        asleep, draw = self._asleep, self._draw
        action = pending[worker][0] if worker >= 0 else ""
        if action and self._left:
            chance = self._chances.get(action)
            if chance is None:
                chance = self._meet(action)
            if chance and draw() < chance:
                asleep.add(worker)
                self._left -= 1
        if asleep and (action == "idle" or default in asleep):
            awake = self._awake(runnable)
            if not awake or (
                len(awake) < len(runnable) and action == "idle" and draw() * len(awake) < WAKES_UP
            ):
                return self._wake([each for each in runnable if each in asleep])
        if draw() >= self.switch_probability and default not in asleep:
            return default
        awake = self._awake(runnable) if asleep else runnable
        return awake[int(draw() * len(awake))]

    def _awake(self, runnable: Sequence[int]) -> Sequence[int]:
        return [each for each in runnable if each not in self._asleep]

    def _wake(self, asleep: Sequence[int]) -> int:
        """One of the sleepers goes on."""
        target = asleep[int(self._draw() * len(asleep))]
        self._asleep.remove(target)
        return target

    def _meet(self, action: str) -> float:
        """An action is met for the first time: the chance that who comes to it sleeps."""
        slow = self._draw() < self.share
        chance = self._chances[action] = self.sleepiness if slow else 0.0
        return chance

"""Seeded strategies by priorities: of those who can go, the one with the highest goes.

Each is a function of its seed, on every platform and under every hash seed. A worker that spins
(that is about to idle) comes after all others, or it would keep from work those it waits for.
"""

from collections.abc import Callable, Sequence
from math import inf
from random import Random

from pel_parallel.choices import Default, Pending
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.strategies import ORDINARY_STEPS


class PriorityWalk(Default):
    """Probabilistic concurrency testing (PCT): fixed random priorities, and a few random moments in
    which who is about to go falls behind all others.

    A bug that needs `depth` steps in a certain order is found with a chance that has a lower bound,
    in `steps` and the number of workers. That of a bug whose workers spin is lower: each idle step
    makes a priority fall, too.

    Source: [PCT].
    """

    def __init__(self, seed: int, depth: int = 5, steps: int = ORDINARY_STEPS) -> None:
        self.seed, self.depth, self.steps = seed, depth, steps

    def begin(self, workers: int) -> None:
        """Draw priorities and the moments of change again from the seed."""
        draw = Random(self.seed).random
        self._order = sorted(range(workers), key=lambda _: draw())
        self._changes = {int(draw() * self.steps) for _ in range(self.depth - 1)}
        self._asked = 0

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The first in the order of priorities that can go."""
        order = self._order
        asked = self._asked = self._asked + 1
        if worker >= 0 and (asked in self._changes or pending[worker][0] == "idle"):
            order.remove(worker)
            order.append(worker)
        for each in order:
            if each in runnable:
                return each
        return default


class PartialOrderSampling(Default):
    """Partial order sampling (POS): each step gets a random priority, and gets another one when a
    step in conflict with it is taken.

    So the order of any two steps in conflict is open, however the others fall, and the orders of
    steps that commute, which make no difference, are not preferred for being many.

    Source: [POS].
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def begin(self, workers: int) -> None:
        """Draw again from the seed."""
        self._draw: Callable[[], float] = Random(self.seed).random
        self._priorities = [self._draw() for _ in range(workers)]
        self._object: tuple[object, ...] = ()
        self._only_looks = True

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The step with the highest priority, once those in conflict with the last are redrawn."""
        priorities, draw = self._priorities, self._draw
        if worker >= 0:
            idles = pending[worker][0] == "idle"
            priorities[worker] = min(priorities) - draw() if idles else draw()
        taken, only_looked = self._object, self._only_looks
        best, highest = default, -inf
        for each in runnable:
            action, _, name = pending[each]
            if name == taken and each != worker and not (only_looked and action in LOOKS_AT):
                priorities[each] = draw()
            priority = priorities[each]
            if priority > highest:
                best, highest = each, priority
        action, _, self._object = pending[best]
        self._only_looks = action in LOOKS_AT
        return best

"""The beginning of a run as a trace up to commutation, in one number.

Two runs that differ by the order of steps that commute (`conflicts`) have the same beginnings, and
so the same futures: every worker has seen the same, and what is shared is the same.
"""

from random import Random
from typing import Any, Final

from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.deciding import FUTILE_ROUNDS
from pel_parallel.watch import LOOKS

NUMBER_BITS: Final = 96
"""Of the random numbers that stand for steps. A beginning is the exclusive or of its steps', and no
two that differ will ever have the same one."""


class Numbers:
    """A random number for each thing that is met, the same in every search."""

    def __init__(self) -> None:
        self._random = Random(0)
        self._known: dict[Any, int] = {}

    def of(self, thing: Any) -> int:
        """Its number."""
        found = self._known.get(thing)
        if found is None:
            found = self._known[thing] = self._random.getrandbits(NUMBER_BITS)
        return found


class Beginning:
    """The steps of a run so far, as a trace up to commutation: `key` is the same for two runs if
    and only if they are the same trace, with vain looks left out.

    A step is known by its worker, by how many steps that has taken, and by how often its object was
    changed before. Two traces with the same such steps have the same order wherever it matters.
    """

    def __init__(self, numbers: Numbers, workers: int) -> None:
        self._numbers = numbers
        self._own = [0] * workers
        self._changes: dict[tuple[Any, ...], int] = {}
        self._looks: list[list[int]] = [[] for _ in range(workers)]
        self._forgot = [False] * workers
        self.idled = [0] * workers
        self.key = 0

    def take(self, worker: int, action: str, name: tuple[Any, ...]) -> None:
        """`worker` takes a step."""
        if action == "idle":
            self._forget(worker)
            self.idled[worker] = min(FUTILE_ROUNDS, self.idled[worker] + 1)
            return
        changed = self._changes.get(name, 0)
        number = self._numbers.of((worker, self._own[worker], name, changed))
        self._own[worker] += 1
        self.key ^= number
        if action in LOOKS_AT:
            self._looks[worker].append(number)
        else:
            self._changes[name] = changed + 1
            self._looks[worker] = []
            self._forgot[worker] = False
        if action not in LOOKS:
            self.idled = [0] * len(self.idled)

    def _forget(self, worker: int) -> None:
        """It idles: what it has looked at since it last changed anything does not matter."""
        looks = self._looks[worker]
        for number in looks:
            self.key ^= number
        self._own[worker] -= len(looks)
        self._looks[worker] = []
        if not self._forgot[worker]:
            self._forgot[worker] = True
            self.key ^= self._numbers.of((worker, self._own[worker], "idle"))
            self._own[worker] += 1

    def is_fresh(self, worker: int) -> bool:
        """Whether it has done nothing since it idled."""
        return self._forgot[worker] and not self._looks[worker]

    def skip(self, worker: int, target: int) -> None:
        """`target` went on, until `worker` had the turn: steps in which nobody had a choice, and
        which follow from all that was before."""
        self.key = self._numbers.of((self.key, target, worker))
        self._looks = [[] for _ in self._looks]
        self._forgot = [False] * len(self._forgot)
        self.idled = [0] * len(self.idled)

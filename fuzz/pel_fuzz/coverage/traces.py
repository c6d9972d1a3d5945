"""Fingerprints of traces up to commutation (Mazurkiewicz) and up to the names of the workers.

A step is told by its action, its object, and how many steps before it have changed that object. The
changes of an object are thereby numbered, and each look stands between two of them; with the order
of each worker's steps that is the whole order of all steps that do not commute
(`pel_parallel.conflicts`). So two traces are told alike just if one becomes the other by swapping
neighbours that commute. Arguments and observations are left out: in runs of one block by one
executor they follow from what is told.

Workers are told apart by what they do and not by their numbers: two runs in which they have only
swapped their parts are one.
"""

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pel_parallel.conflicts import LOOKS_AT
from pel_spec.sync import Step

MASK = (1 << 62) - 1
"""Parts are cut to 62 bits, so that the sum of two of them fits into 64."""
CHANGE = 0x1E3779B97F4A7C15
"""What one change adds to the number of an object."""


def digest(data: object) -> int:
    """A number of 62 bits for data of a trace: the same in every process and on every machine."""
    return int.from_bytes(blake2b(repr(data).encode(), digest_size=8).digest(), "big") & MASK


class _Objects(dict[tuple[Any, ...], int]):
    """The number of each object; all workers' own places are one, as their names say nothing."""

    def __missing__(self, name: tuple[Any, ...]) -> int:
        number = self[name] = digest(name[:1] if name[:1] == ("worker",) else name)
        return number


class _Actions(dict[str, tuple[int, int]]):
    """The number of each action, and what it adds to that of the object that it touches."""

    def __missing__(self, action: str) -> tuple[int, int]:
        numbers = self[action] = digest(action), 0 if action in LOOKS_AT else CHANGE
        return numbers


@dataclass(slots=True)
class Traces:
    """The traces of the runs of one case. Different blocks share none, so those of a campaign are
    as many as those of its cases together."""

    seen: Counter[int] = field(default_factory=Counter)
    _objects: _Objects = field(default_factory=_Objects)
    _actions: _Actions = field(default_factory=_Actions)

    def add(self, trace: Iterable[Step]) -> None:
        """Count a trace."""
        self.seen[self.fingerprint(trace)] += 1

    @property
    def runs(self) -> int:
        """Traces that were counted."""
        return self.seen.total()

    @property
    def once(self) -> int:
        """Traces that were seen exactly once."""
        return sum(count == 1 for count in self.seen.values())

    def fingerprint(self, trace: Iterable[Step]) -> int:
        """64 bits that are the same for traces that are the same up to commutation."""
        objects, actions = self._objects, self._actions
        changed: dict[tuple[Any, ...], int] = {}
        told: defaultdict[int, list[int]] = defaultdict(list)
        for worker, _, action, _, name, _, _ in trace:
            try:
                number = changed[name]
            except KeyError:
                number = changed[name] = objects[name]
            code, change = actions[action]
            told[worker].append(number + code)
            if change:
                changed[name] = number + change & MASK
        return _joined(sorted(map(_hashed, told.values())))


def _hashed(numbers: Iterable[int]) -> bytes:
    packed = array("Q", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return blake2b(packed.tobytes(), digest_size=8).digest()


def _joined(parts: Iterable[bytes]) -> int:
    return int.from_bytes(blake2b(b"".join(parts), digest_size=8).digest(), "big")

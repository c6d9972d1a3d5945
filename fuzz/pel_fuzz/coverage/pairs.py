"""Which actions were taken, and which pairs of actions have met at an object.

A pair (a, b) is *reached* where one worker has taken `a`, another one `b` later on the same object,
not both only look, and no step between them on that object keeps their order: of a look, what comes
before it is the last change, and of a change, all looks since the last one, or that one itself.
Swapping steps that commute changes none of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pel_fuzz.conformance.forms import FORMS
from pel_fuzz.coverage.impossible import IMPOSSIBLE
from pel_parallel.conflicts import LOOKS_AT
from pel_spec.scheduler.validation import Commit
from pel_spec.sync import Step

ACTIONS: Final = tuple(action for action in FORMS if not hasattr(Commit, action))
"""The actions of our executor: all of the text but the rolling commit."""

OBJECT: Final[Mapping[str, str]] = {action: FORMS[action].object[0] for action in ACTIONS}
"""The kind of object that each of them touches."""


class Pair(NamedTuple):
    """`then`, by another worker, comes after `first` on one object."""

    first: str
    then: str

    def __str__(self) -> str:
        return f"{self.first} > {self.then}"


def _conflicting() -> Iterator[Pair]:
    for first in ACTIONS:
        for then in ACTIONS:
            looks = first in LOOKS_AT and then in LOOKS_AT
            if OBJECT[first] == OBJECT[then] != "worker" and not looks:
                yield Pair(first, then)


CONFLICTING: Final = tuple(_conflicting())
"""All pairs that the text's objects allow, whether or not they can ever happen."""

POSSIBLE: Final = tuple(pair for pair in CONFLICTING if pair not in IMPOSSIBLE)
"""Those that are not proved impossible."""


class _Codes(dict[str, int]):
    """Numbers for actions, in the order of their coming: cheaper to put together than names."""

    def __missing__(self, action: str) -> int:
        code = self[action] = len(self) + 1 << WORKER_BITS
        return code


WORKER_BITS: Final = 16
STEP_BITS: Final = 32
"""A step is told by its action and its worker; nothing, where there was no step before."""


@dataclass(slots=True)
class Meetings:
    """The actions and pairs of the runs of one case."""

    _codes: _Codes = field(default_factory=_Codes)
    _seen: set[int] = field(default_factory=set)

    def add(self, trace: Iterable[Step]) -> None:
        """Note what has met in a trace."""
        codes, add = self._codes, self._seen.add
        since: dict[tuple[Any, ...], list[int]] = {}
        for worker, _, action, _, name, _, _ in trace:
            me = codes[action] + worker
            here = since.get(name)
            if here is None:
                here = since[name] = [0]
            if action in LOOKS_AT:
                add(here[0] << STEP_BITS | me)
                here.append(me)
                continue
            for before in here[1:] or here:
                add(before << STEP_BITS | me)
            here[:] = (me,)

    @property
    def actions(self) -> frozenset[str]:
        """The actions that were taken."""
        return frozenset(self._codes)

    def pairs(self) -> frozenset[Pair]:
        """The pairs that were reached."""
        names = {code: action for action, code in self._codes.items()}
        worker = (1 << WORKER_BITS) - 1
        found = set()
        for both in self._seen:
            first, then = both >> STEP_BITS, both & (1 << STEP_BITS) - 1
            if first and first & worker != then & worker:
                found.add(Pair(names[first & ~worker], names[then & ~worker]))
        return frozenset(found)

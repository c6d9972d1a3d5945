"""Which transaction matters to a client that only says pass or fail: prefixes of its block.

The prefix of k transactions is a block of its own, sealed with what it really comes to. The
smallest k whose prefix fails names transaction k - 1. If failing were monotone (a prefix that fails
keeps failing as it grows), halving would find it in a few runs. It need not be: a later transaction
may hide what an earlier one did, and a threshold may make a client run small blocks another way. So
all prefixes are run where that is affordable; else halving is followed by probes, and what they
contradict is said.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from pel_fuzz.client.fixtures.fixture_run import Said, Told

Ask = Callable[[int], Told]
"""Give the prefix of so many transactions to the client."""


@dataclass(slots=True)
class Bisection:
    """What is known of the prefixes of a block of `size` transactions.

    `told` is what the client told of each that it was given; `unsteady` are those of which it told
    one thing and then another. `interrupted` says that the user ended it.
    """

    size: int
    told: dict[int, Told] = field(default_factory=dict)
    unsteady: list[int] = field(default_factory=list)
    interrupted: bool = False

    def those(self, said: Said) -> list[int]:
        """The prefixes of which the client said this, the shortest first."""
        return sorted(k for k, told in self.told.items() if told.said is said)

    @property
    def first(self) -> int | None:
        """The shortest prefix that is known to fail."""
        return min(self.those(Said.FAIL), default=None)

    @property
    def is_complete(self) -> bool:
        """Whether the client gave a verdict on every prefix."""
        return len(self.those(Said.PASS)) + len(self.those(Said.FAIL)) == self.size + 1

    @property
    def is_exact(self) -> bool:
        """Whether no shorter prefix fails than the first: each was run, and passed."""
        first = self.first
        return first is not None and self.those(Said.PASS)[:first] == list(range(first))

    @property
    def passes_after(self) -> list[int]:
        """Prefixes that pass though a shorter one fails."""
        first = self.first
        return [] if first is None else [k for k in self.those(Said.PASS) if k > first]

    @property
    def is_bounded(self) -> bool:
        """Whether the prefix one shorter than the first passes: then one transaction decides.

        An exit status is no pass beside a failure that the client put into words.
        """
        first = self.first
        if first is None or first - 1 not in self.those(Said.PASS):
            return False
        return self.told[first].of_file or not self.told[first - 1].of_file

    def monotone(self) -> bool | None:
        """Whether every prefix longer than a failing one fails; `None`: as far as is known."""
        if self.passes_after:
            return False
        return True if self.is_complete else None


def bisect(size: int, ask: Ask, max_runs: int, repeat: int = 1) -> Bisection:
    """Find the shortest failing prefix of a block of `size` transactions.

    At most `max_runs` prefixes are asked for, the whole block first: where it does not fail,
    nothing else is asked. Each is run up to `repeat` times, until it fails. What is known when the
    user interrupts it is the result.
    Range: `max_runs` is at least 2.
    """
    found = Bisection(size)
    try:
        _ask_all(_Asking(found, ask, max_runs, repeat))
    except KeyboardInterrupt:
        found.interrupted = True
    return found


def _ask_all(asking: "_Asking") -> None:
    size = asking.found.size
    if asking(size) is not Said.FAIL:
        return
    asking(0)
    if not asking.is_spent:
        asking(max(size - 1, 0))  # a fault that comes and goes is seen at once
    if size < asking.max_runs:
        for k in range(1, size):
            asking(k)
        return
    _halve(asking)
    for k in _probes(asking):
        asking(k)
        _halve(asking)


@dataclass(slots=True)
class _Asking:
    """Asks for prefixes, each only once, as long as there are runs left."""

    found: Bisection
    ask: Ask
    max_runs: int
    repeat: int

    @property
    def is_spent(self) -> bool:
        return len(self.found.told) >= self.max_runs

    def __call__(self, k: int) -> Said:
        known = self.found.told.get(k)
        if known is not None:
            return known.said
        answers: dict[Said, Told] = {}
        for _ in range(self.repeat):
            told = self.ask(k)
            answers[told.said] = told
            if told.said is Said.FAIL:
                break
        if Said.PASS in answers and Said.FAIL in answers:
            self.found.unsteady.append(k)
        told = next(answers[said] for said in _STRONGEST if said in answers)
        self.found.told[k] = told
        return told.said


_STRONGEST = (Said.FAIL, Said.PASS, Said.NOTHING)
"""What counts of several answers: that it can fail says more than that it can pass."""


def _halve(asking: _Asking) -> None:
    """Halve the gap below the first failing prefix, until there is none or no run is left."""
    found = asking.found
    while not asking.is_spent and found.first is not None:
        below = max((k for k in found.those(Said.PASS) if k < found.first), default=-1)
        middle = (below + found.first) / 2
        gap = [k for k in range(below + 1, found.first) if k not in found.told]
        if not gap:
            return
        asking(min(gap, key=lambda k: (abs(k - middle), k)))


def _probes(asking: _Asking) -> Iterator[int]:
    """Prefixes that could contradict, while there are runs left: the middles of the widest gaps.

    They are even and odd in turn: halving alone sees multiples of large powers of two, and a fault
    that comes and goes with every transaction would look monotone.
    """
    while not asking.is_spent:
        known = sorted(asking.found.told)
        gaps = [(high - low, low) for low, high in pairwise(known)]
        width, low = max(gaps, key=lambda gap: (gap[0], -gap[1]))
        if width < 2:
            return
        middle = low + width // 2
        if width > 2:
            odd = sum(k % 2 for k in known)
            wanted = odd <= len(known) - odd
            middle -= bool(middle % 2) != wanted
        yield middle if middle > low else low + 1

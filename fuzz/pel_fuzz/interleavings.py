"""Interleavings as data: what steers one run of a case, and how campaigns draw it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, Protocol, TypeAlias

from pel_parallel.choices import Choices, RandomWalk, Recorded
from pel_parallel.exhaustive import Exhaustive
from pel_parallel.faults import Fault, stalling
from pel_parallel.priorities import PartialOrderSampling, PriorityWalk
from pel_parallel.strategies import (
    ORDINARY_STEPS,
    DelayWalk,
    SelectiveWalk,
    UniformWalk,
)

SWITCH_PROBABILITIES: Final = {"tiny": (0.1, 0.2, 0.4, 0.7), "evm": (0.03, 0.1, 0.3, 0.6)}
"""Of the random walks. A run of the tiny machine is short: rare switches would leave it serial."""
SHARES_OF_INTEREST: Final = (0.1, 0.2, 0.4)
"""Of the selectively uniform walks: which share of the shared objects is of interest in a run."""
DEPTHS: Final = (5, 10, 20, 40)
"""Of the walks by priorities. Smaller ones find little where workers spin."""
SLOW_SHARES: Final = (0.05, 0.1, 0.2, 0.4)
"""Of the walks with delays: the share of the actions that are slow in a run."""


class Steered(Protocol):
    """Whatever steers a run: an interleaving of a case, above all."""

    def steering(self) -> Choices:
        """What the controller asks."""
        ...


@dataclass(frozen=True, slots=True)
class Walk:
    """A seeded random walk over the workers; the same seed walks the same way everywhere."""

    seed: int
    switch_probability: float

    def steering(self) -> Choices:
        """What the controller asks."""
        return RandomWalk(self.seed, self.switch_probability)


SeededName: TypeAlias = Literal["urw", "surw", "pos", "pct", "delay"]


PARAMETERS: Final[Mapping[SeededName, tuple[int, int, bool]]] = {
    "urw": (0, 0, True),
    "surw": (0, 1, False),
    "pos": (0, 0, True),
    "pct": (1, 1000, True),
    "delay": (0, 1, False),
}
"""Of each seeded strategy: from where to where its parameter goes, and whether it is whole."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """A seeded strategy that looks at more than chance, by its name.

    `parameter` is the share of the objects that is of interest (surw), the depth (pct) or the share
    of the actions that are slow (delay); the others have none, and it is 0. `steps`: about so many
    are in a run; 0 where that is still to be estimated.
    """

    strategy: SeededName
    seed: int
    parameter: float = 0
    steps: int = 0

    def steering(self) -> Choices:
        """What the controller asks."""
        steps = self.steps or ORDINARY_STEPS
        match self.strategy:
            case "urw":
                return UniformWalk(self.seed, steps)
            case "surw":
                return SelectiveWalk(self.seed, self.parameter, steps)
            case "pos":
                return PartialOrderSampling(self.seed)
            case "pct":
                return PriorityWalk(self.seed, int(self.parameter), steps)
            case "delay":
                return DelayWalk(self.seed, self.parameter)


@dataclass(frozen=True, slots=True)
class Switches:
    """A recorded schedule: `(worker, own step, target)` wherever the default was not followed."""

    switches: tuple[tuple[int, int, int], ...]
    strict: bool = True

    def steering(self) -> Choices:
        """What the controller asks."""
        return Recorded(self.switches, strict=self.strict)


@dataclass(frozen=True, slots=True)
class Search:
    """Not one run but many: all interleavings with at most `bound` preemptions, in the order of
    their number, `most_runs` of them at most."""

    bound: int
    most_runs: int

    def steering(self) -> Exhaustive:
        """What the controller asks, in one run after the other."""
        return Exhaustive(self.bound)


@dataclass(frozen=True, slots=True)
class Searching:
    """One run of a search, that which comes next."""

    search: Exhaustive

    def steering(self) -> Choices:
        """What the controller asks."""
        return self.search


Plain: TypeAlias = Walk | Seeded | Switches | Search | Searching
"""An interleaving without faults."""


@dataclass(frozen=True, slots=True)
class Faulted:
    """An interleaving in whose run `faults` strike. Stalls strike wherever it steers; others
    need a seam in which they can (`fault_runs`)."""

    inner: Plain
    faults: tuple[Fault, ...]

    def steering(self) -> Choices:
        """What the controller asks."""
        return stalling(self.inner.steering(), self.faults)


Interleaving: TypeAlias = Plain | Faulted


def strategy_of(interleaving: Interleaving) -> str:
    """The name under which a campaign counts its runs."""
    plain = interleaving.inner if isinstance(interleaving, Faulted) else interleaving
    match plain:
        case Walk():
            return "random"
        case Seeded(strategy=name):
            return name
        case Switches():
            return "recorded"
        case Search() | Searching():
            return "exhaustive"


def each_run(
    interleavings: Iterable[Interleaving], steps: int, counters: Counter[str]
) -> Iterator[Interleaving]:
    """The interleavings, one for each run: of about so many `steps`, where that was still to be
    estimated. Searches are carried out, and counted by how far they came."""
    for interleaving in interleavings:
        if not isinstance(interleaving, Search):
            yield sized(interleaving, steps)
            continue
        search = interleaving.steering()
        while search.runs < interleaving.most_runs and search.more():
            yield Searching(search)
        counters["searches"] += 1
        counters[f"searches_complete_to_{search.complete}"] += 1


def kept(interleaving: Interleaving) -> Interleaving:
    """What replays the run that was just made under `interleaving`."""
    if isinstance(interleaving, Searching):
        return Switches(interleaving.search.schedule())
    return interleaving


def sized(interleaving: Interleaving, steps: int) -> Interleaving:
    """The interleaving, for a run of about so many `steps` if that was still to be estimated."""
    if isinstance(interleaving, Faulted):
        return replace(interleaving, inner=_sized(interleaving.inner, steps))
    return _sized(interleaving, steps)


def _sized(plain: Plain, steps: int) -> Plain:
    if isinstance(plain, Seeded) and not plain.steps:
        return replace(plain, steps=steps)
    return plain


MIX: Final = {"delay": 30, "random": 20, "surw": 20, "pct": 18, "pos": 7, "urw": 5}
"""Shares of the strategies in runs of the mix, by what each finds of the seeded bugs: none finds
all of them soon."""
INTERLEAVINGS: Final = (
    "mix",
    "random",
    "surw",
    "urw",
    "pos",
    "pct",
    "delay",
    "exhaustive",
    "threads",
)
"""What a campaign can be run with. `threads`: plain ones, which nothing steers."""
SEARCHED_SHARE: Final = 0.03
"""Of the tiny cases in the mix, those whose block is small and searched exhaustively."""
SEARCHES: Final = {2: (2, 8000), 3: (1, 5000)}
"""By the number of workers, how many preemptions a search is to reach, and in how many runs."""
SEARCHES_IN_MIX: Final = {2: (1, 1000)}
"""As `SEARCHES`, small enough for the mix: most of them are completed."""


def draw_interleaving(random: Random, kind: str, name: str) -> Interleaving:
    """One run's interleaving of a strategy, or of the mix; each call draws alike often."""
    chosen, seed, parameter = random.random(), random.getrandbits(48), random.random()
    if name == "mix":
        name = _pick(chosen)
    match name:
        case "urw" | "pos":
            return Seeded(name, seed)
        case "surw":
            return Seeded(name, seed, _one_of(SHARES_OF_INTEREST, parameter))
        case "pct":
            return Seeded(name, seed, _one_of(DEPTHS, parameter))
        case "delay":
            return Seeded(name, seed, _one_of(SLOW_SHARES, parameter))
        case _:
            return Walk(seed, _one_of(SWITCH_PROBABILITIES[kind], parameter))


def _one_of(values: tuple[float, ...], drawn: float) -> float:
    return values[int(drawn * len(values))]


def _pick(drawn: float) -> str:
    left = drawn * sum(MIX.values())
    for name, share in MIX.items():
        left -= share
        if left < 0:
            return name
    return next(iter(MIX))

"""The table of `docs/interleavings.md`: how soon control and stress find each seeded bug.

Both get the same time for each bug and seed. A bug that a seed does not find within it counts as
found never, so a median may be never, too.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any, Final

from pel_fuzz.attack import Verdict, attack
from pel_fuzz.bench.hunting import THREADS, Hunt, Job, hunt
from pel_fuzz.canaries.registry import BUGS

CONTROL: Final = "mix"
STRATEGIES: Final = ("random", "urw", "surw", "pos", "pct", "delay")
"""Compared one with the other; under control all of them are mixed."""
COLUMNS: Final = (
    "bug",
    "control, by result",
    "seconds",
    "control, with the steps",
    "threads",
    "seconds",
    "threads, with the steps",
    "fewer runs, times",
    "attack",
)
NOT_IN_TEXT: Final = "not in the text"
MOST_RUNS: Final = 1_000_000
"""More than any budget of time allows: it is time that ends a hunt."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured: from how many seeds, and for how long each hunt at most."""

    seeds: int
    seconds: float
    jobs: int
    bugs: tuple[str, ...]

    def hunts(self, strategy: str, *, steps_too: bool = False) -> list[Job]:
        """All hunts of one column."""
        return [
            Job(bug, strategy, seed, MOST_RUNS, self.seconds, steps_too)
            for bug in self.bugs
            for seed in range(self.seeds)
        ]


@dataclass(frozen=True, slots=True)
class Cell:
    """What the seeds of a bug and a column came to: in how many it was `found`, the medians of runs
    and seconds until then (infinite where at least half never found it), and the fewest runs in
    which a seed did not find it."""

    found: int
    seeds: int
    runs: float
    seconds: float
    tried: int

    @classmethod
    def of(cls, hunts: Sequence[Hunt]) -> "Cell":
        """Put the seeds together."""
        runs = median(h.runs if h.found else math.inf for h in hunts)
        seconds = median(h.seconds if h.found else math.inf for h in hunts)
        tried = min((h.runs for h in hunts if not h.found), default=0)
        return cls(sum(h.found for h in hunts), len(hunts), runs, seconds, tried)

    def told(self) -> str:
        """The runs, and how many seeds found nothing, for people."""
        runs = f"{self.runs:,.0f}" if math.isfinite(self.runs) else f"> {self.tried:,}"
        missed = self.seeds - self.found
        return f"{runs} ({missed} missed)" if missed else runs

    def time(self) -> str:
        """The seconds, for people."""
        return f"{self.seconds:.2f}" if math.isfinite(self.seconds) else "-"

    def to_json(self) -> dict[str, Any]:
        """The cell as `--json` prints it: `null` for never."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One bug: under control and on threads, each by results alone and with the steps; attacked."""

    bug: str
    result: Cell
    steps: Cell
    threads: Cell
    threads_steps: Cell
    attack: str

    @property
    def ratio(self) -> str:
        """How many times fewer runs control needed than stress, from the medians."""
        if not math.isfinite(self.result.runs):
            return "-"
        if math.isfinite(self.threads.runs):
            return f"{self.threads.runs / self.result.runs:,.1f}"
        return f"> {self.threads.tried / self.result.runs:,.1f}"

    def to_json(self) -> dict[str, Any]:
        """The row as `--json` prints it."""
        cells = {
            "result": self.result,
            "steps": self.steps,
            "threads": self.threads,
            "threads_steps": self.threads_steps,
        }
        told = {name: cell.to_json() for name, cell in cells.items()}
        return {"bug": self.bug, **told, "attack": self.attack}


def harmful_bugs() -> tuple[str, ...]:
    """The seeded bugs, benign changes left out."""
    return tuple(name for name, bug in BUGS.items() if bug.benign is None)


class Hunters:
    """Processes that hunt, one hunt each at a time."""

    def __init__(self, jobs: int) -> None:
        self._pool = ProcessPoolExecutor(jobs, get_context("spawn"))

    def __enter__(self) -> "Hunters":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def cells(self, jobs: Iterable[Job]) -> Mapping[str, Cell]:
        """By bug, what its seeds came to."""
        listed = list(jobs)
        found: dict[str, list[Hunt]] = {}
        for job, result in zip(listed, self._pool.map(hunt, listed), strict=True):
            found.setdefault(job.bug, []).append(result)
        return {bug: Cell.of(hunts) for bug, hunts in found.items()}

    def attacks(self, bugs: Sequence[str]) -> Mapping[str, str]:
        """By bug of the text, what an attack with its bad run comes to."""
        listed = [bug for bug in bugs if BUGS[bug].in_text]
        return dict(zip(listed, self._pool.map(_attacked, listed), strict=True))


def _attacked(bug: str) -> str:
    done = attack(bug)
    if done.verdict is not Verdict.ATTACKED:
        return str(done.verdict)
    return f"fails at once, in {done.steps} steps"


def rows(settings: Settings, hunters: Hunters, tell: Callable[[str], None]) -> list[Row]:
    """Every bug, with control against stress. `tell` is told what is being measured."""
    tell("under control, by results")
    result = hunters.cells(settings.hunts(CONTROL))
    tell("under control, with the steps")
    steps = hunters.cells(settings.hunts(CONTROL, steps_too=True))
    tell("on plain threads")
    threads = hunters.cells(settings.hunts(THREADS))
    tell("on plain threads, with the steps")
    too = hunters.cells(settings.hunts(THREADS, steps_too=True))
    tell("attacks from the proof")
    attacks = hunters.attacks(settings.bugs)
    return [
        Row(bug, result[bug], steps[bug], threads[bug], too[bug], attacks.get(bug, NOT_IN_TEXT))
        for bug in settings.bugs
    ]


def by_strategy(
    settings: Settings, hunters: Hunters, tell: Callable[[str], None]
) -> Mapping[str, Mapping[str, Cell]]:
    """For each strategy alone, every bug by its results."""
    found = {}
    for strategy in STRATEGIES:
        tell(f"strategy {strategy}")
        found[strategy] = hunters.cells(settings.hunts(strategy))
    return found


def markdown(
    settings: Settings, found: Sequence[Row], strategies: Mapping[str, Mapping[str, Cell]]
) -> Iterator[str]:
    """The tables, line by line."""
    yield from _summary(settings, found)
    yield ""
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|" + "---|" * len(COLUMNS)
    for row in found:
        cells = (
            row.result.told(),
            row.result.time(),
            row.steps.told(),
            row.threads.told(),
            row.threads.time(),
            row.threads_steps.told(),
        )
        yield f"| `{row.bug}` | {' | '.join(cells)} | {row.ratio} | {row.attack} |"
    if strategies:
        yield from ("", "## By strategy", "", "| bug | " + " | ".join(strategies) + " |")
        yield "|---|" + "---|" * len(strategies)
        for bug in settings.bugs:
            each = (cells[bug].told() for cells in strategies.values())
            yield f"| `{bug}` | {' | '.join(each)} |"


def _summary(settings: Settings, found: Sequence[Row]) -> Iterator[str]:
    always = sum(row.result.found == row.result.seeds for row in found)
    steps = sum(row.steps.found == row.steps.seeds for row in found)
    threads = sum(row.threads.found == row.threads.seeds for row in found)
    threads_steps = sum(row.threads_steps.found == row.threads_steps.seeds for row in found)
    none = sum(row.threads.found == 0 for row in found)
    tenth = sum(_tenth(row.result, row.threads) for row in found)
    tenth_in_steps = sum(_tenth(row.steps, row.threads_steps) for row in found)
    attacked = sum(row.attack.startswith("fails") for row in found)
    in_text = sum(row.attack != NOT_IN_TEXT for row in found)
    yield (
        f"{len(found)} seeded bugs, {settings.seeds} seeds each, {settings.seconds:g} seconds of "
        f"processor time for each. By the result alone control finds {always} of them from every "
        f"seed, plain threads {threads}, and {none} from no seed at all; with the steps checked "
        f"control finds {steps} from every seed, plain threads {threads_steps}. In {tenth} control "
        f"needs at least ten times fewer runs than threads do, or had in vain; in {tenth_in_steps} "
        f"if both check the steps. Attacks from the proof: {attacked} of {in_text}."
    )


def _tenth(control: Cell, threads: Cell) -> bool:
    """Ten times fewer runs, in the median."""
    stress = threads.runs if math.isfinite(threads.runs) else threads.tried
    return math.isfinite(control.runs) and stress >= 10 * control.runs

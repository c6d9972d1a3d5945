"""Generated blocks under chosen interleavings, on a driven executor, until something differs.

Block and interleavings of an index are a function of (seed, index), as in `pel_fuzz.cases`. The
first run of each block is made twice: an executor whose steps do not depend on the choices alone
shares something that it does not announce, and no finding of it could be replayed.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from pel_fuzz.cases import Case
from pel_fuzz.drive.external import External, Made
from pel_fuzz.drive.judge import told
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.interleavings import INTERLEAVINGS, Interleaving, Switches, draw_interleaving
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.verdict import Difference, Oracle
from pel_fuzz.workloads.draws import Choices, draw_case

RUNS_A_BLOCK = 10
"""Interleavings of each block."""
STRATEGIES = tuple(name for name in INTERLEAVINGS if name not in ("exhaustive", "threads"))
"""By what names a campaign can be steered: `draw_interleaving` knows what they mean."""


@dataclass(frozen=True, slots=True)
class DrivePlan:
    """What a campaign runs: blocks from index 0 on. `workers`: drawn for each block, if `None`.

    `max_seconds` and `max_runs` end it; at least one is given.
    """

    seed: int
    max_seconds: float | None = None
    max_runs: int | None = None
    workers: int | None = None
    interleavings: str = "mix"

    def case_at(self, index: int) -> tuple[Case, Choices]:
        """Case `index`, and the choices that drew its block."""
        random = Random(f"{self.seed}/{index}/drive")
        workers = random.choice((2, 3, 3, 4))
        runs: tuple[Interleaving, ...] = tuple(
            draw_interleaving(random, "tiny", self.interleavings) for _ in range(RUNS_A_BLOCK)
        )
        drawn = draw_case(tiny_blocks(), self.seed, index)
        case = Case(
            subject=drawn.value,
            kind="tiny",
            workers=self.workers or workers,
            interleavings=runs,
            reference=False,
            external=True,
            origin=(self.seed, index),
        )
        return case, drawn.choices


@dataclass(frozen=True, slots=True)
class DriveFinding:
    """A difference, the case with the schedule of the run that showed it, and the choices that drew
    its block. `run` counts from 0."""

    index: int
    run: int
    difference: Difference
    case: Case
    choices: Choices


@dataclass(slots=True)
class DriveReport:
    """What a campaign did. `finding` ended it."""

    plan: DrivePlan
    finding: DriveFinding | None = None
    blocks: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    counters: Counter[str] = field(default_factory=Counter)

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.counters['runs']} runs"
        if self.finding is not None:
            return code_of(self.finding.difference)
        if not self.counters["preemptions"]:
            return ExitCode.INCONCLUSIVE, "no worker was ever stopped in the middle"
        return ExitCode.AGREE, "no difference"

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        code, why = self.exit_code()
        found = self.finding
        return {
            "verdict": code.name.lower(),
            "why": why,
            "seed": self.plan.seed,
            "interleavings": self.plan.interleavings,
            "blocks": self.blocks,
            "counters": dict(sorted(self.counters.items())),
            "runs_per_second": round(self.counters["runs"] / self.seconds) if self.seconds else 0,
            "difference": None if found is None else found.difference.to_json(),
            "index": None if found is None else found.index,
        }


def code_of(difference: Difference) -> tuple[ExitCode, str]:
    """What a difference means for the exit code: a clock judges nobody, and neither does a line
    that is not of the protocol."""
    if difference.oracle is not Oracle.CLIENT:
        return ExitCode.DIFFER, f"{difference.kind} in {difference.place}"
    code = ExitCode.BAD_INPUT if difference.kind == "protocol" else ExitCode.INCONCLUSIVE
    return code, f"{difference.kind}: {difference.got}"


def run_drive(
    external: External, plan: DrivePlan, report: DriveReport, show: Callable[[], None]
) -> None:
    """Run until something differs, or the plan is carried out; `show` is called after each block.

    Raises: `NoStart`.
    """
    begin = time.monotonic()
    try:
        for index in _indices(plan, external, begin):
            case, choices = plan.case_at(index)
            report.finding = _first_finding(external, case, choices, report)
            report.blocks += 1
            report.seconds = time.monotonic() - begin
            show()
            if report.finding is not None:
                return
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        report.seconds = time.monotonic() - begin
        report.counters.update(runs=external.runs, steps=external.steps, starts=external.starts)


def _indices(plan: DrivePlan, external: External, begin: float) -> Iterator[int]:
    index = 0
    while (plan.max_runs is None or external.runs < plan.max_runs) and (
        plan.max_seconds is None or time.monotonic() - begin < plan.max_seconds
    ):
        yield index
        index += 1


def _first_finding(
    external: External, case: Case, choices: Choices, report: DriveReport
) -> DriveFinding | None:
    """The first of the case's runs in which anything differs."""
    block, first = case.subject, case.interleavings[0]
    assert isinstance(block, TinyBlock) and case.origin is not None
    again: Made | None = None
    for interleaving in case.interleavings:
        number = external.runs
        made = external.run(block, case.workers, interleaving)
        _count(made, report.counters)
        difference = made.difference
        if interleaving is first and difference is None:
            again = external.run(block, case.workers, interleaving)
            difference = again.difference or _wavering(made, again)
        if difference is not None:
            kept = replace(case, interleavings=(Switches(made.schedule),))
            return DriveFinding(case.origin[1], number, difference, kept, choices)
    return None


def _count(made: Made, counters: Counter[str]) -> None:
    counters["preemptions"] += made.preemptions
    counters["blocked"] += sum(what.blocked for _, what in made.story)
    history = None if made.answer is None else made.answer.history
    if history is not None:
        counters["incarnations"] += len(history.incarnations)
        counters["aborts"] += len({v.version for v in history.validations if not v.passed})
        counters["suspensions"] += sum(i.end == "suspended" for i in history.incarnations)


def _wavering(one: Made, other: Made) -> Difference | None:
    """Two runs by the same choices that are not the same."""
    if (one.story, one.answer) == (other.story, other.answer):
        return None
    pairs = enumerate(zip(one.story, other.story, strict=False))
    parted = next((i for i, (left, right) in pairs if left != right), None)
    if parted is None:
        shorter = min(len(one.story), len(other.story))
        expected, got = f"{len(one.story)} steps", f"{len(other.story)} steps, or another result"
        words = f"the first {shorter} steps are the same"
    else:
        expected, got = told(one.story[parted]), told(other.story[parted])
        words = f"the {parted} steps before are the same"
    return Difference(
        *(Oracle.CLIENT, "nondeterminism", "the same choices, made twice", expected, got),
        words=f"{words}: something that decides what a worker does is not announced as a step",
    )

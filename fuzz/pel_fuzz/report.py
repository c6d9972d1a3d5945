"""What a campaign did and found, added up: for the terminal, for JSON, and for its exit code."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from pel_fuzz.campaign import CaseReport, Plan
from pel_fuzz.coverage.campaign import CampaignCoverage
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.known import Excuse, Known
from pel_fuzz.regressions import Regressions
from pel_fuzz.verdict import Difference
from pel_fuzz.workloads.features import features_of
from pel_reference.forks import RULES

MIN_OVERLAPPED_SHARE = 0.25
"""A campaign is parallel when the executions of at least two workers overlapped in this share of
its runs (blocks that are serial by nature excepted). On plain threads any overlap is enough: how
much there is, is luck, and no verdict may depend on that. So it is in exhaustive searches, which
begin with the runs that are least parallel."""


class Shardable(Protocol):
    """A plan of a campaign that may be one of several shards, counted from 0 `of` so many."""

    @property
    def seed(self) -> int: ...

    @property
    def shard(self) -> int: ...

    @property
    def of(self) -> int: ...


def head_to_json(
    plan: Shardable, ended: tuple[ExitCode, str], next_index: int, repeat: str, resume: str
) -> dict[str, Any]:
    """What every campaign's report begins with, as `--json` prints it."""
    code, why = ended
    return {
        "verdict": code.name.lower(),
        "why": why,
        "seed": plan.seed,
        "shard": f"{plan.shard + 1}/{plan.of}",
        "next_index": next_index,
        "repeat": repeat,
        "resume": resume,
    }


@dataclass(slots=True)
class Group:
    """All differences of one signature: the first, at an index, and in how many cases there were
    such. `excuse`: what the list of known differences says of them."""

    index: int
    difference: Difference
    excuse: Excuse | None = None
    cases: int = 0

    @property
    def is_known(self) -> bool:
        """Whether they pass."""
        return self.excuse is not None and not self.excuse.expired

    def is_of(self, entry: Known) -> bool:
        """Whether this entry of the list speaks of them."""
        return self.excuse is not None and self.excuse.entry is entry

    def to_json(self) -> dict[str, Any]:
        """The group as `--json` prints it."""
        known = None if self.excuse is None else self.excuse.to_json()
        told = {"index": self.index, "cases": self.cases, "known": known}
        return told | self.difference.to_json()


@dataclass(slots=True)
class CampaignReport:
    """Counts by tier, fork, feature and kind of location; differences by signature. What was known
    beforehand is in `regressions`; `flags` are options beside those of the plan, to be repeated."""

    plan: Plan
    regressions: Regressions = field(default_factory=Regressions)
    cases: Counter[str] = field(default_factory=Counter)
    forks: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    location_kinds: Counter[str] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)
    strategies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    coverage: CampaignCoverage = field(default_factory=CampaignCoverage)
    differences: dict[str, Group] = field(default_factory=dict)
    differing_cases: int = 0
    next_index: int = 0
    interrupted: bool = False
    flags: str = ""

    def __post_init__(self) -> None:
        self.next_index = self.plan.start

    def add(self, report: CaseReport) -> list[Difference]:
        """Count one case. Result: its differences whose signature is new, and not known."""
        done = report.examination
        self.cases[report.kind] += 1
        if report.fork is not None:
            self.forks[report.fork] += 1
        self.features.update(done.features)
        self.location_kinds.update(done.location_kinds)
        self.counters.update(done.counters)
        self.strategies.update(done.strategies)
        self.faults.update(done.faults)
        self.coverage.add(done.coverage)
        self.differing_cases += bool(done.findings)
        self.next_index = report.index + self.plan.of
        return self._grouped(report.index, [finding.difference for finding in done.findings])

    def _grouped(self, index: int, differences: list[Difference]) -> list[Difference]:
        fresh = []
        for difference in differences:
            if difference.signature not in self.differences:
                excuse = self.regressions.excuse(difference)
                group = self.differences[difference.signature] = Group(index, difference, excuse)
                fresh += [] if group.is_known else [difference]
        for signature in {difference.signature for difference in differences}:
            self.differences[signature].cases += 1
        return fresh

    @property
    def unknown(self) -> set[str]:
        """The signatures found that nothing excuses."""
        return {signature for signature, group in self.differences.items() if not group.is_known}

    def excuse_of(self, difference: Difference) -> Excuse | None:
        """What the list of known differences says of one that was added."""
        group = self.differences.get(difference.signature)
        return None if group is None else group.excuse

    @property
    def repeat_command(self) -> str:
        """What runs the same again: as many cases as there were, whatever time they took."""
        start = f" --start {self.plan.start}" if self.plan.start else ""
        return f"{self._command}{start} --max-cases {self.total}"

    @property
    def resume_command(self) -> str:
        """What goes on with the case after the last one."""
        return f"{self._command} --start {self.next_index}"

    @property
    def _command(self) -> str:
        plan = self.plan
        options = {
            "--shard": f"{plan.shard + 1}/{plan.of}" if plan.of > 1 else None,
            "--fork": plan.fork,
            "--interleavings": None if plan.interleavings == "mix" else plan.interleavings,
            "--seed-bug": plan.seed_bug,
        }
        told = [f" {name} {value}" for name, value in options.items() if value is not None]
        return f"pel fuzz --seed {plan.seed}{''.join(told)}{self.flags}"

    @property
    def total(self) -> int:
        """Cases of all kinds."""
        return sum(self.cases.values())

    @property
    def missing_features(self) -> list[str]:
        """Features that exist in the forks asked for and occurred in no case."""
        forks = [self.plan.fork] if self.plan.fork is not None else list(RULES)
        known = {
            name
            for fork in forks
            for observed in (False, True)
            for name in features_of(fork, is_observed=observed)
        }
        return sorted(name for name in known if not self.features[name])

    @property
    def overlapped_share(self) -> float:
        """Of the runs that could overlap, the share that did."""
        possible = self.counters["could_overlap"]
        return self.counters["overlapped"] / possible if possible else 0.0

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        return self.regressions.verdict(self.unknown, self._drawn_verdict())

    def _drawn_verdict(self) -> tuple[ExitCode, str]:
        """The verdict of the drawn cases alone, but for what differs in them."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.total} cases"
        if self.plan.max_cases == 0 and self.regressions.replayed:
            return ExitCode.AGREE, "no difference in the corpus"
        if self.total == 0:
            return ExitCode.INCONCLUSIVE, "no case was run"
        serial = self.plan.interleavings in ("threads", "exhaustive")
        least = 0.0 if serial else MIN_OVERLAPPED_SHARE
        if self.counters["overlapped"] == 0 or self.overlapped_share < least:
            share = f"{self.overlapped_share:.0%}"
            return ExitCode.INCONCLUSIVE, f"not parallel: executions overlapped in {share} of runs"
        return ExitCode.AGREE, "no difference"

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        again = self.repeat_command, self.resume_command
        return {
            **head_to_json(self.plan, self.exit_code(), self.next_index, *again),
            "interleavings": self.plan.interleavings,
            "strategies": dict(sorted(self.strategies.items())),
            "faults": dict(sorted(self.faults.items())),
            "cases": dict(self.cases),
            "differing_cases": self.differing_cases,
            "counters": dict(sorted(self.counters.items())),
            "overlapped_share": round(self.overlapped_share, 4),
            "forks": dict(self.forks),
            "features": dict(sorted(self.features.items())),
            "missing_features": self.missing_features,
            "location_kinds": dict(sorted(self.location_kinds.items())),
            "coverage": self.coverage.to_json(),
            "differences": [group.to_json() for group in self.differences.values()],
        } | self.regressions.to_json()


def regression_lines(
    regressions: Regressions, groups: Collection[Group]
) -> Iterator[tuple[str, str]]:
    """The corpus and the list of known differences, for people, where there are any: each a name
    and what is said. `groups` are the differences of what was drawn."""
    verdicts = Counter(each.verdict(regressions.known) for each in regressions.corpus)
    if verdicts or regressions.left_out:
        late = f"; {len(regressions.left_out)} not replayed" if regressions.left_out else ""
        counts = ", ".join(f"{name} {count}" for name, count in sorted(verdicts.items()))
        yield "corpus", (counts or "none") + late
    elif regressions.folder:
        none = (
            f"none of {regressions.files} file(s) replayed" if regressions.files else "no case file"
        )
        yield "corpus", f"{none} in {regressions.folder}"
    for entry in regressions.known.entries:
        cases = [group.cases for group in groups if group.is_of(entry)]
        seen = f"in {sum(cases)} drawn case(s)" if cases else "not seen in what was drawn"
        held = {True: "; its case shows it", False: "; its case no longer does", None: ""}
        until = "EXPIRED on" if entry.expires < regressions.known.today else "until"
        told = f"{seen}{held[regressions.reproduced(entry)]}; {until} {entry.expires}"
        yield f"known {entry.index}", f"{entry.signature} {told}: {entry.issue}"

"""What a campaign did and found, added up: for the terminal, for JSON, and for its exit code."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pel_fuzz.campaign import CaseReport, Plan
from pel_fuzz.coverage.campaign import CampaignCoverage
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.verdict import Difference
from pel_fuzz.workloads.features import features_of
from pel_reference.forks import RULES

MIN_OVERLAPPED_SHARE = 0.25
"""A campaign is parallel when the executions of at least two workers overlapped in this share of
its runs (blocks that are serial by nature excepted). On plain threads any overlap is enough: how
much there is, is luck, and no verdict may depend on that. So it is in exhaustive searches, which
begin with the runs that are least parallel."""


@dataclass(slots=True)
class CampaignReport:
    """Counts by tier, fork, feature and kind of location; differences by signature."""

    plan: Plan
    cases: Counter[str] = field(default_factory=Counter)
    forks: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    location_kinds: Counter[str] = field(default_factory=Counter)
    counters: Counter[str] = field(default_factory=Counter)
    strategies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    coverage: CampaignCoverage = field(default_factory=CampaignCoverage)
    differences: dict[str, tuple[int, Difference]] = field(default_factory=dict)
    differing_cases: int = 0
    next_index: int = 0
    interrupted: bool = False

    def add(self, report: CaseReport) -> list[Difference]:
        """Count one case. Result: its differences whose signature is new."""
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
        fresh = []
        for finding in done.findings:
            if finding.difference.signature not in self.differences:
                self.differences[finding.difference.signature] = report.index, finding.difference
                fresh.append(finding.difference)
        return fresh

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
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.total} cases"
        if self.differences:
            return ExitCode.DIFFER, f"{len(self.differences)} kind(s) of difference"
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
        code, why = self.exit_code()
        return {
            "verdict": code.name.lower(),
            "why": why,
            "seed": self.plan.seed,
            "shard": f"{self.plan.shard + 1}/{self.plan.of}",
            "next_index": self.next_index,
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
            "differences": [
                {"index": index} | difference.to_json()
                for index, difference in self.differences.values()
            ],
        }

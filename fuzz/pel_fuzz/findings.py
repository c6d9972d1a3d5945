"""Found cases: on disk before anything else is done with them, then shrunk, then told.

A finding leaves two files: the case as it was found, and the smallest one that still shows the
same signature. `pel replay` takes either.
"""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pel_fuzz.campaign import CaseReport, Plan
from pel_fuzz.cases import Case, case_at
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.shrinking import shrink_finding
from pel_fuzz.verdict import Difference

SHRINK_SECONDS = 30.0
"""How long one finding may be shrunk."""


@dataclass(frozen=True, slots=True)
class Found:
    """One kept finding: the difference on the smallest case, its file, how to replay it."""

    index: int
    difference: Difference
    path: Path
    as_found: Path
    replay: str
    size: str

    def to_json(self) -> dict[str, Any]:
        """The finding as `--json` prints it."""
        return {
            "index": self.index,
            "difference": self.difference.to_json(),
            "case": str(self.path),
            "as_found": str(self.as_found),
            "replay": self.replay,
        }


class Findings:
    """Keeps the findings of one campaign in a folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self.kept: list[Found] = []

    def keep(self, report: CaseReport, fresh: list[Difference]) -> list[Found]:
        """Write down, shrink and write down again each of the fresh differences of one case."""
        found = [self._keep_one(report, difference) for difference in fresh]
        self.kept += found
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """What was kept, as `--json` prints it."""
        return [found.to_json() for found in self.kept]

    def _keep_one(self, report: CaseReport, difference: Difference) -> Found:
        plan = self.plan
        case, choices = case_at(plan.seed, report.index, plan.fork, plan.eels)
        finding = next(f for f in report.examination.findings if f.difference is difference)
        only = () if finding.interleaving is None else (finding.interleaving,)
        as_found = self._write(replace(case, interleavings=only), difference, report.index, "found")
        if plan.threads:  # nothing steers plain threads, so nothing smaller could be trusted
            small, last = replace(case, interleavings=only), difference
        else:
            small, last = shrink_finding(case, finding, choices, SHRINK_SECONDS)
        path = self._write(small, last, report.index, "small")
        return Found(report.index, last, path, as_found, self._replay(path), _size(small))

    def _write(self, case: Case, difference: Difference, index: int, stage: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        slug = difference.signature.replace(":", "-").replace(" ", "_").replace("/", "_")
        path = self.folder / f"{self.plan.seed}-{index}-{slug}-{stage}.json"
        write_case(path, case, difference, self.plan.seed_bug)
        return path

    def _replay(self, path: Path) -> str:
        bug = f" --seed-bug {shlex.quote(self.plan.seed_bug)}" if self.plan.seed_bug else ""
        return f"pel replay {shlex.quote(str(path))}{bug}"


def _size(case: Case) -> str:
    """How small the case became, for people."""
    positions = len(case.compile().transitions)
    switches = sum(len(getattr(i, "switches", ())) for i in case.interleavings)
    schedule = f", {switches} switch(es)" if case.interleavings else ""
    return f"{positions} transition(s), {case.workers} workers{schedule}"

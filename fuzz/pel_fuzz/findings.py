"""Found cases: all on disk before anything else is done with them, then shrunk, then told.

A finding leaves two files: the case as it was found, and the smallest one that still shows the
same signature. `pel replay` takes either. There is one finding a signature.
"""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pel_fuzz.campaign import CaseReport, Plan
from pel_fuzz.cases import Case
from pel_fuzz.examine import Finding, examine
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.shrinking import shrink_finding
from pel_fuzz.story import Watched, story_of, watch_controlled
from pel_fuzz.verdict import Difference
from pel_reference.errors import InputError

SHRINK_SECONDS = 30.0
"""How long one finding may be shrunk where nothing else is asked for."""
SHORT_STORY = 45
"""Lines up to which a story is told at once; longer ones are left to `pel replay`."""


def folder_for_findings(folder: Path) -> None:
    """Make the folder, and try it, before anything is found that would be lost.

    Raises: `InputError`, where nothing can be written there.
    """
    probe = folder / ".probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        problem = f"findings cannot be kept there: {error.strerror}"
        raise InputError(str(folder), "", problem) from None


@dataclass(frozen=True, slots=True)
class Found:
    """One kept finding: its difference and file, the smallest there are so far, and how to replay
    it. `others` are the signatures of whatever else differs on that case, all tiers asked; `story`
    is that of the smallest case: empty where it is long, `None` where nothing steers its run.
    `transitions` are those of the smallest block. `shrunk`: whether there was time to shrink it."""

    index: int
    difference: Difference
    path: Path
    as_found: Path
    replay: str
    size: str
    transitions: int
    shrunk: bool = False
    others: tuple[str, ...] = ()
    story: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as `--json` prints it."""
        return {
            "index": self.index,
            "difference": self.difference.to_json(),
            "others": list(self.others),
            "case": str(self.path),
            "as_found": str(self.as_found),
            "replay": self.replay,
            "size": self.size,
            "shrunk": self.shrunk,
        }


class Findings:
    """Keeps the findings of one campaign in a folder, which is made at once.

    Each is shrunk for `shrink_seconds` at most (0: not at all), and none after `deadline`, by the
    monotonic clock.

    Raises: `InputError`, where nothing can be written there.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        shrink_seconds: float | None = None,
        deadline: float | None = None,
    ) -> None:
        self.folder, self.plan = folder, plan
        self._shrink_seconds = SHRINK_SECONDS if shrink_seconds is None else shrink_seconds
        self._deadline = deadline
        self.kept: list[Found] = []
        folder_for_findings(folder)

    def keep(self, report: CaseReport, fresh: list[Difference]) -> Iterator[Found]:
        """Write down all the fresh differences of one case; then shrink each, and give it.

        An interruption while one is being shrunk leaves it as it was found.
        """
        first = len(self.kept)
        told = {id(difference) for difference in fresh}
        findings = [f for f in report.examination.findings if id(f.difference) in told]
        self.kept += [self._write_down(report.index, finding) for finding in findings]
        for number, finding in enumerate(findings, start=first):
            try:
                self.kept[number] = self._shrink(self.kept[number], finding)
            finally:
                yield self.kept[number]

    def keep_smaller(self, report: CaseReport) -> Iterator[Found]:
        """Where a case shows a kept signature on a block that is smaller, as it was drawn, than the
        smallest kept so far: that one instead, shrunk and given."""
        transitions = report.examination.counters["positions"]
        by_signature = {f.difference.signature: f for f in report.examination.findings[::-1]}
        for number, found in enumerate(self.kept):
            finding = by_signature.get(found.difference.signature)
            if finding is None or transitions >= found.transitions:
                continue
            self.kept[number] = self._write_down(report.index, finding)
            try:
                self.kept[number] = self._shrink(self.kept[number], finding)
            finally:
                yield self.kept[number]

    def to_json(self) -> list[dict[str, Any]]:
        """What was kept, as `--json` prints it."""
        return [found.to_json() for found in self.kept]

    def _write_down(self, index: int, finding: Finding) -> Found:
        case, _ = self.plan.case_at(index)
        only = () if finding.interleaving is None else (finding.interleaving,)
        case = replace(case, interleavings=only, threads=self.plan.threads)
        path = self._write(case, finding.difference, index, "found")
        told = finding.difference, path, path, self._replay(path), _size(case)
        return Found(index, *told, len(case.compile().transitions))

    def _seconds_left(self) -> float:
        """How long the next finding may be shrunk."""
        if self._deadline is None:
            return self._shrink_seconds
        return min(self._shrink_seconds, self._deadline - time.monotonic())

    def _shrink(self, found: Found, finding: Finding) -> Found:
        """The same finding on the smallest case that can be found. Nothing steers plain threads,
        so what was found there stays as it is."""
        seconds = self._seconds_left()
        if self.plan.threads or seconds <= 0:
            return found
        case, choices = self.plan.case_at(found.index)
        small, difference = shrink_finding(case, finding, choices, seconds)
        whole = replace(small, reference=True)
        path = self._write(whole, difference, found.index, "small")
        smaller = replace(
            found,
            difference=difference,
            path=path,
            replay=self._replay(path),
            size=_size(small),
            transitions=len(small.compile().transitions),
            shrunk=True,
            story=(),
        )
        return smaller if self._seconds_left() <= 0 else _told(smaller, small, whole)

    def _write(self, case: Case, difference: Difference, index: int, stage: str) -> Path:
        plan = self.plan
        parts = [str(plan.seed), str(index), plan.fork, plan.seed_bug, difference.signature, stage]
        slug = "-".join(part for part in parts if part is not None)
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in slug)
        path = self.folder / f"{safe}.json"
        write_case(path, case, difference, plan.seed_bug)
        return path

    def _replay(self, path: Path) -> str:
        bug = f" --seed-bug {shlex.quote(self.plan.seed_bug)}" if self.plan.seed_bug else ""
        return f"pel replay {shlex.quote(str(path))}{bug}"


def _told(found: Found, small: Case, whole: Case) -> Found:
    """A shrunk finding with what else differs on its case, and its story."""
    seen = {f.difference.signature for f in examine(whole, stop_at_first=False).findings}
    watched = _watched(small)
    story = None if watched is None else tuple(story_of(watched, most_lines=None))
    return replace(
        found,
        size=_size(small, watched),
        others=tuple(sorted(seen - {found.difference.signature})),
        story=() if story and len(story) > SHORT_STORY else story,
    )


def _watched(case: Case) -> Watched | None:
    """The run of a case's one interleaving; `None`, if the difference needs none."""
    if not case.interleavings:
        return None
    return watch_controlled(case.compile(), case.workers, case.interleavings[0])


def _size(case: Case, watched: Watched | None = None) -> str:
    """How small the case became, for people."""
    parts = [f"{len(case.compile().transitions)} transition(s)", f"{case.workers} worker(s)"]
    if watched is not None:
        preemptions = len(watched.preempted)
        parts.append(f"{preemptions} preemption(s)")
        others = sum(len(getattr(i, "switches", ())) for i in case.interleavings) - preemptions
        if others > 0:
            parts.append(f"{others} other switch(es)")
        parts += [fault.words() for i in case.interleavings for fault in getattr(i, "faults", ())]
    return ", ".join(parts)

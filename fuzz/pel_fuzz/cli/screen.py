"""What a campaign shows: progress while it runs, each finding at once, a summary at the end.

Everything but the summary goes to standard error; with `quiet` nothing is shown but the seed, which
must be known whatever happens.
"""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pel_fuzz.campaign import Plan
from pel_fuzz.corpus import Replayed
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import Findings, Found
from pel_fuzz.known import Excuse, KnownList
from pel_fuzz.report import CampaignReport, regression_lines
from pel_fuzz.verdict import Difference

MOST_LISTED = 12
"""Features not reached that are listed by name: more are those of a campaign that was short."""


class Screen:
    """The terminal of one campaign. A context manager: progress runs while it is open."""

    def __init__(self, plan: Plan, quiet: bool) -> None:
        self._plan, self._quiet = plan, quiet
        self._out, self._err = Console(highlight=False), Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeElapsedColumn(),
            console=self._err,
            disable=quiet or not self._err.is_terminal,
        )
        total = plan.max_seconds if plan.max_seconds is not None else plan.max_cases
        self._task = self._progress.add_task("fuzzing", total=total, done="")
        self._started = self._told = time.monotonic()

    def __enter__(self) -> Self:
        of = f", shard {self._plan.shard + 1}/{self._plan.of}" if self._plan.of > 1 else ""
        self._err.print(f"pel fuzz: seed {self._plan.seed}{of}, {self._plan.jobs} process(es)")
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, report: CampaignReport) -> None:
        """Progress: a bar on a terminal, a line every ten seconds elsewhere."""
        now = time.monotonic()
        done = now - self._started if self._plan.max_seconds is not None else report.total
        told = f"{report.total} cases, {report.counters['runs']} runs"
        self._progress.update(self._task, completed=done, done=told)
        if not self._quiet and not self._err.is_terminal and now - self._told >= 10:
            self._told = now
            self._err.print(f"  {now - self._started:4.0f} s: {told}")

    def replayed(self, replayed: Replayed, known: KnownList) -> None:
        """A case file that was replayed, where there is anything to say of it."""
        if self._quiet:
            return
        for difference in replayed.unknown(known):
            self._difference(difference, known.excuse(difference.signature))
            self._err.print(f"  replay    pel replay {replayed.path}", markup=False, soft_wrap=True)
        if replayed.note is not None:
            self._err.print(f"  {replayed.name}: {replayed.note}", markup=False, soft_wrap=True)

    def _difference(self, difference: Difference, excuse: Excuse | None) -> None:
        headline, *lines = difference.lines()
        self._err.print(headline, style="bold red", markup=False)
        for line in lines:
            self._err.print(line, markup=False)
        if excuse is not None:
            self._err.print(f"  {excuse.words}", markup=False)

    def found(self, found: Found, excuse: Excuse | None = None) -> None:
        """One finding, as its reader needs it: where, what, why, how to see it again. `excuse` is
        one that has expired."""
        if self._quiet:
            return
        self._difference(found.difference, excuse)
        told = f"shrunk to {found.size}" if found.shrunk else f"not shrunk: {found.size}"
        self._err.print(f"  {told}", markup=False)
        if found.others:
            self._err.print(f"  there too {', '.join(found.others)}", markup=False)
        self._err.print(f"  replay    {found.replay}", markup=False, soft_wrap=True)
        for line in found.story or ():
            self._err.print(f"  {line}", markup=False, soft_wrap=True)
        if found.story == ():
            self._err.print("  story     long: pel replay tells it", markup=False)

    def summary(self, report: CampaignReport, findings: Findings) -> None:
        """The report of the whole campaign, on standard output."""
        code, why = report.exit_code()
        table = Table(show_header=False, box=None, pad_edge=False)
        told = regression_lines(report.regressions, report.differences.values())
        drawn = () if report.plan.max_cases == 0 else _drawn(report)
        for name, text in (*drawn, *told, *_groups(report)):
            table.add_row(name, text)
        self._out.print(table, markup=False)
        self._out.print(f"to repeat    {report.repeat_command}", markup=False, soft_wrap=True)
        self._out.print(f"to resume    {report.resume_command}", markup=False, soft_wrap=True)
        colour = {ExitCode.AGREE: "green", ExitCode.DIFFER: "red"}.get(code, "yellow")
        kept = f", kept in {findings.folder}" if findings.kept else ""
        self._out.print(f"[{colour}]{code.name}[/]: {why}{kept}")


def _drawn(report: CampaignReport) -> Iterator[tuple[str, str]]:
    """What was drawn, what it ran, and what it reached."""
    yield "cases", _counts(report.cases)
    yield "runs", f"{report.counters['runs']} optimistic runs, {_lane(report)}"
    yield "faults", _faults(report)
    yield "steps", _steps(report)
    yield "tiers", _tiers(report)
    yield "forks", _counts(report.forks)
    yield "features", _features(report)
    yield "locations", _counts(report.location_kinds)
    yield "conflicts", _conflicts(report)
    yield from report.coverage.lines()


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _groups(report: CampaignReport) -> Iterator[tuple[str, str]]:
    """The signatures found that are not known, with the number of cases of each."""
    for signature in sorted(report.unknown):
        yield "found", f"{signature} in {report.differences[signature].cases} case(s)"


def _lane(report: CampaignReport) -> str:
    if report.plan.threads:
        return "on plain threads (stress lane: not reproducible)"
    overlapped = f"controlled; executions overlapped in {report.overlapped_share:.0%}"
    return f"{overlapped}; by strategy: {_counts(report.strategies)}{_searches(report)}"


def _searches(report: CampaignReport) -> str:
    """How far the exhaustive searches came."""
    prefix = "searches_complete_to_"
    reached = sorted(
        (int(name.removeprefix(prefix)), count)
        for name, count in report.counters.items()
        if name.startswith(prefix)
    )
    told = ", ".join(f"{count} to {bound} preemption(s)" for bound, count in reached)
    return f"; exhaustive searches complete: {told}" if told else ""


def _faults(report: CampaignReport) -> str:
    """By kind of fault, how many there were, and how those that struck ended."""
    endings: dict[str, list[str]] = {}
    for name, count in sorted(report.faults.items()):
        kind, _, ending = name.partition(": ")
        endings.setdefault(kind, []).append(f"{ending} {count}")
    return "; ".join(f"{kind}: {', '.join(found)}" for kind, found in endings.items()) or "none"


def _steps(report: CampaignReport) -> str:
    counters = report.counters
    return (
        f"{counters['replayed']} runs replayed through the specification, "
        f"{counters['replayed_steps']} steps"
    )


def _tiers(report: CampaignReport) -> str:
    counters = report.counters
    return (
        f"{report.cases['tiny']} tiny machine, {report.cases['evm']} EVM fold against optimistic, "
        f"{counters['reference']} through the reference, {counters['eels']} through EELS "
        f"(asked in vain: {counters['eels_silent']}), "
        f"{counters['twins']} with every incarnation on fresh objects"
    )


def _features(report: CampaignReport) -> str:
    missing = report.missing_features
    if len(missing) > MOST_LISTED:
        none = f"; {len(missing)} not reached (--json lists them)"
    else:
        none = f"; not reached: {', '.join(missing)}" if missing else "; every one was reached"
    return f"{sum(1 for count in report.features.values() if count)} reached{none}"


def _conflicts(report: CampaignReport) -> str:
    names = ("incarnations", "aborts", "suspensions", "validations")
    return ", ".join(f"{report.counters[name]} {name}" for name in names)

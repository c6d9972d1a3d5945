"""What `pel client drive` does with an executor, and says of it: a campaign, or a replay."""

import json
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pel_fuzz.cases import Case
from pel_fuzz.cli.options import make_folder
from pel_fuzz.drive.campaign import DriveFinding, DrivePlan, DriveReport, code_of, run_drive
from pel_fuzz.drive.external import External
from pel_fuzz.drive.shrinking import shrink_driven
from pel_fuzz.drive.story import story_lines
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import CaseFile, read_case, write_case
from pel_fuzz.interleavings import Switches
from pel_fuzz.replaying import NEVER_RUN
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_parallel.errors import Drift
from pel_reference.errors import InputError

SHRINK_SECONDS, SHRINK_RUNS = 60.0, 10_000
"""How long what was found may be shrunk, and in how many runs."""
TOLD_EVERY_SECONDS = 10.0


class _Screen:
    """Progress and findings, on standard error; nothing where JSON is wanted."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._last = quiet, time.monotonic()

    def say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)

    def show(self, external: External, report: DriveReport) -> None:
        if time.monotonic() - self._last >= TOLD_EVERY_SECONDS:
            self._last = time.monotonic()
            self.say(f"  {report.seconds:4.0f} s: {report.blocks} blocks, {external.runs} runs")


# ---- a campaign -----------------------------------------------------------------------------


def carry_out(
    external: External, plan: DrivePlan, out: Path, shrink_seconds: float, as_json: bool
) -> ExitCode:
    """Run a campaign; what it finds is kept in `out`, shrunk for so long, kept again, and told.

    Raises: `NoStart`; `InputError`, where nothing can be kept.
    """
    make_folder(out)
    screen, report = _Screen(as_json), DriveReport(plan)
    screen.say(f"pel client drive: {external.start().name}, seed {plan.seed}")
    run_drive(external, plan, report, lambda: screen.show(external, report))
    kept = {}
    if report.finding is not None:
        kept = _keep(external, report, report.finding, out, shrink_seconds, screen)
    code, why = report.exit_code()
    if as_json:
        click.echo(json.dumps(report.to_json() | kept, indent=2))
        return code
    counters, seconds = report.counters, report.seconds or 1.0
    click.echo(
        f"runs       {counters['runs']}, of {report.blocks} block(s), in {report.seconds:.0f} s, "
        f"{counters['runs'] / seconds:.0f} a second\n"
        f"steps      {counters['steps']}, {counters['steps'] / seconds:.0f} a second; "
        f"{counters['starts']} process(es)"
    )
    told = ("preemptions", "blocked", "incarnations", "aborts", "suspensions")
    click.echo("conflicts  " + ", ".join(f"{counters[each]} {each}" for each in told))
    click.echo(f"{code.name}: {why}")
    return code


def _keep(
    external: External,
    report: DriveReport,
    found: DriveFinding,
    out: Path,
    shrink_seconds: float,
    screen: _Screen,
) -> dict[str, Any]:
    """Write the case down as it was found, then shrink it, and write that; an interruption ends
    only the shrinking."""
    case, difference = found.case, found.difference
    path = as_found = _write(out, found, "found")
    for line in difference.lines():
        screen.say(line)
    told = "kept as it was found"
    # What is no verdict is left as it is.
    if difference.oracle is not Oracle.CLIENT and shrink_seconds:
        limits = (shrink_seconds, SHRINK_RUNS)
        try:
            small = shrink_driven(external, case, difference.signature, found.choices, *limits)
            if small.difference is None:
                told = "not seen again with the same choices: kept as it was found"
            else:
                shrunk = replace(found, case=small.case, difference=small.difference)
                path = _write(out, shrunk, "small")
                case, difference = shrunk.case, shrunk.difference
                told = f"shrunk to {_size(case.subject, case.workers, case.interleavings)}"
        except KeyboardInterrupt:
            report.interrupted = True
            told = "interrupted while it was shrunk: kept as it was found"
    command = f"pel client drive --command {shlex.quote(external.command)}"
    again = f"{command} --replay {shlex.quote(str(path))}"
    screen.say(f"  {told}\n  replay    {again}")
    return {
        "difference": difference.to_json(),
        "case": str(path),
        "as_found": str(as_found),
        "replay": again,
    }


def _write(out: Path, found: DriveFinding, stage: str) -> Path:
    slug = "-".join(map(str, (*(found.case.origin or ()), "external", found.difference.signature)))
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{slug}-{stage}")
    path = out / f"{safe}.json"
    write_case(path, found.case, found.difference, None)
    return path


def _size(subject: object, workers: int, interleavings: tuple[object, ...]) -> str:
    assert isinstance(subject, TinyBlock)
    switches = sum(len(each.switches) for each in interleavings if isinstance(each, Switches))
    return f"{len(subject.programs)} transition(s), {workers} worker(s), {switches} switch(es)"


# ---- a replay -------------------------------------------------------------------------------


def replay_case(external: External, path: str, tell: bool, as_json: bool) -> ExitCode:
    """Run a kept case again; with `tell`, every step is told.

    Raises: `NoStart`; `InputError`, for a case that is none of this lane.
    """
    kept = read_case(path)
    case = kept.case
    if not case.external or not isinstance(case.subject, TinyBlock):
        raise InputError(path, "lane", "not a case of an executor driven from outside: pel replay")
    differences, drift = _runs_again(external, case, tell and not as_json)
    if not case.interleavings or (drift is not None and not differences):
        problem = f"the schedule does not fit this executor: {drift}" if drift else NEVER_RUN
        why = f"{path}: {problem}"
        click.echo(json.dumps({"verdict": "inconclusive", "why": why}) if as_json else why)
        return ExitCode.INCONCLUSIVE
    codes = [code_of(each)[0] for each in differences]
    code = min(codes, default=ExitCode.AGREE)  # one difference that is a verdict is enough
    if as_json:
        click.echo(json.dumps(_to_json(kept, differences, drift, code), indent=2))
        return code
    for difference in differences:
        for line in difference.lines():
            click.echo(line)
    if drift is not None:
        click.echo(f"of the other choices some do not fit this executor: {drift}")
    if any(d.signature == kept.signature for d in differences):
        click.echo("as recorded")
    elif kept.signature is None:
        click.echo("a difference; none was recorded" if differences else "no difference")
    else:
        gone = "is gone" if drift is None else "was not seen"
        click.echo(f"the recorded difference {gone}: {kept.signature}")
    return code


def _runs_again(external: External, case: Case, tell: bool) -> tuple[list[Difference], str | None]:
    """What differs in the runs of a case, and the first schedule that does not fit, in a line."""
    differences: list[Difference] = []
    drifted: str | None = None
    assert isinstance(case.subject, TinyBlock), "a driven executor runs tiny blocks"
    for interleaving in case.interleavings:
        try:
            made = external.run(case.subject, case.workers, interleaving)
        except Drift as drift:
            drifted = drifted or str(drift).partition("\n")[0]
            continue
        differences += [] if made.difference is None else [made.difference]
        for line in story_lines(made.story) if tell else ():
            click.echo(line)
    return differences, drifted


def _to_json(
    kept: CaseFile, differences: list[Difference], drift: str | None, code: ExitCode
) -> dict[str, Any]:
    return {
        "verdict": code.name.lower(),
        "recorded": kept.signature,
        "reproduced": any(d.signature == kept.signature for d in differences),
        "drift": drift,
        "differences": [difference.to_json() for difference in differences],
    }

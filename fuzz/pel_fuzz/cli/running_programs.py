"""What `pel client programs` does with an executor, and says of it: a campaign, or a replay."""

import json
import shlex
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from pel_fuzz.campaign import GRACE_SECONDS
from pel_fuzz.cli.checking import Wanted, replayed_lines
from pel_fuzz.cli.programs_ci import read_beforehand, replay, write_junit
from pel_fuzz.cli.regression_options import CiOptions
from pel_fuzz.client.programs.program_report import (
    KeptBlock,
    ProgramsReport,
    command_line,
    size_of,
    unfit_words,
    write_finding,
)
from pel_fuzz.client.programs.program_shrinking import shrink_programs
from pel_fuzz.client.programs.programs import (
    Examined,
    ProgramExecutor,
    ProgramsPlan,
    RanBlock,
    examine,
    run_programs,
    unfit,
)
from pel_fuzz.corpus import Replayed
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import folder_for_findings
from pel_fuzz.formats.programs_json import read_programs
from pel_fuzz.report import regression_lines
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.errors import InputError

SHRINK_SECONDS = 30.0
"""How long one finding may be shrunk."""
TOLD_EVERY_SECONDS = 10.0


class _Screen:
    """Progress and findings, on standard error; nothing where JSON is wanted."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._start = self._last = time.monotonic()

    def say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)

    def begin(self, plan: ProgramsPlan) -> None:
        """The seed first, so that it is known whatever happens."""
        of = f", shard {plan.shard + 1}/{plan.of}" if plan.of > 1 else ""
        told = f"pel client programs: seed {plan.seed}{of}, {plan.jobs} executor(s) at once"
        click.echo(told, err=True)

    def show(self, report: ProgramsReport) -> None:
        now = time.monotonic()
        if now - self._last >= TOLD_EVERY_SECONDS:
            self._last = now
            self.say(f"  {now - self._start:4.0f} s: {report.blocks} blocks")


# ---- a campaign -----------------------------------------------------------------------------


class ProgramsCampaign:
    """One campaign of `pel client programs`.

    Raises: `InputError`, where findings cannot be kept, or a file is bad.
    """

    def __init__(self, plan: ProgramsPlan, wanted: Wanted, ci: CiOptions) -> None:
        self.plan, self._wanted, self._junit = plan, wanted, ci.junit
        self._beforehand = read_beforehand(ci)
        flags = ci.flags + " --keep-going" * wanted.keep_going
        self.report = ProgramsReport(plan, self._beforehand.regressions(), flags)
        self._passes = self._beforehand.known.excuses
        limit = plan.max_seconds
        self._deadline = None if limit is None else wanted.begin + limit
        folder_for_findings(wanted.out)

    def carry_out(self, as_json: bool) -> ExitCode:
        """Replay, run, judge, keep, and tell all of it. What is found until an interruption is kept
        and told.

        Raises: `NoStart`; `InputError`, where nothing can be kept.
        """
        screen = _Screen(quiet=as_json)
        screen.begin(self.plan)
        fault: Exception | None = None
        try:
            self._run(screen)
        except KeyboardInterrupt:
            self.report.interrupted = True
        except Exception as error:
            fault = error
            raise
        finally:
            self.report.seconds = time.monotonic() - self._wanted.begin
            if self._junit is not None:
                write_junit(self._junit, self.report, self.report.seconds, fault)
        if as_json:
            click.echo(json.dumps(self.report.to_json(), indent=2))
        else:
            click.echo("\n".join(_summary(self.report, self._wanted.out)))
        return self.report.exit_code()[0]

    def _run(self, screen: _Screen) -> None:
        """An executor that fails is a finding, and the campaign goes on; a wrong result ends it,
        unless it is to be kept going."""
        report, keep_going = self.report, self._wanted.keep_going
        regressions = report.regressions

        def told(replayed: Replayed) -> None:
            for line in replayed_lines(replayed, regressions.known):
                screen.say(line)

        asked = partial(replay, report, self._deadline)
        self._beforehand.replay(regressions, asked, self._deadline, told)
        if report.unfit is not None or (regressions.unknown and not keep_going):
            return
        with closing(run_programs(self.plan, self._deadline, self._passes)) as running:
            for ran in running:
                if self._is_unfit(ran.examined):
                    return
                fresh = report.add(ran)
                screen.show(report)
                if fresh is None:
                    continue
                self._keep(ran, screen)
                if fresh.oracle is Oracle.ANSWER and not keep_going:
                    return

    def _is_unfit(self, examined: Examined) -> bool:
        """Whether the executor can be asked nothing; looked at when it fails in a new way, known or
        not."""
        failures = {d.signature for d in examined.differences if d.oracle is Oracle.FAULT}
        if failures - self.report.differences.keys():
            self.report.unfit = unfit(self.plan.executor)
        return self.report.unfit is not None

    def _keep(self, ran: RanBlock, screen: _Screen) -> None:
        """Write the block down as it was found, then shrink it, and write that."""
        plan, out, block, found = self.plan, self._wanted.out, ran.drawn.value, ran.examined
        assert found.difference is not None
        path = as_found = write_finding(out, plan, ran.index, block, found, "found")
        interrupted, seconds = False, self._shrink_seconds(found.difference)
        if seconds > 0:
            try:
                block, found = shrink_programs(plan.executor, block, found, seconds, self._passes)
                path = write_finding(out, plan, ran.index, block, found, "small")
            except KeyboardInterrupt:
                interrupted = True  # it stays as it was found
        assert found.difference is not None
        again = f"{command_line(plan)} --replay {shlex.quote(str(path))}"
        kept = KeptBlock(found.difference, path, as_found, size_of(block), again)
        self.report.kept[found.difference.signature] = kept
        for line in found.difference.lines():
            screen.say(line)
        screen.say(f"  signature {found.difference.signature}")
        screen.say(f"  kept      {kept.size}\n  replay    {again}")
        if interrupted:
            raise KeyboardInterrupt

    def _shrink_seconds(self, difference: Difference) -> float:
        """How long a finding may be shrunk: what is no verdict, not at all."""
        if difference.oracle is Oracle.CLIENT:
            return 0.0
        given = self._wanted.shrink_seconds
        seconds = SHRINK_SECONDS if given is None else given
        if self._deadline is not None:
            seconds = min(seconds, self._deadline + GRACE_SECONDS - time.monotonic())
        return seconds


def _summary(report: ProgramsReport, out: Path) -> list[str]:
    """The report of a campaign, for people."""
    code, why = report.exit_code()
    rows = {
        "executor": report.plan.executor.command,
        "blocks": f"{report.blocks}, of {report.programs} programs, {report.plan.runs} run(s) "
        f"each, in {report.seconds:.0f} s",
        "parallel": "unknown: nothing here shows whether it ran in parallel (pel client drive "
        "does)",
    }
    rows |= dict(regression_lines(report.regressions, report.differences.values()))
    for signature, group in sorted(report.differences.items()):
        note = f"; {group.excuse.words}" if group.excuse is not None else ""
        rows[signature] = f"{group.cases} block(s){note}"
    rows["to repeat"], rows["to resume"] = report.repeat_command, report.resume_command
    kept = f", kept in {out}" if report.kept else ""
    return [*(f"{name:<9}  {text}" for name, text in rows.items()), f"{code.name}: {why}{kept}"]


# ---- a replay -------------------------------------------------------------------------------


def replay_file(executor: ProgramExecutor, path: str, runs: int, as_json: bool) -> ExitCode:
    """Run the block of a file again.

    Raises: `NoStart`; `InputError`, for a file that is none of this format, and an executor that
    fails on an empty block, too.
    """
    given = read_programs(path)
    difference = examine(executor, given.block, runs).difference
    if difference is not None and difference.oracle is Oracle.FAULT:
        problem = unfit(executor)
        if problem is not None:
            raise InputError(executor.command, "", unfit_words(problem))
    code, why = _code_of(difference)
    reproduced = difference is not None and difference.signature == given.signature
    if as_json:
        told = {
            "verdict": code.name.lower(),
            "why": why,
            "recorded": given.signature,
            "reproduced": reproduced,
            "differences": [] if difference is None else [difference.to_json()],
        }
        click.echo(json.dumps(told, indent=2))
        return code
    for line in [] if difference is None else difference.lines():
        click.echo(line)
    if given.signature is not None:
        gone = f"the recorded difference is gone, in {runs} run(s): {given.signature}"
        click.echo("as recorded" if reproduced else gone)
    click.echo(f"{code.name}: {why}")
    return code


def _code_of(difference: Difference | None) -> tuple[ExitCode, str]:
    if difference is None:
        return ExitCode.AGREE, "no difference"
    if difference.oracle is Oracle.CLIENT:
        return ExitCode.INCONCLUSIVE, f"no verdict: {difference.kind}"
    return ExitCode.DIFFER, f"{difference.kind} in {difference.place}"

"""What `pel client programs` does with an executor, and says of it: a campaign, or a replay."""

import json
import shlex
import time
from contextlib import closing
from pathlib import Path

import click

from pel_fuzz.client.programs.program_report import (
    KeptBlock,
    ProgramsReport,
    command_line,
    size_of,
    write_finding,
)
from pel_fuzz.client.programs.program_shrinking import shrink_programs
from pel_fuzz.client.programs.programs import (
    ProgramExecutor,
    ProgramsPlan,
    RanBlock,
    examine,
    run_programs,
)
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import read_programs
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.errors import InputError

SHRINK_SECONDS = 30.0
"""How long one finding may be shrunk."""
TOLD_EVERY_SECONDS = 10.0
EMPTY = TinyBlock(programs=(), initial_values=(0,))
"""What an executor that works at all has a result for."""


class _Screen:
    """Progress and findings, on standard error; nothing where JSON is wanted."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._start = self._last = time.monotonic()

    def say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)

    def show(self, report: ProgramsReport) -> None:
        now = time.monotonic()
        if now - self._last >= TOLD_EVERY_SECONDS:
            self._last = now
            self.say(f"  {now - self._start:4.0f} s: {report.blocks} blocks")


# ---- a campaign -----------------------------------------------------------------------------


def carry_out(
    plan: ProgramsPlan,
    report: ProgramsReport,
    out: Path,
    shrink_seconds: float,
    keep_going: bool,
    quiet: bool,
    begin: float,
) -> None:
    """Run, judge, keep, shrink, tell. What is found until an interruption is kept and told.

    Raises: `NoStart`; `InputError`, where nothing can be kept.
    """
    screen = _Screen(quiet)
    screen.say(f"pel client programs: seed {plan.seed}, {plan.jobs} executor(s) at once")
    deadline = None if plan.max_seconds is None else begin + plan.max_seconds
    try:
        with closing(run_programs(plan, deadline)) as running:
            for ran in running:
                fresh = report.add(ran)
                screen.show(report)
                if fresh is None:
                    continue
                if fresh.oracle is Oracle.FAULT and report.unfit is None:
                    report.unfit = _unfit(plan.executor)
                    if report.unfit is not None:
                        break
                _keep(plan, report, ran, out, shrink_seconds, screen)
                if fresh.oracle is Oracle.ANSWER and not keep_going:
                    break
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - begin


def _unfit(executor: ProgramExecutor) -> str | None:
    """Why the executor can be asked nothing; `None`, if it can."""
    difference = examine(executor, EMPTY).difference
    if difference is None or difference.oracle is not Oracle.FAULT:
        return None
    return shorten("; ".join(filter(None, (difference.got, difference.words.partition("\n")[0]))))


def _keep(
    plan: ProgramsPlan,
    report: ProgramsReport,
    ran: RanBlock,
    out: Path,
    shrink_seconds: float,
    screen: _Screen,
) -> None:
    """Write the block down as it was found, then shrink it, and write that."""
    block, found = ran.drawn.value, ran.examined
    assert found.difference is not None
    path = as_found = write_finding(out, plan, ran.index, block, found, "found")
    interrupted = False
    if found.difference.oracle is not Oracle.CLIENT and shrink_seconds:
        try:
            block, found = shrink_programs(plan.executor, block, found, shrink_seconds)
            path = write_finding(out, plan, ran.index, block, found, "small")
        except KeyboardInterrupt:
            interrupted = True  # it stays as it was found
    assert found.difference is not None
    replay = f"{command_line(plan)} --replay {shlex.quote(str(path))}"
    kept = KeptBlock(found.difference, path, as_found, size_of(block), replay)
    report.kept[found.difference.signature] = kept
    for line in _lines(found.difference):
        screen.say(line)
    screen.say(f"  kept      {kept.size}\n  replay    {replay}")
    if interrupted:
        raise KeyboardInterrupt


def _lines(difference: Difference) -> list[str]:
    """A difference for people. What is no verdict is not called one."""
    lines = difference.lines()
    if difference.oracle is Oracle.CLIENT:
        lines[0] = f"NO VERDICT ({difference.kind})"
    return lines


def tell(report: ProgramsReport, as_json: bool) -> ExitCode:
    """The report of a campaign, on standard output."""
    code, why = report.exit_code()
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
        return code
    plan = report.plan
    size = " --small" if plan.small else ""
    shard = f" --shard {plan.shard + 1}/{plan.of}" if plan.of > 1 else ""
    again = f"{command_line(plan)} --seed {plan.seed}{size}{shard}"
    click.echo(
        f"executor   {plan.executor.command}\n"
        f"blocks     {report.blocks}, of {report.programs} programs, {plan.runs} run(s) each, in "
        f"{report.seconds:.0f} s\n"
        "parallel   unknown: nothing here shows whether it ran in parallel (pel client drive does)"
    )
    for signature, count in sorted(report.counts.items()):
        click.echo(f"{signature}  {count} block(s)")
    click.echo(f"to repeat  {again} --cases {report.blocks}")
    click.echo(f"to resume  {again} --start {report.next_index}\n{code.name}: {why}")
    return code


# ---- a replay -------------------------------------------------------------------------------


def replay_file(executor: ProgramExecutor, path: str, runs: int, as_json: bool) -> ExitCode:
    """Run the block of a file again.

    Raises: `NoStart`; `InputError`, for a file that is none of this format, and an executor that
    fails on an empty block, too.
    """
    given = read_programs(path)
    difference = examine(executor, given.block, runs).difference
    if difference is not None and difference.oracle is Oracle.FAULT:
        unfit = _unfit(executor)
        if unfit is not None:
            raise InputError(executor.command, "", f"fails on an empty block, too: {unfit}")
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
    for line in [] if difference is None else _lines(difference):
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

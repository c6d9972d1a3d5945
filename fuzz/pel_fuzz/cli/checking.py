"""What `pel client check` does and shows: a campaign against a client, or a replay."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from pel_fuzz.campaign import GRACE_SECONDS
from pel_fuzz.cli.client_ci import read_beforehand, replay_beforehand, write_junit
from pel_fuzz.cli.regression_options import CiOptions
from pel_fuzz.client.checking.campaign import CheckPlan, run_check
from pel_fuzz.client.checking.examining import ClientSpec
from pel_fuzz.client.checking.kept import ClientFindings, KeptCase
from pel_fuzz.client.checking.report import CheckReport
from pel_fuzz.client.checking.shrinking import replayed
from pel_fuzz.corpus import Replayed
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case
from pel_fuzz.known import KnownList
from pel_fuzz.report import regression_lines
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.errors import InputError

TOLD_EVERY_SECONDS = 10.0


class CheckScreen:
    """Progress and findings, on standard error; nothing where JSON is wanted. A context manager:
    while it is open, it says every ten seconds how far the campaign is, also within a slow block.
    """

    def __init__(self, plan: CheckPlan, quiet: bool) -> None:
        self._plan, self._quiet = plan, quiet
        self._start, self._progress = time.monotonic(), "0 blocks"
        self._closed = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        self._teller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._teller.join()

    def _tell(self) -> None:
        while not self._closed.wait(TOLD_EVERY_SECONDS):
            self.say(f"  {time.monotonic() - self._start:4.0f} s: {self._progress}")

    def say(self, text: str) -> None:
        """Show a line."""
        if not self._quiet:
            click.echo(text, err=True)

    def begin(self) -> None:
        """The seed first, so that it is known whatever happens."""
        plan = self._plan
        of = f", shard {plan.shard + 1}/{plan.of}" if plan.of > 1 else ""
        told = f"pel client check: seed {plan.seed}{of}, {plan.jobs} client(s) at once"
        click.echo(told, err=True)

    def show(self, report: CheckReport) -> None:
        """How far the campaign is, for the next time that it is told."""
        self._progress = f"{report.total} blocks{_of_note(report)}"

    def replayed(self, replayed: Replayed, known: KnownList) -> None:
        """A case file that was asked for, where there is anything to say of it."""
        for line in replayed_lines(replayed, known):
            self.say(line)

    def found(self, kept: KeptCase) -> None:
        """One finding: where, what, why, how to see it again."""
        for line in kept.difference.lines():
            self.say(line)
        self.say(f"  signature {kept.difference.signature}")
        self.say(f"  {kept.told}\n  replay    {kept.replay}")


def replayed_lines(replayed: Replayed, known: KnownList) -> Iterator[str]:
    """What there is to say of a case file that was asked for."""
    for difference in replayed.unknown(known):
        yield from difference.lines()
        yield f"  signature {difference.signature}\n  case      {replayed.path}"
    if replayed.note is not None:
        yield f"  {replayed.name}: {replayed.note}"


def _of_note(report: CheckReport) -> str:
    parts = [f"{kind} {count}" for kind, count in sorted(report.failures.items())]
    if report.differences:
        parts.append(f"{len(report.differences)} kind(s) of finding")
    return f", {', '.join(parts)}" if parts else ""


# ---- a campaign -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a campaign besides its plan; `begin` is when it was, by the monotonic clock:
    its time counts from there."""

    begin: float
    out: Path
    keep_going: bool
    shrink_seconds: float | None = None


class Checking:
    """One campaign of `pel client check`.

    Raises: `InputError`, where findings cannot be kept, or a file is bad.
    """

    def __init__(self, plan: CheckPlan, wanted: Wanted, ci: CiOptions) -> None:
        self.plan, self._wanted, self._junit = plan, wanted, ci.junit
        self._beforehand = read_beforehand(ci)
        flags = ci.flags + " --keep-going" * wanted.keep_going
        self.report = CheckReport(plan, regressions=self._beforehand.regressions(), flags=flags)
        limit = plan.max_seconds
        self._deadline = None if limit is None else wanted.begin + limit
        grace = None if self._deadline is None else self._deadline + GRACE_SECONDS
        self.findings = ClientFindings(wanted.out, plan, wanted.shrink_seconds, grace)

    def carry_out(self, as_json: bool) -> ExitCode:
        """Replay, ask, judge, keep, and tell all of it. What is found until an interruption is kept
        and told.

        Raises: `NoStart`.
        """
        screen = CheckScreen(self.plan, quiet=as_json)
        screen.begin()
        fault: Exception | None = None
        try:
            with screen:
                self._run(screen)
        except KeyboardInterrupt:
            self.report.interrupted = True
        except Exception as error:
            fault = error
            raise
        finally:
            if self._junit is not None:
                seconds = time.monotonic() - self._wanted.begin
                write_junit(self._junit, self.report, self.findings, seconds, fault)
        if as_json:
            told = self.report.to_json() | {"kept": self.findings.to_json()}
            click.echo(json.dumps(told, indent=2))
        else:
            click.echo("\n".join(summary(self.report, self.findings)))
        return self.report.exit_code()[0]

    def _run(self, screen: CheckScreen) -> None:
        """A client that fails is a finding, and the campaign goes on; a wrong result ends it,
        unless it is to be kept going."""
        report, keep_going = self.report, self._wanted.keep_going
        told = partial(screen.replayed, known=report.regressions.known)
        replay_beforehand(
            self._beforehand, report.regressions, self.plan.client, self._deadline, told
        )
        if self.plan.max_cases == 0 or (report.regressions.unknown and not keep_going):
            return
        with closing(run_check(self.plan, self._deadline)) as campaign:
            for case in campaign:
                fresh = report.add(case)
                screen.show(report)
                if fresh is not None:
                    kept = self.findings.keep(case, fresh)
                    screen.say(f"block {case.index}: {fresh.signature}, kept in {kept.path}")
                    try:
                        kept = self.findings.shrink(kept, case)
                    finally:
                        screen.found(kept)
                    if fresh.oracle is Oracle.ANSWER and not keep_going:
                        return
                if report.is_hopeless:
                    return


def summary(report: CheckReport, findings: ClientFindings) -> list[str]:
    """The report of a campaign, on standard output."""
    code, why = report.exit_code()
    rows = {
        "client": f"{report.plan.client.way}: {report.plan.client.text}",
        "blocks": f"{report.total} asked, {report.compared} compared; {report.transactions} "
        f"transactions, {report.rejected} of them to be rejected; {report.gas_used} gas; "
        f"{report.client_seconds:.0f} s by the client",
        "forks": _counts(report.forks),
        "features": f"{sum(map(bool, report.features.values()))} reached",
        "fields": f"{len(report.seen)} compared{_unseen(report)}",
        "failures": _counts(report.failures),
        "parallel": _parallel(report),
    }
    if report.gaps:
        rows["roots"] = (
            f"{report.gaps} block(s): the roots of the client's lists count rejected transactions, "
            "taken as right"
        )
    for fork, told in sorted(report.unfit.items()):
        left = report.left_out[fork]
        rows[f"no {fork}"] = f"{left} block(s) left out: {told.splitlines()[0]}"
    rows |= dict(regression_lines(report.regressions, report.differences.values()))
    for signature, group in sorted(report.differences.items()):
        note = f"; {group.excuse.words}" if group.excuse is not None else ""
        rows[signature] = f"{group.cases} block(s){note}"
    rows["to repeat"], rows["to resume"] = report.repeat_command, report.resume_command
    kept = f", kept in {findings.folder}" if findings.kept else ""
    lines = [
        f"{name:<11}{text}" if len(name) < 11 else f"{name}  {text}" for name, text in rows.items()
    ]
    return [*lines, f"{code.name}: {why}{kept}"]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _unseen(report: CheckReport) -> str:
    never, partly = report.never_seen, report.not_always_seen
    return "".join(
        f"; {words}: {', '.join(names)}"
        for words, names in (("never given", never), ("not always given", partly))
        if names
    )


def _parallel(report: CheckReport) -> str:
    if report.plan.proof is None:
        return "unknown: whether the client ran in parallel was not looked at (--parallel-proof)"
    if report.parallel == "unknown":
        return "unknown: nothing that the client writes can be seen"
    return f"{report.plan.proof!r} seen in {report.proven} of {report.asked_for_proof} blocks"


# ---- a replay -------------------------------------------------------------------------------


def replay_case(spec: ClientSpec, path: str, tries: int, as_json: bool) -> ExitCode:
    """Ask a client for the block of a kept case again, a few times where it shows nothing.

    Raises: `NoStart`; `InputError`, for a case that no client can be asked about.
    """
    kept = read_case(path)
    block = kept.case.subject
    if isinstance(block, TinyBlock):
        raise InputError(path, "kind", "no EVM block: there is nothing to ask a client")
    try:
        with spec.make() as client:
            difference, tried, done = replayed(client, block, tries, kept.signature)
    except ValueError as error:
        raise InputError(path, "block", str(error)) from None
    code, why = _code_of(difference, done.unfit)
    if as_json:
        told = {
            "verdict": code.name.lower(),
            "why": why,
            "recorded": kept.signature,
            "reproduced": difference is not None and difference.signature == kept.signature,
            "tries": tried,
            "differences": [] if difference is None else [difference.to_json()],
        }
        click.echo(json.dumps(told, indent=2))
        return code
    for line in [] if difference is None else difference.lines():
        click.echo(line)
    if difference is not None and difference.signature == kept.signature:
        click.echo(f"as recorded, at try {tried}")
    elif kept.signature is None:
        click.echo("no difference" if difference is None else "a difference; none was recorded")
    else:
        click.echo(f"the recorded difference is gone, in {tried} tries: {kept.signature}")
    click.echo(f"{code.name}: {why}")
    return code


def _code_of(difference: Difference | None, unfit: str | None) -> tuple[ExitCode, str]:
    if unfit is not None:
        return ExitCode.BAD_INPUT, f"the client fails on a plain block too: {unfit.splitlines()[0]}"
    if difference is None:
        return ExitCode.AGREE, "no difference"
    if difference.oracle is Oracle.CLIENT:
        return ExitCode.INCONCLUSIVE, f"no verdict: {difference.kind}"
    return ExitCode.DIFFER, "it differs"

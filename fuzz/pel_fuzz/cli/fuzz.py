"""`pel fuzz`: generated contended blocks under controlled interleavings, everything compared."""

import json
import secrets
from contextlib import nullcontext
from pathlib import Path

import click

from pel_fuzz.campaign import Plan, default_jobs, planted, run_campaign
from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import (
    DEFAULT_SECONDS,
    duration,
    fork_name,
    json_option,
    seed_bug_option,
    shard_of,
)
from pel_fuzz.cli.screen import Screen
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import Findings
from pel_fuzz.interleavings import INTERLEAVINGS
from pel_fuzz.report import CampaignReport
from pel_reference.eels_forks import is_installed


@app.command("fuzz")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option("--max-cases", type=click.IntRange(min=1), help="Stop after this many cases.")
@click.option("--fork", metavar="NAME", callback=fork_name, help="EVM blocks of this fork only.")
@click.option("--shard", metavar="I/N", callback=shard_of, default="1/1", help="One of N shards.")
@click.option("--start", type=click.IntRange(0, 2**63), default=0, help="Resume at this index.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes (default: one a core).")
@click.option(
    "--interleavings",
    type=click.Choice(INTERLEAVINGS),
    default="mix",
    show_default=True,
    help="Who steps next: a mix of strategies, one of them, or plain threads (a stress lane, not "
    "reproducible).",
)
@click.option("--keep-going", is_flag=True, help="Do not stop at the first difference.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("findings"),
    show_default=True,
    help="Where found cases are kept.",
)
@seed_bug_option
@json_option
def fuzz(
    seed: int | None,
    max_time: float | None,
    max_cases: int | None,
    fork: str | None,
    shard: tuple[int, int],
    start: int,
    jobs: int | None,
    interleavings: str,
    keep_going: bool,
    out: Path,
    seed_bug: str | None,
    as_json: bool,
) -> ExitCode:
    """Fuzz the optimistic executor against the fold, the reference and EELS.

    Without --max-time or --max-cases it runs for a minute. A seed makes the same cases, run under
    the same interleavings, on any machine; a time budget changes only how many of them.
    """
    if interleavings == "exhaustive" and fork is not None:
        raise click.BadParameter("exhaustive searches take tiny blocks, which have no fork")
    if max_time is None and max_cases is None:
        max_time = DEFAULT_SECONDS
    plan = Plan(
        seed=secrets.randbits(32) if seed is None else seed,
        max_cases=max_cases,
        max_seconds=max_time,
        fork=fork,
        shard=shard[0],
        of=shard[1],
        start=start,
        jobs=jobs or default_jobs(),
        interleavings=interleavings,
        eels=is_installed(),
        seed_bug=seed_bug,
    )
    report = CampaignReport(plan)
    findings = Findings(out, plan)
    with Screen(plan, quiet=as_json) as screen:
        _carry_out(plan, report, findings, screen, keep_going)
    code, _ = report.exit_code()
    if as_json:
        click.echo(json.dumps(report.to_json() | {"kept": findings.to_json()}, indent=2))
    else:
        screen.summary(report, findings)
    return code


def _carry_out(
    plan: Plan, report: CampaignReport, findings: Findings, screen: Screen, keep_going: bool
) -> None:
    """Run the campaign; what is found until an interruption is kept and told."""
    campaign = run_campaign(plan)
    try:
        for case in campaign:
            fresh = report.add(case)
            screen.show(report)
            if fresh:
                # In-process campaigns have the bug planted already.
                with planted(plan.seed_bug) if plan.jobs > 1 else nullcontext():
                    for found in findings.keep(case, fresh):
                        screen.found(found)
                if not keep_going:
                    break
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        campaign.close()

"""`pel fuzz`: generated contended blocks under controlled interleavings, everything compared."""

import secrets
import time
from pathlib import Path

import click

from pel_fuzz.campaign import Plan, default_jobs
from pel_fuzz.cli.app import app
from pel_fuzz.cli.fuzzing import Fuzzing, Wanted
from pel_fuzz.cli.options import (
    DEFAULT_SECONDS,
    duration,
    duration_or_none,
    fork_name,
    json_option,
    keep_going_option,
    out_option,
    seed_bug_option,
    shard_of,
)
from pel_fuzz.cli.regression_options import CiOptions, ci_options
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.interleavings import INTERLEAVINGS
from pel_reference.eels_forks import is_installed


@app.command("fuzz")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option(
    "--max-cases",
    type=click.IntRange(min=0),
    help="Stop after this many drawn cases; 0, with --corpus or --known: draw none.",
)
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
@keep_going_option
@out_option
@click.option(
    "--shrink-time",
    metavar="TIME",
    callback=duration_or_none,
    help="How long one finding may be shrunk: 30s if not given, 0 for not at all; never much "
    "longer than --max-time.",
)
@ci_options
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
    shrink_time: float | None,
    ci: CiOptions,
    seed_bug: str | None,
    as_json: bool,
) -> ExitCode:
    """Fuzz the optimistic executor against the fold, the reference and EELS.

    Without --max-time or --max-cases it runs for a minute. A seed makes the same cases, run under
    the same interleavings, on any machine; a time budget changes only how many of them. Known
    differences pass with a note, and neither end the campaign nor are kept.
    """
    begin = time.monotonic()
    if interleavings == "exhaustive" and fork is not None:
        raise click.BadParameter("exhaustive searches take tiny blocks, which have no fork")
    if max_cases == 0 and ci.is_empty:
        raise click.UsageError("--max-cases 0 goes with --corpus or --known")
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
    fuzzing = Fuzzing(plan, Wanted(begin, out, keep_going, shrink_time), ci)
    return fuzzing.carry_out(as_json)

"""`pel client fill`: the fuzzer's blocks in the encodings that reach clients' parallel paths."""

import json
import secrets
import time
from pathlib import Path

import click
from rich.console import Console

from pel_fuzz.campaign import default_jobs
from pel_fuzz.cli.client import client
from pel_fuzz.cli.client_options import TOLD_EVERY_SECONDS, leave_out_option
from pel_fuzz.cli.options import fork_name, json_option, make_folder, shard_of
from pel_fuzz.client.fixtures.fill import FillPlan, FillReport, fill
from pel_fuzz.client.fixtures.fixture_index import Filled, root_hash
from pel_fuzz.client.fixtures.fixtures import FORMATS
from pel_fuzz.exit_codes import ExitCode
from pel_reference.errors import InputError

DEFAULT_CASES = 100


@client.command("fill")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--cases",
    type=click.IntRange(min=1),
    default=DEFAULT_CASES,
    show_default=True,
    help="Blocks, of all shards together.",
)
@click.option("--fork", metavar="NAME", callback=fork_name, help="Blocks of this fork only.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="An encoding; repeatable. All of them if not given.",
)
@click.option("--shard", metavar="I/N", callback=shard_of, default="1/1", help="One of N shards.")
@click.option("--start", type=click.IntRange(0, 2**63), default=0, help="Begin at this index.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes (default: one a core).")
@click.option("--small", is_flag=True, help="Smaller blocks: a client may run them sequentially.")
@leave_out_option
@json_option
def fill_command(
    folder: Path,
    seed: int | None,
    cases: int,
    fork: str | None,
    formats: tuple[str, ...],
    shard: tuple[int, int],
    start: int,
    jobs: int | None,
    small: bool,
    leave_out: frozenset[str],
    as_json: bool,
) -> ExitCode:
    """Write generated contended blocks into DIR, with the results that they must have.

    A seed makes the same bytes on any machine. Blocks are large (32 transactions, 4,000,000 gas),
    because a client may run smaller ones sequentially and say nothing of it.
    """
    plan = FillPlan(
        seed=secrets.randbits(32) if seed is None else seed,
        cases=cases,
        fork=fork,
        formats=formats or FORMATS,
        shard=shard[0],
        of=shard[1],
        start=start,
        small=small,
        leave_out=leave_out,
        jobs=jobs or default_jobs(),
    )
    make_folder(folder)
    if any(folder.iterdir()):
        raise InputError(str(folder), "", "is not empty: what is in there would be mixed up")
    report = _carry_out(folder, plan, Console(stderr=True, highlight=False, quiet=as_json))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        _tell(folder, report)
    if report.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.AGREE if report.tests else ExitCode.INCONCLUSIVE


def _carry_out(folder: Path, plan: FillPlan, screen: Console) -> FillReport:
    """Write everything; what is written until an interruption is kept and counted."""
    report = FillReport(plan)
    done: list[Filled] = []
    running = fill(folder, plan)
    told_at, total = time.monotonic(), len(plan.indices())
    try:
        for filled in running:
            done.append(filled)
            report.add(filled)
            if time.monotonic() - told_at >= TOLD_EVERY_SECONDS:
                told_at = time.monotonic()
                screen.print(f"  {report.cases} of {total} blocks")
    except KeyboardInterrupt:
        report.interrupted = True
    except OSError as error:
        raise InputError(str(folder), "", f"cannot be written: {error.strerror}") from None
    finally:
        running.close()
    report.root_hash = root_hash([test for each in done for test in each.tests])
    return report


def _tell(folder: Path, report: FillReport) -> None:
    plan = report.plan
    tests = ", ".join(f"{name} {count}" for name, count in sorted(report.tests.items()))
    forks = ", ".join(f"{name} {count}" for name, count in sorted(report.forks.items()))
    click.echo(f"{report.cases} blocks, {report.transactions} transactions ({forks})")
    click.echo(f"written to {folder}: {tests or 'nothing'}")
    if report.interrupted:
        total = len(plan.indices())
        click.echo(f"interrupted after {report.cases} of {total} blocks: the hash is of these")
    for reason, count in sorted(report.skipped.items()):
        click.echo(f"left out {count}: {reason}")
    size = " --small" if plan.small else ""
    fork = f" --fork {plan.fork}" if plan.fork else ""
    shard = f" --shard {plan.shard + 1}/{plan.of}" if plan.of > 1 else ""
    start = f" --start {plan.start}" if plan.start else ""
    without = "".join(f" --leave-out {name}" for name in sorted(plan.leave_out))
    wanted = "" if plan.formats == FORMATS else "".join(f" --format {f}" for f in plan.formats)
    again = f"--seed {plan.seed} --cases {plan.cases}{start}{fork}{shard}{size}{without}{wanted}"
    click.echo(f"root hash {report.root_hash}; the same again: {again}")

"""`pel client programs`: contended key-value programs for executors that run no EVM."""

import secrets
import time
from pathlib import Path

import click

from pel_fuzz.campaign import default_jobs
from pel_fuzz.cli.checking import Wanted
from pel_fuzz.cli.client import client
from pel_fuzz.cli.client_options import limit_options, limits_of
from pel_fuzz.cli.options import (
    DEFAULT_SECONDS,
    duration,
    duration_or_none,
    json_option,
    keep_going_option,
    make_folder,
    shard_of,
)
from pel_fuzz.cli.regression_options import CiOptions, ci_options
from pel_fuzz.cli.running_programs import SHRINK_SECONDS, ProgramsCampaign, replay_file
from pel_fuzz.client.programs.program_report import write
from pel_fuzz.client.programs.programs import ProgramExecutor, ProgramsPlan, program_block_at
from pel_fuzz.client.running.failures import NoStart
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import encode_programs
from pel_reference.errors import InputError

DEFAULT_CASES = 100
"""Files that are written, if nothing else is said."""


def _check_usage(
    folder: Path | None, command: str | None, cases: int | None, ci: CiOptions, replay: str | None
) -> None:
    """Raises: `click.UsageError`, for options that do not go together."""
    if (folder is None) == (command is None):
        raise click.UsageError("give DIR, to write files, or --command, to run an executor")
    if folder is not None and replay is not None:
        raise click.UsageError("DIR, to write files, goes without --replay")
    where = "DIR, to write files," if folder is not None else "--replay"
    if (folder is not None or replay is not None) and (ci.junit is not None or not ci.is_empty):
        raise click.UsageError(f"{where} goes without --corpus, --known and --junit")
    if cases == 0 and ci.is_empty:
        raise click.UsageError("--cases 0 goes with --corpus or --known")


@client.command("programs")
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    type=click.Path(file_okay=False, path_type=Path),
)
@click.option("--command", metavar="CMD", help="The executor, run for each block; no shell.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--cases",
    type=click.IntRange(min=0),
    help="How many blocks; for files, of all shards; 0, with --corpus or --known: draw none.",
)
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option("--runs", type=click.IntRange(1, 10_000), default=1, help="Runs of each block.")
@click.option("--small", is_flag=True, help="Smaller blocks: they may be run sequentially.")
@click.option("--shard", metavar="I/N", callback=shard_of, default="1/1", help="One of N shards.")
@click.option("--start", type=click.IntRange(0, 2**63), default=0, help="Begin at this index.")
@click.option("--jobs", type=click.IntRange(min=1), help="Executors at once (default: one a core).")
@limit_options
@keep_going_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("findings"),
    show_default=True,
    help="Where found blocks are kept.",
)
@click.option(
    "--shrink-time",
    metavar="TIME",
    callback=duration_or_none,
    help=f"How long a finding may be shrunk: {SHRINK_SECONDS:g}s if not given, 0 for not at all.",
)
@click.option(
    "--replay", type=click.Path(dir_okay=False), help="Run this file of programs instead."
)
@ci_options
@json_option
def programs(
    folder: Path | None,
    command: str | None,
    seed: int | None,
    cases: int | None,
    max_time: float | None,
    runs: int,
    small: bool,
    shard: tuple[int, int],
    start: int,
    jobs: int | None,
    case_time: float,
    case_memory: int,
    keep_going: bool,
    out: Path,
    shrink_time: float | None,
    replay: str | None,
    ci: CiOptions,
    as_json: bool,
) -> ExitCode:
    """Write contended key-value programs into DIR, or let an executor run them.

    docs/formats/programs.md says what the programs mean, and what an executor answers: it reads
    one block on its standard input, and prints the block's result. Blocks are large (32 programs
    and more), because an executor may run smaller ones sequentially and say nothing of it.
    """
    begin = time.monotonic()
    _check_usage(folder, command, cases, ci, replay)
    seed = secrets.randbits(32) if seed is None else seed
    if folder is not None:
        indices = range(start + (shard[0] - start) % shard[1], start + (cases or DEFAULT_CASES))
        return _write_files(folder, seed, indices[:: shard[1]], small)
    assert command is not None
    try:
        executor = ProgramExecutor(command, limits_of(case_time, case_memory))
        if replay is not None:
            return replay_file(executor, replay, runs, as_json)
        timed = DEFAULT_SECONDS if max_time is None and cases is None else max_time
        plan = ProgramsPlan(
            *(seed, executor, cases, timed, shard[0], shard[1], start),
            jobs=jobs or default_jobs(),
            runs=runs,
            small=small,
        )
        wanted = Wanted(begin, out, keep_going, shrink_time)
        return ProgramsCampaign(plan, wanted, ci).carry_out(as_json)
    except NoStart as failure:
        raise InputError(failure.command, "", failure.problem) from None


def _write_files(folder: Path, seed: int, indices: range, small: bool) -> ExitCode:
    """The same bytes for the same seed and index, on any machine."""
    make_folder(folder)
    if any(folder.iterdir()):
        raise InputError(str(folder), "", "is not empty: what is in there would be mixed up")
    for index in indices:
        block = program_block_at(seed, index, small).value
        write(folder / f"programs-{seed}-{index:04}.json", encode_programs(block, (seed, index)))
    click.echo(f"{len(indices)} block(s) written to {folder}; the same again: --seed {seed}")
    return ExitCode.AGREE

"""`pel client`: executors of others. `drive` decides, step by step, which of their workers goes."""

import secrets
from pathlib import Path
from typing import TextIO

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.driving import SHRINK_SECONDS, carry_out, replay_case
from pel_fuzz.cli.options import (
    DEFAULT_SECONDS,
    duration,
    duration_or_none,
    goes_only_with,
    json_option,
    out_option,
)
from pel_fuzz.drive.campaign import STRATEGIES, DrivePlan
from pel_fuzz.drive.client import ANSWER_SECONDS, Note
from pel_fuzz.drive.external import External
from pel_fuzz.drive.failures import NoStart
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import MAX_WORKERS
from pel_reference.errors import InputError

WITH_REPLAY = ("--command", "--answer-time", "--step", "--transcript", "--json")
"""Options of `pel client drive` that mean something to a replay."""


@app.group("client")
def client() -> None:
    """Executors of others, in whatever language."""


@client.command("drive")
@click.option("--command", required=True, metavar="CMD", help="Starts the executor; no shell.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option("--max-runs", type=click.IntRange(min=1), help="Stop after about so many runs.")
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), help="Drawn if not given.")
@click.option(
    "--interleavings",
    type=click.Choice(STRATEGIES),
    default="mix",
    show_default=True,
    help="Who steps next: a mix of strategies, or one of them.",
)
@click.option(
    "--answer-time",
    metavar="TIME",
    default=f"{ANSWER_SECONDS:g}s",
    show_default=True,
    callback=duration,
    help="How long one answer may take.",
)
@out_option
@click.option(
    "--shrink-time",
    metavar="TIME",
    default=f"{SHRINK_SECONDS:g}s",
    show_default=True,
    callback=duration_or_none,
    help="How long what was found may be shrunk; 0s for not at all.",
)
@click.option("--replay", type=click.Path(dir_okay=False), help="Run this kept case instead.")
@click.option("--step", is_flag=True, help="With --replay: tell every step.")
@click.option(
    "--transcript", type=click.File("w"), help="Write every line there, to (>) and from (<) it."
)
@json_option
def drive(
    command: str,
    seed: int | None,
    max_time: float | None,
    max_runs: int | None,
    workers: int | None,
    interleavings: str,
    answer_time: float,
    out: Path,
    shrink_time: float,
    replay: str | None,
    step: bool,
    transcript: TextIO | None,
    as_json: bool,
) -> ExitCode:
    """Drive an executor step by step, and compare its results with the preset order.

    The executor speaks the line protocol of docs/formats/drive.md on its standard input and output.
    Without --max-time or --max-runs it runs for a minute.
    """
    if not command.strip():
        raise click.UsageError("--command is empty")
    if step and replay is None:
        raise click.UsageError("--step goes with --replay")
    if replay is not None:
        goes_only_with("--replay", *WITH_REPLAY)
    if max_time is None and max_runs is None:
        max_time = DEFAULT_SECONDS
    plan = DrivePlan(
        seed=secrets.randbits(32) if seed is None else seed,
        max_seconds=max_time,
        max_runs=max_runs,
        workers=workers,
        interleavings=interleavings,
    )
    with External(command, answer_time, note=_note(transcript)) as external:
        try:
            if replay is not None:
                return replay_case(external, replay, step, as_json)
            return carry_out(external, plan, out, shrink_time, as_json)
        except NoStart as failure:
            raise InputError(failure.command, "", failure.problem) from None


def _note(transcript: TextIO | None) -> Note | None:
    if transcript is None:
        return None

    def note(mark: str, line: bytes) -> None:
        transcript.write(mark + line.decode(errors="replace") + "\n")

    return note

"""`pel client consume`: a client over a folder of tests, its verdicts read and doubted."""

import json
import re
import time
from pathlib import Path

import click
from rich.console import Console

from pel_fuzz.campaign import default_jobs
from pel_fuzz.cli.client import client
from pel_fuzz.cli.client_options import (
    TOLD_EVERY_SECONDS,
    expression,
    fixture_command_option,
    limit_options,
    limits_of,
)
from pel_fuzz.cli.options import duration, json_option, make_folder, shard_of
from pel_fuzz.cli.regression_options import CiOptions, ci_options_without_corpus
from pel_fuzz.client.fixtures.consume import ConsumePlan, run_canaries, run_control, run_files
from pel_fuzz.client.fixtures.consume_junit import write_consume_junit
from pel_fuzz.client.fixtures.consume_report import ConsumeReport, difference_of
from pel_fuzz.client.fixtures.fixture_run import FixtureClient, Said, Told
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, ENGINE_TEST, fixture_files
from pel_fuzz.client.fixtures.keeping import keep
from pel_fuzz.client.fixtures.verdicts import printable
from pel_fuzz.client.running.failures import NoStart
from pel_fuzz.exit_codes import ExitCode
from pel_reference.errors import InputError


@client.command("consume")
@click.argument("tests", metavar="DIR", type=click.Path(path_type=Path))
@fixture_command_option
@click.option(
    "--format",
    "wanted",
    type=click.Choice((BLOCKCHAIN_TEST, ENGINE_TEST)),
    default=BLOCKCHAIN_TEST,
    show_default=True,
    help="The tests that are run; files of another format are left out.",
)
@click.option("--shard", metavar="I/N", callback=shard_of, default="1/1", help="One of N shards.")
@click.option("--jobs", type=click.IntRange(min=1), help="Clients at once (default: one a core).")
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option(
    "--parallel-proof",
    metavar="REGEX",
    callback=expression,
    help="What stands in the client's output where it ran in parallel.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("findings"),
    show_default=True,
    help="Where tests that fail are kept, with what the client said.",
)
@limit_options
@ci_options_without_corpus
@json_option
def consume(
    tests: Path,
    command: tuple[str, ...],
    wanted: str,
    shard: tuple[int, int],
    jobs: int | None,
    max_time: float | None,
    parallel_proof: "re.Pattern[str] | None",
    out: Path,
    case_time: float,
    case_memory: int,
    ci: CiOptions,
    as_json: bool,
) -> ExitCode:
    """Run a client on every test in DIR (or a file), and read its verdicts.

    The tests are right, as those of `pel client fill` are: a failure is a difference. The client
    also gets a few wrong ones, which it has to refuse. Failures in the list --known pass.
    """
    begin = time.monotonic()
    plan = ConsumePlan(
        files=tuple(fixture_files(tests)),
        format=wanted,
        shard=shard[0],
        of=shard[1],
        jobs=jobs or default_jobs(),
    )
    runner = FixtureClient(command, limits_of(case_time, case_memory), parallel_proof)
    proof = parallel_proof.pattern if parallel_proof else None
    report = ConsumeReport(plan, proof, ci.read_known())
    make_folder(out)
    screen = Console(stderr=True, highlight=False, quiet=as_json)
    try:
        _carry_out(runner, report, max_time, out, screen)
    except NoStart as failure:
        raise InputError(failure.command, "", failure.problem) from None
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        _tell(report)
    if ci.junit is not None:
        write_consume_junit(ci.junit, report, time.monotonic() - begin)
    return report.exit_code()[0]


def _carry_out(
    runner: FixtureClient,
    report: ConsumeReport,
    max_time: float | None,
    out: Path,
    screen: Console,
) -> None:
    """Run everything; what is told until an interruption is kept and counted."""
    plan, told_at = report.plan, time.monotonic()
    deadline = None if max_time is None else told_at + max_time
    running = run_files(runner, plan, deadline)
    total = len(plan.own())
    try:
        report.canaries = run_canaries(runner, plan, deadline)
        for run in running:
            for told in report.add(run):
                _show(told, keep(out, told), screen)
            if time.monotonic() - told_at >= TOLD_EVERY_SECONDS:
                told_at = time.monotonic()
                screen.print(f"  {report.files} of {total} files, {len(report.told)} tests")
        if report.told and report.count(Said.PASS) == 0:
            report.control = run_control(runner, plan, deadline)
    except KeyboardInterrupt:
        report.interrupted = True
    finally:
        running.close()


def _show(told: Told, kept: Path, screen: Console) -> None:
    """One difference, as its reader needs it."""
    difference = difference_of(told)
    assert difference is not None
    screen.print(f"[bold red]DIFFERENCE[/] {difference.signature}")
    for name, text in (
        ("test", printable(told.name)),
        ("client", told.message),
        ("kept", str(kept)),
        ("errors", printable(told.errors.splitlines()[-1]) if told.errors else ""),
    ):
        if text:
            screen.print(f"  {name:8}{text}", markup=False, soft_wrap=True)


def _tell(report: ConsumeReport) -> None:
    code, why = report.exit_code()
    counts = ", ".join(f"{said} {report.count(said)}" for said in Said)
    click.echo(f"{len(report.told)} tests in {report.files} files: {counts}")
    for kind, count in sorted(report.silent.items()):
        click.echo(f"  no verdict: {kind} {count}")
    for reason, count in sorted(report.left_out.items()):
        click.echo(f"  left out: {count} files, {reason}")
    for signature, tests in sorted(report.differences.items()):
        click.echo(f"  {signature}: {len(tests)} tests, {printable(tests[0].name)} first")
    for canary in report.canaries:
        right = "" if canary.right is None else f", the right block: {canary.right.said}"
        click.echo(f"  wrong {canary.claim}: {canary.told.said}{right}")
    click.echo(f"  parallel path: {report.parallel()}")
    click.echo(f"{code.name}: {why}")

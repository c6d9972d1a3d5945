"""`pel client bisect`: the first transaction that matters to a client that says pass or fail."""

import json
import tempfile
from pathlib import Path

import click
from rich.console import Console

from pel_fuzz.cli.client import client
from pel_fuzz.cli.client_options import fixture_command_option, limit_options, limits_of
from pel_fuzz.cli.options import json_option
from pel_fuzz.client.bisecting.bisect import bisect
from pel_fuzz.client.bisecting.bisect_report import BisectReport
from pel_fuzz.client.bisecting.describing import describe
from pel_fuzz.client.bisecting.given import given_block
from pel_fuzz.client.bisecting.prefixes import Prefixes
from pel_fuzz.client.fixtures.fixture_run import FixtureClient, Said, Told
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, ENGINE_TEST
from pel_fuzz.client.running.failures import NoStart
from pel_fuzz.exit_codes import ExitCode
from pel_reference.engine_payload import has_engine
from pel_reference.errors import InputError
from pel_reference.sealing import Unsealable, seal

DEFAULT_RUNS = 80
"""More than the prefixes of nearly every block of ours."""


@client.command("bisect")
@click.argument("file", type=click.Path(dir_okay=False))
@fixture_command_option
@click.option("--name", metavar="TEST", help="The test, where the file holds several.")
@click.option(
    "--block", "number", type=click.IntRange(min=0), help="The test's block, from 0; else the last."
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice((BLOCKCHAIN_TEST, ENGINE_TEST)),
    default=BLOCKCHAIN_TEST,
    show_default=True,
    help="How the prefixes are given to the client.",
)
@click.option(
    "--max-runs",
    type=click.IntRange(min=2),
    default=DEFAULT_RUNS,
    show_default=True,
    help="Prefixes at most: all of them where so many suffice, else halving and probes.",
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs of each prefix, until it fails: for a client that fails only now and then.",
)
@limit_options
@json_option
def bisect_command(
    file: str,
    command: tuple[str, ...],
    name: str | None,
    number: int | None,
    wanted: str,
    max_runs: int,
    repeat: int,
    case_time: float,
    case_memory: int,
    as_json: bool,
) -> ExitCode:
    """Find the first transaction of the block in FILE that makes a client fail.

    FILE is a block in any form, a test or a kept case. Its prefixes are sealed as blocks of their
    own. Exits with 1 where the failure is localised, 0 where the client passes the whole block.
    """
    given, block = given_block(file, name, number)
    if wanted == ENGINE_TEST and not has_engine(block.fork):
        raise InputError(file, "fork", f"{block.fork} has no engine payloads")
    runner = FixtureClient(command, limits_of(case_time, case_memory))
    with tempfile.TemporaryDirectory(prefix="pel-bisect-") as folder:
        try:
            prefixes = Prefixes(seal(block), runner, Path(folder), wanted)
            screen = Console(stderr=True, highlight=False, quiet=as_json)
            report = _bisect(given, prefixes, max_runs, repeat, screen)
        except NoStart as failure:
            raise InputError(failure.command, "", failure.problem) from None
        except Unsealable as error:
            return _inconclusive(f"{given}: cannot be sealed: {error.reason}", as_json)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in report.lines():
            click.echo(line)
    return report.exit_code()[0]


def _bisect(
    name: str, prefixes: Prefixes, max_runs: int, repeat: int, screen: Console
) -> BisectReport:
    """The bisection, and the runs that say whether to believe it."""

    def ask(k: int) -> Told:
        told = prefixes.ask(k)
        screen.print(f"  {k} transactions: {told.said}", markup=False)
        return told

    found = bisect(prefixes.size, ask, max_runs, repeat)
    is_passed = found.size in found.those(Said.PASS)
    nothing_passes = not found.those(Said.PASS) and not found.interrupted
    is_named = found.first is not None and found.first > 0 and found.is_bounded
    return BisectReport(
        name=name,
        found=found,
        culprit=describe(prefixes.whole, (found.first or 0) - 1) if is_named else None,
        canary=prefixes.ask_canary() if is_passed else None,
        control=prefixes.ask_control() if nothing_passes else None,
    )


def _inconclusive(why: str, as_json: bool) -> ExitCode:
    code = ExitCode.INCONCLUSIVE
    told = json.dumps({"verdict": code.name.lower(), "why": why}, indent=2)
    click.echo(told if as_json else f"{code.name}: {why}")
    return code

"""`pel diff`: all executors on given blocks; where do they differ?"""

import json
from typing import Any

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import given_inputs, json_option, triple_options
from pel_fuzz.diffing import DiffReport, HowToDiff, diff_block, diff_chain
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.inputs import GivenBlock


@app.command("diff")
@click.argument("blocks", nargs=-1, type=click.Path(dir_okay=False), metavar="BLOCK...")
@triple_options
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--walks", type=click.IntRange(1, 10_000), default=3, help="Interleavings a block.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of the interleavings.")
@click.option("--threads", is_flag=True, help="Plain threads instead of controlled ones.")
@click.option("--oracle", type=click.Choice(["eels"]), help="Ask this second oracle too.")
@json_option
def diff(
    blocks: tuple[str, ...],
    workers: int,
    walks: int,
    seed: int,
    threads: bool,
    oracle: str | None,
    as_json: bool,
    **triple: Any,
) -> ExitCode:
    """Run each BLOCK through the fold, the optimistic executor and the reference, and compare.

    A BLOCK is a transition-tool triple in one file or a blockchain_test file, plain or gzip.
    """
    how = HowToDiff(workers, walks, seed, threads, eels=oracle == "eels")
    reports = []
    for given in given_inputs(blocks, **triple):
        report = diff_block(given, how) if isinstance(given, GivenBlock) else diff_chain(given, how)
        reports.append(report)
        if not as_json:
            _tell(report)
    code, why = _conclude(reports)
    if as_json:
        told = [_to_json(report) for report in reports]
        click.echo(json.dumps({"verdict": code.name.lower(), "why": why, "blocks": told}, indent=2))
    else:
        click.echo(f"{code.name}: {why}")
    return code


def _conclude(reports: list[DiffReport]) -> tuple[ExitCode, str]:
    differing = sum(bool(report.differences) for report in reports)
    unsupported = sum(report.unsupported is not None for report in reports)
    blocks = sum(report.blocks for report in reports)
    alone = sum(report.one_oracle for report in reports)
    what = f"{blocks} block(s) compared"
    if alone:
        what += f", {alone} input(s) by EELS alone"
    if differing:
        return ExitCode.DIFFER, f"{what}, {differing} of {len(reports)} inputs differ"
    silent = sum(report.counters["eels_silent"] for report in reports)
    if silent:
        return ExitCode.INCONCLUSIVE, f"{what}, EELS gave no verdict on {silent} of them"
    if unsupported or not blocks:
        return ExitCode.INCONCLUSIVE, f"{what}, {unsupported} input(s) could not be run to the end"
    return ExitCode.AGREE, f"{what}, no difference"


def _tell(report: DiffReport) -> None:
    for difference in report.differences:
        click.echo(
            f"{report.name}: {difference.place}: {difference.field}: "
            f"expected {difference.expected}, got {difference.got} ({difference.oracle})"
        )
        for line in difference.words.splitlines():
            click.echo(f"    {line}")
    if report.unsupported is not None:
        click.echo(f"{report.name}: not supported: {report.unsupported}")


def _to_json(report: DiffReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "blocks": report.blocks,
        "unsupported": report.unsupported,
        "one_oracle": report.one_oracle,
        "counters": dict(sorted(report.counters.items())),
        "differences": [difference.to_json() for difference in report.differences],
    }

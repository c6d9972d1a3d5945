"""`pel bench`: measurements of the harness itself."""

import json
import math

import click

from pel_fuzz.bench.interleavings import (
    Hunters,
    Settings,
    by_strategy,
    harmful_bugs,
    markdown,
    rows,
)
from pel_fuzz.campaign import default_jobs
from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import bug_hint, json_option
from pel_fuzz.exit_codes import ExitCode


def _finite(_context: object, _option: object, value: float) -> float:
    """Raises: `click.BadParameter`, for what would never end, or is no number."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds")
    return value


@app.group("bench")
def bench() -> None:
    """Measure the harness itself: how soon it finds what it is there to find."""


@bench.command("interleavings")
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.01),
    default=5.0,
    callback=_finite,
    show_default=True,
    help="Of processor time, for each bug and seed, under control as well as on threads.",
)
@click.option("--bug", "bugs", multiple=True, metavar="NAME", help="These seeded bugs only.")
@click.option("--strategies", is_flag=True, help="Each strategy alone, too.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes (default: one a core).")
@json_option
def interleavings(
    seeds: int,
    seconds: float,
    bugs: tuple[str, ...],
    strategies: bool,
    jobs: int | None,
    as_json: bool,
) -> ExitCode:
    """In how many runs control finds each seeded bug of the executor, against plain threads with
    the same time: a Markdown table."""
    known = harmful_bugs()
    for name in bugs:
        if name not in known:
            problem = f"no harmful seeded bug is called {name!r}"
            raise click.BadParameter(f"{problem}; {bug_hint(name, known)}")
    chosen = tuple(dict.fromkeys(bugs)) or known
    settings = Settings(seeds, seconds, jobs or default_jobs(), chosen)

    def tell(what: str) -> None:
        click.echo(f"pel bench: {what}", err=True)

    with Hunters(settings.jobs) as hunters:
        found = rows(settings, hunters, tell)
        compared = by_strategy(settings, hunters, tell) if strategies else {}
    if as_json:
        told = {s: {bug: cell.to_json() for bug, cell in c.items()} for s, c in compared.items()}
        click.echo(json.dumps({"bugs": [row.to_json() for row in found], "strategies": told}))
    else:
        click.echo("\n".join(markdown(settings, found, compared)))
    return ExitCode.AGREE

"""`pel replay`: a kept case once more, step by step the same."""

import json
from typing import Any

import click

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import json_option
from pel_fuzz.cli.walker import walk_through
from pel_fuzz.examine import Examination, Finding
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import CaseFile
from pel_fuzz.replaying import (
    NEVER_RUN,
    THREAD_TRIES,
    examine_again,
    is_never_run,
    read_replayable,
)
from pel_fuzz.story import MOST_LINES, Watched, story_of, watch_controlled, watch_text
from pel_fuzz.text_runs import GivenUp, text_with
from pel_parallel.errors import Drift
from pel_reference.errors import InputError


@app.command("replay")
@click.argument("case", type=click.Path(dir_okay=False))
@click.option(
    "--seed-bug",
    metavar="NAME",
    help="Test-only: plant a known bug, which must be found: in the executor, or in the "
    "scheduler's text where that runs the case.",
)
@click.option(
    "--story",
    type=click.Choice(("short", "full", "none")),
    default="short",
    show_default=True,
    help="What each worker did, turn by turn, below the difference.",
)
@click.option("--step", "steps", is_flag=True, help="Walk the run step by step; a key for each.")
@json_option
def replay(case: str, seed_bug: str | None, story: str, steps: bool, as_json: bool) -> ExitCode:
    """Run the kept CASE again and compare everything, as the campaign that kept it did.

    Exits with 1 where anything differs, be it what was recorded or something else; with 0 where
    nothing does, so that the recorded difference is gone; with 3 where nobody can tell.
    """
    if steps and as_json:
        raise click.UsageError("--step is for people: it has no --json")
    kept = read_replayable(case)
    _know(seed_bug, kept.case)
    if steps and kept.case.threads:
        raise InputError(case, "lane", "nothing steers plain threads: no steps to walk")
    try:
        done = examine_again(kept.case, seed_bug)
        findings = done.findings
        watched = _watched(kept.case, findings, seed_bug) if steps or findings else None
    except Drift as drift:
        why = f"{case}: the schedule does not fit this code any more: {drift}"
        return _inconclusive(why, as_json)
    except GivenUp as given_up:
        return _inconclusive(f"{case}: {given_up}", as_json)
    if kept.case.threads and not findings:
        why = f"{case}: found on plain threads; not seen again in {2 * THREAD_TRIES} runs"
        return _inconclusive(why, as_json)
    if not findings and is_never_run(kept):
        return _inconclusive(f"{case}: {NEVER_RUN}", as_json)
    if steps and watched is not None:
        walk_through(watched)
    told = _story(watched, "none" if steps else story)
    if as_json:
        click.echo(json.dumps(_to_json(kept, done, told), indent=2))
    else:
        _tell(kept, done, told, seed_bug)
    return ExitCode.DIFFER if findings else ExitCode.AGREE


def _watched(case: Case, findings: list[Finding], seed_bug: str | None) -> Watched | None:
    """The run that shows what differs, or else the first; `None`, if nothing steers the runs."""
    if case.turns is not None:
        return watch_text(text_with(seed_bug), case.compile(), case.workers, case.turns)
    shows = (finding.interleaving for finding in findings if finding.interleaving is not None)
    interleaving = next(shows, case.interleavings[0] if case.interleavings else None)
    if case.threads or interleaving is None:
        return None
    try:
        with planted(seed_bug):
            return watch_controlled(case.compile(), case.workers, interleaving)
    except Drift:  # of the first one, while what differs needs no run at all
        return None


def _story(watched: Watched | None, which: str) -> list[str]:
    if watched is None or which == "none":
        return []
    return story_of(watched, None if which == "full" else MOST_LINES)


def _know(seed_bug: str | None, case: Case) -> None:
    """Raises: `click.BadParameter`, if what runs the case has no such bug."""
    try:
        if case.turns is not None:
            text_with(seed_bug)
        else:
            with planted(seed_bug):
                return
    except KeyError:
        where = "the executor" if case.turns is None else "the scheduler's text"
        raise click.BadParameter(f"no seeded bug of {where} is called {seed_bug!r}") from None


def _inconclusive(why: str, as_json: bool) -> ExitCode:
    click.echo(json.dumps({"verdict": "inconclusive", "why": why}) if as_json else why)
    return ExitCode.INCONCLUSIVE


def _tell(kept: CaseFile, done: Examination, story: list[str], seed_bug: str | None) -> None:
    for finding in done.findings:
        click.echo("\n".join(finding.difference.lines()))
    if story:
        click.echo("\n".join(("", *story, "")))
    if done.drift is not None:
        click.echo(f"of the other choices some do not fit this code any more: {_drift_of(done)}")
    if _is_reproduced(kept, done):
        click.echo("as recorded")
    elif kept.signature is None:
        click.echo("a difference; none was recorded" if done.findings else "no difference")
    else:
        is_sure = done.drift is None and not kept.case.threads and not is_never_run(kept)
        click.echo(
            f"the recorded difference {'is gone' if is_sure else 'was not seen'}: {kept.signature}"
        )
        if kept.seed_bug is not None and seed_bug is None:
            click.echo(f"it was found with a seeded bug: add --seed-bug {kept.seed_bug}")


def _is_reproduced(kept: CaseFile, done: Examination) -> bool:
    return any(finding.difference.signature == kept.signature for finding in done.findings)


def _drift_of(done: Examination) -> str | None:
    """What did not fit, in a line."""
    return None if done.drift is None else str(done.drift).partition("\n")[0]


def _to_json(kept: CaseFile, done: Examination, story: list[str]) -> dict[str, Any]:
    return {
        "verdict": "differ" if done.findings else "agree",
        "recorded": kept.signature,
        "reproduced": _is_reproduced(kept, done),
        "drift": _drift_of(done),
        "differences": [finding.difference.to_json() for finding in done.findings],
        "story": story,
    }

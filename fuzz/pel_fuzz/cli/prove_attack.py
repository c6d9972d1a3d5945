"""`pel prove --seed-bug NAME --attack`: the proof's bad run, played to the executor."""

import json
import shlex
from pathlib import Path
from typing import Any

import click

from pel_fuzz.attack import Attack, Verdict, attack, harm
from pel_fuzz.cli.options import bug_hint, make_folder
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case, write_case
from pel_proof.bugs import BUGS, Bug
from pel_reference.errors import InputError

CODES = {Verdict.ATTACKED: ExitCode.DIFFER, Verdict.BENIGN: ExitCode.AGREE}
"""What else comes of it is inconclusive."""


def attack_bug(name: str, folder: Path, most_steps: int, as_json: bool) -> ExitCode:
    """Look for a bad run of the text with a seeded bug, through `most_steps` steps, and keep what
    the executor makes of it in `folder`.

    Raises: `click.BadParameter`, if there is no such bug; `InputError`, if the case cannot be kept.
    """
    bug = bug_called(name)
    done = attack(name, most_steps)
    path = _kept(done, folder)
    code = CODES.get(done.verdict, ExitCode.INCONCLUSIVE)
    if as_json:
        click.echo(json.dumps({"verdict": code.name.lower(), **_to_json(done, path)}, indent=2))
    else:
        click.echo("\n".join(_lines(bug, done, path)))
    return code


def bug_called(name: str) -> Bug:
    """The seeded bug of the text.

    Raises: `click.BadParameter`, if there is none.
    """
    if name not in BUGS:
        problem = f"no seeded bug of the text is called {name!r}"
        raise click.BadParameter(f"{problem}; {bug_hint(name, BUGS)}")
    return BUGS[name]


def _kept(done: Attack, folder: Path) -> Path | None:
    """The case in its file, of which it was seen that it does what is said of it."""
    if done.case is None:
        return None
    make_folder(folder)
    path = folder / f"attack-{done.bug}.json"
    try:
        write_case(path, done.case, done.difference, done.bug)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None
    again = read_case(path).case
    assert next(harm(again, done.bug)) == done.difference, "the kept case does the same"
    assert next(harm(again, None), None) is None, "the healthy executor passes on it"
    return path


def _lines(bug: Bug, done: Attack, path: Path | None) -> list[str]:
    like = f" (as {bug.like})" if bug.like else ""
    told = [f"{bug.name}: {bug.why}{like}", f"changes {', '.join(bug.changes)}", ""]
    match done.verdict:
        case Verdict.ATTACKED:
            return told + _attack_lines(done, path)
        case Verdict.BENIGN:
            return [*told, f"nothing to attack: everything is proved all the same. {bug.benign}"]
        case Verdict.NOT_THERE:
            return [*told, "NO ATTACK: the executor has no rolling commit, and not this bug of it"]
        case Verdict.NO_BAD_RUN:
            why = "no run of the text that goes wrong was found"
        case Verdict.NO_TRANSFER:
            why = f"the executor went wrong on none of {done.bad_runs} bad runs of the text"
    return [*told, f"NO ATTACK: {why} in {done.text_runs} runs, {done.text_steps} steps"]


def _attack_lines(done: Attack, path: Path | None) -> list[str]:
    case, difference = done.case, done.difference
    assert case is not None and difference is not None, "an attack has a case"
    transitions = len(case.compile().transitions)
    which = f"bad run {done.bad_runs} of {done.text_runs} runs, {done.text_steps} steps"
    return [
        f"the text goes wrong ({done.outcome}) on {transitions} transition(s) with {case.workers} "
        f"workers: {which}",
        f"the executor with the bug follows it ({done.moves} of its {done.steps} steps are moves "
        "of the text), and goes wrong at once:",
        f"DIFFERENCE ({difference.oracle}) in {difference.place}",
        f"  field     {difference.field}",
        f"  expected  {difference.expected}",
        *(f"  {'got      ' if not i else '         '} {line}" for i, line in _got(difference.got)),
        "the healthy executor passes on the same block and schedule",
        *map("replay, with the bug: {}".format, _replays(done, path)[:1]),
        *map("replay, without it:   {}".format, _replays(done, path)[1:]),
    ]


def _got(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.splitlines()))


def _replays(done: Attack, path: Path | None) -> list[str]:
    if path is None:
        return []
    told = f"pel replay {shlex.quote(str(path))}"
    return [f"{told} --seed-bug {done.bug}", told]


def _to_json(done: Attack, path: Path | None) -> dict[str, Any]:
    return {
        "bug": done.bug,
        "attack": str(done.verdict),
        "text_steps": done.text_steps,
        "text_runs": done.text_runs,
        "bad_runs": done.bad_runs,
        "outcome": None if done.outcome is None else str(done.outcome),
        "steps": done.steps,
        "moves": done.moves,
        "difference": None if done.difference is None else done.difference.to_json(),
        "case": None if path is None else str(path),
        "replay": _replays(done, path),
    }

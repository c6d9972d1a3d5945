"""What `pel prove` says when the proof fails; and `--seed-bug` and `--mutate`: that it can."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pel_fuzz.cli.options import make_folder
from pel_fuzz.cli.prove_attack import bug_called
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.text_runs import case_of, search_bad_run, text_difference
from pel_proof.bugs import Bug, failing
from pel_proof.finite.counterexample import Counterexample, Search
from pel_proof.machine import block_stm
from pel_proof.mutation.judge import Outcome, Report, mutate
from pel_proof.mutation.survivors import SURVIVORS
from pel_proof.runs.badrun import Found
from pel_proof.solve import Verdict
from pel_reference.errors import InputError
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Explained:
    """Why obligations fail: a small state that shows it, and a run that goes wrong, kept as a case,
    if one was found."""

    counterexample: Counterexample | None
    found: Found | None
    case: Path | None
    seed_bug: str | None

    def lines(self) -> list[str]:
        """The same for people."""
        told = []
        if self.counterexample is not None:
            told += ["", self.counterexample.explain()]
        if self.found is not None:
            told += ["", self.found.explain()]
        if self.case is not None:
            planted = f" --seed-bug {self.seed_bug}" if self.seed_bug else ""
            told.append(f"replay: pel replay {self.case}{planted}")
        return told

    def to_json(self) -> dict[str, Any]:
        """The same as `--json` prints it."""
        shown, found = self.counterexample, self.found
        return {
            "counterexample": None if shown is None else shown.explain(),
            "run": None if found is None else found.explain(),
            "case": None if self.case is None else str(self.case),
        }


def explain_failures(
    bug: Bug | None, failures: Sequence[Verdict], folder: Path, most_steps: int
) -> Explained:
    """Why obligations of the text, or of the text with a bug, are not proved. A run that goes wrong
    is looked for through `most_steps` steps, and kept in `folder`.

    Raises: `InputError`, if the case cannot be kept.
    """
    if not failures:
        return Explained(None, None, None, None)
    name = None if bug is None else bug.name
    shown = _counterexample(bug, failures)
    actions = {v.obligation.step.split("#")[0].split("~")[0] for v in failures}
    near = tuple(sorted(actions & ACTIONS.keys())) if bug is None else ()
    found = search_bad_run(name, near, most_steps) if most_steps else None
    case = _kept(name, found, folder) if found is not None else None
    return Explained(shown, found, case, name)


def prove_bug(name: str, folder: Path, most_steps: int, as_json: bool) -> ExitCode:
    """Prove the text with one seeded bug, and say why that fails.

    Raises: `click.BadParameter`, if there is no such bug; `InputError`, if the case cannot be kept.
    """
    bug = bug_called(name)
    failures = tuple(failing(bug))
    explained = explain_failures(bug, failures, folder, most_steps)
    code = ExitCode.DIFFER if failures else ExitCode.AGREE
    if as_json:
        told = {"verdict": code.name.lower(), **_bug_json(bug, failures), **explained.to_json()}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("\n".join([*_bug_lines(bug, failures), *explained.lines()]))
    return code


def _bug_lines(bug: Bug, failures: Sequence[Verdict]) -> list[str]:
    like = f" (as {bug.like})" if bug.like else ""
    told = [f"{bug.name}: {bug.why}{like}", f"changes {', '.join(bug.changes)}"]
    names = [v.obligation.name for v in failures]
    if not names:
        return [*told, f"everything is proved all the same. {bug.benign or ''}".rstrip()]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [*told, f"NOT PROVED: {', '.join(names[:MOST_NAMED])}{more}"]


def _bug_json(bug: Bug, failures: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "bug": bug.name,
        "why": bug.why,
        "like": bug.like,
        "benign": bug.benign,
        "changes": list(bug.changes),
        "failures": [v.obligation.name for v in failures],
    }


def _counterexample(bug: Bug | None, failures: Sequence[Verdict]) -> Counterexample | None:
    """Of the first broken invariant that has one."""
    model, machine = (block_stm(), BlockStm) if bug is None else (bug.model(), bug.machine)
    search = Search(model, machine)
    for verdict in failures:
        if verdict.obligation.family == "invariants":
            found = search.find(verdict.obligation.step, verdict.obligation.about)
            if found is not None:
                return found
    return None


def _kept(name: str | None, found: Found, folder: Path) -> Path | None:
    if found.run is None:
        return None
    make_folder(folder)
    path, case = folder / (f"text-{name}.json" if name else "text.json"), case_of(found.run)
    try:
        write_case(path, case, text_difference(case, name), name)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None
    return path


def prove_mutants(as_json: bool) -> ExitCode:
    """Mutate the text, and say what nothing notices."""

    def told(outcome: Outcome) -> None:
        if not outcome.killed and outcome.mutant.name not in SURVIVORS:
            click.echo(f"survives, unexplained: {outcome.mutant.name}", err=True)

    report = mutate(told=told)
    if as_json:
        click.echo(json.dumps(_mutants_json(report), indent=2))
    else:
        click.echo(f"{len(report.outcomes)} mutants, {len(report.survivors)} survive")
        for family, count in report.families.most_common():
            click.echo(f"  {count:4} are noticed first by {family}")
        for name in report.survivors:
            click.echo(f"  survives: {name}: {SURVIVORS.get(name, 'UNEXPLAINED')}")
        for name in report.stale:
            click.echo(f"  is noticed, though it is said to survive: {name}")
    return ExitCode.AGREE if report.holds else ExitCode.DIFFER


def _mutants_json(report: Report) -> dict[str, Any]:
    return {
        "verdict": (ExitCode.AGREE if report.holds else ExitCode.DIFFER).name.lower(),
        "mutants": len(report.outcomes),
        "families": dict(report.families.most_common()),
        "survivors": {name: SURVIVORS.get(name) for name in report.survivors},
        "unexplained": report.unexplained,
        "stale": report.stale,
    }

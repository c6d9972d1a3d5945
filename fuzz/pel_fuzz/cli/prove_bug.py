"""`pel prove --seed-bug` and `--mutate`: that the proof can fail, and what it says then."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pel_fuzz.cli.options import make_folder
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.text_runs import case_of, search_bad_run, text_difference
from pel_proof.bugs import BUGS, Bug, failing
from pel_proof.finite.counterexample import Counterexample, Search
from pel_proof.mutation.judge import Outcome, Report, mutate
from pel_proof.mutation.survivors import SURVIVORS
from pel_proof.runs.badrun import Found
from pel_proof.solve import Verdict
from pel_reference.errors import InputError

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class BugReport:
    """What the proof makes of a bug: obligations that fail, a small state that shows why, and a run
    that goes wrong, kept as a case, if one was found."""

    bug: Bug
    failures: tuple[Verdict, ...]
    counterexample: Counterexample | None
    found: Found | None
    case: Path | None

    @property
    def exit_code(self) -> ExitCode:
        """The text with the bug is proved, or it is not."""
        return ExitCode.DIFFER if self.failures else ExitCode.AGREE

    def lines(self) -> list[str]:
        """The report for people."""
        bug, names = self.bug, [v.obligation.name for v in self.failures]
        like = f" (as {bug.like})" if bug.like else ""
        told = [f"{bug.name}: {bug.why}{like}", f"changes {', '.join(bug.changes)}"]
        if not names:
            return [*told, f"everything is proved all the same. {bug.benign or ''}".rstrip()]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        told.append(f"NOT PROVED: {', '.join(names[:MOST_NAMED])}{more}")
        if self.counterexample is not None:
            told += ["", self.counterexample.explain()]
        if self.found is not None:
            told += ["", self.found.explain()]
        if self.case is not None:
            told.append(f"replay: pel replay {self.case} --seed-bug {bug.name}")
        return told

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        shown, found = self.counterexample, self.found
        return {
            "verdict": self.exit_code.name.lower(),
            "bug": self.bug.name,
            "why": self.bug.why,
            "like": self.bug.like,
            "benign": self.bug.benign,
            "changes": list(self.bug.changes),
            "failures": [v.obligation.name for v in self.failures],
            "counterexample": None if shown is None else shown.explain(),
            "run": None if found is None else found.explain(),
            "case": None if self.case is None else str(self.case),
        }


def prove_bug(name: str, folder: Path, most_steps: int, as_json: bool) -> ExitCode:
    """Prove the text with one seeded bug, and say why that fails.

    Raises: `click.BadParameter`, if there is no such bug; `InputError`, if the case cannot be kept.
    """
    if name not in BUGS:
        raise click.BadParameter(
            f"no seeded bug of the text is called {name!r}; there are {', '.join(BUGS)}"
        )
    bug = BUGS[name]
    failures = tuple(failing(bug))
    found = search_bad_run(name, most_steps) if failures and most_steps else None
    case = _kept(name, found, folder) if found is not None else None
    report = BugReport(bug, failures, _counterexample(bug, failures), found, case)
    text = json.dumps(report.to_json(), indent=2) if as_json else "\n".join(report.lines())
    click.echo(text)
    return report.exit_code


def _counterexample(bug: Bug, failures: tuple[Verdict, ...]) -> Counterexample | None:
    """Of the first broken invariant that has one."""
    search = Search(bug.model(), bug.machine)
    for verdict in failures:
        if verdict.obligation.family == "invariants":
            found = search.find(verdict.obligation.step, verdict.obligation.about)
            if found is not None:
                return found
    return None


def _kept(name: str, found: Found, folder: Path) -> Path | None:
    if found.run is None:
        return None
    make_folder(folder)
    path, case = folder / f"text-{name}.json", case_of(found.run)
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

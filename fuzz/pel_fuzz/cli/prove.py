"""`pel prove`: the scheduler's text keeps its promise, for any number of everything."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import click
from rich.console import Console
from rich.table import Table

from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import goes_only_with, json_option, make_folder, write_output
from pel_fuzz.cli.prove_attack import attack_bug
from pel_fuzz.cli.prove_bug import Explained, explain_failures, prove_bug, prove_mutants
from pel_fuzz.exit_codes import ExitCode
from pel_proof.export import file_name, smtlib
from pel_proof.machine import block_stm
from pel_proof.obligations import Obligation
from pel_proof.page import page
from pel_proof.progress.termination import gaps, statement
from pel_proof.runs.badrun import MOST_STEPS
from pel_proof.second_solver import SecondSolverMissing, ask
from pel_proof.solve import PROVED, Verdict, discharge, leans_on
from pel_proof.suite import FAMILIES, PROGRESS, obligations
from pel_proof.tally import Tally

WIDTH = 100
"""Of the table, also where there is no terminal: names are never cut."""
THEOREM = ("abstract", "refinement", "theorem")


@app.command("prove")
@click.option("--theorem", is_flag=True, help="Only the abstract machine, refinement and theorem.")
@click.option("--progress", is_flag=True, help="Only progress, and why every block ends.")
@click.option("--invariant", metavar="NAME", help="Only the obligations of one invariant.")
@click.option("--why", metavar="NAME", help="Which invariants does this one lean on?")
@click.option("--second-solver", is_flag=True, help="Let cvc5 discharge the same obligations.")
@click.option(
    "--proofs",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --second-solver: write cvc5's proofs here.",
)
@click.option(
    "--smtlib",
    "script_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each obligation here, as SMT-LIB.",
)
@click.option(
    "--page",
    "page_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page of all actions, invariants and lemmas, in Markdown.",
)
@click.option("--seed-bug", metavar="NAME", help="Test-only: prove the text with a bug in it.")
@click.option(
    "--attack",
    is_flag=True,
    help="With --seed-bug: let the executor with the same bug follow a bad run of the text.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("findings"),
    show_default=True,
    help="Where a run that goes wrong is kept, if the proof fails; or an attack.",
)
@click.option(
    "--search-steps",
    type=click.IntRange(min=0),
    default=MOST_STEPS,
    show_default=True,
    help="How long to look for a run that goes wrong, if the proof fails.",
)
@click.option("--mutate", is_flag=True, help="Change the text in every small way; minutes.")
@json_option
def prove(
    theorem: bool,
    progress: bool,
    invariant: str | None,
    why: str | None,
    second_solver: bool,
    proofs: Path | None,
    script_folder: Path | None,
    page_file: Path | None,
    seed_bug: str | None,
    attack: bool,
    out: Path,
    search_steps: int,
    mutate: bool,
    as_json: bool,
) -> ExitCode:
    """Prove the specification of the scheduler, with Z3.

    Its text is plain Python (spec/pel_spec/scheduler); the proof reads the same text. An obligation
    that the solver does not decide within its resources has failed.
    """
    _check(second_solver or proofs is None, "--proofs goes with --second-solver")
    _check(not attack or seed_bug is not None, "--attack goes with --seed-bug")
    _check(not attack or search_steps > 0, "--attack needs steps: more than --search-steps 0")
    for name in (invariant, why):
        if name is not None and name not in block_stm().invariants:
            raise click.BadParameter(f"no invariant is called {name!r}")
    if why is not None:
        goes_only_with("--why", "--json")
        return _why(why, as_json)
    if seed_bug is not None:
        goes_only_with("--seed-bug", "--attack", "--out", "--search-steps", "--json")
        said = attack_bug if attack else prove_bug
        return said(seed_bug, out, search_steps, as_json)
    if mutate:
        goes_only_with("--mutate", "--json")
        return prove_mutants(as_json)
    families = _families(theorem, progress, invariant)
    whole = families == tuple(FAMILIES)
    _check(page_file is None or whole, "--page is of all that is proved")
    chosen = obligations(families, about=invariant)
    if script_folder is not None:
        chosen = _written(chosen, script_folder)
    started = perf_counter()
    tally = Tally.of(_second(chosen, proofs) if second_solver else discharge(chosen))
    if page_file is not None and tally.holds:
        _write(page_file, page(tally))
    seconds = perf_counter() - started
    explained = explain_failures(None, tally.failures, out, search_steps)
    return _show(Shown(tally, seconds, families, list(gaps()), explained), progress, as_json)


def _check(fits: bool, complaint: str) -> None:
    """Raises: `click.UsageError`, if options do not fit together."""
    if not fits:
        raise click.UsageError(complaint)


def _families(theorem: bool, progress: bool, invariant: str | None) -> tuple[str, ...]:
    if invariant is not None:
        if theorem or progress:
            raise click.UsageError("--invariant goes without --theorem and --progress")
        return ("invariants",)
    chosen = (*(THEOREM if theorem else ()), *(PROGRESS if progress else ()))
    return chosen or tuple(FAMILIES)


def _written(chosen: Iterable[Obligation], folder: Path) -> Iterator[Obligation]:
    """Pass the obligations on, and write each as a script."""
    make_folder(folder)
    for obligation in chosen:
        _write(folder / file_name(obligation), smtlib(obligation))
        yield obligation


def _second(chosen: Iterable[Obligation], proofs: Path | None) -> Iterator[Verdict]:
    """cvc5's verdicts, in the form of Z3's."""
    if proofs is not None:
        make_folder(proofs)
    for obligation in chosen:
        try:
            said = ask(obligation, proof=proofs is not None)
        except SecondSolverMissing as missing:
            raise click.UsageError(str(missing)) from None
        if proofs is not None and said.proof:
            _write((proofs / file_name(obligation)).with_suffix(".cpc"), said.proof)
        yield Verdict(obligation, said.proved, PROVED if said.proved else said.answer, said.seconds)


def _write(path: Path, text: str) -> None:
    def write(stream: TextIO) -> None:
        stream.write(text)

    write_output(path, write)


def _why(name: str, as_json: bool) -> ExitCode:
    """Which invariants the proofs that one is kept have used."""
    used: dict[str, list[str]] = {}
    unproved = []
    for obligation in obligations(("invariants",), about=name):
        found = leans_on(obligation)
        if found is None:
            unproved.append(obligation.name)
        for other in sorted(found or ()):
            used.setdefault(other, []).append(obligation.step)
    used.pop(name, None)
    if as_json:
        click.echo(
            json.dumps({"invariant": name, "leans_on": used, "unproved": unproved}, indent=2)
        )
    else:
        click.echo(f"{name}: {_sentence(name)}")
        for other, steps in sorted(used.items(), key=lambda item: -len(item[1])):
            click.echo(f"  leans on {other} in {len(steps)}: {', '.join(steps[:6])}")
        for step in unproved:
            click.echo(f"  not proved: {step}")
    return ExitCode.DIFFER if unproved else ExitCode.AGREE


def _sentence(name: str) -> str:
    return " ".join((block_stm().invariants[name].__doc__ or "").split())


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told of a proof."""

    tally: Tally
    seconds: float
    families: tuple[str, ...]
    gaps: list[str]
    explained: Explained

    @property
    def holds(self) -> bool:
        """Is all of it proved, and do its parts fit together?"""
        return self.tally.holds and not self.gaps

    @property
    def given(self) -> list[str]:
        """What was taken as proved, in this run, without proving it."""
        return [] if "invariants" in self.families else ["invariants"]


def _show(shown: Shown, progress: bool, as_json: bool) -> ExitCode:
    code, tally = ExitCode.AGREE if shown.holds else ExitCode.DIFFER, shown.tally
    if as_json:
        click.echo(json.dumps(_to_json(shown, code), indent=2))
        return code
    console = Console(highlight=False, width=WIDTH)
    console.print(_table(tally))
    for verdict in tally.failures:
        told = f"NOT PROVED {verdict.obligation.family}: {verdict.obligation.name}"
        console.print(f"{told} ({verdict.reason})", style="red", markup=False)
    click.echo("\n".join(shown.explained.lines()), nl=bool(tally.failures))
    for gap in shown.gaps:
        told = f"GAP in the argument that every block ends: {gap}"
        console.print(told, style="red", markup=False)
    if progress and shown.holds:
        console.print("\n".join(statement()), markup=False)
    word = "proved" if tally.holds else "of them failed"
    count = tally.total if tally.holds else f"{len(tally.failures)} of {tally.total}"
    given = f", given the {', '.join(shown.given)}" if shown.given else ""
    console.print(f"{count} obligations {word}{given}, in {shown.seconds:.1f} s", markup=False)
    return code


def _table(tally: Tally) -> Table:
    table = Table(box=None)
    for heading in ("family", "about", "obligations", "seconds", "slowest", "its step"):
        table.add_column(heading, no_wrap=True)
    for row in sorted(tally.rows.values(), key=lambda row: list(FAMILIES).index(row.family)):
        failed = f" [red]({row.failed} failed)[/]" if row.failed else ""
        times = f"{row.seconds:.2f}", f"{row.slowest[0]:.3f}"
        table.add_row(row.family, row.about, f"{row.total}{failed}", *times, row.slowest[1])
    return table


def _to_json(shown: Shown, code: ExitCode) -> dict[str, Any]:
    return {
        "verdict": code.name.lower(),
        "obligations": shown.tally.total,
        "given": shown.given,
        "seconds": round(shown.seconds, 3),
        "rows": [row.to_json() for row in shown.tally.rows.values()],
        "failures": [
            {
                "family": v.obligation.family,
                "step": v.obligation.step,
                "about": v.obligation.about,
                "reason": v.reason,
            }
            for v in shown.tally.failures
        ],
        "gaps": shown.gaps,
        **shown.explained.to_json(),
    }

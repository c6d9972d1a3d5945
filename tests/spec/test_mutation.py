"""Mutation of the text: the operators, the judge on a sample, and that the list is exact."""

import ast
import inspect
import textwrap
from pathlib import Path

import pytest

from pel_proof.bugs import BUGS
from pel_proof.mutation.judge import GHOSTS, HELPERS, Outcome, Report, all_mutants, mutate
from pel_proof.mutation.mutants import Mutant
from pel_proof.mutation.survivors import REASONS, SURVIVORS
from pel_spec.kernel import methods
from pel_spec.optimistic import Optimistic
from pel_spec.scheduler.blockstm import ACTIONS
from pel_spec.scheduler.state import SchedulerState

PARTS, EVERY = 4, 12
"""Of the mutants, one in so many is judged here, in some tests; `pel prove --mutate` judges all."""

KILLED = {
    "try_incarnate: delete `s.status[i] = Status.EXECUTING`": "invariants",
    "read_cell: delete `s.reads[i, c, x] = True`": "refinement",
    "cd_observe: delete `s.pc[w] = At.CD_EXEC`": "descent",
    "check_read: delete `s.todo[w, x] = False`": "descent",
    "idle: delete `s.pc[w] = At.LOAD_DONE`": "takes_work",
    "prefer_exec_idx: `s.preferred[w] >= s.exec_idx` for `s.preferred[w] < s.exec_idx`": (
        "takes_work"
    ),
    "cd_observe_again: `At.LOAD_DONE` for `At.IDLE`": "descent",
    "commit_next: never `if s.committed < s.n:`": "reachability",
    "commit: `Status.READY` for `Status.EXECUTED`": "vacuity",
    "same_version: drop `s.source[i, c, x] == k` of "
    "`s.source[i, c, x] == k and (k == BEFORE or s.mem[k, x] == s.source_inc[i, c, x])`": (
        "invariants"
    ),
    "Optimistic.abort: delete `require(i >= s.committed)`": "abstract",
    "Optimistic.abort: `i > s.committed` for `i >= s.committed`": "refinement",
}
"""What must notice each of these."""


@pytest.fixture(scope="module")
def text() -> list[Mutant]:
    return all_mutants()


def by_name(mutants: list[Mutant]) -> dict[str, Mutant]:
    return {mutant.name: mutant for mutant in mutants}


def _without_docstring(action: ast.FunctionDef) -> ast.FunctionDef:
    action.body = action.body[1:]
    return action


def test_every_action_is_mutated_and_each_mutant_has_its_own_name(text: list[Mutant]) -> None:
    assert len(text) > 800
    methods_of_text = {mutant.method for mutant in text if issubclass(mutant.part, SchedulerState)}
    assert methods_of_text == {*ACTIONS, *HELPERS, *GHOSTS}
    abstract = {mutant.method for mutant in text if mutant.part is Optimistic}
    assert abstract == methods(Optimistic).keys()
    assert len(by_name(text)) == len(text)


def test_each_mutant_is_another_text_that_can_be_lifted_and_run(text: list[Mutant]) -> None:
    for mutant in text:
        source = textwrap.dedent(inspect.getsource(getattr(mutant.part, mutant.method)))
        original = ast.parse(source).body[0]
        assert isinstance(original, ast.FunctionDef)
        assert ast.unparse(mutant.tree) != ast.unparse(_without_docstring(original)), mutant.name
        assert ast.unparse(mutant.tree.args) == ast.unparse(original.args)
        assert callable(mutant.lifted())
        assert callable(mutant.native())


def test_what_an_action_returns_is_left_to_conformance(text: list[Mutant]) -> None:
    for mutant in text:
        if mutant.method in HELPERS:
            continue
        source = inspect.getsource(getattr(mutant.part, mutant.method))
        returned = [node for node in ast.walk(mutant.tree) if isinstance(node, ast.Return)]
        assert all(ast.unparse(node) in source for node in returned)


@pytest.mark.parametrize("what", KILLED)
def test_each_family_kills_what_only_it_can_see(what: str, text: list[Mutant]) -> None:
    assert mutate([by_name(text)[what]]).outcomes[0].family == KILLED[what]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_mutant_of_a_sample_survives_without_a_reason(part: int, text: list[Mutant]) -> None:
    report = mutate(text[part * (EVERY + 1) :: PARTS * EVERY])
    assert report.holds, (report.unexplained, report.stale)


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_said_to_survive_does(reason: str, text: list[Mutant]) -> None:
    report = mutate(by_name(text)[name] for name in REASONS[reason])
    assert report.survivors == list(REASONS[reason])
    assert report.holds


def test_a_report_fails_for_an_unknown_survivor_and_for_a_stale_reason(text: list[Mutant]) -> None:
    known = by_name(text)
    unknown = known["try_incarnate: delete `s.status[i] = Status.EXECUTING`"]
    explained = known[next(iter(SURVIVORS))]
    killed = Outcome(unknown, "invariants", "try_incarnate/executor_owns")
    assert Report([killed, Outcome(explained)]).holds
    assert not Report([]).holds
    assert Report([Outcome(unknown)]).unexplained == [unknown.name]
    assert not Report([Outcome(unknown)]).holds
    assert Report([Outcome(explained, "invariants", "x/y")]).stale == [explained.name]
    assert not Report([Outcome(explained, "invariants", "x/y")]).holds
    assert Report([killed]).families == {"invariants": 1}


def test_progress_is_told_mutant_by_mutant(text: list[Mutant]) -> None:
    told: list[Outcome] = []
    report = mutate(text[:2], told.append)
    assert told == list(report.outcomes)


def test_the_page_lists_the_survivors_as_they_are(text: list[Mutant]) -> None:
    page = (Path(__file__).parents[2] / "docs/mutation.md").read_text()
    assert f"{len(text)} mutants" in page
    _, _, listed = page.partition("## Survivors")
    rows = [line.strip("| ").split(" | ") for line in listed.splitlines() if line[:2] == "| "][1:]
    assert rows == [[name.replace("|", r"\|"), reason] for name, reason in SURVIVORS.items()]


def test_the_page_lists_the_seeded_bugs_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs/mutation.md").read_text()
    for name, bug in BUGS.items():
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{name}` | {bug.why}")]
        assert (bug.benign or "") in row
        assert (bug.like or "") in row

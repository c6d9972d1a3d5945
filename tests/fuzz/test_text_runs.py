"""Runs of the scheduler's text are kept as cases, and `pel replay` plays them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import case_to_json, read_case, write_case
from pel_fuzz.text_runs import case_of, search_bad_run, text_difference
from pel_fuzz.tiny import TinyBlock
from pel_proof.runs.interpreter import Turn
from pel_reference.errors import InputError

BY_HAND = Case(
    TinyBlock(((("get", 0), ("put", 0)), (("get", 0), ("put", 0)))),
    "tiny",
    2,
    (),
    turns=(Turn(0, 3), Turn(1, 7, 1)),
)


Replay = Callable[..., tuple[ExitCode, str]]


@pytest.fixture
def replayed(capsys: pytest.CaptureFixture[str]) -> Replay:
    def replay(*arguments: str) -> tuple[ExitCode, str]:
        code = run(["replay", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    return replay


@pytest.mark.parametrize("bug", ["abort-lowers-nothing", "no-retry"])
def test_a_bad_run_is_replayed_with_its_bug_and_right_without(
    bug: str, replayed: Replay, tmp_path: Path
) -> None:
    found = search_bad_run(bug, most_steps=60_000)
    assert found.run is not None
    case = case_of(found.run)
    difference = text_difference(case, bug)
    assert difference is not None
    path = tmp_path / "case.json"
    write_case(path, case, difference, bug)
    assert read_case(path).case == case

    code, said = replayed(str(path), "--seed-bug", bug)
    assert code == ExitCode.DIFFER
    assert "as recorded" in said
    code, said = replayed(str(path))
    assert code == ExitCode.AGREE
    assert f"--seed-bug {bug}" in said


def test_a_wrong_result_is_explained(replayed: Replay, tmp_path: Path) -> None:
    bug = "abort-lowers-nothing"
    found = search_bad_run(bug, most_steps=60_000)
    assert found.run is not None
    path = tmp_path / "case.json"
    case = case_of(found.run)
    write_case(path, case, text_difference(case, bug), bug)
    code, said = replayed(str(path), "--seed-bug", bug, "--json")
    assert code == ExitCode.DIFFER
    answer = json.loads(said)
    assert answer["reproduced"]
    (difference,) = answer["differences"]
    assert difference["oracle"] == "result"
    assert "where the preset order gives" in difference["words"]


def test_a_bug_of_the_executor_is_none_of_the_text(replayed: Replay, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    write_case(path, BY_HAND, None, None)
    code, said = replayed(str(path), "--seed-bug", "slot-unlogged")
    assert code is ExitCode.BAD_INPUT
    assert "no seeded bug of the scheduler's text" in said
    assert replayed(str(path)) == (ExitCode.AGREE, "no difference\n")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("lane", "texts", "lane"),
        ("kind", "evm", "lane"),
        ("choices", [], "choices"),
        ("choices", [{"walk": [1, 0.5]}], "choices[0].turns"),
        ("choices", [{"turns": [[1]]}], "choices[0].turns[0]"),
        ("choices", [{"turns": [[0, 1], [0, 10**6]]}], "choices[0].turns[1]"),
        ("choices", [{"turns": [[0, -1]]}], "choices[0].turns[0][1]"),
        ("choices", [{"turns": [[0, 1, 2, 3]]}], "choices[0].turns[0]"),
    ],
)
def test_bad_turns_are_named(field: str, value: object, named: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case_to_json(BY_HAND, None, None) | {field: value}))
    with pytest.raises(InputError) as caught:
        read_case(path)
    assert caught.value.field == named

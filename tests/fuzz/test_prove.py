"""`pel prove`, as an auditor meets it: the table, the options, what a broken text looks like."""

import json
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode
from pel_proof.bugs import BUGS
from pel_proof.machine import block_stm
from pel_proof.page import page
from pel_proof.runs.text import Text
from pel_proof.tally import Tally


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_theorem_has_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--theorem"]) is ExitCode.AGREE
    printed = capsys.readouterr().out
    assert "memory_is_the_folds" in printed
    assert "obligations proved, given the invariants, in" in printed
    assert "\u2026" not in printed  # no name is cut


def test_progress_says_why_every_block_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--progress"]) is ExitCode.AGREE
    printed = capsys.readouterr().out
    assert "weak fairness" in printed
    assert "the block ends." in printed


def test_one_invariant_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--invariant", "one_executor", "--json"]) is ExitCode.AGREE
    printed = told(capsys)
    assert printed["verdict"] == "agree"
    (row,) = printed["rows"]
    assert row["about"] == "one_executor"
    assert row["obligations"] > len(block_stm().actions)
    assert row["failed"] == 0
    assert (printed["given"], printed["gaps"]) == ([], [])


def test_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--why", "one_executor"]) is ExitCode.AGREE
    assert "leans on executor_owns in" in capsys.readouterr().out


def test_scripts_and_proofs_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scripts, proofs = tmp_path / "smt", tmp_path / "proofs"
    given = ["--invariant", "waits_once", "--smtlib", str(scripts)]
    solved = ["--second-solver", "--proofs", str(proofs), "--json"]
    assert run(["prove", *given, *solved]) is ExitCode.AGREE
    many = told(capsys)["obligations"]
    assert len(list(scripts.glob("*.smt2"))) == many
    assert len(list(proofs.glob("*.cpc"))) == many


def test_a_bug_is_not_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["prove", "--seed-bug", "new-location-unnoticed", "--out", str(tmp_path)]
    assert run(asked) is ExitCode.DIFFER
    printed = capsys.readouterr().out
    assert "NOT PROVED: finish_execution/no_unchecked_read" in printed
    assert "breaks no_unchecked_read" in printed
    (case,) = tmp_path.iterdir()
    assert f"pel replay {case} --seed-bug new-location-unnoticed" in printed
    assert run(["replay", str(case), "--seed-bug", "new-location-unnoticed"]) is ExitCode.DIFFER
    assert run(["replay", str(case)]) is ExitCode.AGREE


def test_a_benign_change_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "--seed-bug", "resume-keeps-incarnation"]) is ExitCode.AGREE
    assert "everything is proved all the same. A suspended" in capsys.readouterr().out


def test_where_no_run_is_found_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["prove", "--seed-bug", "stale-abort", "--search-steps", "2000", "--json"]
    assert run([*asked, "--out", str(tmp_path / "none")]) is ExitCode.DIFFER
    printed = told(capsys)
    assert printed["run"].startswith("no run from the initial state that goes wrong was found")
    assert printed["case"] is None
    assert not (tmp_path / "none").exists()


def test_a_broken_text_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the text itself had the bug: what fails, a small state, and a run."""
    bug = BUGS["new-location-unnoticed"]
    model, text = bug.model(), Text.of(bug.machine, bug.model())
    monkeypatch.setattr("pel_proof.suite.block_stm", lambda: model)
    monkeypatch.setattr("pel_fuzz.cli.prove_bug.block_stm", lambda: model)
    monkeypatch.setattr("pel_fuzz.cli.prove_bug.BlockStm", bug.machine)
    monkeypatch.setattr("pel_fuzz.text_runs.block_stm_text", lambda: text)
    asked = ["prove", "--invariant", "no_unchecked_read", "--out", str(tmp_path)]
    assert run(asked) is ExitCode.DIFFER
    printed = capsys.readouterr().out
    assert "NOT PROVED invariants: finish_execution/no_unchecked_read" in printed
    assert "finish_execution(w=0) breaks no_unchecked_read" in printed
    assert f"replay: pel replay {tmp_path / 'text.json'}\n" in printed
    assert run(["replay", str(tmp_path / "text.json")]) is ExitCode.DIFFER
    page_file = tmp_path / "page.md"
    assert run(["prove", "--page", str(page_file), "--search-steps", "0"]) is ExitCode.DIFFER
    assert not page_file.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--invariant", "nonsense"], "no invariant is called 'nonsense'"),
        (["--why", "nonsense"], "no invariant is called 'nonsense'"),
        (["--seed-bug", "nonsense"], "no seeded bug of the text is called 'nonsense'"),
        (["--proofs", "somewhere"], "--proofs goes with --second-solver"),
        (["--theorem", "--invariant", "ranges"], "--invariant goes without"),
        (["--theorem", "--page", "somewhere"], "--page is of all that is proved"),
        (["--seed-bug", "no-retry", "--theorem"], "--seed-bug goes without --theorem\n"),
        (
            ["--attack", "--seed-bug", "no-retry", "--page", "p", "--mutate"],
            "--seed-bug goes without --page, --mutate\n",
        ),
        (["--seed-bug", "no-retry", "--second-solver"], "--seed-bug goes without --second-solver"),
        (["--why", "ranges", "--progress"], "--why goes without --progress"),
        (["--mutate", "--invariant", "ranges"], "--mutate goes without --invariant"),
        (["--mutate", "--out", "somewhere"], "--mutate goes without --out"),
    ],
)
def test_bad_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", *arguments]) is ExitCode.BAD_INPUT
    assert complaint in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    asked = ["prove", "--invariant", "waits_once", "--smtlib", str(tmp_path / "file" / "x")]
    assert run(asked) is ExitCode.BAD_INPUT
    assert "cannot be made" in capsys.readouterr().err


def test_the_page_is_of_this_text() -> None:
    """But for what was measured: the numbers are of the proof that made it."""
    kept = (Path(__file__).parents[2] / "docs" / "scheduler.md").read_text(encoding="utf-8")
    made = page(Tally())
    for line in made.splitlines():
        if line.startswith("| `"):
            words = "|".join(line.split("|")[:3])
            assert words in kept, f"run `pel prove --page docs/scheduler.md`: {words}"

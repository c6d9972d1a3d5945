"""`pel bench interleavings`: hunts are honest, and their table says what they came to."""

import json
import math

import pytest

from pel_fuzz.bench.hunting import THREADS, Hunt, Job, hunt
from pel_fuzz.bench.interleavings import Cell, Row, Settings, harmful_bugs, markdown
from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode

EASY = "execution-never-chosen"


@pytest.mark.parametrize("strategy", ["mix", "delay", "pct", THREADS])
def test_an_easy_bug_is_found_at_once(strategy: str) -> None:
    assert hunt(Job(EASY, strategy, 1, 50, 60.0)).found


def test_the_same_hunt_takes_as_many_runs_again() -> None:
    one, two = (hunt(Job("no-estimate", "mix", 3, 500, 60.0)) for _ in range(2))
    assert one.found
    assert (one.found, one.runs) == (two.found, two.runs)


def test_steps_show_what_results_do_not() -> None:
    """A benign change never goes wrong, but its steps are not the specification's."""
    benign = "old-reads-looked-up"
    assert BUGS[benign].benign is not None
    quiet = hunt(Job(benign, "mix", 1, 60, 60.0))
    assert (quiet.found, quiet.runs) == (False, 60)
    assert hunt(Job("done-at-first-look", "mix", 1, 200, 60.0, steps_too=True)).found


def test_bugs_of_the_seam_are_hunted_on_evm_blocks() -> None:
    assert hunt(Job("slot-unlogged", "mix", 1, 20, 60.0)).found


def test_a_fault_of_ours_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pel_fuzz.bench.hunting.draw_interleaving", broken)
    with pytest.raises(ZeroDivisionError):
        hunt(Job("no-estimate", "mix", 1, 5, 60.0))


def test_time_ends_a_hunt() -> None:
    ended = hunt(Job("stale-abort", "mix", 1, 1_000_000, 0.05))
    assert not ended.found
    assert ended.seconds >= 0.05


def test_a_median_can_be_never() -> None:
    cell = Cell.of([Hunt(True, 3, 0.1), Hunt(False, 70, 1.0), Hunt(False, 90, 1.0)])
    assert (cell.found, cell.runs, cell.tried) == (1, math.inf, 70)
    assert cell.told() == "> 70 (2 missed)"
    assert cell.to_json()["runs"] is None
    found = Cell.of([Hunt(True, 3, 0.1), Hunt(True, 5, 0.2), Hunt(False, 90, 1.0)])
    assert found.told() == "5 (1 missed)"


def test_the_table_compares_control_with_threads() -> None:
    soon, late = Cell.of([Hunt(True, 4, 0.1)]), Cell.of([Hunt(True, 80, 1.0)])
    never, sooner = Cell.of([Hunt(False, 500, 1.0)]), Cell.of([Hunt(True, 39, 0.4)])
    rows = [
        Row("a", soon, soon, late, sooner, "fails at once, in 9 steps"),
        Row("b", soon, soon, never, late, "-"),
    ]
    told = "\n".join(
        markdown(Settings(1, 1.0, 1, ("a", "b")), rows, {"pos": {"a": soon, "b": late}})
    )
    assert "| `a` | 4 | 0.10 | 4 | 80 | 1.00 | 39 | 20.0 | fails at once, in 9 steps |" in told
    assert "| `b` | 4 | 0.10 | 4 | > 500 (1 missed) | - | 80 | > 125.0 | - |" in told
    assert "| `b` | 80 |" in told.partition("## By strategy")[2]
    assert "In 2 control needs at least ten times fewer runs" in told
    assert "; in 1 if both check the steps" in told


def test_every_harmful_bug_is_measured() -> None:
    assert set(harmful_bugs()) == {name for name, bug in BUGS.items() if bug.benign is None}


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["bench", "interleavings", "--seeds", "1", "--seconds", "0.2", "--bug", EASY, "--json"]
    assert run([*asked, "--jobs", "1"]) is ExitCode.AGREE
    (row,) = json.loads(capsys.readouterr().out)["bugs"]
    assert row["bug"] == EASY
    assert row["result"]["found"] == row["steps"]["found"] == 1
    assert run(["bench", "interleavings", "--bug", "no-such"]) is ExitCode.BAD_INPUT
    assert "no harmful seeded bug is called 'no-such'" in capsys.readouterr().err
    assert run(["bench", "interleavings", "--bug", "no-estimat"]) is ExitCode.BAD_INPUT
    assert "'no-estimat'; did you mean no-estimate" in capsys.readouterr().err


def test_a_bug_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Settings] = []
    monkeypatch.setattr("pel_fuzz.cli.bench.rows", lambda given, *_: measured.append(given) or [])
    asked = ["--bug", EASY, "--bug", "no-retry", "--bug", EASY, "--json", "--jobs", "1"]
    assert run(["bench", "interleavings", *asked]) is ExitCode.AGREE
    assert measured[0].bugs == (EASY, "no-retry")


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_seconds_end(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "interleavings", "--seconds", seconds]) is ExitCode.BAD_INPUT
    assert f"{seconds} is not a number of seconds" in capsys.readouterr().err

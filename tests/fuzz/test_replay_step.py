"""`pel replay`: the story below the difference, and the walk through a run with `--step`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.examine import examine
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.interleavings import Switches, Walk
from pel_fuzz.recording import record
from pel_fuzz.text_runs import case_of, search_bad_run, text_difference
from pel_fuzz.tiny import TinyBlock

BUG = "no-estimate"
CHAIN = TinyBlock(((("get", 0), ("put", 0)),) * 3)


def _case_file(folder: Path, bug: str, oracle: str) -> Path:
    """A case with three interleavings, of which only the last shows what the bug does."""
    with planted(bug):
        for seed in range(300):
            case = Case(CHAIN, "tiny", 2, (Walk(0, 0), Walk(1, 0), Walk(seed, 0.3)))
            found = examine(case).findings
            if found and found[0].difference.oracle == oracle:
                path = folder / "case.json"
                write_case(path, case, found[0].difference, bug)
                return path
    raise AssertionError("the seeded bug was not found")


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    return _case_file(tmp_path, BUG, "conformance")


Told = pytest.CaptureFixture[str]


def test_a_difference_comes_with_its_story(case_file: Path, capsys: Told) -> None:
    assert run(["replay", str(case_file), "--seed-bug", BUG]) is ExitCode.DIFFER
    told = capsys.readouterr().out
    assert told.index("DIFFERENCE") < told.index("executes tx 0") < told.index("as recorded")
    assert "(preemption" in told and "<== not the" in told
    assert run(["replay", str(case_file), "--seed-bug", BUG, "--story", "none"]) is ExitCode.DIFFER
    assert "executes tx 0" not in capsys.readouterr().out


def test_json_has_the_story_too(case_file: Path, capsys: Told) -> None:
    arguments = ["replay", str(case_file), "--seed-bug", BUG, "--json", "--story", "full"]
    assert run(arguments) is ExitCode.DIFFER
    story = json.loads(capsys.readouterr().out)["story"]
    assert any("executes tx 0" in line for line in story)
    assert run(["replay", str(case_file), "--json"]) is ExitCode.AGREE
    assert json.loads(capsys.readouterr().out)["story"] == []


def test_without_a_terminal_all_steps_are_shown(case_file: Path, capsys: Told) -> None:
    assert run(["replay", str(case_file), "--seed-bug", BUG, "--step"]) is ExitCode.DIFFER
    told = capsys.readouterr().out
    assert told.startswith("step 0 of ")
    total = int(told.split(maxsplit=4)[3].rstrip(","))
    assert all(f"step {number} of {total}, worker" in told for number in range(total))
    assert "status 0 executing 0, 1 to 2 ready 0" in told
    assert "the workers have ended" in told
    assert "-- switch to worker 1 (preemption" in told, "the interleaving that shows it is walked"
    assert told.index("the workers have ended") < told.index("DIFFERENCE") < told.index("as rec")


def test_without_a_difference_the_first_run_is_walked(case_file: Path, capsys: Told) -> None:
    assert run(["replay", str(case_file), "--step"]) is ExitCode.AGREE
    told = capsys.readouterr().out
    assert "switch to worker 1" in told and "preemption" not in told
    assert "the recorded difference is gone" in told


def test_a_run_that_gets_stuck_is_walked_to_where_it_stuck(tmp_path: Path, capsys: Told) -> None:
    bug = "first-versions-kept"
    path = _case_file(tmp_path, bug, "liveness")
    assert run(["replay", str(path), "--seed-bug", bug, "--step"]) is ExitCode.DIFFER
    assert "livelock: position" in capsys.readouterr().out.partition("DIFFERENCE")[0]


@pytest.mark.parametrize("bug", ["abort-lowers-nothing", "no-retry"])
def test_the_text_is_walked(bug: str, tmp_path: Path, capsys: Told) -> None:
    found = search_bad_run(bug, most_steps=60_000)
    assert found.run is not None
    case, path = case_of(found.run), tmp_path / "case.json"
    write_case(path, case, text_difference(case, bug), bug)
    assert run(["replay", str(path), "--seed-bug", bug, "--step"]) is ExitCode.DIFFER
    told = capsys.readouterr().out
    total = int(told.split(maxsplit=4)[3].rstrip(","))
    assert f"step {total - 1} of {total}, worker" in told
    assert run(["replay", str(path), "--seed-bug", bug]) is ExitCode.DIFFER
    assert "executes tx 0, incarnation 0" in capsys.readouterr().out


def test_threads_have_no_steps_to_walk(tmp_path: Path, capsys: Told) -> None:
    path = tmp_path / "case.json"
    write_case(path, Case(CHAIN, "tiny", 2, (), threads=True), None, None)
    assert run(["replay", str(path), "--step"]) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert "nothing steers plain threads" in told and len(told.strip().splitlines()) == 1


def test_a_walk_is_for_people(case_file: Path) -> None:
    assert run(["replay", str(case_file), "--step", "--json"]) is ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("keys", "shown"),
    [("q", 0), ("\rq", 1), ("\r\n?q", 2), ("sq", 9), ("r", None), ("\rr", None)],
)
def test_keys_at_a_terminal(
    keys: str, shown: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told
) -> None:
    """Enter takes a step, s goes to the switch after step 8, r to the end, q ends the walk."""
    path = tmp_path / "case.json"
    interleaving = Switches(((0, 9, 1),))
    write_case(path, Case(CHAIN, "tiny", 2, (interleaving,)), None, None)
    left: Iterator[str] = iter(keys)
    monkeypatch.setattr("pel_fuzz.cli.walker.click.getchar", lambda: next(left))
    monkeypatch.setattr("pel_fuzz.cli.walker.sys.stdin", _Terminal())
    assert run(["replay", str(path), "--step"]) is ExitCode.AGREE
    told = capsys.readouterr().out
    steps = len(record(CHAIN, 2, interleaving, 10_000).steps)
    assert sum(line.startswith("step ") for line in told.splitlines()) == (
        steps if shown is None else shown
    )
    assert next(left, None) is None, "every key was asked for"
    assert told.startswith("enter: next step")


class _Terminal:
    """Standard input at a terminal."""

    def isatty(self) -> bool:
        return True

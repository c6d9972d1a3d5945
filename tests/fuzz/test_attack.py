"""A bad run of the scheduler's text becomes a case on which the executor with the same bug fails,
at once, and the healthy one passes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.attack import Verdict, attack, harm
from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.following import MOST_BETWEEN, follow, moves_of
from pel_fuzz.formats.case_json import case_to_json, read_case, write_case
from pel_fuzz.interleavings import Switches
from pel_fuzz.text_runs import BLOCKS, text_with, without_commits
from pel_proof.runs.badrun import BadRun
from pel_proof.runs.interpreter import Outcome, Turn
from pel_reference.errors import InputError
from pel_spec.fold import agree, fold

SEARCH_STEPS = "30000"

TURNS = st.lists(st.builds(Turn, st.integers(0, 3), st.integers(1, 20)), max_size=30)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("bug", "oracle"),
    [
        ("abort-lowers-nothing", "result"),
        ("stays-locked", "liveness"),
        ("end-looked-at-before-fetch", "fault"),
        ("leaves-with-a-verdict", "result"),
        ("unlocked-before-listing", "liveness"),
        ("counted-out-twice", "result"),
    ],
)
def test_an_attack_is_kept_and_replayed(
    bug: str, oracle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["prove", "--seed-bug", bug, "--attack", "--search-steps", SEARCH_STEPS]
    assert run([*asked, "--out", str(tmp_path), "--json"]) is ExitCode.DIFFER
    said = told(capsys)
    assert (said["verdict"], said["attack"], said["bug"]) == ("differ", "attacked", bug)
    assert said["difference"]["oracle"] == oracle
    assert 0.9 * said["steps"] <= said["moves"] <= said["steps"]
    (case,) = tmp_path.iterdir()
    assert said["case"] == str(case)
    assert len(case.read_text()) < 10_000
    with_bug, healthy = said["replay"]
    assert with_bug == f"{healthy} --seed-bug {bug}" == f"pel replay {case} --seed-bug {bug}"

    assert run(["replay", str(case), "--seed-bug", bug, "--json"]) is ExitCode.DIFFER
    assert told(capsys)["reproduced"]
    assert run(["replay", str(case)]) is ExitCode.AGREE
    assert f"add --seed-bug {bug}" in capsys.readouterr().out


def test_an_attack_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["prove", "--seed-bug", "no-retry", "--attack", "--out", str(tmp_path)]
    assert run(asked) is ExitCode.DIFFER
    said = capsys.readouterr().out
    assert said.startswith("no-retry: Who aborts does not see to it")
    assert "the text goes wrong (unfinished) on 2 transition(s)" in said
    assert "DIFFERENCE (liveness) in the block" in said
    assert "the healthy executor passes on the same block and schedule" in said
    case = tmp_path / "attack-no-retry.json"
    assert said.endswith(
        f"replay, with the bug: pel replay {case} --seed-bug no-retry\n"
        f"replay, without it:   pel replay {case}\n"
    )


def test_the_same_attack_each_time() -> None:
    done = attack("new-location-unnoticed", int(SEARCH_STEPS))
    assert done.verdict is Verdict.ATTACKED
    assert done.outcome is Outcome.WRONG
    assert done == attack("new-location-unnoticed", int(SEARCH_STEPS))
    assert done.case is not None
    assert next(harm(done.case, "new-location-unnoticed")) == done.difference
    assert list(harm(done.case, None)) == []


@pytest.mark.parametrize(
    ("bug", "code", "why"),
    [
        ("resume-keeps-incarnation", ExitCode.AGREE, "nothing to attack: everything is proved"),
        ("commits-out-of-order", ExitCode.INCONCLUSIVE, "the executor has no rolling commit"),
        ("stale-abort", ExitCode.INCONCLUSIVE, "no run of the text that goes wrong was found in"),
    ],
)
def test_where_there_is_no_attack_it_says_why(
    bug: str, code: ExitCode, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "none"
    asked = ["prove", "--seed-bug", bug, "--attack", "--search-steps", "2000", "--out", str(folder)]
    assert run(asked) is code
    assert why in capsys.readouterr().out
    assert run([*asked, "--json"]) is code
    said = told(capsys)
    assert (said["case"], said["difference"], said["replay"]) == (None, None, [])
    assert not folder.exists()


def test_runs_that_do_not_transfer_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the executor were healthy under the name of the bug."""
    monkeypatch.setattr("pel_fuzz.attack.planted", lambda name: planted(None))
    done = attack("no-retry", 5_000)
    assert done.verdict is Verdict.NO_TRANSFER
    assert done.bad_runs > 1
    assert done.text_runs > done.bad_runs
    assert done.case is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seed-bug", "nonsense", "--attack"], "no seeded bug of the text is called 'nonsense'"),
        (["--attack"], "--attack goes with --seed-bug"),
        (
            ["--seed-bug", "no-retry", "--attack", "--search-steps", "0"],
            "--attack needs steps: more than --search-steps 0",
        ),
    ],
)
def test_what_cannot_be_attacked(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", *arguments]) is ExitCode.BAD_INPUT
    assert complaint in capsys.readouterr().err


# ---- following ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BLOCKS), st.integers(2, 4), TURNS)
def test_the_executor_follows_every_run_of_the_text_step_by_step(
    block: Any, workers: int, turns: list[Turn]
) -> None:
    text = without_commits(text_with(None))
    moves = moves_of(text, BadRun(block, workers, tuple(turns), Outcome.RIGHT))
    followed = follow(block, workers, moves, 20_000)
    assert followed.made == followed.steps == len(moves)
    assert followed.run is not None
    assert agree(fold(block)[0], followed.run.result)


def test_moves_that_cannot_be_made_are_left_out() -> None:
    moves = ((0, "start_worker"), (1, "start_worker"), (0, "commit_next"), (0, "load_done"))
    nonsense = ((1, "cd_observe"),) * 3
    followed = follow(BLOCKS[0], 2, (*moves, *nonsense), 5 * MOST_BETWEEN + 500)
    assert followed.run is not None
    assert followed.made == 3  # and worker 1 is let go, as it does something else for so long


# ---- the case format ----------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_a_lenient_schedule_is_kept_as_one(strict: bool, tmp_path: Path) -> None:
    schedule = Switches(((-1, 0, 1), (1, 5, 0)), strict=strict)
    case = Case(BLOCKS[0], "tiny", 2, (schedule,))
    path = tmp_path / "case.json"
    write_case(path, case, None, None)
    assert read_case(path).case.interleavings == (schedule,)
    assert ("lenient" in json.loads(path.read_text())["choices"][0]) is not strict


def test_lenient_is_yes_or_no(tmp_path: Path) -> None:
    case = Case(BLOCKS[0], "tiny", 2, (Switches(()),))
    document = case_to_json(case, None, None)
    document["choices"] = [{"switches": [], "lenient": 1}]
    path = tmp_path / "case.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_case(path)
    assert caught.value.field == "choices[0].lenient"

"""The deliberately broken client of the tutorial: its bug is found and replayed, its log explains
it, and without the bug it agrees."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode

TOOL = Path(__file__).resolve().parents[2] / "examples" / "broken-client" / "t8n.py"
COMMAND = shlex.join((sys.executable, str(TOOL)))
SERVER = f"{COMMAND} --socket {{socket}}"
PROOF = ("--parallel-proof", "executed again")


def test_the_bug_is_found_replayed_and_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    drawn = ("--seed", "4", "--max-cases", "1", "--shrink-time", "0", "--jobs", "1")
    arguments = ["client", "check", "--server", SERVER, *drawn, *PROOF, "--out", str(out)]
    assert run([*arguments, "--json"]) is ExitCode.DIFFER
    told = json.loads(capsys.readouterr().out)
    (difference,) = told["differences"]
    assert difference["signature"] == "answer:accounts.storage:-"
    assert told["parallel"]["cases"] == 1
    case, log = told["kept"][0]["case"], tmp_path / "history.jsonl"
    again = ["client", "check", "--replay", case, "--command"]
    assert run([*again, f"{COMMAND} --history {shlex.quote(str(log))}"]) is ExitCode.DIFFER
    capsys.readouterr()
    assert run(["check", str(log), "--json"]) is ExitCode.DIFFER
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["preset_order"]["anomaly"] == "phantom" and verdict["some_order"]["holds"]
    assert run([*again, f"{COMMAND} --fixed"]) is ExitCode.AGREE
    assert "the recorded difference is gone" in capsys.readouterr().out


def test_without_the_bug_it_agrees(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    drawn = ("--seed", "4", "--max-cases", "4", "--out", str(tmp_path))
    arguments = ["client", "check", "--server", f"{SERVER} --fixed", *drawn, *PROOF]
    assert run(arguments) is ExitCode.AGREE
    assert "seen in 4 of 4 blocks" in capsys.readouterr().out

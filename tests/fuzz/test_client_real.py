"""Real transition tools, by their own interfaces: EELS always, geth where it has been built."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cli.app import run
from pel_fuzz.exit_codes import ExitCode


def checked(
    capsys: pytest.CaptureFixture[str], out: Path, *options: str
) -> tuple[ExitCode, dict[str, Any]]:
    """The verdict and the report of a short campaign."""
    words = ["client", "check", "--json", "--jobs", "1", "--out", str(out), "--shrink-time", "0"]
    code = run([*words, *options])
    return code, json.loads(capsys.readouterr().out)


def test_geth(capsys: pytest.CaptureFixture[str], tmp_path: Path, evm_command: str) -> None:
    command = f"{shlex.quote(evm_command)} t8n"
    code, report = checked(
        capsys, tmp_path, "--command", command, "--seed", "5", "--max-cases", "12"
    )
    assert code == ExitCode.AGREE, report["why"]
    assert report["compared"] == 12 and len(report["forks"]) > 4
    assert report["rejected"] > 10, "the tool is to reject what the reference rejects"
    assert report["roots_with_gaps"] == 0 and report["fields_never_seen"] == []


def test_eels_as_a_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, eels_command: str
) -> None:
    command = f"{shlex.quote(eels_command)} t8n"
    options = ("--small", "--fork", "Prague", "--seed", "2", "--max-cases", "2")
    code, report = checked(capsys, tmp_path, "--command", command, *options)
    assert code == ExitCode.AGREE, report["why"]
    assert report["compared"] == 2


def test_eels_as_a_server(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, eels_command: str
) -> None:
    """It is taken as it is: its roots count rejected transactions, and it gives fewer fields."""
    server = f"{shlex.quote(eels_command)} daemon --uds {{socket}} --timeout 0"
    options = ("--small", "--seed", "2", "--max-cases", "12", "--leave-out", "ommers")
    code, report = checked(capsys, tmp_path, "--server", server, *options)
    assert code == ExitCode.AGREE, report["why"]
    assert report["compared"] + sum(report["left_out"].values()) == 12
    assert set(report["left_out"]) <= {"Constantinople"}  # a fork that EELS does not have
    assert report["roots_with_gaps"] > 0
    assert "receipts.gas_used" in report["fields_never_seen"]


def test_the_ommers_of_eels(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, eels_command: str
) -> None:
    """A known fault of its tool, which reads fields of ommers that are not there: a finding, and
    no fork that it cannot be asked about."""
    server = f"{shlex.quote(eels_command)} daemon --uds {{socket}} --timeout 0"
    options = ("--small", "--seed", "3", "--max-cases", "4", "--fork", "London")
    code, report = checked(capsys, tmp_path, "--server", server, *options)
    assert code == ExitCode.DIFFER and report["unfit_forks"] == {}
    assert [each["signature"] for each in report["differences"]] == ["fault:refused:-"]
    assert report["failures"]["refused"] < report["cases"]
    kept = json.loads(Path(report["kept"][0]["case"]).read_text())
    assert "'Ommer' object has no attribute 'number'" in kept["client"]["errors"]

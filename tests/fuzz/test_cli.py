"""The commands, as a user meets them: output, exit codes, one clear line for bad input."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cases import Case, case_at
from pel_fuzz.cli.app import app, run
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.interleavings import Walk
from pel_fuzz.tiny import TinyBlock
from pel_parallel.errors import Deadlock
from pel_parallel.stress import OpcodeStress
from pel_reference.block import Block
from pel_reference.eels import EelsFailure
from pel_reference.triple import dump_triple


@pytest.fixture(scope="module")
def block() -> Block:
    for index in range(50):
        subject = case_at(3, index)[0].subject
        if isinstance(subject, Block) and subject.fork == "Prague":
            return subject
    raise AssertionError("no block of Prague among the first cases")


@pytest.fixture(autouse=True)
def brief_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found need not be as small as it can be here."""
    monkeypatch.setattr("pel_fuzz.findings.SHRINK_SECONDS", 2.0)


@pytest.fixture
def block_file(block: Block, tmp_path: Path) -> Path:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(dump_triple(block)))
    return path


def _json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"run", "diff", "fuzz", "replay", "check", "footprint", "convert"} <= set(app.commands)
    for name in app.commands:
        assert run([name, "--help"]) is ExitCode.AGREE
        assert "Usage: pel" in capsys.readouterr().out


@pytest.mark.parametrize("executor", ["reference", "fold", "optimistic"])
def test_run_prints_what_a_transition_tool_prints(
    executor: str, block_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", str(block_file), "--executor", executor, "--json"]) is ExitCode.AGREE
    result = _json(capsys)
    assert run(["run", str(block_file), "--json"]) is ExitCode.AGREE
    assert result == _json(capsys)
    assert {"stateRoot", "receiptsRoot", "logsBloom", "gasUsed", "rejected"} <= set(
        result["result"]
    )
    assert result["alloc"]


def test_run_takes_three_files_as_a_transition_tool_does(
    block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    triple = dump_triple(block)
    arguments = ["run", "--json", "--state.fork", block.fork]
    for part in ("alloc", "env", "txs"):
        path = tmp_path / f"{part}.json.gz"
        path.write_bytes(gzip.compress(json.dumps(triple[part]).encode()))
        arguments += [f"--input.{part}", str(path)]
    assert run(arguments) is ExitCode.AGREE
    assert _json(capsys)["result"]["receipts"]
    assert run(arguments[:-2]) is ExitCode.BAD_INPUT


def test_the_history_of_a_run_passes_the_check(
    block_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    arguments = ["run", str(block_file), "--history", str(path)]
    assert run([*arguments, "--executor", "optimistic"]) is ExitCode.AGREE
    capsys.readouterr()
    assert run(["check", str(path), "--json"]) is ExitCode.AGREE
    assert _json(capsys)["preset_order"] == {"holds": True}
    assert run(arguments) is ExitCode.BAD_INPUT


def test_a_history_and_a_trace_are_judged_together(
    block_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history, trace = tmp_path / "history.jsonl", tmp_path / "trace.jsonl"
    arguments = ["run", str(block_file), "--executor", "optimistic"]
    assert run([*arguments, "--history", str(history), "--trace", str(trace)]) is ExitCode.AGREE
    capsys.readouterr()
    both = ["check", str(history), "--trace", str(trace)]
    assert run([*both, "--json"]) is ExitCode.AGREE
    told = _json(capsys)
    assert told["history"]["verdict"] == "agree" and told["trace"]["verdict"] == "conforms"
    assert run(both) is ExitCode.AGREE
    assert "steps: conforms" in capsys.readouterr().out
    header, *steps = trace.read_text().splitlines()
    large = json.dumps(json.loads(header) | {"transitions": 1_000_000})
    trace.write_text("\n".join((large, *steps)) + "\n")
    assert run(both) is ExitCode.INCONCLUSIVE
    committed = '"event":"commit"'
    lines = history.read_text().replace(" ", "").splitlines()
    last = max(i for i, line in enumerate(lines) if committed in line)
    end = json.loads(lines[-1])
    lines[-1] = json.dumps(end | {"events": end["events"] - 1})
    history.write_text("\n".join(lines[:last] + lines[last + 1 :]) + "\n")
    assert run(both) is ExitCode.DIFFER
    assert "preset order: no" in capsys.readouterr().out


def test_the_trace_of_a_run_passes_the_check(
    block_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.jsonl"
    arguments = ["run", str(block_file), "--trace", str(path)]
    assert run([*arguments, "--executor", "optimistic"]) is ExitCode.AGREE
    capsys.readouterr()
    assert run(["check", "--trace", str(path), "--json"]) is ExitCode.AGREE
    told = _json(capsys)
    assert (told["verdict"], told["rules"]) == ("conforms", "block-stm")
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if '"val_fetch"' in line)
    step = json.loads(lines[number])
    lines[number] = json.dumps(step | {"observed": step["observed"] + 1})
    path.write_text("\n".join(lines) + "\n")
    assert run(["check", "--trace", str(path)]) is ExitCode.DIFFER
    assert "val_fetch on [val_idx]: observed differs" in capsys.readouterr().out
    lines[0] = json.dumps(json.loads(lines[0]) | {"transitions": 1_000_000})
    path.write_text("\n".join(lines) + "\n")
    assert run(["check", "--trace", str(path)]) is ExitCode.INCONCLUSIVE
    assert "too large to be replayed" in capsys.readouterr().out
    assert run(arguments) is ExitCode.BAD_INPUT


def test_run_says_when_the_file_expects_something_else(
    block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(dump_triple(block) | {"expected": {"gasUsed": "0x1"}}))
    assert run(["run", str(path)]) is ExitCode.DIFFER
    assert "expected gasUsed 0x1" in capsys.readouterr().err
    assert run(["diff", str(path), "--walks", "1"]) is ExitCode.DIFFER


@pytest.mark.parametrize("extra", [[], ["--threads"], ["--workers", "1"]])
def test_diff_finds_no_difference(
    extra: list[str], block_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", str(block_file), "--walks", "2", "--json", *extra]) is ExitCode.AGREE
    told = _json(capsys)
    assert told["verdict"] == "agree" and told["blocks"][0]["counters"]["runs"] == 2


def test_diff_of_an_unknown_fork_is_never_silent(
    block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(dump_triple(block) | {"fork": "Amsterdam"}))
    assert run(["diff", str(path)]) is ExitCode.INCONCLUSIVE
    assert "Amsterdam" in capsys.readouterr().out


def test_footprint_of_a_healthy_block(block_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["footprint", str(block_file), "--json"]) is ExitCode.AGREE
    told = _json(capsys)
    assert told["transitions"] > 8 and told["violations"] == []


def test_fuzz_finds_a_seeded_bug_and_the_case_replays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    arguments = ["fuzz", "--seed", "1", "--max-cases", "30", "--jobs", "1", "--out", str(out)]
    bug = ["--seed-bug", "no-estimate"]
    assert run([*arguments, *bug, "--json"]) is ExitCode.DIFFER
    kept, *_ = _json(capsys)["kept"]
    assert run(["replay", kept["case"], *bug]) is ExitCode.DIFFER
    assert "as recorded" in capsys.readouterr().out
    assert run(["replay", kept["as_found"], *bug]) is ExitCode.DIFFER
    capsys.readouterr()
    assert run(["replay", kept["case"]]) in (ExitCode.AGREE, ExitCode.INCONCLUSIVE)
    assert run([*arguments, "--json"]) is ExitCode.AGREE


def test_fuzz_tells_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fuzz", "--seed", "1", "--max-cases", "3", "--jobs", "1", "--out", str(tmp_path)]
    assert run(arguments) is ExitCode.AGREE
    told = capsys.readouterr()
    assert "seed 1" in told.err and "no difference" in told.out
    assert run([*arguments, "--seed-bug", "no-estimate"]) is ExitCode.DIFFER
    told = capsys.readouterr()
    assert "DIFFERENCE" in told.err and "pel replay" in told.err


def test_replay_of_a_healthy_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "case.json"
    write_case(path, case_at(1, 0)[0], None, None)
    assert run(["replay", str(path), "--json"]) is ExitCode.AGREE
    assert _json(capsys)["verdict"] == "agree"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fuzz", "--max-time", "soon"],
        ["fuzz", "--shard", "4/3"],
        ["fuzz", "--fork", "Utopia"],
        ["fuzz", "--fork", "Amsterdam"],
        ["fuzz", "--seed-bug", "none-such"],
        ["fuzz", "--max-cases", "0"],
        ["fuzz", "--threads"],
        ["fuzz", "--interleavings", "magic"],
        ["fuzz", "--interleavings", "exhaustive", "--fork", "Prague"],
        ["run"],
        ["diff"],
        ["diff", "no-such-file.json"],
        ["run", "no-such-file.json", "--executor", "magic"],
        ["replay", "no-such-file.json"],
        ["check", "no-such-file.jsonl"],
        ["footprint", "no-such-file.json"],
        ["convert", "no-such-file.json", "no-such-file.json"],
        ["no-such-command"],
    ],
)
def test_bad_usage_is_one_clear_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert told.strip() and "Traceback" not in told


def test_findings_that_cannot_be_kept_are_refused_before_the_campaign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    assert run(["fuzz", "--max-cases", "1", "--out", str(taken)]) is ExitCode.BAD_INPUT
    assert str(taken) in capsys.readouterr().err


def test_an_interrupted_shrink_leaves_the_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pel_fuzz.findings.shrink_finding", interrupt)
    arguments = ["fuzz", "--seed", "1", "--max-cases", "9", "--jobs", "1", "--out", str(tmp_path)]
    assert run([*arguments, "--seed-bug", "no-estimate", "--json"]) is ExitCode.INTERRUPTED
    kept, *_ = _json(capsys)["kept"]
    assert Path(kept["case"]).is_file()
    assert run(["replay", kept["case"], "--seed-bug", "no-estimate"]) is ExitCode.DIFFER


def test_a_finding_on_threads_is_never_said_to_be_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.json"
    case = Case(TinyBlock(()), "tiny", 2, (), threads=True)
    write_case(path, case, None, None)
    assert run(["replay", str(path), "--json"]) is ExitCode.INCONCLUSIVE
    assert _json(capsys)["verdict"] == "inconclusive"


def test_a_finding_between_instructions_is_seen_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only every other run in the stress lane is interrupted there."""

    def torn(*_: object) -> None:
        raise Deadlock({})

    path = tmp_path / "case.json"
    case = Case(TinyBlock(()), "tiny", 2, (Walk(0, 0.5),), threads=True)
    write_case(path, case, None, None)
    monkeypatch.setattr(OpcodeStress, "run", torn)
    assert run(["replay", str(path)]) is ExitCode.DIFFER


def test_eels_that_gives_no_verdict_is_no_agreement(
    block_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise EelsFailure("seeded")

    arguments = ["diff", str(block_file), "--walks", "1", "--oracle", "eels"]
    assert run(arguments) is ExitCode.AGREE
    monkeypatch.setattr("pel_fuzz.tiers.run_block_eels", fail)
    assert run(arguments) is ExitCode.INCONCLUSIVE
    assert "no verdict" in capsys.readouterr().out


def test_an_expectation_that_is_misspelt_is_refused(
    block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(dump_triple(block) | {"expected": {"stateroot": "0x01"}}))
    assert run(["diff", str(path)]) is ExitCode.BAD_INPUT
    assert "expected.stateroot" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["fuzz", "--seed", "1", "--max-cases", "2"]])
def test_a_reader_that_goes_away_is_no_difference(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from pel_fuzz.cli import main; main()", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() in (ExitCode.AGREE, ExitCode.INTERRUPTED)


def test_our_own_fault_is_never_a_difference(
    monkeypatch: pytest.MonkeyPatch, block_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("seeded")

    monkeypatch.setattr("pel_fuzz.cli.run.execute", fail)
    assert run(["run", str(block_file)]) is ExitCode.INTERNAL
    assert "our fault" in capsys.readouterr().err

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pel_fuzz.cli.run.execute", interrupt)
    assert run(["run", str(block_file)]) is ExitCode.INTERRUPTED

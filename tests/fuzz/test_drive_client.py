"""Processes that are driven: hostile ones end in time, with one clear line; and so the command."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cli.app import run as pel
from pel_fuzz.drive.campaign import DrivePlan
from pel_fuzz.drive.client import KEPT_ERRORS, Client
from pel_fuzz.drive.external import External, Made
from pel_fuzz.drive.failures import Babble, ClientFailure, Ended, NoAnswer, NoStart
from pel_fuzz.drive.messages import LONGEST_LINE
from pel_fuzz.drive.shrinking import shrink_driven
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.interleavings import Steered, Switches
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_parallel.errors import Drift

HELLO = 'print(\'{"pel":"drive","version":1}\', flush=True); input()\n'
WRONG = Difference(Oracle.RESULT, "outcome", "outcome", "right", "wrong")
SHORT, LONG = 0.4, 30.0
"""Seconds for one answer: for those who give none, and for those who do, on a busy machine."""

EXECUTOR = """
import json, sys, time

def say(**line):
    print(json.dumps(line), flush=True)

def right(block):
    from pel_fuzz.tiny import from_json
    from pel_spec.fold import fold
    block = from_json(block)
    memory, effects = fold(block)[0].memory, fold(block)[0].effects
    def value(*at):
        return memory[at][0] if at in memory else block.initial(at)
    cells = [value("cell", i) for i in range(len(block.initial_values))]
    pairs = [[value("pair", i, 0), value("pair", i, 1)] for i in range(2)]
    return {"cells": cells, "pairs": pairs, "outcomes": [each.outcome for each in effects]}

def wrong(block):
    outcomes = [["reverted"]] * len(block["programs"])
    return {"cells": block["initial"], "pairs": [[0, 0], [0, 0]], "outcomes": outcomes}

json.loads(input())
say(pel="drive", version=1, executor="python")
mode, runs = sys.argv[1], 0
for line in sys.stdin:
    order = json.loads(line)
    runs += 1
    third = "c" if mode == "moody" and runs % 2 else "b"
    left = [["a", third, "end"] for _ in range(order["workers"])]
    for worker, steps in enumerate(left):
        say(worker=worker, step=steps.pop(0))
    while any(left):
        worker = json.loads(input())["go"]
        if mode == "crash":
            sys.exit("lost my way")
        if mode == "hang":
            time.sleep(60)
        if mode == "babble":
            print("what?", flush=True)
        if mode == "twice":
            print('{"worker":0,"step":"x"}\\n{"worker":0,"step":"y"}', flush=True)
        if mode == "refuse":
            say(error="not today")
        say(worker=worker, step=left[worker].pop(0))
    say(result=(right if mode in ("right", "moody") else wrong)(order["block"]))
"""
"""Each worker takes the same two steps, whatever the block; its argument says what goes wrong."""


def command(script: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", script, *arguments])


def bare(script: str, *arguments: str) -> str:
    """As fast as Python starts."""
    return shlex.join([sys.executable, "-I", "-S", "-c", script, *arguments])


def asked(script: str, seconds: float, note: Callable[[str, bytes], None] | None = None) -> bytes:
    """What a process answers to one line."""
    with Client(bare(HELLO + script), seconds, note) as client:
        client.send(b"{}\n")
        return client.receive()


def test_lines_go_there_and_come_back() -> None:
    noted: list[tuple[str, bytes]] = []
    script = "input(); print('{\"answer\":1}')"
    answered = asked(script, LONG, lambda mark, line: noted.append((mark, line)))
    assert answered == b'{"answer":1}'
    assert [mark for mark, _ in noted] == ["> ", "< ", "> ", "< "]


@pytest.mark.parametrize(
    ("script", "kind", "problem"),
    [
        ("import time; time.sleep(60)", NoAnswer, "did not answer in 0.4 s"),
        ("import sys; sys.exit('oh no')", Ended, r"in the middle \(exit status 1\)\n\| oh no"),
        ("import os; os.kill(os.getpid(), 11)", Ended, r"ended in the middle \(signal 11\)"),
        ("import os, time; os.close(1); time.sleep(60)", Ended, "says no more, but its process"),
        (f"print('x' * {LONGEST_LINE + 2})", Babble, "line 2 of its answers: longer than"),
        (f"print('x' * {10 * LONGEST_LINE}, end='')", Babble, "line 2 of its answers: longer"),
        ("import sys\nwhile True: sys.stderr.write('!' * 9999)", NoAnswer, "did not answer"),
        ("import os, time; os.close(2); time.sleep(60)", NoAnswer, "did not answer"),
    ],
)
def test_a_hostile_process_ends_in_time(
    script: str, kind: type[ClientFailure], problem: str
) -> None:
    begin = time.monotonic()
    with pytest.raises(kind, match=problem) as caught:
        asked(script, SHORT if kind is NoAnswer else LONG)
    assert time.monotonic() - begin < 20
    assert len(caught.value.errors) <= KEPT_ERRORS


ORPHAN = """
if os.fork():
    os._exit(7)
time.sleep(60)
"""


def test_a_process_that_ends_while_its_child_holds_the_pipe_has_ended() -> None:
    with pytest.raises(Ended, match=r"ended in the middle \(exit status 7\)"):
        asked(f"import os, time; {ORPHAN}", SHORT)


def test_the_end_of_a_launcher_is_no_verdict() -> None:
    hello = "while os.getppid() == started: time.sleep(0.01)\n" + HELLO
    launched = ORPHAN.replace("time.sleep(60)", f"{hello}time.sleep(60)")
    script = f"import os, time; started = os.getpid(); {launched}"
    with Client(bare(script), SHORT) as client:
        client.begin_run()
        client.send(b"{}\n")
        with pytest.raises(NoAnswer, match="did not answer"):
            client.receive()


def test_a_process_that_is_slow_at_every_step_ends_in_time() -> None:
    script = "import time\nwhile True: print('{}', flush=True); time.sleep(0.05)"
    with Client(bare(HELLO + script), 0.2) as client:
        client.send(b"{}\n")
        client.begin_run()
        with pytest.raises(NoAnswer, match=r"did not end the run in 1\.2 s"):
            while True:
                client.receive()


@pytest.mark.parametrize("before", ["pass", "time.sleep(0.1); os.close(2)"])
def test_a_process_that_does_not_read_ends_in_time(before: str) -> None:
    script = f"import os, time; {before}; time.sleep(60)"
    problem = r"did not read in 0\.4 s"
    with Client(bare(HELLO + script), SHORT) as client, pytest.raises(NoAnswer, match=problem):
        client.send(b"x" * (1 << 20) + b"\n")


def test_whatever_it_has_started_ends_with_it() -> None:
    script = (
        "import os, time\n"
        "child = os.fork()\n"
        "if child: print('{\"child\":%d}' % child, flush=True)\n"
        "time.sleep(60)"
    )
    child = json.loads(asked(script, LONG))["child"]
    for _ in range(200):
        state = Path(f"/proc/{child}/stat")
        gone = not state.exists() or state.read_text().split()[2] == "Z"
        if gone:
            break
        time.sleep(0.02)
    assert gone


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no-such-program --drive", "cannot be run"),
        ("'", "cannot be run"),
        ("", "cannot be run"),
        (bare("input(); print('hello')"), "line 1 of its answers: not JSON"),
        (bare('input(); print(\'{"pel":"drive","version":2}\')'), "version: this is version 1"),
        (bare('input(); print(\'{"pel":"drive","version":1,"x":1}\')'), "x: is not a field here"),
        (bare('input(); print(\'{"error":"version 2 only"}\')'), "it says: version 2 only"),
        (
            bare("input(); raise SystemExit('not now')"),
            r"ended in the middle \(exit status 1\)\n\| not now",
        ),
    ],
)
def test_what_does_not_start_is_the_users_mistake(line: str, problem: str) -> None:
    with pytest.raises(NoStart, match=problem):
        Client(line)


# ---- the command ----------------------------------------------------------------------------


def drive(tmp_path: Path, mode: str, *options: str) -> ExitCode:
    start = command if mode in ("right", "moody") else bare
    run = start(EXECUTOR, mode)
    seconds = SHORT if mode == "hang" else LONG
    fixed = ["--answer-time", f"{seconds}s"]
    if "--replay" not in options:
        fixed += ["--seed", "1", "--max-runs", "5", "--out", str(tmp_path)]
    return pel(["client", "drive", "--command", run, *fixed, *options])


def test_a_right_executor_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drive(tmp_path, "right", "--json", "--max-runs", "30") == ExitCode.AGREE
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "agree"
    assert report["counters"]["runs"] >= 30
    assert report["counters"]["starts"] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "code", "problem"),
    [
        ("crash", ExitCode.DIFFER, "ended in the middle (exit status 1)"),
        ("refuse", ExitCode.DIFFER, "it says: not today"),
        ("wrong", ExitCode.DIFFER, "outcome"),
        ("hang", ExitCode.INCONCLUSIVE, "did not answer in 0.4 s"),
        ("moody", ExitCode.INCONCLUSIVE, "nondeterminism"),
        ("babble", ExitCode.BAD_INPUT, "of its answers: not JSON"),
        ("twice", ExitCode.BAD_INPUT, "before it says more"),
    ],
)
def test_each_failure_has_its_exit_code_and_its_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, code: ExitCode, problem: str
) -> None:
    assert drive(tmp_path, mode) == code
    told = capsys.readouterr()
    assert problem in told.err + told.out
    assert ("NO VERDICT" in told.err) == (code in (ExitCode.INCONCLUSIVE, ExitCode.BAD_INPUT))
    kept = sorted(tmp_path.glob("*found.json"))
    assert len(kept) == 1
    assert json.loads(kept[0].read_text())["lane"] == "external"
    if mode != "moody":
        assert drive(tmp_path, mode, "--replay", str(kept[0])) == code


@pytest.mark.parametrize(("seconds", "stages"), [("0", ["found"]), ("5s", ["found", "small"])])
def test_a_finding_is_shrunk_for_as_long_as_it_may_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: str, stages: list[str]
) -> None:
    assert drive(tmp_path, "wrong", "--shrink-time", seconds, "--json") == ExitCode.DIFFER
    kept = sorted(path.stem.rpartition("-")[2] for path in tmp_path.iterdir())
    assert kept == stages
    assert Path(json.loads(capsys.readouterr().out)["case"]).stem.endswith(stages[-1])


def test_an_interruption_ends_the_shrinking_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pel_fuzz.cli.driving.shrink_driven", interrupted)
    assert drive(tmp_path, "wrong") == ExitCode.INTERRUPTED
    told = capsys.readouterr()
    (kept,) = tmp_path.iterdir()
    assert "DIFFERENCE (result)" in told.err and "kept as it was found" in told.err
    assert f"--replay {shlex.quote(str(kept))}" in told.err
    assert "INTERRUPTED: interrupted after 1 runs" in told.out
    assert drive(tmp_path, "wrong", "--json") == ExitCode.INTERRUPTED
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["case"]) == ("interrupted", str(kept))


def test_a_command_that_cannot_be_run_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["client", "drive", "--command", "no-such-program", "--out", str(tmp_path)]
    assert pel(arguments) == ExitCode.BAD_INPUT
    assert "no-such-program: cannot be run" in capsys.readouterr().err


def test_usage_that_means_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert pel(["client", "drive", "--command", " "]) == ExitCode.BAD_INPUT
    assert "--command is empty" in capsys.readouterr().err
    assert pel(["client", "drive", "--command", "true", "--step"]) == ExitCode.BAD_INPUT
    assert "--step goes with --replay" in capsys.readouterr().err
    for option in ("--seed", "--max-runs", "--max-time", "--workers", "--shrink-time", "--out"):
        arguments = ["--command", "true", "--replay", "x.json", "--answer-time", "5", option, "3"]
        assert pel(["client", "drive", *arguments]) == ExitCode.BAD_INPUT
        assert f"--replay goes without {option}\n" in capsys.readouterr().err


def test_cases_of_others_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive(tmp_path, "refuse")
    (kept,) = tmp_path.glob("*found.json")
    assert pel(["replay", str(kept)]) == ExitCode.BAD_INPUT
    assert "pel client drive" in capsys.readouterr().err
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps(document | {"lane": "controlled"}))
    assert drive(tmp_path, "refuse", "--replay", str(kept)) == ExitCode.BAD_INPUT
    kept.write_text(json.dumps(document | {"kind": "evm"}))
    assert drive(tmp_path, "refuse", "--replay", str(kept)) == ExitCode.BAD_INPUT
    assert "lane" in capsys.readouterr().err


def test_a_schedule_that_does_not_fit_is_inconclusive(tmp_path: Path) -> None:
    drive(tmp_path, "wrong")
    (kept,) = tmp_path.glob("*found.json")
    document = json.loads(kept.read_text()) | {"choices": [{"switches": [[0, 99, 1]]}]}
    kept.write_text(json.dumps(document))
    assert drive(tmp_path, "wrong", "--replay", str(kept)) == ExitCode.INCONCLUSIVE


def test_what_a_replay_says_is_what_was_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(tmp_path, "wrong")
    (kept,) = tmp_path.glob("*found.json")
    document = json.loads(kept.read_text())

    def told(mode: str, choices: list[Any], **more: Any) -> tuple[ExitCode, list[str]]:
        kept.write_text(json.dumps(document | {"choices": choices} | more))
        capsys.readouterr()
        given = ["--command", command(EXECUTOR, mode), "--replay", str(kept)]
        code = pel(["client", "drive", *given])
        return code, capsys.readouterr().out.splitlines()

    fits, drifts = {"switches": []}, {"switches": [[0, 99, 1]]}
    for choices in ([fits, drifts], [drifts, fits]):  # a difference is not hidden by drift
        code, (*_, drift, last) = told("wrong", choices)
        assert code == ExitCode.DIFFER and last == "as recorded"
        assert "some do not fit this executor" in drift and "step 99 of worker 0" in drift
    code, (*_, last) = told("wrong", [fits], expected=None)
    assert code == ExitCode.DIFFER and last == "a difference; none was recorded"
    code, (last,) = told("wrong", [])
    assert code == ExitCode.INCONCLUSIVE and last.endswith("choices is empty: nothing was run")
    code, (last,) = told("right", [fits])
    assert code == ExitCode.AGREE and "is gone" in last


class Fickle(External):
    """Wrong in every run, and no schedule that must fit does so twice."""

    def run(self, block: TinyBlock, workers: int, steered: Steered) -> Made:
        self.runs += 1
        if self.runs > 1 and isinstance(steered, Switches) and steered.strict:
            raise Drift("seeded")
        return Made(WRONG, None, (), (), 0)


def test_what_drifts_when_it_is_small_is_kept_as_it_was_found() -> None:
    case, choices = DrivePlan(seed=1, max_runs=1).case_at(0)
    case = replace(case, interleavings=(Switches(()),))
    with Fickle("never started") as external:
        small = shrink_driven(external, case, WRONG.signature, choices, 0.5, 20)
    assert small.difference is None

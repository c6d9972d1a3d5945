"""Hostile processes: none hangs, harms, or outlives the harness."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from pel_fuzz.client.running.failures import (
    BadStatus,
    Killed,
    NoStart,
    Stopped,
    TooLate,
    TooManyProcesses,
    TooMuchMemory,
    TooMuchOutput,
    ended_badly,
)
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.process import Process, cut, run_process

LIMITS = Limits(seconds=20.0, memory_bytes=1 << 30, output_bytes=1 << 20, errors_bytes=1000)


def script(folder: Path, text: str) -> list[str]:
    """A command that runs a Python program."""
    path = folder / "client.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, "-I", "-S", str(path)]


def alive(mark: str) -> list[psutil.Process]:
    """The processes with this text on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def test_a_process_that_behaves(tmp_path: Path) -> None:
    text = "import sys\nprint(sys.stdin.read().upper())\nprint('why', file=sys.stderr)\nsys.exit(3)"
    ended = run_process(script(tmp_path, text), cwd=tmp_path, limits=LIMITS, stdin=b"what")
    assert (ended.status, ended.output, ended.errors) == (3, b"WHAT\n", "why")
    assert ended.log == b"why\n" and 0 < ended.seconds < LIMITS.seconds


def test_it_runs_where_it_should_with_what_it_should(tmp_path: Path) -> None:
    text = "import os\nprint(os.getcwd(), os.environ['TMPDIR'], os.getpid() == os.getsid(0))"
    command = script(tmp_path, text)
    ended = run_process(command, cwd=tmp_path, limits=LIMITS, environment={"TMPDIR": "there"})
    assert ended.output.split() == [os.fsencode(tmp_path.resolve()), b"there", b"True"]


@pytest.mark.parametrize("argv", [["no-such-command-at-all"], ["/"], [""], ["a\0b"]])
def test_a_command_that_cannot_be_run(tmp_path: Path, argv: list[str]) -> None:
    with pytest.raises(NoStart, match="cannot be run"):
        run_process(argv, cwd=tmp_path, limits=LIMITS)


def test_a_process_that_ignores_being_asked_to_end(tmp_path: Path) -> None:
    text = (
        "import signal, sys, time\n"
        "for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "    signal.signal(each, signal.SIG_IGN)\n"
        "print('last words', file=sys.stderr, flush=True)\n"
        "time.sleep(60)"
    )
    start = time.monotonic()
    with pytest.raises(TooLate) as raised:
        run_process(script(tmp_path, text), cwd=tmp_path, limits=Limits(seconds=0.5))
    assert time.monotonic() - start < 10
    assert raised.value.errors == "last words" and not raised.value.is_verdict


def test_a_process_that_closes_its_output_and_goes_on(tmp_path: Path) -> None:
    text = "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)"
    with pytest.raises(TooLate):
        run_process(script(tmp_path, text), cwd=tmp_path, limits=Limits(seconds=0.5))


def test_a_child_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys\n"
        "sleep = 'import time; time.sleep(60)'\n"
        "subprocess.Popen([sys.executable, '-I', '-S', '-c', sleep, 'held-open'])\n"
        "print('done')"
    )
    start = time.monotonic()
    ended = run_process(script(tmp_path, text), cwd=tmp_path, limits=LIMITS)
    assert ended.output == b"done\n" and time.monotonic() - start < 10
    assert alive("held-open") == []


DETACHING = """
import os, sys, time
def detach(depth):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, 3)
    sleep = "import sys, time; sys.argv; time.sleep(60)"
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", sleep, sys.argv[2]])
for depth in range(4):
    detach(depth)
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize("seconds", ["0", "0.5", "60"])
def test_children_that_leave_group_session_and_parent_end_too(tmp_path: Path, seconds: str) -> None:
    command = [*script(tmp_path, DETACHING), seconds, str(tmp_path)]
    try:
        run_process(command, cwd=tmp_path, limits=Limits(seconds=1.0))
    except TooLate:
        assert seconds == "60"
    assert alive(str(tmp_path)) == []


def test_what_it_has_started_ends_also_when_we_fail(tmp_path: Path) -> None:
    started = Process(
        [*script(tmp_path, DETACHING), "60", str(tmp_path)], cwd=tmp_path, limits=LIMITS
    )
    with pytest.raises(RuntimeError, match="ours"), started as process:
        while not alive(str(tmp_path)):
            process.listen(0.05)
        raise RuntimeError("ours")
    assert alive(str(tmp_path)) == []


def test_a_bomb_of_processes(tmp_path: Path) -> None:
    text = (
        "import os, time\n"
        "for _ in range(60):\n"
        "    if not os.fork():\n"
        "        os.setsid()\n"
        "        time.sleep(60)\n"
        "time.sleep(60)"
    )
    with pytest.raises(TooManyProcesses) as raised:
        run_process(script(tmp_path, text), cwd=tmp_path, limits=Limits(processes=20))
    assert raised.value.kind == "processes" and not raised.value.is_verdict
    assert alive(str(tmp_path / "client.py")) == []


def test_a_process_that_takes_all_memory(tmp_path: Path) -> None:
    text = (
        "import os, time\n"
        "if not os.fork():\n"
        "    os.setsid()\n"
        "    kept = [bytearray(1 << 20) for _ in range(200)]\n"
        "time.sleep(60)"
    )
    with pytest.raises(TooMuchMemory):
        run_process(script(tmp_path, text), cwd=tmp_path, limits=Limits(memory_bytes=100 << 20))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_endless_output(tmp_path: Path, stream: str) -> None:
    text = f"import sys\nwhile True:\n    sys.{stream}.write('x' * 65536)"
    with pytest.raises(TooMuchOutput) as raised:
        run_process(script(tmp_path, text), cwd=tmp_path, limits=LIMITS)
    assert len(raised.value.errors) < 1100


def test_a_file_without_end(tmp_path: Path) -> None:
    text = "with open('large', 'wb') as file:\n    while True:\n        file.write(bytes(65536))"
    with pytest.raises(TooMuchOutput):  # also if it sees the error itself, and ends by that
        run_process(script(tmp_path, text), cwd=tmp_path, limits=LIMITS, folder=tmp_path)
    assert (tmp_path / "large").stat().st_size <= LIMITS.output_bytes


def test_a_folder_that_is_filled(tmp_path: Path) -> None:
    text = (
        "import time\n"
        "for number in range(40):\n"
        "    with open(f'file-{number}', 'wb') as file:\n"
        "        file.write(bytes(65536))\n"
        "time.sleep(60)"
    )
    with pytest.raises(TooMuchOutput, match="folder"):
        run_process(script(tmp_path, text), cwd=tmp_path, limits=LIMITS, folder=tmp_path)


def test_giving_up_is_nobodys_failure(tmp_path: Path) -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(Stopped):
        run_process(
            script(tmp_path, "import time\ntime.sleep(60)"), cwd=tmp_path, limits=LIMITS, stop=stop
        )


def test_what_a_status_says() -> None:
    exit_3, crash, odd = (ended_badly(status, "why") for status in (3, -11, -99))
    assert ended_badly(0, "").kind == "exit.0", "a server may end so, in the middle of a block"
    assert isinstance(exit_3, BadStatus) and isinstance(crash, Killed)
    assert [failure.kind for failure in (exit_3, crash, odd)] == [
        "exit.3",
        "signal.SIGSEGV",
        "signal.99",
    ]
    assert all(failure.is_verdict and failure.errors == "why" for failure in (exit_3, crash, odd))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_others_end_is_no_verdict(number: int) -> None:
    failure = ended_badly(-number, "why")
    assert (failure.kind, failure.is_verdict, failure.errors) == ("killed", False, "why")


def test_a_log_is_harmless_on_a_terminal() -> None:
    assert (
        cut(b"\x1b[2Jone\n\ttwo\x00\xff\xed\xa0\x80", 100) == "\ufffd[2Jone\n\ttwo" + "\ufffd" * 5
    )


def test_a_long_log_keeps_both_ends() -> None:
    told = cut(b"first " + b"x" * 5000 + b" last", 100)
    assert told.startswith("first ") and told.endswith(" last")
    assert "4911 bytes left out" in told
    assert cut(b"\xff short ", 100) == "\ufffd short"

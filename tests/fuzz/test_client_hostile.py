"""`pel client check` against tools that crash, hang, babble or attack: the campaign goes on."""

import json
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

import psutil
import pytest

from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case

Tool: TypeAlias = Callable[[str], str]
Check: TypeAlias = Any

RIGHT = "write(right())"
SILENT = {
    "timeout": "time.sleep(60)",
    "garbage": "print('panic!')",
    "garbage: a symbolic link": "os.symlink('/etc/passwd', result_path)",
    "garbage: a pipe": "os.mkfifo(result_path)",
    "garbage: a folder": "os.mkdir(result_path)",
    "garbage: deep": "open(result_path, 'w').write('[' * 100000)",
    "garbage: huge": "open(result_path, 'w').write('{\"gasUsed\": ' + '9' * 100000 + '}')",
    "garbage: only an alloc": "json.dump({}, open(post_path, 'w'))",
    "garbage: no folder": "os.rename(base, base + '2')",
    "twice: in one file": "write(right())\nopen(result_path, 'a').write('{}')",
    "twice: in two places": "said = right()\nwrite(said)\nprint(json.dumps(said))",
    "output: endless": "while True:\n    sys.stdout.write('x' * 65536)",
    "output: files": "said = right()\nfor i in range(90):\n"
    "    open(base + '/f' + str(i), 'wb').write(bytes(1 << 20))\ntime.sleep(60)",
    "output: deep folders": "os.chdir(base)\nfor i in range(30):\n"
    "    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\ntime.sleep(60)",
    "memory": "kept = bytearray(1 << 29)\ntime.sleep(60)",
}


@pytest.mark.parametrize("name", SILENT)
def test_a_tool_that_gives_no_verdict(check: Check, tool: Tool, name: str) -> None:
    hostile = tool(f"print('its words', file=sys.stderr, flush=True)\n{SILENT[name]}")
    limits = ("--case-time", "1s" if name == "timeout" else "30s", "--case-memory", "300M")
    report = check("--command", hostile, *limits)
    kind = name.partition(":")[0]
    assert check.code == ExitCode.INCONCLUSIVE, "a failure looks like a difference"
    assert report["failures"] == {kind: 2}, "the campaign goes on"
    assert report["why"] == f"no verdict on 2 block(s): {kind} 2"
    (path,) = check.kept()
    assert json.loads(path.read_text())["client"]["errors"] == "its words"
    assert read_case(path).signature == f"client:{kind}:-"
    left = [p for p in psutil.process_iter(["cmdline"]) if "tool.py" in str(p.info["cmdline"])]
    assert not [p for p in left if str(check.out.parent) in str(p.info["cmdline"])]


CRASHES = {
    "exit.7": "sys.exit(7)",
    "signal.SIGSEGV": "os.kill(os.getpid(), signal.SIGSEGV)",
    "signal.SIGABRT": "os.abort()",
}


@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_is_a_finding_and_the_campaign_goes_on(check: Check, tool: Tool, kind: str) -> None:
    """It fails where there are transactions, and not on a plain block."""
    crashing = tool(f"if parts['txs']:\n    {CRASHES[kind]}\n{RIGHT}")
    report = check("--command", crashing)
    assert check.code == ExitCode.DIFFER and report["failures"] == {kind: 2}
    assert report["differences"][0]["signature"] == f"fault:{kind}:-"
    assert report["differences"][0]["cases"] == 2


def test_words_that_no_terminal_can_show(check: Check, tool: Tool) -> None:
    out = check.run(
        *("client", "check", "--max-cases", "1", "--fork", "Prague", "--small", "--jobs", "1"),
        *("--out", str(check.out), "--command"),
        tool("print(json.dumps({'error': '\\ud800 \x1b[2J'}))"),
    )
    assert check.code == ExitCode.BAD_INPUT and "\ufffd \ufffd[2J" in out


def test_empty_answers_are_no_agreement(check: Check, tool: Tool) -> None:
    """It is right once, and says nothing afterwards."""
    flag = check.out.parent / "asked"
    lazy = tool(
        f"if os.path.exists({str(flag)!r}):\n    print('{{\"result\": {{}}}}')\n"
        f"else:\n    open({str(flag)!r}, 'w').close()\n    {RIGHT}"
    )
    report = check("--command", lazy, cases=3)
    assert check.code == ExitCode.INCONCLUSIVE
    assert report["compared"] == 1 and report["failures"] == {"garbage": 2}


def test_a_fork_that_fails_at_times_is_not_left_out_in_silence(check: Check, tool: Tool) -> None:
    """It is right once, and fails afterwards, also on plain blocks."""
    flag = check.out.parent / "asked"
    dying = tool(
        f"if os.path.exists({str(flag)!r}):\n    sys.exit(7)\n"
        f"open({str(flag)!r}, 'w').close()\n{RIGHT}"
    )
    report = check("--command", dying, cases=3)
    assert check.code == ExitCode.INCONCLUSIVE and "2 block(s) left out" in report["why"]
    assert report["left_out"] == {"Shanghai": 2} and report["compared"] == 1


def test_nobody_at_the_address(check: Check) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        report = check("--url", f"http://127.0.0.1:{nobody.getsockname()[1]}/", cases=9)
    assert check.code == ExitCode.INCONCLUSIVE and report["failures"] == {"unreachable": 3}


def test_a_command_that_is_none(check: Check) -> None:
    for command in ("no-such-tool-anywhere", "", "'unbalanced"):
        check.run("client", "check", "--command", command, "--out", str(check.out))
        assert check.code == ExitCode.BAD_INPUT
    for options in ((), ("--command", "a", "--url", "http://b/"), ("--server", "no-place")):
        check.run("client", "check", *options, "--out", str(check.out))
        assert check.code == ExitCode.BAD_INPUT
    for words in (("--url", "b"), ("--url", "http://b/", "--parallel-proof", "x")):
        check.run("client", "check", *words, "--out", str(check.out))
        assert check.code == ExitCode.BAD_INPUT

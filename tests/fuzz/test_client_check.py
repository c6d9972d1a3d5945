"""`pel client check` from end to end, against tools that are right, wrong, or hostile.

The tools are small programs. What is right they ask of a server in this process, which runs our
reference; then they spoil it.
"""

import json
import shlex
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from pel_fuzz.cli.app import run
from pel_fuzz.client import campaign
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.t8n_result import dump_transition
from pel_reference.triple import parse_block

Tool = Callable[..., str]


@cache
def right_answer(asked: bytes) -> bytes:
    """What the reference says; the tests ask for the same blocks again and again."""
    block = parse_block(Field("asked", "", json.loads(asked)))
    return json.dumps(dump_transition(block, run_block(block))).encode()


drawn_at = cache(campaign.client_block_at)


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that are drawn in this process are drawn once."""
    monkeypatch.setattr(campaign, "client_block_at", drawn_at)


class _Oracle(BaseHTTPRequestHandler):
    """Answers as a transition tool's server does, by the reference."""

    def do_POST(self) -> None:
        body = right_answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def oracle() -> Iterator[str]:
    """The address of a server that is right."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Oracle)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


TOOL = """
import json, os, signal, sys, time, urllib.request
ORACLE = {oracle!r}
given = dict(word[2:].split("=", 1) for word in sys.argv[1:])
def load(name):
    with open(given["input." + name]) as file:
        return json.load(file)
state = {{"fork": given["state.fork"], "chainid": int(given["state.chainid"]),
         "reward": int(given["state.reward"])}}
parts = {{name: load(name) for name in ("alloc", "env", "txs")}}
def right():
    asked = json.dumps({{"state": state, "input": parts}}).encode()
    with urllib.request.urlopen(urllib.request.Request(ORACLE, asked)) as answer:
        return json.load(answer)
base = given["output.basedir"]
result_path = os.path.join(base, given["output.result"])
post_path = os.path.join(base, given["output.alloc"])
def write(said):
    with open(result_path, "w") as file:
        json.dump(said["result"], file)
    with open(post_path, "w") as file:
        json.dump(said["alloc"], file)
{body}
"""


@pytest.fixture
def tool(tmp_path: Path, oracle: str) -> Tool:
    """Makes a command of a transition tool that does what it is told to."""

    def make(body: str) -> str:
        path = tmp_path / "tool.py"
        text = TOOL.format(oracle=oracle, body=textwrap.dedent(body))
        path.write_text(text, encoding="utf-8")
        return shlex.join([sys.executable, "-I", "-S", str(path)])

    return make


class Check:
    """Runs `pel client check`, and keeps what it said."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out, self._capsys = out, capsys
        self.told, self.code = "", ExitCode.INTERNAL

    def __call__(self, *options: str, cases: int = 2) -> dict[str, Any]:
        """The report, of a campaign over small Shanghai blocks unless told otherwise."""
        words = ["client", "check", "--json", "--jobs", "1", "--seed", "5", "--small"]
        words += ["--max-cases", str(cases), "--out", str(self.out), "--shrink-time", "0"]
        words += [] if "--fork" in options else ["--fork", "Shanghai"]
        return json.loads(self.run(*words, *options))

    def run(self, *words: str) -> str:
        """A command's standard output."""
        self.code = run(list(words))
        captured = self._capsys.readouterr()
        self.told = captured.err
        return captured.out

    def kept(self) -> list[Path]:
        """The case files."""
        return sorted(self.out.glob("*.json"))


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """The command, with findings in a folder of its own."""
    return Check(tmp_path / "findings", capsys)


RIGHT = "write(right())"

# ---- campaigns ------------------------------------------------------------------------------


def test_a_tool_that_is_right(check: Check, tool: Tool) -> None:
    report = check("--command", tool(RIGHT), cases=3)
    assert check.code == ExitCode.AGREE
    assert (report["verdict"], report["cases"], report["compared"]) == ("agree", 3, 3)
    assert report["forks"] == {"Shanghai": 3} and report["transactions"] > 24
    assert report["fields"]["alloc"] == 3 and report["fields_never_seen"] == []
    assert report["parallel"] == {"proof": None, "seen": "unknown", "cases": None}
    assert not check.kept()


def test_the_report_says_that_it_is_unknown_whether_it_was_parallel(
    check: Check, tool: Tool
) -> None:
    out = check.run(
        *("client", "check", "--command", tool(RIGHT), "--max-cases", "1", "--fork", "Prague"),
        *("--small", "--jobs", "1", "--out", str(check.out)),
    )
    assert "parallel   unknown" in out and "AGREE" in out
    seed = check.told.splitlines()[0].split("seed ")[1].split(",")[0]
    assert f"--seed {seed} --fork Prague --small --start 1" in out


def test_several_clients_at_once_say_the_same(check: Check, tool: Tool) -> None:
    spoil = "said = right()\nsaid['result']['gasUsed'] = '0x1'\nwrite(said)"
    one = check("--command", tool(spoil), "--keep-going", "--start", "3", cases=4)
    two = check("--command", tool(spoil), "--keep-going", "--start", "3", "--jobs", "2", cases=4)
    for report in (one, two):
        del report["client_seconds"], report["kept"]
    assert one == two and one["differences"][0]["cases"] == 4


def test_shards_share_the_blocks(check: Check, tool: Tool) -> None:
    command = tool(RIGHT)
    whole = check("--command", command, cases=4)
    parts = [check("--command", command, "--shard", f"{i}/2", cases=2) for i in (1, 2)]
    assert sum(part["gas_used"] for part in parts) == whole["gas_used"]
    assert parts[0]["next_index"] == 4 and "--shard 1/2" in parts[0]["resume"]


FAULTS = {
    "answer:receipts.status:-": "r = said['result']['receipts'][2]\n"
    "r['status'] = hex(1 - int(r['status'], 16))",
    "answer:receipts.cumulative_gas_used:-": "r = said['result']['receipts'][-1]\n"
    "r['cumulativeGasUsed'] = '0x7'",
    "answer:accounts.balance:-": "next(iter(said['alloc'].values()))['balance'] = '0x7'",
    "answer:accounts.missing:-": "said['alloc'].popitem()",
    "answer:accounts.extra:-": "said['alloc']['0x' + '7' * 40] = {'balance': '0x7'}",
    "answer:rejected.extra:-": "said['result']['receipts'].pop(0)\n"
    "was = {r['index'] for r in said['result']['rejected']}\n"
    "first = min(set(range(len(parts['txs']))) - was)\n"
    "said['result']['rejected'].append({'index': first, 'error': ''})",
    "answer:state_root:-": "said['result']['stateRoot'] = '0x' + '7' * 64",
}


@pytest.mark.parametrize("signature", FAULTS)
def test_a_wrong_tool_is_found_and_its_case_replays(
    check: Check, tool: Tool, signature: str
) -> None:
    wrong = tool(f"said = right()\n{FAULTS[signature]}\nwrite(said)")
    report = check("--command", wrong)
    assert check.code == ExitCode.DIFFER and report["cases"] == 1
    (found,) = report["differences"]
    assert found["signature"] == signature
    (path,) = check.kept()
    kept = read_case(path)
    assert kept.signature == signature and kept.case.client
    out = check.run("client", "check", "--command", wrong, "--replay", str(path))
    assert check.code == ExitCode.DIFFER and "as recorded" in out
    out = check.run("client", "check", "--command", tool(RIGHT), "--replay", str(path))
    assert check.code == ExitCode.AGREE and "is gone" in out
    assert check.run("replay", str(path)) == "" and check.code == ExitCode.BAD_INPUT
    assert "pel client check --command" in check.told


def test_a_difference_is_shrunk(check: Check, tool: Tool) -> None:
    """It shows where a transaction of nonce 8 is included: few are needed for it."""
    wrong = tool(
        """
        said = right()
        rejected = {each["index"] for each in said["result"]["rejected"]}
        if any(int(tx["nonce"], 16) == 8 and i not in rejected
               for i, tx in enumerate(parts["txs"])):
            said["result"]["receipts"][-1]["gasUsed"] = "0x7"
        print("what it says", file=sys.stderr)
        write(said)
        """
    )
    report = check("--command", wrong, "--shrink-time", "15s", cases=5)
    assert check.code == ExitCode.DIFFER
    (kept,) = report["kept"]
    small = json.loads(Path(kept["case"]).read_text())
    found = json.loads(Path(kept["as_found"]).read_text())
    assert len(small["block"]["txs"]) < len(found["block"]["txs"])
    assert len(small["block"]["alloc"]) < len(found["block"]["alloc"])
    assert small["expected"]["signature"] == found["expected"]["signature"]
    assert small["client"]["errors"] == found["client"]["errors"] == "what it says"
    assert kept["replay"].endswith(f"--replay {kept['case']}")


def test_one_report_for_many_of_a_kind(check: Check, tool: Tool) -> None:
    wrong = tool("said = right()\nsaid['result']['gasUsed'] = '0x7'\nwrite(said)")
    report = check("--command", wrong, "--keep-going", cases=3)
    (found,) = report["differences"]
    assert found["cases"] == 3 and len(check.kept()) == 1


def test_a_race_is_tried_again(check: Check, tool: Tool, tmp_path: Path) -> None:
    """A tool that is wrong every third time."""
    counter = tmp_path / "count"
    wrong = tool(
        f"""
        with open({str(counter)!r}, "a+") as file:
            file.write("x")
            file.seek(0)
            number = len(file.read())
        said = right()
        if number % 3 == 1:
            said["result"]["gasUsed"] = "0x7"
        write(said)
        """
    )
    check("--command", wrong)
    (path,) = check.kept()
    out = check.run("client", "check", "--command", wrong, "--replay", str(path), "--tries", "3")
    assert check.code == ExitCode.DIFFER and "as recorded, at try 3" in out


# ---- what else a campaign is asked for ------------------------------------------------------


def test_the_proof_of_parallelism(check: Check, tool: Tool) -> None:
    talks = tool(f"print('workers: 8', file=sys.stderr)\n{RIGHT}")
    report = check("--command", talks, "--parallel-proof", r"workers: [2-9]")
    assert check.code == ExitCode.AGREE
    assert report["parallel"] == {"proof": "workers: [2-9]", "seen": "seen", "cases": 2}


def test_without_the_proof_nothing_is_shown(check: Check, tool: Tool) -> None:
    talks = tool(f"print('workers: 1')\n{RIGHT}")
    report = check("--command", talks, "--parallel-proof", r"workers: [2-9]")
    assert check.code == ExitCode.INCONCLUSIVE and "no proof" in report["why"]
    assert report["parallel"] == {"proof": "workers: [2-9]", "seen": "not seen", "cases": 0}


def test_a_tool_with_names_of_its_own_and_without_a_fork(check: Check, tool: Tool) -> None:
    picky = tool(
        f"""
        if given["state.fork"] not in ("Chapella", "Prague"):
            print("unsupported fork", file=sys.stderr)
            sys.exit(3)
        state["fork"] = state["fork"].replace("Chapella", "Shanghai")
        {RIGHT}
        """
    )
    report = check("--command", picky, "--fork-name", "shanghai=Chapella")
    assert check.code == ExitCode.AGREE and "--fork-name Shanghai=Chapella" in report["resume"]
    report = check("--command", picky)
    assert check.code == ExitCode.BAD_INPUT and report["cases"] == 0
    assert report["unfit_forks"]["Shanghai"].endswith("unsupported fork")
    words = ["client", "check", "--json", "--jobs", "1", "--seed", "8", "--small"]
    words += ["--max-cases", "8", "--out", str(check.out), "--command", picky]
    report = json.loads(check.run(*words))
    assert (
        check.code == ExitCode.AGREE and report["left_out"] and set(report["forks"]) == {"Prague"}
    )


def test_features_can_be_left_out(check: Check, tool: Tool) -> None:
    report = check("--command", tool(RIGHT), "--fork", "London", "--leave-out", "ommers", cases=6)
    assert "ommers" not in report["features"] and "--leave-out ommers" in report["repeat"]
    assert report["redrawn"] > 0
    check.run("client", "check", "--command", "x", "--leave-out", "no-such-thing")
    assert check.code == ExitCode.BAD_INPUT and "no-such-thing" in check.told


def test_placeholders(check: Check, tmp_path: Path, oracle: str) -> None:
    path = tmp_path / "own.py"
    body = "given = dict(zip(names, sys.argv[1:]))\n"
    text = TOOL.format(oracle=oracle, body=RIGHT).replace(
        'given = dict(word[2:].split("=", 1) for word in sys.argv[1:])\n',
        "names = ('input.alloc', 'input.env', 'input.txs', 'state.fork', 'state.chainid',\n"
        "         'state.reward', 'output.basedir', 'output.result', 'output.alloc')\n" + body,
    )
    path.write_text(text, encoding="utf-8")
    own = shlex.join([sys.executable, "-I", "-S", str(path)])
    own += " {alloc} {env} {txs} {fork} {chainid} {reward} {basedir} {result} {post}"
    check("--command", own)
    assert check.code == ExitCode.AGREE


def test_an_answer_on_the_standard_output(check: Check, tool: Tool) -> None:
    check("--command", tool("json.dump(right(), sys.stdout)"))
    assert check.code == ExitCode.AGREE


# ---- hostile tools --------------------------------------------------------------------------

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
    "signal.SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_is_a_finding_and_the_campaign_goes_on(check: Check, tool: Tool, kind: str) -> None:
    """It fails where there are transactions, and not on a plain block."""
    crashing = tool(f"if parts['txs']:\n    {CRASHES[kind]}\n{RIGHT}")
    report = check("--command", crashing)
    assert check.code == ExitCode.DIFFER and report["failures"] == {kind: 2}
    assert report["differences"][0]["signature"] == f"fault:{kind}:-"
    assert report["differences"][0]["cases"] == 2


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


def test_the_budget_is_kept_within_a_slow_case(check: Check, tool: Tool) -> None:
    slow = tool("time.sleep(60)")
    start = time.monotonic()
    report = check("--command", slow, "--max-time", "2s")
    assert time.monotonic() - start < 15
    assert check.code == ExitCode.INCONCLUSIVE and report["why"] == "no block was run"


def test_an_interruption_keeps_what_was_found(
    check: Check, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pel_fuzz.client import kept as module  # noqa: PLC0415

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Shrinker, "shrink", interrupted)
    wrong = tool("said = right()\nsaid['result']['gasUsed'] = '0x7'\nwrite(said)")
    report = check("--command", wrong, "--shrink-time", "9s")
    assert check.code == ExitCode.INTERRUPTED
    assert [Path(each["case"]) for each in report["kept"]] == check.kept() != []

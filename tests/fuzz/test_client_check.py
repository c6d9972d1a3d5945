"""`pel client check` from end to end, against tools that are right or wrong.

The tools are small programs (`conftest.py`). What is right they ask of a server in this process,
which runs our reference; then they spoil it.
"""

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case

Tool: TypeAlias = Callable[[str], str]
Check: TypeAlias = Any

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
    bare = path.with_name("bare.json")
    bare.write_text(json.dumps(json.loads(path.read_text()) | {"expected": None}))
    out = check.run("client", "check", "--command", wrong, "--replay", str(bare))
    assert check.code == ExitCode.DIFFER and "a difference; none was recorded" in out
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


def test_a_replay_writes_no_junit(check: Check, tmp_path: Path) -> None:
    report = ("--junit", str(tmp_path / "report.xml"))
    check.run("client", "check", "--command", "x", "--replay", "case.json", *report)
    assert check.code == ExitCode.BAD_INPUT and "--replay goes without" in check.told


def test_placeholders(check: Check, tool: Tool, tmp_path: Path) -> None:
    path = Path(shlex.split(tool(RIGHT))[-1])
    body = "given = dict(zip(names, sys.argv[1:]))\n"
    text = path.read_text(encoding="utf-8").replace(
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


def test_the_budget_is_kept_within_a_slow_case(check: Check, tool: Tool) -> None:
    slow = tool("time.sleep(60)")
    start = time.monotonic()
    report = check("--command", slow, "--max-time", "2s")
    assert time.monotonic() - start < 15
    assert check.code == ExitCode.INCONCLUSIVE and report["why"] == "no block was run"


def test_progress_is_told_within_a_slow_block(
    check: Check, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pel_fuzz.cli import checking  # noqa: PLC0415

    monkeypatch.setattr(checking, "TOLD_EVERY_SECONDS", 0.2)
    words = ("--command", tool("time.sleep(60)"), "--max-time", "1s", "--jobs", "1", "--small")
    check.run("client", "check", *words, "--out", str(check.out))
    assert "0 blocks" in check.told


def test_an_interruption_keeps_what_was_found(
    check: Check, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pel_fuzz.client.checking import kept as module  # noqa: PLC0415

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Shrinker, "shrink", interrupted)
    wrong = tool("said = right()\nsaid['result']['gasUsed'] = '0x7'\nwrite(said)")
    report = check("--command", wrong, "--shrink-time", "9s")
    assert check.code == ExitCode.INTERRUPTED
    assert [Path(each["case"]) for each in report["kept"]] == check.kept() != []

"""Key-value programs for executors without an EVM: the page, the files, and the interpreters of
the examples, which know nothing but the page."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pel_fuzz.cli.app import run as pel
from pel_fuzz.client.programs.programs import (
    ProgramExecutor,
    ProgramsPlan,
    examine,
    program_block_at,
    run_programs,
)
from pel_fuzz.client.running.failures import NoStart
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import encode_programs, expected_json, question, read_programs
from pel_fuzz.tiny import TinyBlock, from_json, to_json
from pel_fuzz.tiny_draws import tiny_blocks
from pel_reference.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "formats" / "programs.md").read_text()
EXAMPLES = ROOT / "examples"
JS = EXAMPLES / "key-value-js" / "key-value.mjs"
SECONDS = 240

HEAD = """
import json, sys
asked = json.load(sys.stdin)["block"]
expected = json.load(open(sys.argv[1]))[json.dumps(asked)]
"""
"""An executor that knows the answers beforehand, and starts quickly."""
ANSWER = "print(json.dumps(expected))"
EMPTY = TinyBlock((), (0,))


def page_documents() -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


VECTORS = [document for document in page_documents() if "expected" in document]


# ---- executors ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def javascript(toolchain: Callable[[str], str]) -> str:
    return f"{toolchain('node')} {JS}"


@pytest.fixture(scope="session")
def rust(tmp_path_factory: pytest.TempPathFactory, toolchain: Callable[[str], str]) -> str:
    cargo = toolchain("cargo")
    made = tmp_path_factory.mktemp("rust")
    source = shutil.copytree(
        EXAMPLES / "key-value-rust", made / "source", ignore=shutil.ignore_patterns("target")
    )
    command = [cargo, "build", "--quiet", "--offline", "--target-dir", str(made / "target")]
    built = subprocess.run(
        command, cwd=source, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == "", "warnings are errors"
    return str(made / "target" / "debug" / "key-value")


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory, toolchain: Callable[[str], str]) -> str:
    tool = toolchain("go")
    made = tmp_path_factory.mktemp("go")
    own = {"GOPROXY": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOPATH": str(made / "path")}
    if "HOME" not in os.environ:
        own["GOCACHE"] = str(made / "cache")
    executable = made / "blockstm-go"
    built = subprocess.run(
        [tool, "build", "-o", str(executable), "."],
        cwd=EXAMPLES / "blockstm-go",
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return str(executable)


@pytest.fixture(params=["javascript", "rust", "go"])
def interpreter(request: pytest.FixtureRequest) -> str:
    command: str = request.getfixturevalue(request.param)
    return command


def script(folder: Path, body: str, *blocks: TinyBlock) -> str:
    """The command of an executor that has the answer for these blocks as `expected`, does `body`
    with it, and should print it."""
    path, answers = folder / "executor.py", folder / "answers.json"
    path.write_text(f"{HEAD}{body}\n")
    known = (*blocks, EMPTY)
    answers.write_text(json.dumps({json.dumps(to_json(b)): expected_json(b) for b in known}))
    return f"{sys.executable} -S {path} {answers}"


def drawn(seed: int, count: int, small: bool = False) -> list[TinyBlock]:
    return [program_block_at(seed, index, small).value for index in range(count)]


# ---- the page -------------------------------------------------------------------------------


def test_the_vectors_on_the_page_are_right() -> None:
    assert len(VECTORS) == 6
    for vector in VECTORS:
        assert vector["expected"] == expected_json(from_json(vector["block"]))
    asked, answered = (each for each in page_documents() if each not in VECTORS)
    block = from_json(asked["block"])
    assert asked == json.loads(question(block))
    assert answered == expected_json(block)
    used = {i[0] for each in VECTORS for program in each["block"]["programs"] for i in program}
    named = set(re.findall(r'^\| `\["(\w+)"', PAGE, re.MULTILINE))
    assert used == named and len(named) == 12


def test_interpreters_of_the_page_agree_on_its_vectors(interpreter: str) -> None:
    executor = ProgramExecutor(interpreter)
    for vector in VECTORS:
        assert examine(executor, from_json(vector["block"])).difference is None


def test_interpreters_agree_on_drawn_blocks(interpreter: str) -> None:
    executor = ProgramExecutor(interpreter)
    for index in range(6):
        block = program_block_at(11, index, small=index % 2 == 0).value
        assert examine(executor, block).difference is None


def test_a_file_can_be_given_to_an_interpreter_as_it_is(interpreter: str, tmp_path: Path) -> None:
    block = program_block_at(12, 0).value
    file = tmp_path / "block.json"
    file.write_bytes(encode_programs(block, (12, 0)))
    with file.open() as given_file:
        done = subprocess.run(
            interpreter.split(), stdin=given_file, capture_output=True, timeout=60, check=True
        )
    assert json.loads(done.stdout) == json.loads(file.read_text())["expected"]


# ---- wrong interpreters ---------------------------------------------------------------------

WRONG = {
    "a range that ends too early": ("m.cells); c++", "m.cells - 1); c++"),
    "a range that does not see the own writes": (
        "sum += m.load(cell(c))",
        "sum += m.state.get(cell(c)) ?? 0",
    ),
    "no revert": ("(m.load(cell(c)) % 2 === 1 ? ['reverted'] : 0)", "0"),
    "a revert that keeps the writes": (
        "      return said\n",
        "      machine.writes.forEach((value, at) => state.set(at, value))\n      return said\n",
    ),
    "a deleted cell that holds 0": ("m.writes.set(cell(c), null)", "m.writes.set(cell(c), 0)"),
    "a branch that skips one more": ("at += said ?? 0", "at += said ? said + 1 : 0"),
    "a pair of which one half is forgotten": (
        "m.writes.set(half(p, 1), m.accumulator)",
        "m.writes.set(half(p, 1), m.load(half(p, 1)))",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_interpreter_is_found_and_replayed(
    name: str, javascript: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = WRONG[name]
    source = JS.read_text()
    assert source.count(right) == 1
    path, shrink = tmp_path / "wrong.mjs", "1s" if name == "no revert" else "0"
    path.write_text(source.replace(right, wrong))
    options = ["--command", f"node {path}", "--out", str(tmp_path), "--shrink-time", shrink]
    campaign = ["--seed", "1", "--cases", "40", "--jobs", "1", "--json"]
    assert pel(["client", "programs", *options, *campaign]) == ExitCode.DIFFER
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert read_programs(found["case"]).signature == found["signature"]
    assert read_programs(found["as_found"]).signature == found["signature"]
    again = ["client", "programs", "--replay", found["case"]]
    assert pel([*again, "--command", f"node {path}"]) == ExitCode.DIFFER
    assert "as recorded" in capsys.readouterr().out
    assert pel([*again, "--command", javascript]) == ExitCode.AGREE
    assert "is gone" in capsys.readouterr().out


# ---- untrusted executors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("sys.exit(3)", "exit", ExitCode.BAD_INPUT),
        (f"{ANSWER}\nif expected['outcomes']: sys.exit(3)", "exit", ExitCode.DIFFER),
        (
            f"{ANSWER}\nimport os, signal\nif expected['outcomes']: os.kill(os.getpid(), 11)",
            "signal",
            ExitCode.DIFFER,
        ),
        ("print('done')", "garbage", ExitCode.INCONCLUSIVE),
        ("print('{}')", "garbage", ExitCode.INCONCLUSIVE),
        ("expected['cells'].append(1)\n" + ANSWER, "garbage", ExitCode.INCONCLUSIVE),
        ("expected['cells'][0] = 2**31\n" + ANSWER, "garbage", ExitCode.INCONCLUSIVE),
        ("expected['extra'] = 1\n" + ANSWER, "garbage", ExitCode.INCONCLUSIVE),
        ("print('[' * 100000)", "garbage", ExitCode.INCONCLUSIVE),
        ("print('9' * 100000)", "garbage", ExitCode.INCONCLUSIVE),
        (f"{ANSWER}\n{ANSWER}", "twice", ExitCode.INCONCLUSIVE),
        ("import time\ntime.sleep(60)", "timeout", ExitCode.INCONCLUSIVE),
        ("while True: print('x' * 65536)", "output", ExitCode.INCONCLUSIVE),
        ("expected['outcomes'][0] = ['ended', 0]\n" + ANSWER, "outcome", ExitCode.DIFFER),
        ("expected['outcomes'][0] = ['fault', 'torn']\n" + ANSWER, "fault", ExitCode.DIFFER),
    ],
)
def test_whatever_an_executor_does_is_told_apart(
    body: str,
    kind: str,
    code: ExitCode,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = script(tmp_path, body, *drawn(1, 1))
    seconds = "1s" if kind == "timeout" else "60s"
    options = ["--seed", "1", "--cases", "1", "--jobs", "1", "--case-time", seconds, "--json"]
    out = ["--out", str(tmp_path / "findings"), "--shrink-time", "0"]
    assert pel(["client", "programs", "--command", command, *options, *out]) == code
    findings = json.loads(capsys.readouterr().out)["findings"]
    if code != ExitCode.BAD_INPUT:
        (found,) = findings
        assert found["kind"].partition(".")[0] == kind
        assert read_programs(found["case"]).signature == found["signature"]


def test_a_replay_by_a_command_that_can_run_nothing_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = script(tmp_path, "expected['outcomes'][0] = ['ended', 0]\n" + ANSWER, *drawn(1, 1))
    out = ["--seed", "1", "--cases", "1", "--out", str(tmp_path / "found"), "--shrink-time", "0"]
    assert pel(["client", "programs", "--command", wrong, *out, "--json"]) == ExitCode.DIFFER
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    broken = script(tmp_path, "sys.exit(3)", *drawn(1, 1))
    again = ["client", "programs", "--replay", found["case"], "--command", broken]
    assert pel(again) == ExitCode.BAD_INPUT
    assert "fails on an empty block, too" in capsys.readouterr().err


def test_an_executor_that_is_right_agrees(tmp_path: Path) -> None:
    ours = script(tmp_path, ANSWER, *drawn(3, 3))
    arguments = ["--seed", "3", "--cases", "3", "--runs", "2", "--out", str(tmp_path)]
    assert pel(["client", "programs", "--command", ours, *arguments]) == ExitCode.AGREE
    assert list(tmp_path.glob("programs-*")) == []


def test_what_is_seen_now_and_then_is_seen_in_several_runs(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    body = (
        f"path = {str(counter)!r}\n"
        "text = open(path, 'a+')\ntext.seek(0)\nseen = len(text.read())\ntext.write('x')\n"
        f"if seen % 3 == 2: expected['cells'][0] = 5\n{ANSWER}"
    )
    (block,) = drawn(1, 1)
    executor = ProgramExecutor(script(tmp_path, body, block))
    assert examine(executor, block, runs=2).difference is None
    found = examine(executor, block, runs=2)
    assert found.difference is not None and found.difference.kind == "memory.cell"
    assert found.run == 0
    assert examine(executor, block, runs=3).run == 2


def test_a_command_that_cannot_be_run_is_the_users_mistake(tmp_path: Path) -> None:
    for command in ("./not-there", "", "'open"):
        arguments = ["--command", command, "--cases", "1", "--out", str(tmp_path)]
        assert pel(["client", "programs", *arguments]) == ExitCode.BAD_INPUT
    with pytest.raises(NoStart):
        ProgramExecutor("  ")


def test_time_ends_a_campaign_and_what_it_cuts_off_is_no_case(tmp_path: Path) -> None:
    body = f"import time\nif expected['outcomes']: time.sleep(20)\n{ANSWER}"
    command = script(tmp_path, body, *drawn(9, 20))
    arguments = ["--command", command, "--max-time", "1s", "--seed", "9", "--out", str(tmp_path)]
    assert pel(["client", "programs", *arguments]) == ExitCode.INCONCLUSIVE


# ---- files ----------------------------------------------------------------------------------


def test_files_are_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, shard in ((one, "1/1"), (other, "2/2")):
        arguments = [str(folder), "--seed", "7", "--cases", "4", "--shard", shard]
        assert pel(["client", "programs", *arguments]) == ExitCode.AGREE
    names = sorted(path.name for path in one.iterdir())
    assert names == [f"programs-7-000{index}.json" for index in range(4)]
    assert sorted(path.name for path in other.iterdir()) == names[1::2]
    for path in other.iterdir():
        assert path.read_bytes() == (one / path.name).read_bytes()
    # On any machine, and with any version of Python.
    pinned = hashlib.sha256((one / names[2]).read_bytes()).hexdigest()
    assert pinned.startswith("415797cfac023199")
    block = read_programs(one / names[2]).block
    assert block == program_block_at(7, 2).value
    assert len(block.programs) >= 32
    assert pel(["client", "programs", str(one)]) == ExitCode.BAD_INPUT


def test_either_files_or_an_executor() -> None:
    assert pel(["client", "programs"]) == ExitCode.BAD_INPUT
    assert pel(["client", "programs", "folder", "--command", "x"]) == ExitCode.BAD_INPUT


@given(block=tiny_blocks())
def test_what_is_written_is_read(block: TinyBlock) -> None:
    document = json.loads(encode_programs(block))
    assert from_json(document["block"]) == block
    assert document["expected"] == expected_json(block)
    assert set(json.loads(question(block))) == {"pel", "version", "block"}


def test_a_changed_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changed.json"
    for vector in VECTORS:
        changed = json.loads(json.dumps(vector))
        changed["expected"]["outcomes"][-1] = ["ended", 1_000_000]
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError, match="expected: is not what these programs mean"):
            read_programs(path)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{}", "pel"),
        ('{"pel":"programs","version":2}', "version"),
        ('{"pel":"programs","version":1}', "block"),
        ('{"pel":"programs","version":1,"block":{"initial":[]}}', "block.initial"),
        (
            '{"pel":"programs","version":1,"block":{"initial":[0],"programs":[[["get",1]]]}}',
            "block.programs[0][0][1]",
        ),
    ],
)
def test_a_bad_file_is_told_by_its_field(text: str, field: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_programs(path)
    assert caught.value.field == field


def test_a_campaign_is_in_the_order_of_its_indices(tmp_path: Path) -> None:
    command = script(tmp_path, ANSWER, *drawn(5, 17, small=True))
    executor = ProgramExecutor(command, Limits(seconds=30))
    plan = ProgramsPlan(5, executor, max_cases=5, shard=1, of=3, start=2, jobs=2, small=True)
    assert [ran.index for ran in run_programs(plan)] == [4, 7, 10, 13, 16]

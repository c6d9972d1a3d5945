"""A client over a folder of tests: what it says is read, kept apart, and doubted."""

import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cli import app as cli_app
from pel_fuzz.client.fixtures.consume import ConsumePlan, run_files
from pel_fuzz.client.fixtures.fill import FillPlan, fill
from pel_fuzz.client.fixtures.fixture_run import FixtureClient
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, ENGINE_TEST, fixture_files
from pel_fuzz.client.fixtures.forging import CLAIMS
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.exit_codes import ExitCode

CLIENT = """
import json, os, signal, sys, time
rule, right, path = sys.argv[1:]
known = json.load(open(right))
said, status = [], 0
for name, test in json.load(open(path)).items():
    number = known["hashes"].get(test["lastblockhash"])
    said.append({"name": name, "pass": number is not None, "error": "invalid merkle root"})
    exec(rule)
print(json.dumps(said))
sys.exit(status)
"""
"""A client that knows the right last hashes, which is as good as executing; then its rule comes:
`number` counts the right tests, and is None for all others."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small Prague blocks, as tests of both formats."""
    folder = tmp_path_factory.mktemp("filled")
    plan = FillPlan(4, 3, "Prague", (BLOCKCHAIN_TEST, ENGINE_TEST), small=True)
    assert len(list(fill(folder, plan))) == 3
    return folder


@pytest.fixture(scope="module")
def client(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The command line of a client that is right but for its rule."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "client.py").write_text(CLIENT)
    tests = [each for path in fixture_files(filled) for each in read_json(path).values()]
    hashes = sorted({test["lastblockhash"] for test in tests})
    roots = [test["blocks"][0]["blockHeader"]["stateRoot"] for test in tests if "blocks" in test]
    known = {"hashes": {each: number for number, each in enumerate(hashes)}, "roots": roots}
    (folder / "right").write_text(json.dumps(known))
    return lambda rule: f"{sys.executable} {folder}/client.py '{rule}' {folder}/right {{file}}"


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture
def consume(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[ExitCode, Any]]:
    """Run the command over the folder; its exit code, and its report."""

    def run(command: str, *more: str, folder: Path = filled) -> tuple[ExitCode, Any]:
        arguments = ["client", "consume", str(folder), "--command", command, "--json"]
        code = cli_app.run([*arguments, "--jobs", "2", "--out", str(tmp_path / "out"), *more])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return run


# Verdicts.


@pytest.mark.parametrize("wanted", [BLOCKCHAIN_TEST, ENGINE_TEST])
def test_a_client_that_is_right_agrees(
    wanted: str,
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    code, report = consume(client(""), "--format", wanted)
    assert code is ExitCode.AGREE
    assert report["tests"] == {"pass": 3, "fail": 0, "nothing": 0}
    assert sum(report["left_out"].values()) == 3
    assert {each["claim"] for each in report["canaries"]} == set(CLAIMS)
    assert {each["said"] for each in report["canaries"]} == {"fail"}
    assert report["parallel"] == "unknown"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_test_that_fails_is_a_difference_and_is_kept(
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    rule = 'said[-1]["pass"] = number not in (0, 2, None); sys.stderr.write("woe\\n")'
    code, report = consume(client(rule))
    assert code is ExitCode.DIFFER
    (difference,) = report["differences"]
    assert difference["signature"] == "answer:consume.state-root:-"
    assert len(difference["tests"]) == 2
    failing = [each for each in report["results"] if each["signature"]]
    assert [each["name"] for each in failing] == difference["tests"]
    kept = tmp_path / "out" / f"{difference['tests'][0]}-state-root.json"
    assert list(read_json(kept)) == [difference["tests"][0]]
    assert "woe" in kept.with_suffix(".txt").read_text()


def test_a_crash_is_a_difference(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(client("if number == 1: os.kill(os.getpid(), signal.SIGSEGV)"))
    assert code is ExitCode.DIFFER
    assert [each["signature"] for each in report["differences"]] == [
        "answer:consume.signal.SIGSEGV:-"
    ]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("if number == 1: os.kill(os.getpid(), signal.SIGABRT)", "signal.SIGABRT"),
        ("if number == 1: said = []; sys.exit(3)", "exit"),
    ],
)
def test_what_ends_the_process_is_not_every_tests_doing(
    rule: str,
    kind: str,
    filled: Path,
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    tests: dict[str, Any] = {}
    for path in fixture_files(filled / "blockchain_tests"):
        tests |= read_json(path)
    folder = tmp_path / "together"
    folder.mkdir()
    (folder / "all.json").write_text(json.dumps(tests))
    code, report = consume(client(rule), folder=folder)
    assert code is ExitCode.DIFFER
    assert report["tests"] == {"pass": 2, "fail": 1, "nothing": 0}
    (difference,) = report["differences"]
    assert difference["signature"] == f"answer:consume.{kind}:-"
    (kept,) = (tmp_path / "out").glob("*.json")
    assert list(read_json(kept)) == difference["tests"]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("if number == 1: time.sleep(60)", "timeout"),
        ("if number == 1: status = 3", "contradiction"),
        ('if number == 1: said = []; sys.exit("unknown network: a peer\\nno root")', "unclear"),
        ('if number == 1: said.append({"name": name, "pass": False})', "twice"),
        (
            'if number == 1: said.append({"name": "x", "pass": True}); said[0]["name"] = "y"',
            "silent",
        ),
    ],
)
def test_without_a_verdict_nothing_is_claimed(
    rule: str,
    kind: str,
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
) -> None:
    code, report = consume(client(rule), "--case-time", "2s")
    assert code is ExitCode.INCONCLUSIVE
    assert report["without_verdict"] == {kind: 1}
    assert report["differences"] == []


def test_what_fails_only_together_is_not_lost(
    filled: Path,
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    tests: dict[str, Any] = {}
    for path in fixture_files(filled / "blockchain_tests"):
        tests |= read_json(path)
    together = tmp_path / "together.json.gz"
    together.write_bytes(gzip.compress(json.dumps(tests).encode()))
    code, report = consume(client(""), folder=together)
    assert (code, report["tests"]["pass"]) == (ExitCode.AGREE, 3)
    rule = "len(said) == 3 and os.kill(os.getpid(), signal.SIGSEGV)"
    rule += '; said[-1]["pass"] |= name == "control"'
    code, report = consume(client(rule), folder=together)
    assert code is ExitCode.DIFFER
    (difference,) = report["differences"]
    assert difference["signature"] == "answer:consume.signal.SIGSEGV:-"
    assert difference["message"].endswith("with the other tests of its file, not alone")


@pytest.mark.parametrize(
    "rule",
    [
        'if number == 1: said[-1] = {"name": name, "pass": False, "error": "unsupported fork"}',
        'if number == 1: sys.exit("loading\\nunknown fork")',
    ],
)
def test_a_fork_that_the_client_does_not_know_is_no_difference(
    rule: str, client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(client(rule))
    assert code is ExitCode.AGREE
    assert report["why"] == "the other 2 tests pass, 1 are of forks that it does not know"
    assert report["without_verdict"] == {"unsupported": 1}


# Clients that cannot be believed.


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("true {file}", "says pass to a wrong block (gas used, receipts root, state root)"),
        ("false {file}", "nothing passes, not even a block without transactions"),
    ],
)
def test_a_client_that_always_says_the_same_is_inconclusive(
    command: str, why: str, consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(command)
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == why


def test_a_client_that_does_not_look_at_one_root_is_caught(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    rule = 'said[-1]["pass"] = test["blocks"][0]["blockHeader"]["stateRoot"] in known["roots"]'
    code, report = consume(client(rule))
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == "says pass to a wrong block (gas used, receipts root)"


@pytest.mark.parametrize("rule", ["said = []", "said = [1]", "said = 7", 'said = "[" * 999'])
def test_no_verdict_is_no_pass_where_others_have_verdicts(
    rule: str, client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(client(f"if number == 1: {rule}"))
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == "1 tests pass by exit status only, which refuses no wrong block"


def test_the_exit_status_is_enough_where_it_refuses_wrong_blocks(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    assert consume(client("said = []; status = number is None"))[0] is ExitCode.AGREE


def test_a_client_that_cannot_see_the_canaries_has_not_refused_them(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(client('if "canary" in path: said = []; status = 1'))
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"].startswith("no wrong block was refused whose right one passes")
    assert [(each["said"], each["right"]) for each in report["canaries"]] == [("fail", "fail")] * 3


def test_a_client_that_fails_all_but_an_empty_block_differs(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, _ = consume(client('said[-1]["pass"] = not test["blocks"][0]["transactions"]'))
    assert code is ExitCode.DIFFER


def test_the_parallel_path_has_to_be_seen_where_its_proof_is_known(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    rule = 'if number == 1: sys.stderr.write("executed in parallel: 4 workers")'
    code, report = consume(client(rule), "--parallel-proof", "parallel: [2-9]")
    assert (code, report["parallel"]) == (ExitCode.AGREE, "seen in 1 of 3 tests")
    code, report = consume(client(rule), "--parallel-proof", "parallel: 8")
    assert (code, report["why"]) == (
        ExitCode.INCONCLUSIVE,
        "the parallel path was not seen to run",
    )


# The folder.


def test_shards_are_a_partition(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    names = []
    for shard in ("1/2", "2/2"):
        _, report = consume(client(""), "--shard", shard)
        names += [each["name"] for each in report["results"]]
    _, report = consume(client(""))
    assert sorted(names) == [each["name"] for each in report["results"]]


def test_what_is_no_test_is_left_out(
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text("[]")
    code, report = consume(client(""), folder=folder)
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == "no blockchain_test was found"
    assert sum(report["left_out"].values()) == 2


def test_a_file_that_cannot_be_read_is_no_agreement(
    filled: Path,
    client: Callable[[str], str],
    consume: Callable[..., tuple[ExitCode, Any]],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    whole = fixture_files(filled / "blockchain_tests")[0].read_text()
    (folder / "whole.json").write_text(whole)
    (folder / "half.json").write_text(whole[: len(whole) // 2])
    code, report = consume(client(""), folder=folder)
    assert (code, report["why"]) == (ExitCode.INCONCLUSIVE, "1 files cannot be read")


def test_bad_input_is_named(consume: Callable[..., tuple[ExitCode, Any]], tmp_path: Path) -> None:
    assert consume("/nonesuch {file}")[0] is ExitCode.BAD_INPUT
    assert consume("true")[0] is ExitCode.BAD_INPUT
    assert consume("true {file}", "--parallel-proof", "(")[0] is ExitCode.BAD_INPUT
    assert consume("true {file}", "--case-memory", "lots")[0] is ExitCode.BAD_INPUT
    assert consume("true {file}", folder=tmp_path / "absent")[0] is ExitCode.BAD_INPUT


# Time.


def test_a_time_budget_cuts_off_what_is_running(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    start = time.monotonic()
    code, report = consume(client("if number: time.sleep(300)"), "--max-time", "4s", "--jobs", "1")
    assert time.monotonic() - start < 60
    assert report["without_verdict"] == {}
    assert len(report["results"]) < 3
    assert code in (ExitCode.AGREE, ExitCode.INCONCLUSIVE)


def test_a_time_budget_cuts_off_the_canaries_too(
    client: Callable[[str], str], consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    start = time.monotonic()
    code, report = consume(client("time.sleep(300)"), "--max-time", "1s")
    assert time.monotonic() - start < 60
    assert (code, report["why"]) == (ExitCode.INCONCLUSIVE, "0 of 6 files in the time given")
    assert report["canaries"] == []


def test_who_stops_listening_ends_the_clients(filled: Path) -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(300)", "{file}")
    plan = ConsumePlan(tuple(fixture_files(filled)))
    running = run_files(FixtureClient(argv, Limits(seconds=200.0)), plan, time.monotonic() + 2)
    start = time.monotonic()
    assert list(running) == []
    assert time.monotonic() - start < 60


# A real client.


def test_geth_agrees_and_refuses_the_canaries(
    evm_command: str, consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    code, report = consume(f"{evm_command} blocktest {{file}}")
    assert code is ExitCode.AGREE, report
    assert report["tests"]["pass"] == 3
    assert {each["said"] for each in report["canaries"]} == {"fail"}


@pytest.mark.parametrize("wanted", [BLOCKCHAIN_TEST, ENGINE_TEST])
def test_ethereumjs_agrees_and_refuses_the_canaries(
    wanted: str, ethereumjs_folder: Path, consume: Callable[..., tuple[ExitCode, Any]]
) -> None:
    script = ethereumjs_folder / "blocktest.mjs"
    if not script.is_file():
        pytest.skip("the runner is older than the tree: make clients")
    code, report = consume(f"node {script} {{file}}", "--format", wanted)
    assert code is ExitCode.AGREE, report
    assert report["tests"]["pass"] == 3
    assert {each["said"] for each in report["canaries"]} == {"fail"}

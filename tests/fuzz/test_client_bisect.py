"""Bisection finds the first transaction that matters, and says how far that can be trusted."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.cases import Case
from pel_fuzz.cli import app as cli_app
from pel_fuzz.client.bisecting.bisect import Bisection, bisect
from pel_fuzz.client.bisecting.bisect_report import BisectReport
from pel_fuzz.client.fixtures.fill import FillPlan, fill
from pel_fuzz.client.fixtures.fixture_run import Said, Told
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, TRIPLE
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.tiny import TinyBlock
from pel_reference.triple import dump_triple, read_block_files

CLIENT = """
import json, sys, time
rule, path = sys.argv[1:]
found = []
for name, test in json.load(open(path)).items():
    block = (test.get("blocks") or [None])[0]
    payload = test["engineNewPayloads"][0]["params"][0] if block is None else None
    n = len((block or payload)["transactions"])
    found.append({"name": name, "pass": not eval(rule), "error": "invalid merkle root 0x%x" % n})
print(json.dumps(found))
"""
"""A client that does not execute at all: whether a block passes is a rule on its size, `n`."""


def asker(fails: Callable[[int], bool], silent: Callable[[int], bool] = lambda k: False) -> Any:
    def ask(k: int) -> Told:
        said = Said.NOTHING if silent(k) else Said.FAIL if fails(k) else Said.PASS
        return Told(f"prefix {k}", Path("x"), said)

    return ask


# The search itself.


@given(st.integers(1, 90), st.integers(1, 90), st.integers(10, 60))
def test_a_monotone_failure_is_found(size: int, first: int, max_runs: int) -> None:
    first = min(first, size)
    found = bisect(size, asker(lambda k: k >= first), max_runs)
    assert found.first == first
    assert found.is_bounded
    assert found.passes_after == []
    assert len(found.told) <= max_runs
    assert found.monotone() is (True if found.is_complete else None)


@given(st.integers(0, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n)))))
def test_with_enough_runs_nothing_is_guessed(drawn: tuple[int, set[int]]) -> None:
    size, failing = drawn
    found = bisect(size, asker(lambda k: k in failing), size + 2)
    if size not in failing:
        assert found.told.keys() == {size}
        assert found.first is None
        return
    first = min(failing)
    assert found.is_complete
    assert found.is_exact
    assert found.first == first
    assert found.monotone() is (failing == set(range(first, size + 1)))


@given(st.integers(2, 90), st.integers(2, 30), st.data())
def test_few_runs_are_kept_to_and_claim_only_what_was_seen(
    size: int, max_runs: int, data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.integers(0, size))) | {size}
    found = bisect(size, asker(lambda k: k in failing), max_runs)
    assert len(found.told) <= max_runs
    assert found.first in failing
    assert set(found.those(Said.FAIL)) <= failing
    assert not set(found.those(Said.PASS)) & failing
    if found.is_bounded:
        assert found.first is not None
        assert found.first - 1 not in failing


@pytest.mark.parametrize("size", [20, 33, 64])
def test_a_failure_that_comes_and_goes_is_seen_in_few_runs(size: int) -> None:
    found = bisect(size, asker(lambda k: k % 2 == size % 2 and k > 0), 12)
    assert found.first is not None
    assert found.is_bounded
    assert found.monotone() is False


def test_prefixes_without_a_verdict_are_stepped_over() -> None:
    found = bisect(40, asker(lambda k: k >= 21, lambda k: k in (20, 19, 10)), 20)
    assert found.first == 21
    assert not found.is_bounded
    assert found.those(Said.NOTHING)


def test_repeating_finds_what_fails_now_and_then() -> None:
    count = 0

    def ask(k: int) -> Told:
        nonlocal count
        count += 1
        fails = k >= 3 and count % 2 == 0
        return Told("x", Path("x"), Said.FAIL if fails else Said.PASS)

    found = bisect(6, ask, 10, repeat=4)
    assert found.first == 3
    assert found.unsteady


def test_nothing_is_known_of_what_was_not_run() -> None:
    found = Bisection(5)
    assert (found.first, found.is_exact, found.is_bounded) == (None, False, False)


# The command, with clients that are processes.


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small Prague block as a test, and as a triple."""
    folder = tmp_path_factory.mktemp("filled")
    plan = FillPlan(3, 1, "Prague", (BLOCKCHAIN_TEST, TRIPLE), small=True)
    assert len(list(fill(folder, plan))) == 1
    return folder


@pytest.fixture(scope="module")
def case_file(filled: Path) -> str:
    (path,) = filled.glob("blockchain_tests/*/*.json")
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[ExitCode, Any]:
    code = cli_app.run(["client", "bisect", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def told(capsys: pytest.CaptureFixture[str], case_file: str, command: str) -> str:
    cli_app.run(["client", "bisect", case_file, "--command", command, "--max-runs", "2"])
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The command line of a client that fails by a rule."""
    script = tmp_path_factory.mktemp("client") / "client.py"
    script.write_text(CLIENT)
    return lambda rule: f"{sys.executable} {script} '{rule}' {{file}}"


def test_the_first_transaction_is_named(
    case_file: str, client: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = run(capsys, case_file, "--command", client("n >= 4"), "--max-runs", "9")
    test = next(iter(json.loads(Path(case_file).read_text()).values()))
    given_transaction = test["blocks"][0]["transactions"][3]
    assert code is ExitCode.DIFFER
    assert report["first"] == 4
    assert report["transaction"]["sealed_index"] == 3
    assert report["transaction"]["from"] == given_transaction["sender"]
    assert (report["transaction"]["to"] or "") == given_transaction["to"]
    assert report["signature"] == "answer:consume.state-root:-"


def test_a_failure_that_is_not_monotone_is_said_to_be(
    case_file: str, client: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    size = len(
        next(iter(json.loads(Path(case_file).read_text()).values()))["blocks"][0]["transactions"]
    )
    rule = f"n % 2 == {size % 2} and n > 0"
    code, report = run(capsys, case_file, "--command", client(rule), "--max-runs", "200")
    assert code is ExitCode.DIFFER
    assert report["monotone"] is False
    assert report["exact"] is True
    assert report["first"] == (2 if size % 2 == 0 else 1)
    assert cli_app.run(["client", "bisect", case_file, "--command", client(rule)]) == code
    assert "NOT monotone" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("False", "it passes, but a wrong block gets: pass"),
        ("True", "nothing passes"),
        ("exit()", "it passes, but a wrong block gets: pass"),
    ],
)
def test_a_client_that_tells_nothing_is_no_judge(
    rule: str,
    why: str,
    case_file: str,
    client: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, report = run(capsys, case_file, "--command", client(rule), "--max-runs", "2")
    assert code is ExitCode.INCONCLUSIVE
    assert why in report["why"]


@pytest.mark.parametrize(
    "rule", ["n == 4 and exit() or n >= 4", "n == 4 and time.sleep(60) or n >= 4"]
)
def test_a_prefix_without_a_verdict_names_no_transaction(
    rule: str,
    case_file: str,
    client: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = (case_file, "--command", client(rule), "--case-time", "2s", "--max-runs", "9")
    code, report = run(capsys, *given)
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == "not localised: prefix 5 fails, 4 is not known to pass"
    assert report["transaction"] is None


def test_a_whole_block_that_passes_by_exit_status_only_is_not_believed(
    case_file: str, client: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = run(capsys, case_file, "--command", client('name != "canary" and exit() or 1'))
    assert code is ExitCode.INCONCLUSIVE
    assert report["why"] == "it passes by exit status only, which refuses nothing"


def test_an_interruption_keeps_what_is_known() -> None:
    asked: list[int] = []

    def ask(k: int) -> Told:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(k)
        return Told("x", Path("x"), Said.FAIL if k > 2 else Said.PASS)

    found = bisect(6, ask, 10)
    assert found.told.keys() == set(asked)
    report = BisectReport("x", found, culprit=None)
    assert report.exit_code()[0] is ExitCode.INTERRUPTED
    assert list(report.lines())[-1] == "INTERRUPTED: interrupted after 3 prefixes"
    assert report.to_json()["fail"] == [5, 6]


def test_a_client_that_is_late_on_the_whole_block_is_inconclusive(
    case_file: str, client: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    rule = client('__import__("time").sleep(60)')
    code, report = run(capsys, case_file, "--command", rule, "--case-time", "0.5s")
    assert code is ExitCode.INCONCLUSIVE
    assert "no verdict on the whole block" in report["why"]


def test_what_fails_without_transactions_is_not_their_fault(
    case_file: str, client: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = client('len(test["pre"]) > 12')
    code, report = run(capsys, case_file, "--command", command, "--max-runs", "4")
    assert code is ExitCode.DIFFER
    assert report["first"] == 0
    assert report["transaction"] is None
    assert "is at fault" in told(capsys, case_file, command)
    assert "is at fault" not in told(capsys, case_file, client("True"))


def test_every_form_of_a_block_is_taken(
    filled: Path,
    tmp_path: Path,
    client: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (place,) = filled.glob("triples/*/pel_*")
    block = read_block_files(*(place / f"{n}.json" for n in ("alloc", "env", "txs")), "Prague")
    triple, case = tmp_path / "triple.json", tmp_path / "case.json"
    triple.write_text(json.dumps(dump_triple(block)))
    write_case(case, Case(block, "evm", 2, ()), None, None)
    for path in (triple, case):
        code, report = run(
            capsys,
            str(path),
            "--command",
            client("n >= 2"),
            "--max-runs",
            "12",
            "--format",
            "blockchain_test_engine",
        )
        assert code is ExitCode.DIFFER
        assert report["first"] == 2


def test_bad_input_is_named(
    case_file: str,
    tmp_path: Path,
    client: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny = tmp_path / "tiny.json"
    write_case(tiny, Case(TinyBlock(()), "tiny", 2, ()), None, None)
    command = ["--command", client("False")]
    for arguments, problem in (
        ([case_file, *command, "--name", "nonesuch"], "holds no test 'nonesuch'"),
        ([case_file, *command, "--block", "3"], "has 1 valid blocks"),
        ([str(tiny), *command], "tiny machine"),
        ([str(tmp_path / "absent"), *command], "cannot be read"),
        ([case_file, "--command", "true"], "{file} has to stand in it"),
        ([case_file, "--command", "/nonesuch {file}"], "cannot be run"),
    ):
        assert cli_app.run(["client", "bisect", *arguments]) is ExitCode.BAD_INPUT
        assert problem in capsys.readouterr().err


def test_geth_passes_the_whole_block_and_refuses_a_wrong_one(
    case_file: str, evm_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = run(capsys, case_file, "--command", f"{evm_command} blocktest {{file}}")
    assert code is ExitCode.AGREE, report
    assert report["prefixes_run"] == 1

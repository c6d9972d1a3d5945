"""Corpus, known differences and JUnit of `pel client check` and `pel client consume`."""

import json
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.client.fixtures.consume import Canary, ConsumePlan, FileRun
from pel_fuzz.client.fixtures.consume_junit import write_consume_junit
from pel_fuzz.client.fixtures.consume_report import ConsumeReport
from pel_fuzz.client.fixtures.fixture_run import Said, Told
from pel_fuzz.client.fixtures.verdicts import UNSUPPORTED
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.known import Known, KnownList
from pel_fuzz.tiny import TinyBlock
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.t8n_result import dump_transition
from pel_reference.triple import parse_block

TODAY = date(2026, 11, 21)


@cache
def _right(asked: bytes) -> dict[str, Any]:
    block = parse_block(Field("asked", "", json.loads(asked)))
    answer: dict[str, Any] = dump_transition(block, run_block(block))
    return answer


class Client:
    """A server that is right, or not."""

    def __init__(self) -> None:
        self.spoil: Callable[[dict[str, Any]], Any] = lambda answer: answer
        client = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                answer = client.spoil(json.loads(json.dumps(_right(asked))))
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def _wrong(answer: dict[str, Any]) -> dict[str, Any]:
    """Somebody has a wei more, on blocks that change a balance."""
    for account in answer["alloc"].values():
        account["balance"] = hex(int(account.get("balance", "0x0"), 16) + 1)
        break
    return answer


def _other(answer: dict[str, Any]) -> dict[str, Any]:
    """The block used more gas."""
    gas = int(answer["result"]["gasUsed"], 16)
    answer["result"]["gasUsed"] = hex(gas + 1)
    return answer


def _garbage(answer: dict[str, Any]) -> Any:
    return answer if not answer["result"]["receipts"] else {"nothing": "of the kind"}


def _check(
    client: Client, folder: Path, *arguments: str
) -> tuple[ExitCode, dict[str, str], dict[str, str]]:
    """The exit code; of the JUnit report the outcomes by test case, and the properties."""
    path = folder / "report.xml"
    options = ["--out", str(folder / "out"), "--today", "2026-11-21", "--shrink-time", "0"]
    command = ["client", "check", "--url", client.url, "--seed", "1", "--junit", str(path)]
    code = run([*command, *options, "--json", *arguments])
    (suite,) = ET.parse(path).getroot()
    outcomes = {}
    for case in suite.findall("testcase"):
        results = [each.tag for each in case if each.tag != "system-out"]
        outcomes[case.attrib["classname"].rpartition(".")[2]] = "".join(results) or "passed"
    return code, outcomes, {each.attrib["name"]: each.attrib["value"] for each in suite[0]}


FRESH = ("--max-cases", "1", "--small", "--fork", "London")
NONE = ("--max-cases", "0")


def test_a_finding_becomes_a_corpus_a_known_difference_and_a_stale_entry(
    client: Client, tmp_path: Path
) -> None:
    client.spoil = _wrong
    code, outcomes, told = _check(client, tmp_path, *FRESH)
    assert code is ExitCode.DIFFER and outcomes == {"signature": "failure", "campaign": "failure"}
    assert told["seed"] == "1" and "pel client check --url" in told["repeat"]
    (path,) = (tmp_path / "out").iterdir()
    signature = json.loads(path.read_text())["expected"]["signature"]
    corpus = ["--corpus", str(path.parent), *NONE]
    code, outcomes, told = _check(client, tmp_path, *corpus)
    assert code is ExitCode.DIFFER and outcomes == {"corpus": "failure", "campaign": "failure"}
    listed = tmp_path / "known.toml"
    listed.write_text(
        f'pel = "known"\nversion = 1\n[[known]]\nsignature = "{signature}"\nissue = "#7"\n'
        f'expires = 2026-11-21\ncase = "out/{path.name}"\n'
    )
    known = ["--known", str(listed)]
    code, outcomes, _ = _check(client, tmp_path, *corpus, *known)
    assert code is ExitCode.AGREE
    assert outcomes == {"corpus": "skipped", "known": "skipped", "campaign": "passed"}
    code, outcomes, _ = _check(client, tmp_path, *FRESH, *known)
    assert code is ExitCode.AGREE and outcomes["signature"] == "skipped"
    client.spoil = lambda answer: answer
    code, outcomes, _ = _check(client, tmp_path, *known, *NONE)
    assert code is ExitCode.BAD_INPUT
    assert (outcomes["known"], outcomes["campaign"]) == ("failure", "error")


def test_no_try_of_a_kept_block_hides_what_another_showed(client: Client, tmp_path: Path) -> None:
    """A parallel client shows now this, now that, and in the end nothing."""
    client.spoil = _wrong
    _check(client, tmp_path, *FRESH)
    corpus = ["--corpus", str(tmp_path / "out"), *NONE]
    rounds: list[Callable[[dict[str, Any]], Any]] = []

    def spoil(answer: dict[str, Any]) -> Any:
        return rounds.pop(0)(answer) if rounds else answer

    client.spoil = spoil
    rounds[:] = [_other]
    code, outcomes, _ = _check(client, tmp_path, *corpus)
    assert code is ExitCode.DIFFER and outcomes["corpus"] == "failure"
    (path,) = (tmp_path / "out").iterdir()
    listed = tmp_path / "known.toml"
    signature = json.loads(path.read_text())["expected"]["signature"]
    listed.write_text(
        f'pel = "known"\nversion = 1\n[[known]]\nsignature = "{signature}"\nissue = "#7"\n'
        "expires = 2026-11-21\n"
    )
    rounds[:] = [_other, _wrong]
    code, outcomes, told = _check(client, tmp_path, *corpus, "--known", str(listed))
    assert code is ExitCode.DIFFER and outcomes["corpus"] == "failure"
    assert told["why"] == "1 kind(s) of difference, besides 1 known"
    rounds[:] = [_garbage]
    code, outcomes, _ = _check(client, tmp_path, *corpus)
    assert code is ExitCode.INCONCLUSIVE and outcomes["corpus"] == "error"


def test_a_kept_block_is_given_up_soon_after_the_time_is_over(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pel_fuzz.cli.client_ci.GRACE_SECONDS", 0.5)
    client.spoil = _wrong
    _check(client, tmp_path, *FRESH)
    over = threading.Event()

    def hang(answer: dict[str, Any]) -> dict[str, Any]:
        over.wait(60)
        return answer

    client.spoil, begin = hang, time.monotonic()
    corpus = ["--corpus", str(tmp_path / "out"), *NONE]
    code, outcomes, told = _check(client, tmp_path, *corpus, "--max-time", "1s")
    over.set()
    assert time.monotonic() - begin < 30
    assert code is ExitCode.INCONCLUSIVE and outcomes["corpus"] == "error"
    assert "given up, as the time was over" in told["why"]


def test_a_client_without_a_verdict_is_an_error_and_cannot_be_known(
    client: Client, tmp_path: Path
) -> None:
    client.spoil = _garbage
    code, outcomes, _ = _check(client, tmp_path, *FRESH)
    assert code is ExitCode.INCONCLUSIVE
    assert outcomes == {"signature": "error", "campaign": "error"}
    code, outcomes, _ = _check(client, tmp_path, "--corpus", str(tmp_path / "out"), *NONE)
    assert code is ExitCode.INCONCLUSIVE
    assert outcomes == {"corpus": "error", "campaign": "error"}


def test_a_case_that_no_client_can_be_asked_about_is_named(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus").mkdir()
    case = Case(TinyBlock(()), "tiny", 1, ())
    write_case(tmp_path / "corpus" / "a.json", case, None, None)
    command = ["client", "check", "--url", client.url, "--out", str(tmp_path / "out")]
    assert run([*command, *NONE]) is ExitCode.BAD_INPUT
    assert "--corpus or --known" in capsys.readouterr().err
    assert run([*command, *NONE, "--corpus", str(tmp_path / "corpus")]) is ExitCode.BAD_INPUT
    assert "a.json: kind: no EVM block" in capsys.readouterr().err


# ---- consume --------------------------------------------------------------------------------


def _report(known: KnownList, *told: Told) -> ConsumeReport:
    report = ConsumeReport(ConsumePlan((), "blockchain_test"), known=known)
    for each in told:
        report.add(FileRun(each.path, told=(each,)))
    wrong = Told("wrong", Path("w.json"), Said.FAIL)
    report.canaries = [Canary("stateRoot", wrong, Told("right", Path("r.json"), Said.PASS))]
    return report


PASS = Told("good", Path("a.json"), Said.PASS, seconds=0.5)
FAIL = Told("bad", Path("b.json"), Said.FAIL, "state-root", "wrong root\x00")
SILENT = Told("late", Path("c.json"), Said.NOTHING, "timeout")
OTHER = Told("new fork", Path("d.json"), Said.NOTHING, UNSUPPORTED)


def _known(expires: date) -> KnownList:
    entry = Known(0, "answer:consume.state-root:-", "#7", expires)
    return KnownList("known.toml", (entry,), TODAY)


@pytest.mark.parametrize(
    ("known", "code", "bad", "listed"),
    [
        (KnownList(), ExitCode.DIFFER, "failure", None),
        (_known(TODAY), ExitCode.AGREE, "skipped", "skipped"),
        (_known(date(2026, 11, 20)), ExitCode.DIFFER, "failure", "failure"),
    ],
)
def test_the_tests_of_a_folder_are_test_cases(
    known: KnownList, code: ExitCode, bad: str, listed: str | None, tmp_path: Path
) -> None:
    report = _report(known, PASS, FAIL, OTHER)
    assert report.exit_code()[0] is code
    assert report.add(FileRun(FAIL.path, told=(FAIL,))) == []
    path = tmp_path / "report.xml"
    write_consume_junit(path, report, 1.0)
    (suite,) = ET.parse(path).getroot()
    outcomes: dict[str, str] = {}
    for case in suite.findall("testcase"):
        results = [each.tag for each in case if each.tag != "system-out"]
        outcomes[case.attrib["name"]] = "".join(results) or "passed"
    assert outcomes.pop("answer:consume.state-root:- (#7)", None) == listed
    assert outcomes == {
        "good": "passed",
        "bad": bad,
        "new fork": "skipped",
        "wrong (stateRoot)": "passed",
        "campaign": "passed" if code is ExitCode.AGREE else "failure",
    }


def test_what_says_nothing_of_the_client_is_an_error(tmp_path: Path) -> None:
    report = _report(KnownList(), PASS, SILENT)
    also, right = Told("also wrong", Path("w.json"), Said.PASS), Told("b", Path(), Said.FAIL)
    report.canaries.append(Canary("gasUsed", also, None))
    report.canaries.append(Canary("gasUsed", replace(also, said=Said.FAIL, name="both"), right))
    assert report.exit_code()[0] is ExitCode.INCONCLUSIVE
    path = tmp_path / "report.xml"
    write_consume_junit(path, report, 1.0)
    (suite,) = ET.parse(path).getroot()
    errors = [
        case.attrib["name"] for case in suite.findall("testcase") if case.find("error") is not None
    ]
    assert errors == ["late", "also wrong (gasUsed)", "both (gasUsed)", "campaign"]


def test_where_nothing_passes_no_test_is_a_failure(tmp_path: Path) -> None:
    report = _report(KnownList(), FAIL)
    assert report.exit_code()[0] is ExitCode.INCONCLUSIVE
    path = tmp_path / "report.xml"
    write_consume_junit(path, report, 1.0)
    (suite,) = ET.parse(path).getroot()
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "2")

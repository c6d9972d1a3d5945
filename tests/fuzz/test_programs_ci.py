"""Corpus, known differences and JUnit of `pel client programs`."""

import json
import shlex
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.client.programs.programs import EMPTY, ProgramExecutor, program_block_at
from pel_fuzz.client.running.failures import BadStatus, Garbage, Stopped
from pel_fuzz.client.running.process import Stop, never
from pel_fuzz.drive.messages import Answer, result_of
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.formats.programs_json import encode_programs, expected_json
from pel_fuzz.tiny import TinyBlock

Spoil = Callable[[TinyBlock, dict[str, Any]], Any]

OUTCOME, CELL, EXIT = "answer:outcome:-", "answer:memory.cell:-", "fault:exit.3:-"
NONE = ("--cases", "0")


def right(_block: TinyBlock, _answer: dict[str, Any]) -> None:
    """Says what is expected."""


def wrong_outcome(block: TinyBlock, answer: dict[str, Any]) -> None:
    """Says that the last program of a block ended with an accumulator that none has."""
    if block.programs:
        answer["outcomes"][-1] = ["ended", 0]


def wrong_cell(block: TinyBlock, answer: dict[str, Any]) -> None:
    """Loses what is written to the first cell."""
    answer["cells"][0] = 12345 if block.programs else answer["cells"][0]


def failing(_block: TinyBlock, _answer: dict[str, Any]) -> None:
    """Fails, whatever it is given."""
    raise BadStatus(3, "no such file")


def failing_on_programs(block: TinyBlock, answer: dict[str, Any]) -> None:
    """Fails on every block that is not empty."""
    if block != EMPTY:
        failing(block, answer)


def babbling(_block: TinyBlock, _answer: dict[str, Any]) -> None:
    """Says what nobody understands."""
    raise Garbage("not JSON")


@dataclass
class Executor:
    """Stands for the command, in this process: the next of `rounds`, or else `spoil`, spoils what
    it answers."""

    spoil: Spoil = right
    rounds: list[Spoil] = field(default_factory=list)
    asked: int = 0

    def execute(self, block: TinyBlock, stop: Stop = never) -> tuple[Answer, str]:
        self.asked += 1
        answer = expected_json(block)
        spoil = self.rounds.pop(0) if self.rounds else self.spoil
        spoil(block, answer)
        return result_of(answer, block, ""), ""


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Executor]:
    made = Executor()

    def execute(_self: object, block: TinyBlock, stop: Stop = never) -> tuple[Answer, str]:
        return made.execute(block, stop)

    monkeypatch.setattr(ProgramExecutor, "execute", execute)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    yield made
    assert not made.rounds, "each round was asked for"


def programs(*arguments: str) -> ExitCode:
    options = ["--out", "out", "--seed", "1", "--jobs", "1", "--junit", "report.xml"]
    day = [] if "--today" in arguments else ["--today", "2026-11-21"]
    small = ["--shrink-time", "0", "--json"]
    return run(["client", "programs", "--command", "exe", *options, *day, *small, *arguments])


def reported() -> tuple[dict[str, str], dict[str, str]]:
    """Of the JUnit report: the outcomes by test case, and the properties."""
    (suite,) = ET.parse("report.xml").getroot()
    outcomes = {}
    for case in suite.findall("testcase"):
        results = [each.tag for each in case if each.tag != "system-out"]
        outcomes[case.attrib["classname"].rpartition(".")[2]] = "".join(results) or "passed"
    return outcomes, {each.attrib["name"]: each.attrib["value"] for each in suite[0]}


def listed(signature: str, expires: str = "2026-11-21", case: Path | None = None) -> list[str]:
    """The options that name a list with this entry."""
    text = f'pel = "known"\nversion = 1\n[[known]]\nsignature = "{signature}"\nissue = "#7"\n'
    text += f"expires = {expires}\n" + (f'case = "{case}"\n' if case is not None else "")
    Path("known.toml").write_text(text)
    return ["--known", "known.toml"]


def kept_in_corpus(executor: Executor) -> list[str]:
    """The options that name a corpus with a block that showed a wrong outcome."""
    executor.spoil = wrong_outcome
    assert programs("--cases", "1", "--out", "corpus") is ExitCode.DIFFER
    executor.spoil, executor.asked = right, 0
    return ["--corpus", "corpus"]


# ---- a corpus and a list --------------------------------------------------------------------


def test_a_finding_becomes_a_corpus_a_known_difference_and_a_stale_entry(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    executor.spoil = wrong_outcome
    assert programs("--cases", "3") is ExitCode.DIFFER
    assert reported()[0] == {"signature": "failure", "campaign": "failure"}
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found["signature"] == OUTCOME
    path = Path(found["case"])
    path.rename(path := Path("corpus") / path.name)
    corpus = ["--corpus", "corpus", *NONE]
    assert programs(*corpus) is ExitCode.DIFFER
    assert reported()[0] == {"corpus": "failure", "campaign": "failure"}
    known = listed(OUTCOME, case=path)
    assert programs(*corpus, *known) is ExitCode.AGREE
    assert reported()[0] == {"corpus": "skipped", "known": "skipped", "campaign": "passed"}
    assert programs("--cases", "3", *known, "--today", "2026-11-22") is ExitCode.DIFFER
    outcomes = {"corpus": "failure", "known": "failure", "campaign": "failure"}
    assert reported()[0] == outcomes, "expired"
    executor.spoil = right
    assert programs(*corpus) is ExitCode.AGREE
    assert reported()[0] == {"corpus": "passed", "campaign": "passed"}
    assert programs(*known, *NONE) is ExitCode.BAD_INPUT
    assert reported()[0] == {"corpus": "passed", "known": "failure", "campaign": "error"}
    assert "no longer reproduces: take the entry out (#7)" in reported()[1]["why"]


def test_what_is_known_passes_is_not_kept_and_does_not_end_the_run(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    executor.spoil = wrong_outcome
    assert programs("--cases", "4", *listed(OUTCOME), "--shrink-time", "9s") is ExitCode.AGREE
    told = json.loads(capsys.readouterr().out)
    assert (told["blocks"], told["findings"], executor.asked) == (4, [], 4)
    assert list(Path("out").iterdir()) == []
    (group,) = told["differences"]
    assert (group["signature"], group["cases"], group["known"]["issue"]) == (OUTCOME, 4, "#7")
    assert (told["known"][0]["seen"], told["known"][0]["reproduced"]) == (True, None)
    outcomes, properties = reported()
    assert outcomes == {"known": "skipped", "signature": "skipped", "campaign": "passed"}
    assert properties["why"] == "no difference, besides 1 known"


@pytest.mark.parametrize(
    ("signature", "expires"), [(CELL, "2026-11-21"), (OUTCOME, "2026-11-20"), (EXIT, "2026-11-21")]
)
def test_an_entry_that_is_wrong_or_too_old_excuses_nothing(
    signature: str, expires: str, executor: Executor
) -> None:
    executor.spoil = wrong_outcome
    assert programs("--cases", "4", *listed(signature, expires)) is ExitCode.DIFFER
    assert reported()[0]["signature"] == "failure" and len(list(Path("out").iterdir())) == 1


def test_what_is_known_hides_nothing_in_later_runs_and_blocks(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    known = listed(OUTCOME)
    executor.rounds = [wrong_outcome, wrong_outcome, wrong_outcome, wrong_cell]
    assert programs("--cases", "9", "--runs", "2", *known) is ExitCode.DIFFER
    told = json.loads(capsys.readouterr().out)
    assert told["blocks"] == 2
    assert [(each["signature"], each["cases"]) for each in told["differences"]] == [
        (OUTCOME, 2),
        (CELL, 1),
    ]
    assert [each["signature"] for each in told["findings"]] == [CELL]
    assert told["why"] == "1 kind(s) of difference, besides 1 known"


def test_what_is_known_is_passed_over_while_something_else_is_shrunk(executor: Executor) -> None:
    before = [EMPTY]

    def in_turn(block: TinyBlock, answer: dict[str, Any]) -> None:
        (wrong_cell if block == before[0] else wrong_outcome)(block, answer)
        before[0] = EMPTY if block == before[0] else block

    executor.spoil = in_turn
    arguments = ["--cases", "1", "--runs", "2", *listed(OUTCOME), "--shrink-time", "60s"]
    assert programs(*arguments) is ExitCode.DIFFER
    (small,) = Path("out").glob("*-small.json")
    (program,) = json.loads(small.read_text())["block"]["programs"]
    assert program == []


def test_a_kept_block_is_run_until_it_shows_what_it_was_kept_for(executor: Executor) -> None:
    corpus = [*kept_in_corpus(executor), *NONE]
    executor.rounds = [right, right, wrong_outcome]
    assert programs(*corpus) is ExitCode.DIFFER
    assert programs(*corpus) is ExitCode.AGREE
    assert executor.asked == 6
    executor.rounds = [wrong_outcome]
    assert programs(*corpus) is ExitCode.DIFFER
    assert executor.asked == 7
    executor.rounds = [right, right, right, right, wrong_outcome]
    assert programs(*corpus, "--runs", "9") is ExitCode.DIFFER
    executor.rounds = [wrong_cell, wrong_outcome]
    assert programs(*corpus, *listed(OUTCOME)) is ExitCode.DIFFER
    assert reported()[1]["why"] == "1 kind(s) of difference, besides 1 known"


def test_a_difference_in_the_corpus_ends_the_run_unless_it_is_to_be_kept_going(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = kept_in_corpus(executor)
    for more, blocks in (([], 0), (["--keep-going"], 2)):
        executor.rounds = [wrong_outcome]
        capsys.readouterr()
        assert programs(*corpus, "--cases", "2", *more) is ExitCode.DIFFER
        assert json.loads(capsys.readouterr().out)["blocks"] == blocks


def test_what_was_run_is_repeated_and_gone_on_with_by_what_is_printed(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = kept_in_corpus(executor)
    executor.spoil = wrong_outcome
    known = listed(OUTCOME)
    arguments = ["--shard", "2/3", "--start", "4", "--small", "--runs", "2", "--keep-going"]
    capsys.readouterr()
    assert programs("--cases", "2", *arguments, *corpus, *known) is ExitCode.AGREE
    told = json.loads(capsys.readouterr().out)
    beforehand = "--corpus corpus --known known.toml --today 2026-11-21 --keep-going"
    again = f"pel client programs --command exe --runs 2 --seed 1 --small --shard 2/3 {beforehand}"
    assert told["repeat"] == f"{again} --start 4 --cases 2"
    assert told["resume"] == f"{again} --start 10"
    assert reported()[1]["repeat"] == told["repeat"] and reported()[1]["resume"] == told["resume"]
    assert run([*shlex.split(told["repeat"])[1:], "--json"]) is ExitCode.AGREE
    assert json.loads(capsys.readouterr().out) == told


# ---- what is no difference ------------------------------------------------------------------


def test_an_executor_without_a_verdict_is_an_error_and_cannot_be_known(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = kept_in_corpus(executor)
    executor.spoil = babbling
    assert programs("--cases", "2") is ExitCode.INCONCLUSIVE
    assert reported()[0] == {"signature": "error", "campaign": "error"}
    assert programs(*corpus, *NONE) is ExitCode.INCONCLUSIVE
    assert reported()[0] == {"corpus": "error", "campaign": "error"}
    case = next(Path("corpus").iterdir())
    assert programs(*listed(OUTCOME, case=case), *NONE) is ExitCode.INCONCLUSIVE
    assert reported()[0] == {"corpus": "error", "known": "error", "campaign": "error"}
    assert programs("--cases", "2", *listed("client:garbage:-")) is ExitCode.BAD_INPUT
    assert "cannot be known as one" in capsys.readouterr().err
    assert not Path("report.xml").exists(), "nothing was run"


def test_a_known_crash_does_not_hide_an_executor_that_runs_nothing(executor: Executor) -> None:
    corpus, known = kept_in_corpus(executor), listed(EXIT)
    executor.spoil = failing
    for arguments in (["--cases", "1"], corpus, [*corpus, *NONE]):
        executor.asked = 0
        assert programs(*arguments, *known) is ExitCode.BAD_INPUT
        assert "fails on an empty block, too" in reported()[1]["why"]
        assert "failure" not in reported()[0].values()
        assert executor.asked == 2
    executor.spoil = failing_on_programs
    assert programs("--cases", "2", *known) is ExitCode.INCONCLUSIVE
    assert reported()[0] == {"known": "skipped", "signature": "skipped", "campaign": "error"}
    assert programs("--cases", "2") is ExitCode.DIFFER
    # Once, on a block of the corpus, on the empty one, and then on a drawn block.
    executor.spoil, executor.rounds = right, [failing, right, right, right, failing]
    assert programs("--cases", "2", *corpus, *known) is ExitCode.AGREE


def test_a_difference_found_before_an_executor_ran_nothing_any_more_stays_one(
    executor: Executor,
) -> None:
    executor.rounds, executor.spoil = [wrong_outcome], failing
    assert programs("--cases", "9", "--keep-going") is ExitCode.DIFFER
    assert reported()[0] == {"signature": "failure", "campaign": "failure"}


def test_what_time_does_not_allow_is_an_error(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pel_fuzz.cli.programs_ci.GRACE_SECONDS", 0.1)
    corpus = kept_in_corpus(executor)
    (kept,) = Path("corpus").iterdir()
    Path("corpus/z.json").write_bytes(kept.read_bytes())

    def hang(_self: object, _block: TinyBlock, stop: Stop = never) -> tuple[Answer, str]:
        limit = time.monotonic() + 20
        while not stop():
            assert time.monotonic() < limit
            time.sleep(0.01)
        raise Stopped

    monkeypatch.setattr(ProgramExecutor, "execute", hang)
    assert programs(*corpus, "--max-time", "0.2s") is ExitCode.INCONCLUSIVE
    (suite,) = ET.parse("report.xml").getroot()
    errors = {
        case.attrib["name"]: each.attrib["message"]
        for case in suite.findall("testcase")
        for each in case.findall("error")
    }
    assert errors.pop("campaign") == ("INCONCLUSIVE: out of time: 1 case file(s) were not replayed")
    assert errors == {
        kept.name: "given up, as the time was over",
        "z.json": "out of time: not replayed",
    }


@pytest.mark.parametrize(
    ("error", "code", "outcomes"),
    [
        (KeyboardInterrupt, ExitCode.INTERRUPTED, {"campaign": "error"}),
        (ZeroDivisionError, ExitCode.INTERNAL, {"campaign": "error", "harness": "error"}),
    ],
)
@pytest.mark.parametrize("where", ["corpus", "drawn"])
def test_an_interruption_and_a_fault_of_ours_are_reported(
    where: str,
    error: type[BaseException],
    code: ExitCode,
    outcomes: dict[str, str],
    executor: Executor,
) -> None:
    corpus = kept_in_corpus(executor)

    def broken(_block: TinyBlock, _answer: dict[str, Any]) -> None:
        raise error

    executor.spoil = broken
    assert programs("--cases", "2", *(corpus if where == "corpus" else [])) is code
    assert reported()[0] == outcomes


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--known", "--corpus", "--junit"])
@pytest.mark.parametrize("with_what", ["DIR", "--replay"])
def test_options_that_do_not_go_together_are_refused(
    option: str, with_what: str, executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    block = program_block_at(1, 0).value
    Path("block.json").write_bytes(encode_programs(block))
    listed(OUTCOME)
    values = {"--known": "known.toml", "--corpus": "corpus", "--junit": "other.xml"}
    given = ["blocks"] if with_what == "DIR" else ["--command", "exe", "--replay", "block.json"]
    assert run(["client", "programs", *given, option, values[option]]) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert with_what in told and "goes without --corpus, --known and --junit" in told
    assert not Path("blocks").exists() and executor.asked == 0


def test_no_cases_at_all_go_with_something_known_beforehand(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in (["--command", "exe"], ["blocks"]):
        assert run(["client", "programs", *given, *NONE]) is ExitCode.BAD_INPUT
        assert "--corpus or --known" in capsys.readouterr().err
    assert programs("--corpus", "corpus", *NONE) is ExitCode.INCONCLUSIVE
    assert executor.asked == 0


def test_a_file_of_another_kind_is_named_before_anything_is_run(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = kept_in_corpus(executor)
    write_case(Path("corpus/z.json"), Case(TinyBlock(()), "tiny", 1, ()), None, None)
    assert programs(*corpus, "--cases", "1") is ExitCode.BAD_INPUT
    assert "z.json: pel: expected 'programs', got 'case'" in capsys.readouterr().err
    assert executor.asked == 0

"""What `pel replay` says of a case, and what it may not say; and how many runs there were."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.corpus import CorpusCase
from pel_fuzz.examine import OutOfTime, examine
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import CaseFile, read_case, write_case
from pel_fuzz.interleavings import Faulted, Search, Switches, Walk
from pel_fuzz.replaying import examine_again, is_never_run, replay_of_corpus
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.faults import Fault, FaultKind

BUG = "no-retry"
BLOCK = TinyBlock(((("put", 0),), (("get", 0),)), (0,))
SHOWS = Search(1, 200)
"""Among all runs with a single preemption, some show the bug."""
DRIFTS = Switches(((0, 7000, 1),))
CASE = Case(BLOCK, "tiny", 2, (SHOWS,))
SEEN = Difference(Oracle.LIVENESS, "incomplete", "incomplete", "the block ends", "it does not")
OTHER = Difference(Oracle.RESULT, "write.cell", "cell 0", "1", "2")
EVM = draw_case(blocks(fork="Prague", size=(1, 2)), 8, 1).value.block

Told = pytest.CaptureFixture[str]


def replayed(
    folder: Path, case: Case, expected: Difference | None, *options: str
) -> tuple[ExitCode, Path]:
    path = folder / "case.json"
    write_case(path, case, expected, None)
    return run(["replay", str(path), "--story", "none", *options]), path


# ---- as recorded ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "last"),
    [
        (SEEN, "as recorded"),
        (None, "a difference; none was recorded"),
        (OTHER, f"the recorded difference is gone: {OTHER.signature}"),
    ],
)
def test_as_recorded_is_what_was_recorded(
    expected: Difference | None, last: str, tmp_path: Path, capsys: Told
) -> None:
    assert replayed(tmp_path, CASE, expected, "--seed-bug", BUG)[0] is ExitCode.DIFFER
    assert capsys.readouterr().out.splitlines()[-1] == last
    replayed(tmp_path, CASE, expected, "--seed-bug", BUG, "--json")
    assert json.loads(capsys.readouterr().out)["reproduced"] == (expected is SEEN)


def test_the_help_says_what_the_exit_codes_are(capsys: Told) -> None:
    assert run(["replay", "--help"]) is ExitCode.AGREE
    told = " ".join(capsys.readouterr().out.split())
    assert "Exits with 1 where anything differs, be it what was recorded or something else" in told


# ---- drift beside a difference --------------------------------------------------------------


@pytest.mark.parametrize("interleavings", [(SHOWS, DRIFTS), (DRIFTS, SHOWS)])
def test_drift_does_not_hide_what_differs(
    interleavings: tuple[Search | Switches, ...], tmp_path: Path, capsys: Told
) -> None:
    case = replace(CASE, interleavings=interleavings)
    assert replayed(tmp_path, case, SEEN, "--seed-bug", BUG)[0] is ExitCode.DIFFER
    *_, drift, last = capsys.readouterr().out.splitlines()
    assert "DIFFERENCE" not in drift and last == "as recorded"
    assert "do not fit this code any more" in drift and "step 7000 of worker 0" in drift
    replayed(tmp_path, case, SEEN, "--seed-bug", BUG, "--json")
    assert "step 7000 of worker 0" in json.loads(capsys.readouterr().out)["drift"]
    replayed(tmp_path, case, OTHER, "--seed-bug", BUG)
    assert f"was not seen: {OTHER.signature}" in capsys.readouterr().out
    assert replayed(tmp_path, case, SEEN)[0] is ExitCode.INCONCLUSIVE
    assert "does not fit this code any more" in capsys.readouterr().out


def test_drift_is_no_run() -> None:
    with planted(BUG):
        done = examine(replace(CASE, interleavings=(DRIFTS, SHOWS)), stop_at_first=False)
    assert done.drift is not None and done.strategies["recorded"] == 0


def test_a_corpus_tells_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_case(tmp_path / "a.json", replace(CASE, interleavings=(SHOWS, DRIFTS)), SEEN, None)
    kept = CorpusCase("a.json", tmp_path / "a.json", read_case(tmp_path / "a.json"))
    found = replay_of_corpus(kept, BUG)
    assert SEEN.signature in {each.signature for each in found.differences}
    assert found.note is not None and "were run" in found.note

    def once(case: Case, seed_bug: str | None, until: float | None = None) -> object:
        if len(case.interleavings) > 2:
            raise OutOfTime
        return examine_again(case, seed_bug, until)

    monkeypatch.setattr("pel_fuzz.replaying.examine_again", once)
    found = replay_of_corpus(kept, BUG)
    assert found.compared and found.differences and "time was over" in str(found.note)


# ---- nothing was run ------------------------------------------------------------------------


def test_without_any_run_nothing_is_said_to_be_gone(tmp_path: Path, capsys: Told) -> None:
    case = replace(CASE, interleavings=())
    for expected in (SEEN, OTHER, None):
        code, path = replayed(tmp_path, case, expected)
        assert code is ExitCode.INCONCLUSIVE
        assert capsys.readouterr().out == f"{path}: choices is empty: nothing was run\n"
    found = replay_of_corpus(CorpusCase("a.json", path, read_case(path)), None)
    assert not found.compared and found.note == "choices is empty: nothing was run"


def test_what_the_reference_says_needs_no_run(tmp_path: Path, capsys: Told) -> None:
    case = Case(EVM, "evm", 2, ())
    objected = Difference(Oracle.REFERENCE, "receipt.gas_used", "gas", "1", "2")
    assert replayed(tmp_path, case, objected)[0] is ExitCode.AGREE
    assert "is gone: reference:receipt.gas_used:-" in capsys.readouterr().out
    assert replayed(tmp_path, case, None)[0] is ExitCode.AGREE
    assert replayed(tmp_path, case, SEEN)[0] is ExitCode.INCONCLUSIVE
    assert replayed(tmp_path, replace(case, reference=False), objected)[0] is ExitCode.INCONCLUSIVE


@pytest.mark.parametrize(
    ("signature", "needs_one"),
    [("fault:fault:-", False), ("fault:again:-", True), ("eels:receipt:-", True), ("?", True)],
)
def test_faults_of_the_fold_need_no_run(signature: str, needs_one: bool) -> None:
    case = Case(EVM, "evm", 2, ())
    assert is_never_run(CaseFile(case, signature, None)) is needs_one
    assert not is_never_run(CaseFile(replace(case, threads=True), signature, None))
    assert not is_never_run(CaseFile(replace(case, eels=True), "eels:receipt:-", None))


# ---- how many there were --------------------------------------------------------------------


def test_runs_that_do_not_end_are_counted() -> None:
    with planted(BUG):
        done = examine(replace(CASE, interleavings=(SHOWS, Walk(1, 0.5))), stop_at_first=False)
    stuck = [each for each in done.findings if each.difference.oracle is Oracle.LIVENESS]
    assert stuck and done.counters["runs"] == done.strategies.total()
    assert done.counters["runs"] == done.counters["replayed"] + len(stuck)
    death = Faulted(Walk(1, 0.3), (Fault(FaultKind.DEATH, 1, 12),))
    with planted("death-swallowed"):
        done = examine(replace(CASE, interleavings=(death,)), stop_at_first=False)
    assert done.findings and done.counters["runs"] == done.strategies.total() == 1

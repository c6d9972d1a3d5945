"""JUnit reports: what each reader needs is there, and nothing that XML forbids."""

import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.cli.app import run
from pel_fuzz.corpus import CorpusCase, Replayed
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.junit import (
    MOST_TEXT,
    Entry,
    Outcome,
    campaign_entry,
    difference_entry,
    regression_entries,
    write_junit,
)
from pel_fuzz.known import Excuse, Known, KnownList
from pel_fuzz.regressions import Regressions
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.errors import InputError

TODAY = date(2026, 11, 21)
RESULTS = {"failure", "error", "skipped"}
DIFFERENCE = Difference(Oracle.RESULT, "write.cell", "write of cell 1", "1", "2", words="a read")


def _suite(path: Path) -> ET.Element:
    """The one suite of a report, once it has the shape that Jenkins' schema asks for."""
    root = ET.parse(path).getroot()
    assert root.tag == "testsuites" and [each.tag for each in root] == ["testsuite"]
    suite = root[0]
    assert {"name", "tests", "failures", "errors", "time"} <= set(suite.attrib)
    cases = suite.findall("testcase")
    assert [each.tag for each in suite] == ["properties"] + ["testcase"] * len(cases)
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert float(case.attrib["time"]) >= 0
        assert len(case) <= 1 and {each.tag for each in case} <= RESULTS | {"system-out"}
    counted = [len(suite.findall(f"testcase/{name}")) for name in ("failure", "error", "skipped")]
    told = [int(suite.attrib[name]) for name in ("failures", "errors", "skipped")]
    assert (len(cases), counted) == (int(suite.attrib["tests"]), told)
    return suite


def _outcomes(suite: ET.Element) -> dict[str, str]:
    found = {}
    for case in suite.findall("testcase"):
        results = [each.tag for each in case if each.tag in RESULTS]
        found[f"{case.attrib['classname']}/{case.attrib['name']}"] = "".join(results) or "passed"
    return found


anything = st.text(st.characters(codec=None), max_size=30)


@given(anything, anything, st.sampled_from(Outcome))
def test_any_text_makes_a_report_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str, outcome: Outcome
) -> None:
    path = tmp_path_factory.getbasetemp() / "report.xml"
    write_junit(path, "pel fuzz", [Entry("corpus", name, outcome, text, text)], {name: text})
    (case,) = _suite(path).findall("testcase")
    if name.isprintable():
        assert case.attrib["name"] == name


def test_texts_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    write_junit(path, "pel fuzz", [Entry("corpus", "a", Outcome.FAILURE, "", "x" * 10**6)], {})
    assert len(path.read_text()) < 2 * MOST_TEXT


def test_a_report_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_junit(tmp_path / "none" / "report.xml", "pel fuzz", [], {})


def test_a_difference_is_a_failure_and_a_known_one_is_skipped() -> None:
    entry = Known(0, DIFFERENCE.signature, "#7", TODAY)
    plain = difference_entry(DIFFERENCE, None, 3, "pel replay a.json")
    assert plain.outcome is Outcome.FAILURE and plain.name == "result:write.cell:-"
    assert "a read" in plain.text and "pel replay a.json" in plain.text and "3 cases" in plain.text
    known = difference_entry(DIFFERENCE, Excuse(entry, expired=False), 1, "")
    assert known.outcome is Outcome.SKIPPED and "#7" in known.message
    expired = difference_entry(DIFFERENCE, Excuse(entry, expired=True), 1, "")
    assert expired.outcome is Outcome.FAILURE and "expired" in expired.message


def test_what_was_known_beforehand_is_told_entry_by_entry(tmp_path: Path) -> None:
    known = [
        Known(0, "result:write.cell:-", "stands", TODAY, Path("0.json")),
        Known(1, "result:outcome:-", "gone", TODAY, Path("1.json")),
        Known(2, "history:*:G1a", "expired", date(2026, 1, 1), Path("2.json")),
        Known(3, "history:*:G1c", "unseen", TODAY),
        Known(4, "eels:*:-", "drifted", TODAY, Path("4.json")),
    ]
    history = Difference(Oracle.HISTORY, "history", "history", "", "", anomaly="G1a")
    shown = {"0.json": (DIFFERENCE,), "2.json": (history,), "bad.json": (history,)}
    notes = {"4.json": "its schedule does not fit", "no.json": "no end"}

    def replay(case: CorpusCase[None]) -> Replayed:
        note = notes.get(case.name)
        differences = shown.get(case.name, ())
        return Replayed(case.name, case.path, differences, note, case.name != "no.json", 0.5)

    def case(name: str) -> CorpusCase[None]:
        return CorpusCase(name, tmp_path / name, None)

    regressions = Regressions(KnownList("known.toml", tuple(known), TODAY))
    entries = [(entry, case(entry.case.name)) for entry in known if entry.case]
    regressions.replay([case("good.json"), case("bad.json"), case("no.json")], entries, replay)
    regressions.left_out.append("late.json")
    path = tmp_path / "report.xml"
    write_junit(path, "pel fuzz", regression_entries(regressions, "pel replay"), {"seed": 1})
    assert _outcomes(_suite(path)) == {
        "pel-fuzz.corpus/good.json": "passed",
        "pel-fuzz.corpus/bad.json": "failure",
        "pel-fuzz.corpus/no.json": "error",
        "pel-fuzz.corpus/late.json": "error",
        "pel-fuzz.corpus/0.json": "skipped",
        "pel-fuzz.corpus/1.json": "passed",
        "pel-fuzz.corpus/2.json": "failure",
        "pel-fuzz.corpus/4.json": "passed",
        "pel-fuzz.known/result:write.cell:- (stands)": "skipped",
        "pel-fuzz.known/result:outcome:- (gone)": "failure",
        "pel-fuzz.known/history:*:G1a (expired)": "failure",
        "pel-fuzz.known/history:*:G1c (unseen)": "passed",
        "pel-fuzz.known/eels:*:- (drifted)": "error",
    }


@pytest.mark.parametrize("code", list(ExitCode))
def test_only_a_difference_is_a_failure_of_the_campaign(code: ExitCode) -> None:
    outcome = campaign_entry(code, "why", "", 1.0).outcome
    expected = {ExitCode.AGREE: Outcome.PASSED, ExitCode.DIFFER: Outcome.FAILURE}
    assert outcome is expected.get(code, Outcome.ERROR)


# ---- the command ----------------------------------------------------------------------------


def _fuzz(tmp_path: Path, *arguments: str) -> tuple[ExitCode, ET.Element]:
    path = tmp_path / "report.xml"
    out = ["--out", str(tmp_path), "--jobs", "1", "--junit", str(path), "--shrink-time", "1s"]
    code = run(["fuzz", "--seed", "1", *out, *arguments])
    return code, _suite(path)


def test_a_campaign_reports_its_seed_and_every_signature(tmp_path: Path) -> None:
    bug = ("--seed-bug", "no-estimate", "--keep-going", "--shrink-time", "0")
    code, suite = _fuzz(tmp_path, "--max-cases", "3", *bug)
    assert code is ExitCode.DIFFER
    outcomes = _outcomes(suite)
    assert outcomes.pop("pel-fuzz.campaign/campaign") == "failure"
    assert outcomes and set(outcomes.values()) == {"failure"}
    properties = {each.attrib["name"]: each.attrib["value"] for each in suite[0]}
    assert (properties["seed"], properties["shard"], properties["cases"]) == ("1", "1/1", "3")
    assert properties["verdict"] == "differ" and properties["next_index"] == "3"
    failure = suite.find("testcase/failure")
    assert failure is not None and failure.text is not None
    assert "replay    pel replay" in failure.text


def test_an_interrupted_campaign_reports_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pel_fuzz.findings.shrink_finding", interrupt)
    code, suite = _fuzz(tmp_path, "--max-cases", "9", "--seed-bug", "no-estimate")
    assert code is ExitCode.INTERRUPTED
    outcomes = _outcomes(suite)
    assert outcomes.pop("pel-fuzz.campaign/campaign") == "error"
    assert set(outcomes.values()) == {"failure"}


def test_a_fault_of_ours_is_an_error_and_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("seeded")

    monkeypatch.setattr("pel_fuzz.campaign.examine", fail)
    code, suite = _fuzz(tmp_path, "--max-cases", "3")
    assert code is ExitCode.INTERNAL
    assert _outcomes(suite) == {
        "pel-fuzz.harness/internal error": "error",
        "pel-fuzz.campaign/campaign": "error",
    }


def test_bad_input_in_the_middle_is_no_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("a file", "", "went away")

    monkeypatch.setattr("pel_fuzz.campaign.examine", fail)
    code, suite = _fuzz(tmp_path, "--max-cases", "3")
    assert code is ExitCode.BAD_INPUT
    assert _outcomes(suite) == {"pel-fuzz.campaign/campaign": "error"}
    properties = {each.attrib["name"]: each.attrib["value"] for each in suite[0]}
    assert properties["why"] == "a file: went away"


def test_a_run_that_is_refused_leaves_no_older_report(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text("<testsuites/>")
    (tmp_path / "known.toml").write_text("")
    command = ["fuzz", "--max-cases", "1", "--junit", str(tmp_path / "report.xml")]
    assert run([*command, "--known", str(tmp_path / "known.toml")]) is ExitCode.BAD_INPUT
    assert not (tmp_path / "report.xml").exists()


def test_a_report_that_could_not_be_written_is_told_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    report = tmp_path / "file" / "report.xml"
    command = ["fuzz", "--max-cases", "1", "--out", str(tmp_path), "--junit", str(report)]
    assert run(command) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert "report.xml: cannot be written" in told and "seed" not in told


def test_the_folder_of_a_report_is_made(tmp_path: Path) -> None:
    corpus, report = tmp_path / "corpus", tmp_path / "new" / "report.xml"
    corpus.mkdir()
    command = ["fuzz", "--max-cases", "0", "--corpus", str(corpus), "--out", str(tmp_path)]
    assert run([*command, "--junit", str(report)]) is ExitCode.INCONCLUSIVE
    assert _outcomes(_suite(report)) == {"pel-fuzz.campaign/campaign": "error"}


def test_an_inconclusive_campaign_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    code, suite = _fuzz(tmp_path, "--max-cases", "0", "--corpus", str(tmp_path / "corpus"))
    assert code is ExitCode.INCONCLUSIVE
    assert _outcomes(suite) == {"pel-fuzz.campaign/campaign": "error"}

"""A corpus and a list of known differences, and the verdicts that they lead to."""

import contextlib
import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.cli.regression_options import CiOptions
from pel_fuzz.corpus import CorpusCase, Replayed, read_corpus
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import read_case, write_case
from pel_fuzz.interleavings import Switches, Walk
from pel_fuzz.known import Known, KnownList
from pel_fuzz.regressions import Regressions
from pel_fuzz.replaying import read_replayable, replay_of_corpus
from pel_fuzz.report import regression_lines
from pel_fuzz.text_runs import GivenUp
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_proof.runs.interpreter import Turn
from pel_reference.errors import InputError

TODAY = date(2026, 11, 21)
BUG = ["--seed-bug", "no-estimate"]
BLOCK = TinyBlock(((("get", 0), ("put", 0)),) * 4, (1,))
HEALTHY = Case(BLOCK, "tiny", 2, (Walk(0, 0.5),))
MADE = Callable[..., Path]


def _difference(signature: str = "result:write.cell:-") -> Difference:
    oracle, kind, anomaly = signature.split(":")
    return Difference(Oracle(oracle), kind, "a field", "1", "2", anomaly=anomaly)


def _account(*signatures: str, **entry: Any) -> Regressions:
    """What is known when the case of the only entry shows these signatures."""
    known = Known(0, "result:write.*:*", "#7", entry.pop("expires", TODAY), Path("7.json"))
    regressions = Regressions(KnownList("known.toml", (known,), TODAY))
    case = CorpusCase("7.json", Path("7.json"), None)
    found = Replayed(case.name, case.path, tuple(map(_difference, signatures)), **entry)
    regressions.replay([], [(known, case)], lambda _: found)
    return regressions


@pytest.mark.parametrize(
    ("files", "told"), [(0, "no case file in corpus"), (2, "none of 2 file(s) replayed in corpus")]
)
def test_a_corpus_that_was_not_begun_is_not_called_empty(files: int, told: str) -> None:
    regressions = Regressions(folder="corpus")

    def interrupted(_: CorpusCase[None]) -> Replayed:
        raise KeyboardInterrupt

    cases = [CorpusCase(f"{i}.json", Path(f"{i}.json"), None) for i in range(files)]
    with contextlib.suppress(KeyboardInterrupt):
        regressions.replay(cases, [], interrupted)
    assert list(regression_lines(regressions, [])) == [("corpus", told)]


AGREE = (ExitCode.AGREE, "no difference")
NOT_PARALLEL = (ExitCode.INCONCLUSIVE, "not parallel")


@pytest.mark.parametrize(
    ("regressions", "otherwise", "code", "told"),
    [
        (Regressions(), AGREE, ExitCode.AGREE, "no difference"),
        (Regressions(), NOT_PARALLEL, ExitCode.INCONCLUSIVE, "not parallel"),
        (_account("result:write.cell:-"), AGREE, ExitCode.AGREE, "besides 1 known"),
        (_account("result:write.cell:-"), NOT_PARALLEL, ExitCode.INCONCLUSIVE, "not parallel"),
        (_account("result:outcome:-"), AGREE, ExitCode.DIFFER, "1 kind(s)"),
        (_account(), AGREE, ExitCode.BAD_INPUT, "known.toml: known[0]: no longer reproduces"),
        (_account(note="its schedule"), AGREE, ExitCode.INCONCLUSIVE, "not seen"),
        (_account(note="no end", compared=False), AGREE, ExitCode.INCONCLUSIVE, "no end"),
        (
            _account("result:write.cell:-", expires=date(2026, 11, 20)),
            *(AGREE, ExitCode.DIFFER, "1 kind(s)"),
        ),
    ],
)
def test_verdicts(
    regressions: Regressions, otherwise: tuple[ExitCode, str], code: ExitCode, told: str
) -> None:
    found = regressions.verdict(set(), otherwise)
    assert found[0] is code and told in found[1]


def test_an_entry_that_has_expired_is_not_counted_as_known() -> None:
    expired = _account("result:write.cell:-", expires=date(2026, 11, 20))
    assert expired.verdict(set(), AGREE)[1] == "1 kind(s) of difference"


def test_what_is_drawn_comes_before_what_does_not_reproduce() -> None:
    assert _account().verdict({"history:history:-"}, AGREE)[0] is ExitCode.DIFFER
    interrupted = (ExitCode.INTERRUPTED, "interrupted")
    assert _account().verdict({"history:history:-"}, interrupted) == interrupted


def test_time_that_is_up_leaves_files_out_and_says_so() -> None:
    regressions = Regressions()
    case = CorpusCase("a.json", Path("a.json"), None)
    regressions.replay([case], [], lambda _: pytest.fail("too late"), deadline=0.0)
    assert regressions.left_out == ["a.json"]
    code, why = regressions.verdict(set(), AGREE)
    assert code is ExitCode.INCONCLUSIVE and "out of time" in why


def test_a_case_in_the_corpus_and_the_list_is_replayed_once(tmp_path: Path) -> None:
    write_case(tmp_path / "a.json", HEALTHY, None, None)
    entry = Known(0, "result:write.*:*", "#7", TODAY, tmp_path / "." / "a.json")
    cases = read_corpus(tmp_path, read_case)
    done = []

    def replay(case: CorpusCase[Any]) -> Replayed:
        done.append(case.name)
        return replay_of_corpus(case, None)

    regressions = Regressions(KnownList("known.toml", (entry,), TODAY))
    assert entry.case is not None
    named = CorpusCase("the entry's", entry.case, read_case(entry.case))
    regressions.replay(cases, [(entry, named)], replay)
    assert done == ["a.json"] and len(regressions.replayed) == 1
    assert regressions.reproduced(entry) is False


# ---- the folder -----------------------------------------------------------------------------


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b/2.json", "a.json", "b/1.json.gz", "README.md", ".hidden/x", "b/.x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    cases = read_corpus(tmp_path, lambda path: path.name)
    assert [(case.name, case.kept) for case in cases] == [
        ("a.json", "a.json"),
        ("b/1.json.gz", "1.json.gz"),
        ("b/2.json", "2.json"),
    ]


def test_a_link_to_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "more").symlink_to("../elsewhere")
    with pytest.raises(InputError, match="a link to a folder"):
        read_corpus(tmp_path / "corpus", read_case)


@pytest.mark.parametrize("name", ["a.jsn", "a.json.tmp", "a"])
def test_a_file_that_is_no_case_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="no case file"):
        read_corpus(tmp_path, read_case)


def test_a_schedule_that_does_not_fit_any_more_is_noted(tmp_path: Path) -> None:
    drifting = Case(BLOCK, "tiny", 2, (Switches(((0, 9_999, 1),)),))
    found = replay_of_corpus(CorpusCase("a.json", tmp_path, _kept(tmp_path, drifting)), None)
    assert found.differences == () and found.compared
    assert found.note is not None and "does not fit" in found.note


def test_a_case_is_given_up_when_the_time_is_over(tmp_path: Path) -> None:
    case = CorpusCase("a.json", tmp_path, _kept(tmp_path, HEALTHY))
    found = replay_of_corpus(case, None, until=time.monotonic())
    assert not found.compared and found.note == "given up, as the time was over"
    assert replay_of_corpus(case, None, until=time.monotonic() + 60).compared


def test_a_text_that_comes_to_no_end_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*_: object) -> None:
        raise GivenUp("no end in sight")

    monkeypatch.setattr("pel_fuzz.replaying.text_difference", give_up)
    case = Case(BLOCK, "tiny", 2, (), turns=(Turn(0, 1),))
    found = replay_of_corpus(CorpusCase("a.json", tmp_path, _kept(tmp_path, case)), None)
    assert not found.compared and found.verdict(KnownList()) == "inconclusive"


def _kept(folder: Path, case: Case) -> Any:
    write_case(folder / "case.json", case, None, None)
    return read_case(folder / "case.json")


# ---- the command ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that shows a difference as long as the bug is planted, kept with its own walk."""
    out = tmp_path_factory.mktemp("found")
    arguments = ["fuzz", "--seed", "3", "--max-cases", "9", "--jobs", "1", "--out", str(out)]
    assert run([*arguments, *BUG, "--shrink-time", "0"]) is ExitCode.DIFFER
    (path,) = out.glob("*-found.json")
    return path


@pytest.fixture
def made(tmp_path: Path, found: Path) -> MADE:
    """Makes a list of known differences: all of the case's signatures, the first with its file."""

    def make(expires: str = "2026-12-31", case: bool = True) -> Path:
        signatures = {
            d.signature
            for d in replay_of_corpus(
                CorpusCase("", found, read_case(found)), "no-estimate"
            ).differences
        }
        text = 'pel = "known"\nversion = 1\n'
        first = read_case(found).signature
        assert first is not None
        for signature in sorted(signatures, key=lambda each: each != first):
            text += f'[[known]]\nsignature = "{signature}"\nissue = "#7"\nexpires = {expires}\n'
            text += f'case = "{found}"\n' if case and signature == first else ""
        path = tmp_path / "known.toml"
        path.write_text(text)
        return path

    return make


def _run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str
) -> tuple[ExitCode, Any]:
    capsys.readouterr()
    out = ["--out", str(tmp_path / "out"), "--today", "2026-11-21", "--json", "--jobs", "1"]
    code = run(["fuzz", "--seed", "1", "--max-cases", "0", *out, *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_a_corpus_is_replayed_and_a_difference_is_one(
    found: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = ["--corpus", str(found.parent)]
    code, told = _run(capsys, tmp_path, *corpus, *BUG)
    assert code is ExitCode.DIFFER and told["cases"] == {}
    (file,) = told["corpus"]["files"]
    assert (file["file"], file["verdict"]) == (found.name, "differ")
    code, told = _run(capsys, tmp_path, *corpus)
    assert code is ExitCode.AGREE
    assert told["corpus"]["files"][0]["verdict"] == "agree"


def test_a_known_difference_passes_until_it_expires_or_is_gone(
    found: Path, made: MADE, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = _run(capsys, tmp_path, "--known", str(made()), *BUG)
    assert code is ExitCode.AGREE and "known" in told["why"]
    assert told["known"][0]["reproduced"] is True and told["known"][0]["seen"] is True
    code, told = _run(capsys, tmp_path, "--known", str(made()))
    assert code is ExitCode.BAD_INPUT and "known[0]: no longer reproduces" in told["why"]
    code, told = _run(capsys, tmp_path, "--known", str(made("2026-11-20")), *BUG)
    assert code is ExitCode.DIFFER and told["known"][0]["expired"] is True
    corpus = ["--corpus", str(found.parent), "--known", str(made(case=False))]
    code, told = _run(capsys, tmp_path, *corpus, *BUG)
    assert code is ExitCode.AGREE and told["corpus"]["files"][0]["verdict"] == "known"
    code, told = _run(capsys, tmp_path, *corpus)
    assert code is ExitCode.AGREE and {each["seen"] for each in told["known"]} == {False}


def test_a_known_difference_neither_ends_a_campaign_nor_hides_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "known.toml"
    listed.write_text(
        'pel = "known"\nversion = 1\n[[known]]\nsignature = "conformance:*.*:*"\n'
        'issue = "#7"\nexpires = 2026-11-21\n'
    )
    arguments = ["--known", str(listed), "--max-cases", "8", "--shrink-time", "0"]
    code, told = _run(capsys, tmp_path, *arguments, *BUG)
    assert code is ExitCode.DIFFER
    known = [each for each in told["differences"] if each["known"] is not None]
    assert [each["oracle"] for each in known] == ["conformance"]
    kept = {each["difference"]["signature"] for each in told["kept"]}
    assert kept and not any(signature.startswith("conformance") for signature in kept)
    healthy, told = _run(capsys, tmp_path, "--known", str(listed), "--max-cases", "3")
    assert healthy is ExitCode.AGREE and told["cases"]


def test_bad_files_are_named_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.json").write_text("{}")
    arguments = ["fuzz", "--max-cases", "0", "--out", str(tmp_path / "out")]
    assert run([*arguments, "--corpus", str(tmp_path / "corpus")]) is ExitCode.BAD_INPUT
    assert "a.json: pel: expected 'case'" in capsys.readouterr().err
    assert run(arguments) is ExitCode.BAD_INPUT
    assert "--corpus or --known" in capsys.readouterr().err
    assert run([*arguments, "--corpus", str(tmp_path / "none")]) is ExitCode.BAD_INPUT


def test_cases_of_others_are_refused_by_name(tmp_path: Path) -> None:
    for lane in ({"external": True}, {"python": True}):
        write_case(tmp_path / "a.json", Case(BLOCK, "tiny", 2, (), **lane), None, None)
        with pytest.raises(InputError, match="lane"):
            CiOptions(tmp_path, None, TODAY, None).read(read_replayable)


def test_an_empty_corpus_alone_shows_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "corpus").mkdir()
    code, told = _run(capsys, tmp_path, "--corpus", str(tmp_path / "corpus"))
    assert code is ExitCode.INCONCLUSIVE and told["why"] == "no case was run"

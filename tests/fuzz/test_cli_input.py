"""Whatever a file holds, a command ends with a clear line and a code, never with a traceback."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pel_fuzz.cases import Case
from pel_fuzz.cli.app import run
from pel_fuzz.executors import run_controlled
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.case_json import case_to_json
from pel_fuzz.formats.history_jsonl import write_history
from pel_fuzz.interleavings import Walk
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.triple import dump_triple

TINY = TinyBlock(((("put", 0),), (("get", 0), ("put", 1)), (("range", 0, 2),)))
CASE = Case(subject=TINY, kind="tiny", workers=2, interleavings=(Walk(1, 0.3),))
TRIPLE = dump_triple(draw_case(blocks(fork="Prague", size=(2, 3)), 8, 1).value.block)

_ABSURD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.just(10**400),
    st.just("0x" + "f" * 200),
    st.just("-0x1"),
    st.text(max_size=6),
    st.just([]),
    st.just({}),
    st.just([[[[[]]]]]),
)


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """The document with one value, key or element replaced, removed or doubled."""
    changed = copy.deepcopy(document)
    place = changed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        deeper = place[key]
        if isinstance(deeper, dict | list) and deeper and draw(st.integers(0, 4)):
            place = deeper
            continue
        match draw(st.sampled_from(("replace", "remove", "double"))):
            case "remove":
                del place[key]
            case "double" if isinstance(place, list):
                place.append(deeper)
            case _:
                place[key] = draw(_ABSURD)
        return changed


def _ends_well(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(arguments)
    told = capsys.readouterr()
    assert code in set(ExitCode) - {ExitCode.INTERNAL, ExitCode.INTERRUPTED}, told.err
    assert "Traceback" not in told.err
    if code is ExitCode.BAD_INPUT:
        assert arguments[1] in told.err and len(told.err.strip().splitlines()) == 1


_MANY = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_MANY
@given(document=mutated(TRIPLE))
def test_a_mutated_block(document: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(document))
    _ends_well(["run", str(path)], capsys)


@_MANY
@given(document=mutated(case_to_json(CASE, None, None)))
def test_a_mutated_case(document: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(document))
    _ends_well(["replay", str(path)], capsys)


@_MANY
@given(data=st.data())
def test_a_mutated_history(
    data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as stream:
        write_history(stream, run_controlled(TINY, 2, Walk(1, 0.3)).history)
    lines = path.read_text().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = json.dumps(data.draw(mutated(json.loads(lines[at]))))
    path.write_text("\n".join(lines))
    _ends_well(["check", str(path)], capsys)


@_MANY
@given(cut=st.floats(0, 1), packed=st.booleans())
def test_a_truncated_file(
    cut: float, packed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(TRIPLE).encode()
    whole = gzip.compress(text, mtime=0) if packed else text
    path = tmp_path / "block.json"
    path.write_bytes(whole[: int(cut * len(whole))])
    _ends_well(["run", str(path)], capsys)


@pytest.mark.parametrize(
    "text",
    [b"", b"\x00\xff\xfe", b"null", b"[]", b"{}", b"[" * 100_000, b'{"a":' * 50_000, b"\x1f\x8b"],
    ids=["empty", "binary", "null", "list", "object", "deep", "deeper", "gzip"],
)
@pytest.mark.parametrize("command", ["run", "diff", "footprint", "replay", "check"])
def test_files_that_are_nothing(
    command: str, text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(text)
    assert run([command, str(path)]) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert str(path) in told and "Traceback" not in told


def test_a_gzip_bomb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pel_reference.json_input.MAX_INPUT_BYTES", 1 << 20)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * (1 << 23)))
    assert run(["run", str(path)]) is ExitCode.BAD_INPUT
    assert "longer than" in capsys.readouterr().err


def test_a_folder_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "diff", "footprint", "replay", "check"):
        assert run([command, str(tmp_path)]) is ExitCode.BAD_INPUT
        assert "Traceback" not in capsys.readouterr().err


def test_what_is_not_mutated_runs(tmp_path: Path) -> None:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(TRIPLE))
    assert run(["run", str(path)]) is ExitCode.AGREE

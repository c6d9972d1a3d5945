"""`pel check --trace`: verdicts and exit codes; what is wrong with a file is said in one line."""

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pel_fuzz.cli.app import run
from pel_fuzz.conformance import foreign_trace
from pel_fuzz.conformance.foreign_trace import Action, decode_foreign_trace
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.header import FormatError
from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, write_trace
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController

Line = dict[str, Any]
HEADER: Line = {
    "pel": "trace",
    "version": 1,
    "rules": "optimistic",
    "workers": 2,
    "transitions": 2,
    "order": "partial",
}


def line(worker: int, own: int, action: str, args: Any, obj: Any, seen: Any = None) -> Line:
    numbers = {"worker": worker, "own": own, "sequence": None}
    return numbers | {"action": action, "args": args, "object": obj, "observed": seen}


X = ["balance", {"hex": "00ff"}, 7]
READ = line(0, 0, "read", [0, 0], ["cell", X])
PUBLISH = line(0, 1, "publish", [0, 0, [X]], ["position", 0])
OTHER = line(1, 0, "publish", [1, 0, []], ["position", 1])
VALIDATE = line(1, 1, "validate", [0, 0], ["cell", X])
COMMIT = line(1, 2, "commit", [], ["block"])
GOOD = [HEADER, READ, PUBLISH, OTHER, VALIDATE, COMMIT]


def text(lines: list[Any]) -> str:
    return "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines)


def check(tmp_path: Path, lines: list[Any], *more: str) -> ExitCode:
    path = tmp_path / "trace.jsonl"
    path.write_text(text(lines), errors="surrogatepass")
    return run(["check", "--trace", str(path), *more])


def test_exit_codes_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, GOOD) is ExitCode.AGREE
    assert capsys.readouterr().out == "conforms\n5 steps, rules optimistic\n"
    stale = [HEADER, READ | {"observed": [1, 0]}, *GOOD[2:]]
    assert check(tmp_path, stale) is ExitCode.DIFFER
    told = capsys.readouterr().out
    assert "violates\nline 2: worker 0 reads" in told and "position 0: " in told
    assert check(tmp_path, GOOD[:-1]) is ExitCode.INCONCLUSIVE
    told = capsys.readouterr().out
    assert "inconclusive: events missing\npositions 0 to 1 are not committed" in told
    assert check(tmp_path, [*GOOD[:4], COMMIT | {"own": 1}]) is ExitCode.AGREE
    assert "inferred, as not logged: 1 validate" in capsys.readouterr().out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [HEADER, line(1, 0, "read", [1, 0], ["cell", X]), PUBLISH | {"own": 0}]
    wrong += [OTHER | {"own": 1}, COMMIT | {"own": 2}]
    assert check(tmp_path, wrong, "--json") is ExitCode.DIFFER
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "violates" and told["rules"] == "optimistic"
    assert (told["line"], told["worker"], told["action"]) == (5, 1, "commit")
    assert told["state"]["reads"][0]["location"] == X
    assert told["state"]["reads"][0]["now"] == [0, 0]


def test_our_own_trace_is_held_against_our_own_scheduler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = TinyBlock(((("get", 0), ("put", 1)), (("get", 1), ("put", 0)), (("range", 0, 2),)))
    steps = run_block(block, workers=2, runtime=GreenletController(RandomWalk(3, 0.4))).trace
    assert steps is not None
    stream = io.StringIO()
    write_trace(stream, Trace(2, 3, LineOrder.TAKEN, steps))
    first, *lines = stream.getvalue().splitlines()
    header = json.dumps(json.loads(first) | {"rules": "block-stm"})
    assert check(tmp_path, [header, *lines]) is ExitCode.AGREE
    assert "rules block-stm" in capsys.readouterr().out
    number = next(i for i, each in enumerate(lines) if '"publish"' in each)
    lines[number] = lines[number].replace('"publish"', '"set_ready"')
    assert check(tmp_path, [header, *lines], "--json") is ExitCode.DIFFER
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "violates" and told["step"] == number
    assert check(tmp_path, [header.replace('"transitions": 3', '"transitions": -1')]) is (
        ExitCode.BAD_INPUT
    )


def test_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(gzip.compress(text(GOOD).encode()))
    assert run(["check", "--trace", str(path)]) is ExitCode.AGREE


@pytest.mark.parametrize("arguments", [[], ["a", "--trace", "b"], ["--trace"], ["--trace", "no"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *arguments]) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert told.strip() and "Traceback" not in told


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "must start with a header"),
        (["{}"], "line 1: pel: expected 'trace'"),
        (["{"], "line 1: not JSON"),
        ([HEADER | {"rules": "mine"}], "line 1: rules: expected one of optimistic, block-stm"),
        ([HEADER | {"workers": 0}], "line 1: workers: expected a whole number from 1"),
        ([HEADER | {"transitions": 2.0}], "line 1: transitions: expected a whole number"),
        ([HEADER | {"order": "any"}], "line 1: order: expected one of taken, partial"),
        ([HEADER | {"logs": ["write"]}], "line 1: logs: expected a list of some of read"),
        ([HEADER | {"logs": "read"}], "line 1: logs"),
        ([HEADER, ""], "line 2: is empty"),
        ([HEADER, '"\\ud800"'], "line 2: half of a surrogate pair"),
        ([HEADER, []], "line 2: expected an object with the fields"),
        ([HEADER, READ | {"more": 1}], "line 2: expected an object with the fields"),
        ([HEADER, READ | {"action": "load"}], "line 2: action: expected one of read"),
        ([HEADER, READ | {"action": []}], "line 2: action"),
        ([HEADER, READ | {"worker": 2}], "line 2: worker: expected a whole number from 0 to 1"),
        ([HEADER, READ | {"worker": True}], "line 2: worker"),
        ([HEADER, READ | {"sequence": -1}], "line 2: sequence: expected a whole number"),
        ([HEADER, READ | {"args": [0]}], "line 2: args: expected 2 arguments"),
        ([HEADER, READ | {"args": {}}], "line 2: args: expected a list"),
        ([HEADER, READ | {"args": [2, 0]}], "line 2: args[0]: expected a whole number from 0 to 1"),
        ([HEADER, READ | {"args": [0, -1]}], "line 2: args[1]"),
        ([HEADER, READ | {"object": ["cell"]}], 'line 2: object: expected ["cell", location]'),
        ([HEADER, READ | {"object": ["cell", []]}], "line 2: object[1]: expected a location"),
        ([HEADER, READ | {"object": ["cell", [1.5]]}], "line 2: object[1][0]: expected a string"),
        ([HEADER, READ | {"object": ["cell", [True]]}], "line 2: object[1][0]"),
        ([HEADER, READ | {"object": ["cell", [{"hex": "0"}]]}], "hexadecimal"),
        ([HEADER, READ | {"observed": 3}], "line 2: observed: expected a version"),
        ([HEADER, READ | {"observed": ["estimate", 7]}], "line 2: observed[1]"),
        ([HEADER, READ | {"observed": [0, None]}], "line 2: observed[1]"),
        ([HEADER, PUBLISH | {"own": 0, "object": ["position", 1]}], "line 2: object: is not that"),
        ([HEADER, PUBLISH | {"own": 0, "object": ["cell", X]}], "line 2: object: expected"),
        ([HEADER, PUBLISH | {"own": 0, "args": [0, 0, {}]}], "line 2: args[2]: expected the list"),
        ([HEADER, PUBLISH | {"own": 0, "args": [0, 0, ["x"]]}], "line 2: args[2][0]: expected a"),
        ([HEADER, PUBLISH | {"own": 0, "observed": 1}], "line 2: observed: expected null"),
        ([HEADER, COMMIT | {"own": 0, "observed": 1}], "line 2: observed: expected null"),
        ([HEADER, COMMIT | {"own": 0, "object": ["position", 0]}], "line 2: object"),
        ([HEADER, line(0, 0, "abort", [0, 0], ["position", 0], 1)], "line 2: observed: expected t"),
        ([HEADER, line(0, 0, "validate", [0, 0], ["position", 0])], "line 2: observed: expected t"),
        ([HEADER, READ, READ], "line 3: own: worker 0 has no step number 1, or two"),
        ([HEADER, PUBLISH], "line 2: own: worker 0 has no step number 0"),
        (
            [
                HEADER,
                READ | {"sequence": 1},
                line(1, 0, "read", [1, 0], ["cell", X]) | {"sequence": 1},
            ],
            "line 3: sequence: line 2 has this number on the same object",
        ),
        (
            [HEADER, READ | {"sequence": 1}, READ | {"own": 1, "sequence": 0}],
            "sequence: the numbers by worker, object and line contradict each other",
        ),
        (
            [HEADER | {"order": "taken"}, PUBLISH, READ],
            "sequence: the numbers by worker, object and line contradict each other",
        ),
    ],
)
def test_bad_files(
    lines: list[Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, lines) is ExitCode.BAD_INPUT
    told = capsys.readouterr().err
    assert str(tmp_path / "trace.jsonl") in told and words in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "bound", "words"),
    [
        ("MOST_STEPS", 2, "line 4: more than 2 steps"),
        ("MOST_WRITES", 0, "line 3: args: more than 0 locations are written in all"),
        ("LONGEST_LINE", 20, "line 1: longer than 20 bytes"),
        ("MOST_TRANSITIONS", 1, "line 1: transitions: expected a whole number from 0 to 1"),
        ("MOST_WORKERS", 1, "line 1: workers: expected a whole number from 1 to 1"),
    ],
)
def test_bounds(name: str, bound: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_trace, name, bound)
    with pytest.raises(FormatError, match=re.escape(words)):
        decode_foreign_trace(json.dumps(each).encode() for each in GOOD)


ABSURD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.just(10**30),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.lists(st.integers(-1, 2), max_size=3),
    st.just({"hex": "zz"}),
    st.sampled_from([*Action]),
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(GOOD) - 1), field=st.integers(0, 6), value=ABSURD, inner=st.booleans())
def test_any_value_anywhere_ends_well(
    at: int,
    field: int,
    value: Any,
    inner: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [dict(each) for each in GOOD]
    name = sorted(lines[at])[field % len(lines[at])]
    before = lines[at][name]
    lines[at][name] = [*before[:-1], value] if inner and isinstance(before, list) else value
    code = check(tmp_path, lines)
    told = capsys.readouterr()
    assert code in set(ExitCode) - {ExitCode.INTERNAL, ExitCode.INTERRUPTED}, told.err
    assert "Traceback" not in told.err
    if code is ExitCode.BAD_INPUT:
        assert len(told.err.strip().splitlines()) == 1


def test_the_example_of_the_page_conforms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "formats" / "trace.md"
    foreign = page.read_text().split("# Traces of other executors")[1]
    example = foreign.split("```json\n")[1].split("```")[0].splitlines()
    assert check(tmp_path, example) is ExitCode.AGREE
    assert "inferred" not in capsys.readouterr().out
    without = [each for each in example if '"args":[1,1]' not in each or '"validate"' not in each]
    without[-1] = without[-1].replace('"own":6', '"own":5')
    assert check(tmp_path, without) is ExitCode.DIFFER
    assert "nobody looked that up again" in capsys.readouterr().out

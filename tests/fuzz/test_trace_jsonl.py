"""The trace format: exact round trips, and nothing that is not a trace gets in."""

import json
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.formats.header import FormatError
from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, read_trace, write_trace
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.sync import RecordingRuntime
from pel_spec.sync import Step

BLOCK = TinyBlock(((("get", 0), ("put", 1)), (("get", 1), ("put", 0)), (("range", 0, 2),)))
HEADER = '{"pel":"trace","version":1,"workers":2,"transitions":3,"order":"partial"}'


def step(**changed: Any) -> dict[str, Any]:
    names = ("worker", "own", "action", "args", "object", "sequence", "observed")
    return dict(zip(names, (0, 0, "idle", [], ["worker", 0], 0, None), strict=True)) | changed


def text(trace: Trace) -> str:
    stream = StringIO()
    write_trace(stream, trace)
    return stream.getvalue()


def read(*lines: object) -> Trace:
    rendered = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_trace(StringIO("".join(f"{line}\n" for line in rendered)))


def test_runs_survive_a_round_trip() -> None:
    for seed in range(20):
        run = run_block(BLOCK, workers=3, runtime=GreenletController(RandomWalk(seed, 0.3)))
        assert run.trace is not None
        trace = Trace(3, 3, LineOrder.TAKEN, run.trace)
        assert read_trace(StringIO(text(trace))) == trace
    threads = run_block(BLOCK, workers=3, runtime=RecordingRuntime())
    assert threads.trace is not None
    taken = Trace(3, 3, LineOrder.TAKEN, threads.trace)
    assert read_trace(StringIO(text(taken))) == taken


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
)


@given(st.lists(DATA, max_size=3).map(tuple), st.lists(DATA, max_size=3).map(tuple), DATA)
def test_any_data_survives(args: tuple[Any, ...], name: tuple[Any, ...], observed: Any) -> None:
    steps = (Step(1, 0, "act", args, name, 0, observed),)
    trace = Trace(2, 0, LineOrder.PARTIAL, steps)
    again = read_trace(StringIO(text(trace)))
    assert again == trace
    assert repr(again) == repr(trace)


def test_other_values_are_not_data() -> None:
    with pytest.raises(TypeError, match="not data"):
        text(Trace(1, 0, LineOrder.TAKEN, (Step(0, 0, "act", (1.5,), (), 0, None),)))


def test_partial_lines_come_in_any_order() -> None:
    late, early = step(own=1, sequence=1), step()
    assert [each.own for each in read(HEADER, late, early).steps] == [0, 1]
    with pytest.raises(FormatError, match="not in the order"):
        read(HEADER.replace("partial", "taken"), late, early)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "header"),
        (["[]"], "header"),
        (["{"], "line 1: not JSON"),
        ([HEADER.replace("trace", "case")], "pel: expected 'trace'"),
        ([HEADER.replace("1", "2", 1)], "version"),
        ([HEADER.replace('"workers":2', '"workers":0')], "workers: expected a whole number"),
        ([HEADER.replace('"workers":2', '"workers":true')], "workers"),
        ([HEADER.replace('"transitions":3', '"transitions":-1')], "transitions"),
        ([HEADER.replace("partial", "sorted")], "order: expected one of taken, partial"),
        ([HEADER, ""], "line 2: not JSON"),
        ([HEADER, "\ud800"], "line 2: not UTF-8"),
        ([HEADER, "[" * 100_000], "line 2: nested deeper"),
        ([HEADER, '"' + "x" * 2_000_000 + '"'], "line 2: longer than"),
        ([HEADER, {}], "line 2: expected an object with the fields"),
        ([HEADER, step(more=1)], "expected an object with the fields"),
        ([HEADER, step(worker=2)], "line 2: worker: expected a whole number from 0 to 1"),
        ([HEADER, step(own=0.0)], "line 2: own: expected a whole number from 0 up"),
        ([HEADER, step(action="")], "action: expected a name"),
        ([HEADER, step(args={})], "args: expected a list"),
        ([HEADER, step(observed=1.5)], "observed: expected null"),
        ([HEADER, step(observed={"hex": "0x"})], "observed: not a string of hex"),
        ([HEADER, step(own=1)], "own: worker 0 has no step number 0"),
        ([HEADER, step(), step()], "own: worker 0 has no step number 1, or two"),
        ([HEADER, step(sequence=1)], "sequence: the steps' numbers"),
    ],
)
def test_bad_files_are_refused(lines: list[object], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(*lines)

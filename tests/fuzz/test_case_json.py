"""Cases survive their files exactly, and bad files are refused with file and field."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.cases import Case, case_at
from pel_fuzz.formats.case_json import case_to_json, read_case, write_case
from pel_fuzz.interleavings import Search, Seeded, Switches, Walk
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.errors import InputError

TINY = Case(
    subject=TinyBlock(((("put", 0),), (("get", 0),))),
    kind="tiny",
    workers=3,
    interleavings=(
        Walk(7, 0.25),
        Switches(((0, 4, 1), (1, 2, 0))),
        Seeded("urw", 1, 0, 90),
        Seeded("surw", 2, 0.3),
        Seeded("pos", 3),
        Seeded("pct", 4, 12, 700),
        Seeded("delay", 5, 0.4, 10),
        Search(2, 100),
    ),
    twin=True,
    origin=(1, 2),
)
SEEN = Difference(Oracle.HISTORY, "history", "history", "a", "b", anomaly="G1a")


@pytest.mark.parametrize("index", range(12))
def test_drawn_cases_survive_their_files(index: int, tmp_path: Path) -> None:
    case, _ = case_at(11, index)
    path = tmp_path / "case.json"
    write_case(path, case, SEEN, "no-estimate")
    kept = read_case(path)
    assert kept.case.subject == case.subject
    assert kept.case.interleavings == case.interleavings
    assert (kept.case.workers, kept.case.twin, kept.case.reference, kept.case.eels) == (
        case.workers,
        case.twin,
        case.reference,
        case.eels,
    )
    assert kept.case.origin == (11, index)
    assert (kept.signature, kept.seed_bug) == (SEEN.signature, "no-estimate")


def test_a_case_beyond_its_block_is_a_few_hundred_bytes(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    write_case(path, TINY, SEEN, None)
    assert path.stat().st_size < 1500
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("pel", "history", "pel"),
        ("version", 2, "version"),
        ("version", True, "version"),
        ("kind", "evil", "kind"),
        ("workers", 0, "workers"),
        ("workers", 65, "workers"),
        ("workers", "many", "workers"),
        ("choices", [{}], "choices[0]"),
        ("choices", [{"drunk": [1, 0, 7]}], "choices[0]"),
        ("choices", [{"walk": [1, 0.5], "switches": []}], "choices[0]"),
        ("choices", [{"walk": [1, 0.5], "lenient": True}], "choices[0]"),
        ("choices", [{"walk": [1]}], "choices[0].walk"),
        ("choices", [{"walk": [1, 2]}], "choices[0].walk"),
        ("choices", [{"pct": [1, 2.5, 7]}], "choices[0].pct"),
        ("choices", [{"pct": [1, 0, 7]}], "choices[0].pct"),
        ("choices", [{"surw": [1, 2, 7]}], "choices[0].surw"),
        ("choices", [{"surw": [-1, 0.5, 7]}], "choices[0].surw"),
        ("choices", [{"urw": [1, 0, -1]}], "choices[0].urw"),
        ("choices", [{"pos": [1, 0]}], "choices[0].pos"),
        ("choices", [{"delay": "often"}], "choices[0].delay"),
        ("choices", [{"exhaustive": [2, 0]}], "choices[0].exhaustive"),
        ("choices", [{"exhaustive": [101, 5]}], "choices[0].exhaustive"),
        ("choices", [{"switches": [[1, 2]]}], "choices[0].switches"),
        ("choices", [{"switches": [[0, 1, 1], [0, 1, 0]]}], "choices[0].switches"),
        ("choices", [{"switches": [[0, 1, 3]]}], "choices[0].switches[0][2]"),
        ("choices", [{"switches": [[0, 1, 2], [0, 2, -1]]}], "choices[0].switches[1][2]"),
        ("choices", [{"switches": [[3, 1, 0]]}], "choices[0].switches[0][0]"),
        ("choices", [{"switches": [[-2, 0, 0]]}], "choices[0].switches[0][0]"),
        ("choices", [{"switches": [[0, -1, 1]]}], "choices[0].switches[0][1]"),
        ("choices", [{"switches": [[-1, 1, 1]]}], "choices[0].switches[0][1]"),
        ("choices", [{"switches": [[0, 2**32, 1]]}], "choices[0].switches[0][1]"),
        ("choices", [{"switches": [[0, 1, 3]], "lenient": True}], "choices[0].switches[0][2]"),
        ("choices", [{"switches": [], "leniant": True}], "choices[0].leniant"),
        ("choices", [{"walk": [1, 0.5], "turns": []}], "choices[0].turns"),
        ("zzz", None, "zzz"),
        ("two\nlines", 1, ""),
        ("client", {}, "client"),  # a client has not run it
        ("checks", {"reference": True, "eels": False, "twin": True, "fold": True}, "checks.fold"),
        ("expected", SEEN.to_json() | {"seen": 1}, "expected.seen"),
        ("origin", {"seed": 1, "index": 2, "shard": 3}, "origin.shard"),
        ("checks", {}, "checks.twin"),
        ("faults", ["stall"], "faults[0]"),
        (
            "faults",  # in a search, which is not one run
            [{"run": len(TINY.interleavings) - 1, "kind": "exception", "worker": 0, "own": 1}],
            "faults[0]",
        ),
        ("lane", "threads", "lane"),  # with a search, which would never end
        ("block", {"programs": []}, "block.initial"),
        ("block", None, "block"),
        ("expected", {}, "expected.signature"),
    ],
)
def test_bad_fields_are_named(field: str, value: object, named: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    document = case_to_json(TINY, SEEN, None) | {field: value}
    path.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_case(path)
    assert caught.value.field == named
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("lane", [{}, {"external": True}, {"threads": True}, {"python": True}])
def test_numbers_that_no_run_has_are_refused_in_every_lane(
    lane: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "case.json"
    write_case(path, replace(TINY, interleavings=(Switches(((0, 4, 3),)),), **lane), SEEN, None)
    with pytest.raises(InputError, match=r"switches\[0\]\[2\]: there are 3 workers"):
        read_case(path)
    right = replace(TINY, interleavings=(Switches(((-1, 0, 2), (2, 0, 1))),), **lane)
    write_case(path, right, SEEN, None)
    assert read_case(path).case.interleavings == right.interleavings


def test_what_is_said_of_a_client_has_names(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    block = draw_case(blocks(fork="Prague", size=(1, 2)), 8, 1).value.block
    case = Case(block, "evm", 1, (), client=True)
    client = {"way": "url", "command": "http", "errors": ""}
    write_case(path, case, SEEN, None, client)
    assert read_case(path).case == replace(case, drawn_fork=None)
    write_case(path, case, SEEN, None, client | {"version": "1"})
    with pytest.raises(InputError, match=r"client\.version: unknown field"):
        read_case(path)


def test_no_fault_strikes_in_an_executor_driven_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    case = replace(TINY, interleavings=(Walk(1, 0.5),), external=True)
    stall = {"run": 0, "kind": "stall", "worker": 0, "own": 1, "steps": 3}
    path.write_text(json.dumps(case_to_json(case, SEEN, None) | {"faults": [stall]}))
    with pytest.raises(InputError, match="faults: none strikes"):
        read_case(path)


_JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=2)
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_put_into_a_case_file_it_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = copy.deepcopy(case_to_json(TINY, SEEN, None))
    place: Any = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(_JUNK)
            break
        place = place[key]
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    text = json.dumps(document)
    path.write_text(
        text[: data.draw(st.integers(0, len(text)))] if data.draw(st.booleans()) else text
    )
    try:
        read_case(path)
    except InputError as error:
        assert str(path) in str(error)

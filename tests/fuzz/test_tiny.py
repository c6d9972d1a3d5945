"""The tiny machine: each instruction, the drawn blocks, the JSON form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.formats.header import FormatError
from pel_fuzz.tiny import OPERANDS, Instruction, TinyBlock, from_json, to_json
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_spec.fold import fold


def run(*program: Instruction, initial: tuple[int, ...] = (5, 6, 7)) -> tuple[Any, dict[Any, Any]]:
    """Outcome and writes of one program."""
    result, _ = fold(TinyBlock((program,), initial))
    effects = result.effects[0]
    assert effects.fault is None
    return effects.outcome, dict(effects.writes)


def mixed(*values: int, start: int = 1) -> int:
    for value in values:
        start = (start * 31 + value + 7) % 2_147_483_647
    return start


@pytest.mark.parametrize(
    ("program", "accumulator", "writes"),
    [
        ([("get", 1)], mixed(6), {}),
        ([("get", 1), ("put", 0)], mixed(6), {("cell", 0): mixed(6)}),
        ([("blind", 2, 9)], 1, {("cell", 2): 9}),
        ([("add", 1, 4), ("add", 1, 1)], 1, {("cell", 1): 11}),
        ([("copy", 0, 2)], 1, {("cell", 2): 5}),
        ([("delete", 0), ("get", 0)], mixed(0), {("cell", 0): None}),
        ([("branch", 0, 1), ("put", 0), ("put", 1)], 1, {("cell", 1): 1}),
        ([("branch", 1, 1), ("put", 0), ("put", 1)], 1, {("cell", 0): 1, ("cell", 1): 1}),
        ([("branch", 0, 9), ("put", 0)], 1, {}),
        ([("range", 1, 9)], mixed(13), {}),
        ([("indirect", 0)], mixed(7), {}),
        ([("blind", 0, 3), ("get", 0)], mixed(3), {("cell", 0): 3}),
        ([("pair", 1)], mixed(1), {("pair", 1, 0): mixed(1), ("pair", 1, 1): mixed(1)}),
        ([("check", 0)], mixed(0), {}),
    ],
)
def test_instructions(program: list[Instruction], accumulator: int, writes: dict[Any, Any]) -> None:
    assert run(*program) == (("ended", accumulator), writes)


def test_revert_leaves_no_writes() -> None:
    assert run(("put", 0), ("revert", 1)) == (("ended", 1), {("cell", 0): 1})
    assert run(("put", 0), ("revert", 2)) == (("reverted",), {})


def test_torn_pairs_fail() -> None:
    torn = TinyBlock(((("check", 0),),))

    class View:
        def read(self, location: Any, predicate: str | None = None) -> Any:
            return location[-1], None

    with pytest.raises(Exception, match="pair 0 holds 0 and 1"):
        torn.transitions[0].run(View(), None)


def test_a_range_is_one_predicate() -> None:
    _, history = fold(TinyBlock(((("range", 1, 2), ("get", 0)),), (5, 6, 7)))
    reads = history.incarnations[0].reads
    assert [(read.location, read.predicate) for read in reads] == [
        (("cell", 1), "cells 1 to 2"),
        (("cell", 2), "cells 1 to 2"),
        (("cell", 0), None),
    ]


@given(tiny_blocks())
def test_drawn_blocks_are_sound_and_survive_json(block: TinyBlock) -> None:
    result, _ = fold(block)
    assert result.faults == ()
    assert from_json(json.loads(json.dumps(to_json(block)))) == block
    assert [each.tx_index for each in block.transitions] == list(range(len(block.programs)))


def test_drawn_blocks_use_every_instruction() -> None:
    blocks = [draw_case(tiny_blocks(), 1, index).value for index in range(100)]
    names = {each[0] for block in blocks for program in block.programs for each in program}
    assert names == set(OPERANDS)
    assert 3 < sum(len(block.programs) for block in blocks) / 100 < 7


GOOD: dict[str, Any] = {"initial": [0, 3], "programs": [[["get", 0], ["add", 1, 5]], []]}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], ""),
        ({}, "initial"),
        (GOOD | {"more": 1}, "more"),
        (GOOD | {"initial": []}, "initial"),
        (GOOD | {"initial": [0, True]}, "initial[1]"),
        (GOOD | {"initial": [-1]}, "initial[0]"),
        (GOOD | {"programs": {}}, "programs"),
        (GOOD | {"programs": [[], "x"]}, "programs[1]"),
        (GOOD | {"programs": [[[]]]}, "programs[0][0]"),
        (GOOD | {"programs": [[["jump", 0]]]}, "programs[0][0][0]"),
        (GOOD | {"programs": [[["get", 0, 0]]]}, "programs[0][0]"),
        (GOOD | {"programs": [[["get", 2]]]}, "programs[0][0][1]"),
        (GOOD | {"programs": [[["get", 1.0]]]}, "programs[0][0][1]"),
        (GOOD | {"programs": [[["branch", 0, 0]]]}, "programs[0][0][2]"),
        (GOOD | {"programs": [[["pair", 2]]]}, "programs[0][0][1]"),
    ],
)
def test_bad_documents_are_refused(document: object, field: str) -> None:
    assert from_json(GOOD).initial_values == (0, 3)
    with pytest.raises(FormatError) as caught:
        from_json(document)
    assert caught.value.field == field


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["get", "add"]),
        lambda inner: st.lists(inner, max_size=4),
    )
)
def test_any_other_document_is_refused_in_one_way(programs: object) -> None:
    try:
        block = from_json({"initial": [0], "programs": programs})
    except FormatError:
        return
    assert to_json(block)["programs"] == programs

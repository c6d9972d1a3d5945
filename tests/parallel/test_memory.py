"""Multi-version memory against a plain list of writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_parallel.greenlets import GreenletController
from pel_parallel.memory import Cell, Entry, Memory
from pel_spec.transition import Effects
from pel_spec.vocabulary import PRE_STATE, Read, Version

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["write", "remove", "estimate"]), st.integers(0, 6), st.integers(0, 3)
    ),
    max_size=30,
)


@given(OPERATIONS)
def test_a_cell_answers_like_a_plain_table(operations: list[tuple[str, int, int]]) -> None:
    cell = Cell(("x",))
    table: dict[int, Entry] = {}
    for name, position, incarnation in operations:
        version = Version(position, incarnation)
        if name == "write":
            cell.write(version, incarnation)
            table[position] = Entry(version, incarnation)
        elif position in table and name == "remove":
            cell.remove(position)
            del table[position]
        elif position in table:
            cell.mark_estimate(position)
            table[position] = table[position]._replace(estimate=True)
        for reader in range(8):
            below = [writer for writer in table if writer < reader]
            assert cell.newest_below(reader) == (table[max(below)] if below else None)
        assert cell.last == (table[max(table)] if table else None)


def within_a_run(body: Any) -> None:
    """Run `body(memory)` as the only worker of a run."""
    runtime = GreenletController()
    runtime.run(1, lambda worker: body(Memory(runtime, 4)))


def test_what_is_not_written_again_is_removed() -> None:
    def body(memory: Memory) -> None:
        first = Effects({("a",): 1, ("b",): 2})
        assert memory.record(0, Version(1, 0), (), first)
        assert not memory.record(0, Version(1, 1), (), Effects({("b",): 3}))
        assert memory.read_cell(0, 2, ("a",)) is None
        assert memory.read_cell(0, 2, ("b",)) == Entry(Version(1, 1), 3)
        assert memory.read_cell(0, 1, ("b",)) is None
        assert memory.record(0, Version(1, 2), (), first)

    within_a_run(body)


@pytest.mark.parametrize("estimate", [False, True])
def test_reads_are_validated_by_version(estimate: bool) -> None:
    at = ("a",)

    def body(memory: Memory) -> None:
        memory.record(0, Version(0, 0), (), Effects({at: 5}))
        reads = (Read(at, 5, Version(0, 0)), Read(("b",), 0, PRE_STATE))
        memory.record(0, Version(2, 0), reads, Effects({}))
        assert memory.validate_read_set(0, Version(2, 0)) is True
        assert memory.validate_read_set(0, Version(2, 1)) is None
        assert memory.validate_read_set(0, Version(3, 0)) is None
        if estimate:
            memory.convert_writes_to_estimates(0, Version(0, 0))
        else:
            memory.record(0, Version(0, 1), (), Effects({at: 5}))
        assert memory.validate_read_set(0, Version(2, 0)) is False

    within_a_run(body)


def test_a_read_that_found_nothing_is_validated() -> None:
    def body(memory: Memory) -> None:
        memory.record(0, Version(2, 0), (Read(("b",), 0, PRE_STATE),), Effects({}))
        memory.record(0, Version(1, 0), (), Effects({("b",): 0}))
        assert memory.validate_read_set(0, Version(2, 0)) is False

    within_a_run(body)


def test_one_cell_for_a_location() -> None:
    def body(memory: Memory) -> None:
        assert memory.cell(("a",)) is memory.cell(("a",))
        assert memory.cell(("a",)) is not memory.cell(("b",))
        assert memory.cell(("a",)).name == ("cell", ("a",))

    within_a_run(body)

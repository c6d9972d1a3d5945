"""Pictures of states: readable, and nothing that matters is left out without a word."""

import pytest

from pel_proof.finite.picture import (
    MOST_ENTRIES,
    MOST_LINES,
    difference,
    name_of,
    picture,
    standing,
)
from pel_spec.optimistic import Optimistic
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import ESTIMATE, At, Status


@pytest.fixture
def state() -> BlockStm:
    made = BlockStm(3, 2, ("x", ("slot", b"\x01\x02", 7)))
    for action, worker in (("start_worker", 0), ("load_done", 0), ("prefer_val_idx", 0)):
        getattr(made, action)(worker)
    made.status[1], made.inc[1], made.record_inc[1] = Status.EXECUTED, 2, 2
    made.reads[1, 2, "x"], made.source[1, 2, "x"], made.source_inc[1, 2, "x"] = True, 0, 3
    made.reads[1, 0, "x"] = True
    made.mem[1, "x"], made.mem[0, "x"] = 2, ESTIMATE
    made.waits[0, 2], made.locked[0] = True, True
    made.pc[1], made.held[1], made.held_inc[1] = At.RECORD, 2, 0
    made.todo[1, made.locations[1]] = True
    made.changes[0] = 4
    return made


def test_a_picture_in_full(state: BlockStm) -> None:
    assert picture(state).splitlines() == [
        "3 positions, 2 workers, exec_idx 0, val_idx 0, dec_cnt 0, num_active 0, done no, "
        "committed 0",
        "position 0: status READY, waits {2}, locked yes",
        "position 1: status EXECUTED, inc 2, record_inc 2, read in incarnation 0: {x of BEFORE}, "
        "read in incarnation 2: {x of 0.3}",
        "position 2: status READY",
        "mem of x: 0: ESTIMATE, 1: 2",
        "worker 0 at PREFER_EXEC, preferred 0",
        "worker 1 at RECORD, held 2, held_inc 0, wrote_new no, todo {slot 0x0102 7}",
        "ghosts: changes {0: 4}",
    ]
    assert standing(state, 1) == picture(state).splitlines()[-2]


def test_a_difference_names_each_field_that_changed(state: BlockStm) -> None:
    after = state.copy()
    assert difference(state, after) == "nothing has changed"
    after.status[1], after.val_idx = Status.ABORTING, 3
    after.mem[1, "x"] = ESTIMATE
    assert difference(state, after).splitlines() == [
        "val_idx: 0 -> 3",
        "status[1]: EXECUTED -> ABORTING",
        "mem[1, x]: 2 -> ESTIMATE",
    ]


def test_the_abstract_machine_has_pictures_too() -> None:
    state = Optimistic(2, 0, ("x",))
    state.read(1, "x", 0, 0)
    after = state.copy()
    after.publish(1, 0, frozenset("x"))
    assert "position 1: read: {x of 0.0}" in picture(state)
    assert "published 0, answered 0, wrote {x}" in picture(after)
    assert "published[1]: none -> 0" in difference(state, after)


def test_values_out_of_range_are_shown_as_they_are(state: BlockStm) -> None:
    state.status[0], state.pc[0] = 99, -1
    assert "position 0: status 99" in picture(state)
    assert "worker 0 at -1" in picture(state)


def test_what_is_left_out_is_counted() -> None:
    many = MOST_LINES + 5
    places = tuple(range(many))
    state = BlockStm(many, 1, places)
    for place in places:
        state.mem[0, place] = state.mem[place, 0] = 1
        state.last_written[0, place] = True
    text = picture(state)
    assert text.count("(and 5 more)") == 2
    assert text.count(f"(and {many - MOST_ENTRIES} more)") == 2
    assert len(text.splitlines()) < 2 * MOST_LINES + 10


def test_places_have_readable_names() -> None:
    assert name_of(("storage", b"\xab", 7)) == "storage 0xab 7"
    assert name_of(b"\x00") == "0x00"
    assert name_of(("balance", bytes(range(20)))) == "balance 0x000102…1213"
    assert name_of(("slot", 10**9, 2**255)) == "slot 0x3b9aca00 0x800000…0000"
    assert name_of("x" * 100) == "x" * 59 + "…"

"""Contracts of the specification's small pure functions; CrossHair looks for a counterexample.

Each function here that is not a test puts one of them into a small world and says after `post:`
what must come out, for every argument that CrossHair's solver can think of.
"""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pel_spec.anomalies import Anomaly, Edge, cyclic, show
from pel_spec.fold import Result, agree
from pel_spec.history import History, Incarnation, Validation
from pel_spec.kernel import Map, row_of
from pel_spec.optimistic import OptimisticState
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import At
from pel_spec.serializability import check_preset, check_serializable
from pel_spec.transition import RecordedView
from pel_spec.vocabulary import PRE_STATE, Read, Version, Write

X, Y = ("x",), ("y",)
ZERO, ONE, TWO = Version(0, 0), Version(1, 0), Version(2, 0)


def shown_text_is_short(text: str) -> str:
    """
    post: len(__return__) <= 80 and (len(text) > 80 or __return__ == text)
    """
    return show(text)


def nothing_comes_before_the_pre_state(position: int, incarnation: int) -> bool:
    """
    pre: position >= 0
    post: __return__
    """
    return Version(position, incarnation) > PRE_STATE


def two_edges_are_named(one: bool, two: bool, at_x: bool, predicate: bool) -> Anomaly:
    """
    An edge at x, and one back at x or y: ww if `one` or `two`, else rw.

    post: (__return__ == Anomaly.G0) == (one and two)
    post: (__return__ == Anomaly.G2) == (predicate and not one)
    post: (__return__ == Anomaly.WRITE_SKEW) == (not (one or two or at_x or predicate))
    post: (__return__ == Anomaly.LOST_UPDATE) == (at_x and one != two and (one or not predicate))
    """
    there = Edge("ww" if one else "rw", ZERO, ONE, X, predicate="P" if predicate else None)
    return cyclic(there, Edge("ww" if two else "rw", ONE, ZERO, X if at_x else Y)).anomaly


def the_last_write_below_is_read(first: int, second: int, seen: int) -> bool:
    """
    T0 and T1 write x, T2 reads it, T3 writes it again.

    post: __return__ == (seen == second)
    """
    incarnations = (
        Incarnation(ZERO, (), (Write(X, first),)),
        Incarnation(ONE, (), (Write(X, second),)),
        Incarnation(TWO, (Read(X, seen, None),), ()),
        Incarnation(Version(3, 0), (), (Write(X, seen),)),
    )
    commits = tuple(incarnation.version for incarnation in incarnations)
    return check_preset(History(4, incarnations, commits=commits)) is None


def the_version_read_decides(source: int) -> bool:
    """
    T0 and T1 write x, T2 reads it. Some order explains every version that there is, the preset
    order only the last.

    pre: -1 <= source <= 2
    post: __return__ == (source == 1)
    """
    value = {-1: 7, 0: 8, 1: 9}.get(source, 0)
    incarnations = (
        Incarnation(ZERO, (), (Write(X, 8),)),
        Incarnation(ONE, (), (Write(X, 9),)),
        Incarnation(TWO, (Read(X, value, Version(source, 0)),), ()),
    )
    history = History(3, incarnations, commits=(ZERO, ONE, TWO))
    assert (check_serializable(history) is None) == (source < 2)
    return check_preset(history) is None


def the_last_validation_counts(earlier: bool, last: bool) -> bool:
    """
    post: __return__ == last
    """
    validations = (Validation(ZERO, earlier), Validation(ZERO, last))
    history = History(1, (Incarnation(ZERO, (), ()),), validations, (ZERO,))
    return check_preset(history) is None


def a_view_repeats_itself(first: int, second: int) -> bool:
    """
    post: __return__
    """
    answers = iter([(first, ZERO), (second, ONE)])
    view = RecordedView(lambda _: next(answers))
    return view.read(X) == view.read(X) == (first, ZERO)


def results_differ_by_value_and_writer(value: int, position: int, incarnation: int) -> bool:
    """
    post: __return__ == (value == 5 and position == 1)
    """
    left = Result({X: (5, Version(1, 0))}, ())
    return agree(left, Result({X: (value, Version(position, incarnation))}, ()))


def a_map_holds_what_was_set(at: int, value: int, asked: int) -> int:
    """
    pre: 0 <= at < 3 and 0 <= asked < 3
    post: __return__ == (value if asked == at else 7)
    """
    found = Map(range(2), 7)
    found[at] = value
    return found[asked]  # type: ignore[no-any-return]


def a_row_is_set_at_every_last_index(row: int, place: int, asked: int) -> bool:
    """
    pre: 0 <= row < 2 and 0 <= asked < 2 and 0 <= place < 3
    post: __return__ == (asked == row and place != 1)
    """
    found = Map(range(3), False)
    found[row, :] = frozenset({0, 2})
    return found[asked, place]  # type: ignore[no-any-return]


def a_row_stands_for_one_value_a_set_or_a_function(value: int, at: int) -> bool:
    """
    pre: 0 <= at < 3
    post: __return__
    """
    same = row_of(value)(at) == value and row_of(lambda index: index + value)(at) == at + value
    return same and row_of(frozenset({1, 2}))(at) == (at > 0)


def memory(zero: int, one: int, source: int, source_inc: int) -> BlockStm:
    """Three positions, one location, a read of the last position's first incarnation."""
    s = BlockStm(3, 1, ("x",))
    s.mem[0, "x"], s.mem[1, "x"] = zero, one
    s.source[2, 0, "x"], s.source_inc[2, 0, "x"] = source, source_inc
    return s


def one_writer_is_newest(zero: int, one: int) -> int:
    """
    post: __return__ == 1
    """
    s = memory(zero, one, 0, 0)
    return sum(s.newest_below(k, 2, "x") for k in (-1, 0, 1))


def valid_is_what_a_lookup_would_find(zero: int, one: int, source: int, source_inc: int) -> bool:
    """
    What a reader was shown is a version or the state before the block.

    pre: -1 <= source < 2 and source_inc >= 0
    post: __return__
    """
    s = memory(zero, one, source, source_inc)
    found = [k for k in (-1, 0, 1) if s.newest_below(k, 2, "x") and s.same_version(2, 0, "x", k)]
    return s.still_valid(2, 0, "x") == (found == [source])


def what_is_remembered_can_be_read_or_waited_for(cell: int, written: bool) -> bool:
    """
    Whoever reads past a position that wrote finds its entry, be it an ESTIMATE.

    pre: cell >= -2
    post: __return__ == ((cell > -2) == written)
    """
    s = memory(cell, -2, 0, 0)
    s.last_written[0, "x"] = written
    assert not s.remembers(0) or s.newest_below(0, 2, "x") == written
    return s.remembers(0)


def the_abstract_machine_looks_up_alike(wrote: bool, above: bool, inc: int, seen: int) -> bool:
    """
    Position 2 has read incarnation `seen` of position 0.

    post: __return__ == (wrote and inc == seen and not above)
    """
    m = OptimisticState(3, 0, ("x",))
    m.wrote[0, "x"], m.wrote[1, "x"], m.published[0] = wrote, above, inc
    m.source[2, "x"], m.source_inc[2, "x"] = 0, seen
    return m.holds(2, "x")


def active_workers_are_numbered_without_gaps(first: int, second: int, leaves: int) -> bool:
    """
    Three workers become active in any order, and one of them leaves.

    pre: 0 <= first < 3 and 0 <= second < 3 and first != second and 0 <= leaves < 3
    post: __return__
    """
    s = BlockStm(1, 3, ())
    for w in (first, second, 3 - first - second):
        s.ghost_enter(w)
        s.num_active += 1
        s.pc[w] = At.VAL_FETCH
        assert s.num_active_counts()
    s.ghost_leave(leaves)
    s.num_active -= 1
    s.pc[leaves] = At.LOAD_DONE
    return s.num_active_counts()


def test_no_argument_breaks_a_contract(judged_contracts: Callable[[], int]) -> None:
    assert judged_contracts() >= 18


CANARIES = {
    "a value is shown in full": '''
from pel_spec.anomalies import show

def wrong(text: str) -> str:
    """
    post: __return__ == text
    """
    return show(text)
''',
    "a read stays valid whatever is written": '''
from pel_spec.scheduler.state import SchedulerState

def wrong(written: int) -> bool:
    """
    post: __return__
    """
    s = SchedulerState(2, 1, ("x",))
    s.mem[0, "x"] = written
    return s.still_valid(1, 0, "x")
''',
    "a read is right whatever it saw": '''
from pel_spec.history import History, Incarnation
from pel_spec.kernel import Map, row_of
from pel_spec.optimistic import OptimisticState
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import At
from pel_spec.serializability import check_preset
from pel_spec.vocabulary import Read, Version, Write

def wrong(written: int, seen: int) -> bool:
    """
    post: __return__
    """
    writer = Incarnation(Version(0, 0), (), (Write(("x",), written),))
    reader = Incarnation(Version(1, 0), (Read(("x",), seen, None),), ())
    commits = (writer.version, reader.version)
    return check_preset(History(2, (writer, reader), commits=commits)) is None
''',
}


@pytest.mark.parametrize("name", CANARIES)
def test_a_wrong_contract_is_refuted(
    name: str, tmp_path: Path, crosshair: Callable[[Path, int], CompletedProcess[str]]
) -> None:
    module = tmp_path / "canary.py"
    module.write_text(CANARIES[name])
    found = crosshair(module, 60)  # it stops at the first one
    assert found.returncode == 1, found.stdout + found.stderr
    assert "false when calling wrong" in found.stdout

"""The definition, against brute force, and each thing that no history may contain."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_spec.anomalies import Anomaly
from pel_spec.history import End, History, Incarnation, Order, Validation
from pel_spec.serializability import (
    Facts,
    OrderUnknown,
    check_preset,
    check_serializable,
    find_cycle,
    serialization_graph,
)
from pel_spec.vocabulary import PRE_STATE, Read, Version, Write

Textbook = Callable[..., History]


def test_preset_witness_names_read_and_expectation(textbook: Textbook) -> None:
    witness = check_preset(textbook("w1(x,1) w2(x,2) r3(x1,1) c1 c2 c3"))
    assert witness is not None
    assert witness.at == Version(2, 0)
    assert witness.read == Read(("x",), "1", Version(0, 0))
    assert witness.expected == ("2", Version(1, 0))


def executed(position: int, incarnation: int = 0, **fields: Any) -> Incarnation:
    return Incarnation(
        **({"version": Version(position, incarnation), "reads": (), "writes": ()} | fields)
    )


ZERO, ONE, AGAIN = Version(0, 0), Version(1, 0), Version(1, 1)
WRITER = executed(0, writes=(Write(("x",), 1),))
READER = executed(1, reads=(Read(("x",), 1, ZERO),))
GOOD = History(2, (WRITER, READER), (Validation(ZERO, True), Validation(ONE, True)), (ZERO, ONE))

BROKEN = {
    "an incarnation has two records": {"incarnations": (WRITER, READER, READER)},
    "a position beyond the block": {"transitions": 1},
    "a negative position": {"incarnations": (WRITER, READER, executed(-1))},
    "a negative incarnation": {"incarnations": (WRITER, READER, executed(1, -1))},
    "a suspended incarnation with writes": {
        "incarnations": (WRITER, READER, replace(WRITER, version=AGAIN, end=End.SUSPENDED)),
    },
    "a commit of nothing": {"commits": (ZERO, Version(1, 7)), "validations": ()},
    "a commit of a suspended incarnation": {
        "incarnations": (WRITER, replace(READER, end=End.SUSPENDED)),
        "validations": (),
    },
    "a validation of nothing": {"validations": (*GOOD.validations, Validation(AGAIN, True))},
    "a validation of a suspended incarnation": {
        "incarnations": (*GOOD.incarnations, executed(1, 1, end=End.SUSPENDED)),
        "validations": (*GOOD.validations, Validation(AGAIN, False)),
    },
    "a commit twice": {"commits": (ZERO, ONE, ONE)},
    "two commits of a position": {
        "incarnations": (WRITER, READER, replace(READER, version=AGAIN)),
        "validations": (*GOOD.validations, Validation(AGAIN, True)),
        "commits": (ZERO, ONE, AGAIN),
    },
    "the last validation failed": {"validations": (*GOOD.validations, Validation(ONE, False))},
    "never validated, where others are": {"validations": (Validation(ZERO, True),)},
    "a version order without a writer": {"version_order": {}},
    "a version order with a stranger": {"version_order": {("x",): (ZERO, ONE)}},
    "a version order with a repetition": {"version_order": {("x",): (ZERO, ZERO)}},
    "a version order of an unwritten location": {
        "version_order": {("x",): (ZERO,), ("y",): (ONE,)}
    },
}


def test_the_good_history_is_good() -> None:
    assert check_preset(GOOD) is None
    assert check_serializable(GOOD) is None
    listed = replace(GOOD, version_order={("x",): (ZERO,)})
    assert check_preset(listed) is None
    assert check_serializable(listed) is None
    again = (*GOOD.validations[:1], Validation(ONE, False), Validation(ONE, True))
    assert check_preset(replace(GOOD, validations=again)) is None
    assert check_preset(replace(GOOD, validations=())) is None


@pytest.mark.parametrize("fields", [pytest.param(f, id=n) for n, f in BROKEN.items()])
def test_broken_protocol(fields: dict[str, Any]) -> None:
    for check in (check_preset, check_serializable):
        witness = check(replace(GOOD, **fields))
        assert witness is not None
        assert witness.anomaly is Anomaly.PROTOCOL


def test_a_missing_commit_matters_only_in_the_preset_order() -> None:
    history = replace(GOOD, commits=(ZERO,))
    witness = check_preset(history)
    assert witness is not None
    assert (witness.anomaly, witness.at) == (Anomaly.PROTOCOL, Version(1, 0))
    assert check_serializable(history) is None


def reads(*found: Read, incarnation: int = 0, committed: bool = True, **fields: Any) -> History:
    """Position 0 writes x = 1, then 2; position 1 reads."""
    writer = executed(0, writes=(Write(("x",), 1), Write(("x",), 2)))
    reader = executed(1, incarnation, reads=found, writes=(Write(("y",), 3),))
    commits = (ZERO, reader.version) if committed else (ZERO,)
    return History(2, (writer, reader), commits=commits, **fields)


UNREAL = [
    (Read(("x",), 2, Version(0, 1)), Anomaly.GARBAGE_READ),
    (Read(("z",), 2, ZERO), Anomaly.GARBAGE_READ),
    (Read(("x",), 2, Version(-1, 1)), Anomaly.GARBAGE_READ),
    (Read(("x",), 3, ZERO), Anomaly.WRONG_VALUE),
    (Read(("x",), 7, PRE_STATE), Anomaly.WRONG_VALUE),
    (Read(("y",), 3, ONE), Anomaly.FUTURE_READ),
]


@pytest.mark.parametrize(("read", "anomaly"), UNREAL)
@pytest.mark.parametrize("committed", [True, False])
def test_unreal_reads_are_found_in_aborted_incarnations_too(
    read: Read, anomaly: Anomaly, committed: bool
) -> None:
    history = reads(read, committed=committed, initial={("x",): 0})
    witness = check_serializable(history)
    assert witness is not None
    assert witness.anomaly is anomaly
    spare = executed(1, 9)
    whole = replace(
        history,
        incarnations=(*history.incarnations, spare),
        commits=(ZERO, ONE if committed else spare.version),
    )
    again = check_preset(whole)
    assert again is not None
    assert again.anomaly is anomaly


def test_an_aborted_incarnation_may_read_what_was_aborted_or_overwritten() -> None:
    history = reads(Read(("x",), 1, ZERO), Read(("x",), 2, ZERO), committed=False)
    assert check_serializable(history) is None
    committed = check_serializable(replace(history, commits=(ZERO, ONE)))
    assert committed is not None
    assert committed.anomaly is Anomaly.G1B


def test_an_aborted_incarnation_of_a_committed_position_is_aborted() -> None:
    writer = executed(0, writes=(Write(("x",), 2),))
    old = replace(writer, version=ZERO)
    new = replace(writer, version=Version(0, 1))
    reader = executed(1, reads=(Read(("x",), 2, ZERO),))
    history = History(2, (old, new, reader), commits=(new.version, ONE))
    for check in (check_serializable, check_preset):
        witness = check(history)
        assert witness is not None
        assert witness.anomaly is Anomaly.G1A


def test_pre_state_reads_agree_with_each_other() -> None:
    one = executed(0, reads=(Read(("x",), 5, PRE_STATE),))
    other = executed(1, reads=(Read(("x",), 6, PRE_STATE),))
    for check in (check_serializable, check_preset):
        witness = check(History(2, (one, other), commits=(ZERO, ONE)))
        assert witness is not None
        assert (witness.anomaly, witness.at) == (Anomaly.WRONG_VALUE, ONE)
        assert witness.expected == (5, PRE_STATE)


@pytest.mark.parametrize("text", ["w1(x,1) r2(x?,1) c1 c2", "w1(x,1) r2(x1,1) c1 c2"])
def test_unknown_order_is_not_guessed(textbook: Textbook, text: str) -> None:
    history = textbook(text)
    if "?" not in text:
        history = replace(history, version_order=Order.UNKNOWN)
    with pytest.raises(OrderUnknown):
        check_serializable(history)


def test_what_is_wrong_in_any_order_needs_no_search(textbook: Textbook) -> None:
    history = textbook("w1(x,1) r2(x1,1) a1 c2", version_order=Order.UNKNOWN)
    witness = check_serializable(history)
    assert witness is not None
    assert witness.anomaly is Anomaly.G1A


def test_brute_force_agrees_on_a_fixed_sample_and_both_verdicts_are_frequent(small: Any) -> None:
    count, right = 2000, 0
    found = set()
    for history in small.sample(count, known=True):
        witness = check_serializable(history)
        assert (witness is None) == small.explained(history), history
        right += witness is None
        found.add(witness and witness.anomaly)
    assert count * 0.2 <= right <= count * 0.8
    assert {Anomaly.G0, Anomaly.G1A, Anomaly.G1B, Anomaly.G1C, Anomaly.FUZZY_READ} <= found
    assert {Anomaly.LOST_UPDATE, Anomaly.G_SINGLE, Anomaly.WRITE_SKEW, Anomaly.G2_ITEM} <= found


def test_brute_force_agrees_on_the_preset_order(small: Any) -> None:
    count, right = 2000, 0
    for history in small.sample(count, known=False, seed=1):
        whole = replace(history, commits=tuple(sorted(i.version for i in history.incarnations)))
        whole = replace(whole, validations=(), session_order=True)
        order = sorted(whole.incarnations, key=lambda i: i.version)
        witness = check_preset(whole)
        explained = small.executes(whole, order)
        assert (witness is None) == explained, (whole, witness)
        right += explained
    assert count * 0.15 <= right <= count * 0.8


@settings(deadline=None)
@given(data=st.data())
def test_brute_force_agrees_on_any_small_history(small: Any, data: st.DataObject) -> None:
    history = small.build(lambda options: data.draw(st.sampled_from(options)), known=True)
    assert (check_serializable(history) is None) == small.explained(history)


def test_preset_order_implies_serializable(small: Any) -> None:
    passed = 0
    for history in small.sample(1500, known=True, seed=2):
        everyone = tuple(sorted(i.version for i in history.incarnations))
        whole = replace(history, commits=everyone, validations=(), version_order=Order.PRESET)
        if check_preset(whole) is None:
            passed += 1
            assert check_serializable(replace(whole, session_order=True)) is None
    assert passed >= 100


def test_each_version_leads_to_the_next_one_only() -> None:
    """The graph is linear in the history: one edge a version, two a read."""
    count = 300
    incarnations = tuple(
        executed(i, reads=(Read(("x",), i - 1, Version(i - 1, 0)),), writes=(Write(("x",), i),))
        for i in range(count)
    )
    history = History(count, incarnations, commits=tuple(i.version for i in incarnations))
    graph = serialization_graph(history, Facts(history))
    assert sum(map(len, graph.values())) == count - 1
    assert check_preset(history) is None


STRONGEST = [
    ("w1(x,1) r2(x1,1) w2(x,2) r1(y0,0) w2(y,1) c1 c2", "ww"),
    ("w1(x,1) r2(x1,1) r1(y0,0) w2(y,1) c1 c2", "wr"),
    ("r1(P:x0,0) r1(y0,0) w2(x,1) w2(y,1) c1 c2", "rw"),
]


@pytest.mark.parametrize(("text", "kind"), STRONGEST)
def test_of_several_edges_the_strongest_is_kept(textbook: Textbook, text: str, kind: str) -> None:
    history = textbook(text)
    edge = serialization_graph(history, Facts(history))[0][1]
    assert (edge.kind, edge.predicate) == (kind, None)


def test_a_long_cycle_needs_no_recursion() -> None:
    count = 20_000
    incarnations = tuple(
        executed(
            i,
            reads=(Read((i,), 0, PRE_STATE),),
            writes=(Write(((i + 1) % count,), 1),),
        )
        for i in range(count)
    )
    history = History(count, incarnations, commits=tuple(i.version for i in incarnations))
    witness = check_serializable(history)
    assert witness is not None
    assert (witness.anomaly, len(witness.cycle)) == (Anomaly.G2_ITEM, count)


def test_the_shortest_cycle_is_found(textbook: Textbook) -> None:
    long = "r1(x0,0) w1(y,1) r2(y0,0) w2(z,1) r3(z0,0) w3(x,1) c1 c2 c3"
    short = " r4(a0,0) w4(b,1) r5(b0,0) w5(a,1) c4 c5"
    witness = check_serializable(textbook(long + short))
    assert witness is not None
    assert {edge.source.position for edge in witness.cycle} == {3, 4}
    for edge, following in zip(witness.cycle, witness.cycle[1:] + witness.cycle[:1], strict=True):
        assert edge.target == following.source


def test_no_cycle_in_an_empty_graph() -> None:
    assert find_cycle({}) == ()

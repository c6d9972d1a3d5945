"""Histories whose order of versions is not known: decided as brute force decides them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_proof import history_search
from pel_proof.history_search import Inconclusive, Refutation, replays, search
from pel_spec.anomalies import Anomaly, Witness
from pel_spec.history import History, Incarnation, Order
from pel_spec.serializability import check_serializable
from pel_spec.vocabulary import Location, Read, Value, Version, Write

Textbook = Callable[..., History]
UNKNOWN: dict[str, Any] = {"version_order": Order.UNKNOWN}

REFUTED = [
    ("both read 0", "r1(x?,0) w1(x,1) r2(x?,0) w2(x,2) c1 c2", Anomaly.LOST_UPDATE),
    ("write skew", "r1(x?,0) w1(y,1) r2(y?,0) w2(x,1) c1 c2", Anomaly.WRITE_SKEW),
    ("information in a circle", "w1(x,1) r1(y?,2) w2(y,2) r2(x?,1) c1 c2", Anomaly.G1C),
    (
        "long fork",
        "w1(x,1) w2(y,1) r3(x?,1) r3(y?,0) r4(x?,0) r4(y?,1) c1 c2 c3 c4",
        Anomaly.G2_ITEM,
    ),
    ("of a predicate", "r1(P:x?,0) w1(y,1) r2(P:y?,0) w2(x,1) c1 c2", Anomaly.G2),
    (
        "two orders of two blind writes",
        "w1(x,1) w1(y,1) w2(x,2) w2(y,2) r3(x?,1) r3(y?,2) c1 c2 c3",
        None,
    ),
]
SOLVED = "w1(x,1) w2(x,2) w2(y,5) r3(x?,1) r3(y?,5) c1 c2 c3"
FOUND = [
    ("blind writes", "w1(x,1) w2(x,2) r3(x?,1) r4(x?,2) c1 c2 c3 c4"),
    ("a value twice", "w1(x,1) w2(x,1) r3(x?,1) w3(x,0) r4(x?,1) c1 c2 c3 c4"),
    (
        "against the order of commits",
        "r1(x?,3) w1(y,1) r2(y?,0) r2(x?,3) w3(x,3) r3(y?,0) c1 c2 c3",
    ),
    ("versions against the order of commits", SOLVED),
    ("back to the first value", "r1(x?,0) w1(x,1) r2(x?,1) w2(x,0) r3(x?,0) w3(x,3) c1 c2 c3"),
]


def unknown(textbook: Textbook, text: str, **fields: Any) -> History:
    before = {("x",): "0", ("y",): "0", ("z",): "0"}
    return textbook(text, **({"initial": before} | UNKNOWN | fields))


@pytest.mark.parametrize(("text", "anomaly"), [pytest.param(t, a, id=n) for n, t, a in REFUTED])
def test_no_order_exists(textbook: Textbook, text: str, anomaly: Anomaly | None) -> None:
    verdict = search(unknown(textbook, text))
    assert isinstance(verdict, Refutation)
    assert anomaly in (None, verdict.anomaly)
    words = verdict.explain()
    assert words.startswith("No serial order explains these reads: T")
    assert "a contradiction" in words


@pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in FOUND])
def test_some_order_exists(textbook: Textbook, text: str) -> None:
    assert search(unknown(textbook, text)) is None


DIRTY = [
    ("w1(x,1) a1 r2(x?,1) c2", Anomaly.G1A),
    ("w1(x,1) w1(x,2) r2(x?,1) c1 c2", Anomaly.G1B),
    ("w1(x,1) r2(x?,9) c1 c2", Anomaly.GARBAGE_READ),
    ("r1(x?,1) w1(x,1) c1", Anomaly.GARBAGE_READ),
    ("w1(x,1) r2(x?,0) r2(x?,1) c1 c2", Anomaly.FUZZY_READ),
    ("w1(x,1) r2(x0,5) c1 c2", Anomaly.WRONG_VALUE),
]


@pytest.mark.parametrize(("text", "anomaly"), DIRTY)
def test_what_no_order_can_explain_is_named(
    textbook: Textbook, text: str, anomaly: Anomaly
) -> None:
    verdict = search(unknown(textbook, text))
    assert isinstance(verdict, Witness)
    assert verdict.anomaly is anomaly
    assert verdict.explain()


def test_session_order_counts_if_it_is_on(textbook: Textbook) -> None:
    text = "r1(x?,2) w2(x,2) c1 c2"
    assert search(unknown(textbook, text)) is None
    verdict = search(unknown(textbook, text, session_order=True))
    assert isinstance(verdict, Refutation)
    assert verdict.anomaly is Anomaly.G1C
    assert verdict.reads == ((Version(0, 0), Read(("x",), "2", None)),)


def test_where_session_order_counts_the_example_keeps_to_it(textbook: Textbook) -> None:
    text = "r1(x?,2) w1(x,3) w2(x,2) c2 c1"
    verdict = search(unknown(textbook, text, session_order=True))
    assert isinstance(verdict, Refutation)
    assert verdict.anomaly is Anomaly.G1C


def test_a_pre_state_that_is_not_known_is_one_value(textbook: Textbook) -> None:
    one, two = "r1(x?,7) r2(x?,7) w2(x,1) c1 c2", "r1(x?,7) r2(x?,8) w2(x,1) c1 c2"
    assert search(unknown(textbook, one, initial={})) is None
    verdict = search(unknown(textbook, two, initial={}))
    assert isinstance(verdict, Refutation)
    assert search(unknown(textbook, two, initial={("x",): "7"})) is not None


def test_a_known_order_of_versions_is_kept(textbook: Textbook) -> None:
    text = "w1(x,1) w2(x,2) r3(x?,1) w3(z,1) r4(x?,2) r4(z?,1) c1 c2 c3 c4"
    assert search(unknown(textbook, text)) is None
    assert search(unknown(textbook, text, version_order=Order.PRESET)) is None
    listed = textbook(text + " [x2<<x1]", initial={("x",): "0", ("z",): "0"})
    assert isinstance(search(listed), Refutation)


def test_orders_alone_can_contradict_each_other(textbook: Textbook) -> None:
    verdict = search(textbook("w1(x,1) w2(x,2) c1 c2 [x2<<x1]", session_order=True))
    assert isinstance(verdict, Refutation)
    assert verdict.reads == ()
    assert verdict.explain().startswith("No serial order explains the orders that are given.")


def test_brute_force_agrees_on_a_fixed_sample_and_both_verdicts_are_frequent(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved: list[object] = []
    solve = history_search._solve

    def counted(*args: Any) -> object:
        solved.append(solve(*args))
        return solved[-1]

    monkeypatch.setattr(history_search, "_solve", counted)
    count, right = 1000, 0
    for history in small.sample(count, known=False):
        verdict = search(history)
        assert not isinstance(verdict, Inconclusive)
        assert (verdict is None) == small.explained(history), history
        right += verdict is None
    assert count * 0.2 <= right <= count * 0.8
    assert sum(verdict is None for verdict in solved) >= 5
    assert sum(verdict is not None for verdict in solved) >= 50


def test_search_and_definition_agree_where_all_is_known(small: Any) -> None:
    for history in small.sample(400, known=True, seed=5):
        assert (search(history) is None) == (check_serializable(history) is None)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_brute_force_agrees_on_any_small_history(small: Any, data: st.DataObject) -> None:
    history = small.build(lambda options: data.draw(st.sampled_from(options)), known=False)
    assert (search(history) is None) == small.explained(history)


def test_replaying_is_executing(small: Any) -> None:
    for history in small.sample(500, known=True, seed=3):
        order = list(history.committed())
        assert replays(history, order) == small.executes(history, order)
        assert replays(history, order[::-1]) == small.executes(history, order[::-1])


def blind(count: int) -> History:
    """Everybody reads one of three locations, and overwrites another one with one of two values."""
    incarnations = tuple(
        Incarnation(Version(i, 0), (Read((i % 3,), i % 2, None),), (Write(((i + 1) % 3,), i % 2),))
        for i in range(count)
    )
    commits = tuple(i.version for i in incarnations)
    before: dict[Location, Value] = {(0,): 0, (1,): 0, (2,): 0}
    return History(count, incarnations, commits=commits, initial=before, **UNKNOWN)


def test_too_large_is_inconclusive_and_says_so() -> None:
    verdict = search(blind(60), most_terms=100)
    assert isinstance(verdict, Inconclusive)
    assert "the limit is 100" in verdict.explain()


def test_too_hard_is_inconclusive_and_says_so() -> None:
    verdict = search(blind(60), most_work=1000)
    assert isinstance(verdict, Inconclusive)
    assert "its limit is 1000 units of work" in verdict.explain()


def test_a_history_that_commits_in_serial_order_needs_no_solver(small: Any) -> None:
    count = 3000
    incarnations = tuple(
        Incarnation(Version(i, 0), (Read(("x",), i, None),), (Write(("x",), i + 1),))
        for i in range(count)
    )
    commits = tuple(i.version for i in incarnations)
    history = History(count, incarnations, commits=commits, initial={("x",): 0}, **UNKNOWN)
    assert search(history, most_terms=0) is None


def test_a_refutation_of_many_reads_is_short(textbook: Textbook) -> None:
    witness = check_serializable(textbook("w1(x,1) r2(x1,1) w2(y,1) r1(y2,1) c1 c2"))
    assert witness is not None
    reads = tuple((Version(i, 0), Read(("x",), i, None)) for i in range(40))
    words = Refutation(reads, witness).explain(lambda position: f"tx {position}")
    assert "tx 9 read x = 9; and 30 more" in words
    assert "tx 10" not in words


def test_an_order_that_the_solver_gets_wrong_is_not_believed(
    textbook: Textbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = unknown(textbook, SOLVED)
    assert search(history) is None
    monkeypatch.setattr(history_search, "replays", lambda *_: False)
    with pytest.raises(RuntimeError, match="does not explain"):
        search(history)


def test_the_verdict_does_not_depend_on_what_was_searched_before(small: Any) -> None:
    histories = list(small.sample(60, known=False, seed=9))
    once = [search(history) for history in histories]
    assert [search(history) for history in reversed(histories)] == once[::-1]

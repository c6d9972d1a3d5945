"""Published histories: each anomaly's own example is found and named, right ones pass."""

from collections.abc import Callable

import pytest

from pel_spec.anomalies import Anomaly
from pel_spec.history import History
from pel_spec.serializability import check_preset, check_serializable

Textbook = Callable[..., History]

# Sources: [Adya] chapters 3 and 4 and the ICDE 2000 paper drawn from them, [Berenson], [Elle],
# [Fekete] (read-only transaction anomaly), [Sovran] (long fork).
ANOMALIES = [
    ("Adya, H_wcycle", "w1(x,2) w2(x,5) w2(y,5) c2 w1(y,8) c1 [x1<<x2, y2<<y1]", Anomaly.G0),
    ("Berenson, P0 dirty write", "w1(x,1) w2(x,2) w2(y,2) c2 w1(y,1) c1 [y2<<y1]", Anomaly.G0),
    ("Adya, H1a", "w1(x,1) r2(x1,1) a1 c2", Anomaly.G1A),
    ("Berenson, A1 dirty read", "r1(x0,50) w1(x,10) r2(x1,10) a1 w2(y,10) c2", Anomaly.G1A),
    ("Adya, H1b", "w1(x,1) r2(x1,1) w1(x,2) c1 c2", Anomaly.G1B),
    ("Adya, H1c", "w1(x,1) w2(y,2) r1(y2,2) r2(x1,1) c1 c2", Anomaly.G1C),
    (
        "Berenson, H1 inconsistent analysis",
        "r1(x0,50) w1(x,10) r2(x1,10) r2(y0,50) c2 r1(y0,50) w1(y,90) c1",
        Anomaly.G_SINGLE,
    ),
    (
        "Berenson, H2 and A5A read skew",
        "r1(x0,50) r2(x0,50) w2(x,10) r2(y0,50) w2(y,90) c2 r1(y2,90) c1",
        Anomaly.G_SINGLE,
    ),
    ("Berenson, A2 fuzzy read", "r1(x0,50) w2(x,10) c2 r1(x2,10) c1", Anomaly.FUZZY_READ),
    ("fuzzy read of the same value", "r1(x0,5) w2(x,5) c2 r1(x2,5) c1", Anomaly.FUZZY_READ),
    ("fuzzy read, told by values", "r1(x?,5) w2(x,6) c2 r1(x?,6) c1", Anomaly.FUZZY_READ),
    ("Berenson, A3 phantom", "r1(P:y0,none) w2(y,1) c2 r1(P:y2,1) c1", Anomaly.PHANTOM),
    (
        "Berenson, H3 phantom",
        "r1(P:y0,none) w2(y,1) r2(z0,3) w2(z,4) c2 r1(z2,4) c1",
        Anomaly.G2,
    ),
    (
        "Adya, H_phantom (sum of the salaries in a department)",
        "r1(Sales:x0,10) r1(Sales:z0,none) w2(z,10) r2(s0,10) w2(s,20) c2 r1(s2,20) c1",
        Anomaly.G2,
    ),
    (
        "Berenson, H4 lost update",
        "r1(x0,100) r2(x0,100) w2(x,120) c2 w1(x,130) c1 [x2<<x1]",
        Anomaly.LOST_UPDATE,
    ),
    (
        "Berenson, H5 and A5B write skew",
        "r1(x0,50) r1(y0,50) r2(x0,50) r2(y0,50) w1(y,40) w2(x,40) c1 c2",
        Anomaly.WRITE_SKEW,
    ),
    (
        "write skew on a predicate (two inserts)",
        "r1(P:x0,none) r1(P:y0,none) r2(P:x0,none) r2(P:y0,none) w1(x,1) w2(y,1) c1 c2",
        Anomaly.G2,
    ),
    (
        "Fekete, read-only transaction anomaly",
        "r2(x0,0) r2(y0,0) r1(y0,0) w1(y,20) c1 r3(x0,0) r3(y1,20) c3 w2(x,11) c2",
        Anomaly.G2_ITEM,
    ),
    (
        "skew of three",
        "r1(x0,0) w1(y,1) r2(y0,0) w2(z,1) r3(z0,0) w3(x,1) c1 c2 c3",
        Anomaly.G2_ITEM,
    ),
    (
        "Sovran, long fork",
        "w1(x,1) w2(y,1) r3(x1,1) r3(y0,0) r4(x0,0) r4(y2,1) c1 c2 c3 c4",
        Anomaly.G2_ITEM,
    ),
    ("Elle, garbage read", "w1(x,1) r2(x1,7) c1 c2", Anomaly.WRONG_VALUE),
    ("Elle, garbage read of nobody", "w1(y,1) r2(x1,7) c1 c2", Anomaly.GARBAGE_READ),
    (
        "Elle, cyclic information flow of three",
        "w1(x,1) r1(z3,3) w2(y,2) r2(x1,1) w3(z,3) r3(y2,2) c1 c2 c3",
        Anomaly.G1C,
    ),
]

SERIALIZABLE = [
    (
        "Adya, H_serial",
        "w1(z,1) w1(x,1) w1(y,1) w3(x,3) c1 r2(x1,1) w2(y,2) c2 r3(y2,2) w3(z,3) c3"
        " [x1<<x3, y1<<y2, z1<<z3]",
    ),
    ("Adya, H1' (refused by locking)", "r1(x0,5) w1(x,1) r1(y0,5) w1(y,9) r2(x1,1) r2(y1,9) c1 c2"),
    ("Adya, H2' (refused by locking)", "r2(x0,5) r1(x0,5) w1(x,1) r1(y0,5) r2(y0,5) w1(y,9) c2 c1"),
    (
        "Adya, H_write-order (versions against the order of writing and of commits)",
        "w1(x,1) w2(x,2) w2(y,2) c1 c2 r3(x1,1) w3(x,3) w4(y,4) a4 [x2<<x1]",
    ),
    (
        "Berenson, H1.SI",
        "r1(x0,50) w1(x,10) r2(x0,50) r2(y0,50) c2 r1(y0,50) w1(y,90) c1",
    ),
    ("an aborted reader of aborted data", "w1(x,1) r2(x1,1) a1 a2 r3(x0,0) c3"),
    ("blind writes", "w1(x,1) w2(x,2) w1(y,1) w2(y,2) c1 c2"),
    ("Sovran, no long fork", "w1(x,1) w2(y,1) r3(x1,1) r3(y0,0) r4(x1,1) r4(y2,1) c1 c2 c3 c4"),
    ("nothing", "c1"),
]


@pytest.mark.parametrize(("text", "anomaly"), [pytest.param(t, a, id=n) for n, t, a in ANOMALIES])
def test_textbook_anomaly_is_found_and_named(
    textbook: Textbook, text: str, anomaly: Anomaly
) -> None:
    witness = check_serializable(textbook(text))
    assert witness is not None
    assert witness.anomaly is anomaly


@pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in SERIALIZABLE])
def test_textbook_serializable_history_passes(textbook: Textbook, text: str) -> None:
    assert check_serializable(textbook(text)) is None


def test_every_cyclic_anomaly_has_a_textbook_example() -> None:
    shown = {anomaly for _, _, anomaly in ANOMALIES}
    preset_only = {Anomaly.PROTOCOL, Anomaly.STALE_READ, Anomaly.FUTURE_READ}
    assert shown | preset_only == set(Anomaly)


PRESET = [
    ("fold", "w1(x,1) r2(x1,1) w2(x,2) r3(x2,2) c1 c2 c3", None),
    ("serializable, but in another order", "r1(x2,2) w2(x,2) c1 c2", Anomaly.FUTURE_READ),
    ("stale read", "w1(x,1) w2(x,2) r3(x1,1) c1 c2 c3", Anomaly.STALE_READ),
    ("stale read of the pre-state", "w1(x,1) r2(x0,0) c1 c2", Anomaly.STALE_READ),
    ("phantom", "w1(x,1) r2(P:x0,0) c1 c2", Anomaly.PHANTOM),
    ("by value", "w1(x,1) r2(x?,1) w2(x,2) r3(x?,2) c1 c2 c3", None),
    ("wrong by value", "w1(x,1) w2(x,2) r3(x?,1) c1 c2 c3", Anomaly.WRONG_VALUE),
    ("pre-state by value", "r1(x?,7) r2(x?,7) w2(x,1) r3(x?,1) c1 c2 c3", None),
    ("two pre-states", "r1(x?,7) r2(x?,8) c1 c2", Anomaly.WRONG_VALUE),
    ("two pre-states, one by version", "r1(x?,7) r2(x0,8) c1 c2", Anomaly.WRONG_VALUE),
    ("not all committed", "w1(x,1) r2(x0,0) a1 c2", Anomaly.PROTOCOL),
    ("versions misplaced", "w1(x,1) w2(x,2) c1 c2 [x2<<x1]", Anomaly.G0),
    ("an aborted incarnation saw a higher position", "r1(x2,2) w2(x,2) c1 c2", Anomaly.FUTURE_READ),
]


@pytest.mark.parametrize(("text", "anomaly"), [pytest.param(t, a, id=n) for n, t, a in PRESET])
def test_preset_order(textbook: Textbook, text: str, anomaly: Anomaly | None) -> None:
    witness = check_preset(textbook(text))
    assert (witness and witness.anomaly) is anomaly


SESSION = [
    ("r1(x2,2) w2(x,2) c1 c2", Anomaly.G1C),
    ("w1(x,2) r2(x0,0) c1 c2", Anomaly.G_SINGLE),
    ("w1(x,2) r2(P:x0,0) c1 c2", Anomaly.G2),
    ("w1(x,1) w2(x,2) c1 c2 [x2<<x1]", Anomaly.G0),
    ("w1(x,1) r2(x1,1) c1 c2", None),
]


@pytest.mark.parametrize(("text", "anomaly"), SESSION)
def test_session_order_is_an_edge_where_it_counts(
    textbook: Textbook, text: str, anomaly: Anomaly | None
) -> None:
    assert check_serializable(textbook(text)) is None
    witness = check_serializable(textbook(text, session_order=True))
    assert (witness and witness.anomaly) is anomaly
    assert witness is None or witness.cycle[-1].kind == "session"

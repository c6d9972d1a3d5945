"""Names and words: each cycle has Adya's name, each witness is explained so that one can follow."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pel_spec.anomalies import Anomaly, Edge, Witness, cyclic, show
from pel_spec.history import History
from pel_spec.serializability import check_preset, check_serializable
from pel_spec.vocabulary import PRE_STATE, Read, Version

Textbook = Callable[..., History]
A, B, C = Version(0, 0), Version(1, 2), Version(2, 0)
X, Y = ("x",), ("y",)

CYCLES = [
    ([Edge("ww", A, B, X), Edge("ww", B, A, Y)], Anomaly.G0),
    ([Edge("ww", A, B, X), Edge("session", B, A)], Anomaly.G0),
    ([Edge("ww", A, B, X), Edge("wr", B, A, Y)], Anomaly.G1C),
    ([Edge("rw", A, B, X), Edge("wr", B, A, X)], Anomaly.G_SINGLE),
    ([Edge("rw", A, B, X), Edge("ww", B, A, Y)], Anomaly.G_SINGLE),
    ([Edge("rw", A, B, X), Edge("session", B, A)], Anomaly.G_SINGLE),
    ([Edge("rw", A, B, X), Edge("ww", B, A, X)], Anomaly.LOST_UPDATE),
    ([Edge("rw", A, B, X), Edge("ww", B, C, X), Edge("ww", C, A, X)], Anomaly.LOST_UPDATE),
    ([Edge("rw", A, B, X), Edge("ww", B, C, X), Edge("wr", C, A, X)], Anomaly.G_SINGLE),
    ([Edge("rw", A, B, X), Edge("rw", B, A, Y)], Anomaly.WRITE_SKEW),
    ([Edge("rw", A, B, X), Edge("rw", B, A, X)], Anomaly.G2_ITEM),
    ([Edge("rw", A, B, X), Edge("rw", B, C, Y), Edge("wr", C, A, X)], Anomaly.G2_ITEM),
    ([Edge("rw", A, B, X, predicate="P"), Edge("rw", B, A, Y)], Anomaly.G2),
    ([Edge("rw", A, B, X, predicate="P"), Edge("wr", B, A, Y)], Anomaly.G2),
    ([Edge("rw", A, B, X), Edge("wr", B, A, Y, predicate="P")], Anomaly.G_SINGLE),
]


@pytest.mark.parametrize(("cycle", "anomaly"), CYCLES)
def test_a_cycle_is_named_by_its_edges(cycle: list[Edge], anomaly: Anomaly) -> None:
    for turn in range(len(cycle)):
        assert cyclic(*cycle[turn:], *cycle[:turn]).anomaly is anomaly


EXPLAINED = [
    (
        "r1(x0,100) r2(x0,100) w2(x,120) c2 w1(x,130) c1 [x2<<x1]",
        "lost update. Let T0 be position 0, incarnation 0; T1 be position 1, incarnation 0.\n"
        "Then T0 < T1, because T0 read x = 100, and T1 wrote its next version, 120;\n"
        "yet T1 < T0, because T0 overwrote x = 120, which T1 wrote, with 130: a contradiction.",
    ),
    (
        "w1(x,1) r1(z3,3) w2(y,2) r2(x1,1) w3(z,3) r3(y2,2) c1 c2 c3",
        "G1c. Let T0 be position 0, incarnation 0; T1 be position 1, incarnation 0; "
        "T2 be position 2, incarnation 0.\n"
        "Then T0 < T1, because T1 read x = 1, which T0 wrote;\n"
        "and T1 < T2, because T2 read y = 2, which T1 wrote;\n"
        "yet T2 < T0, because T0 read z = 3, which T2 wrote: a contradiction.",
    ),
    (
        "r1(P:y0,none) w2(y,1) r2(z0,3) w2(z,4) c2 r1(z2,4) c1",
        "G2. Let T0 be position 0, incarnation 0; T1 be position 1, incarnation 0.\n"
        "Then T0 < T1, because T0 read y = none, and T1 wrote its next version, 1 "
        "(read for the predicate P);\n"
        "yet T1 < T0, because T0 read z = 4, which T1 wrote: a contradiction.",
    ),
    (
        "w1(x,1) r2(x1,1) a1 c2",
        "G1a. Let T1 be position 1, incarnation 0.\n"
        "T1 read x = 1 from T0 (incarnation 0), but T0 (incarnation 0) was not committed.",
    ),
    (
        "w1(x,1) r2(x1,1) w1(x,2) c1 c2",
        "G1b. Let T1 be position 1, incarnation 0.\n"
        "T1 read x = 1 from T0 (incarnation 0), "
        "but the last that T0 (incarnation 0) wrote there is 2.",
    ),
    (
        "w1(y,1) r2(x1,7) c1 c2",
        "garbage read. Let T1 be position 1, incarnation 0.\n"
        "T1 read x = 7 from T0 (incarnation 0), but no executed incarnation wrote that.",
    ),
    (
        "r1(x0,50) w2(x,10) c2 r1(x2,10) c1",
        "fuzzy read. Let T0 be position 0, incarnation 0.\n"
        "T0 read x = 10 from T1 (incarnation 0), after it had read 50 from the pre-state.",
    ),
]

EXPLAINED_PRESET = [
    (
        "w1(x,1) w2(x,2) r3(x1,1) c1 c2 c3",
        "stale read. Let T2 be position 2, incarnation 0.\nT2 read x = 1 from T0 (incarnation 0), "
        "but what was last written below it is 2, by T1 (incarnation 0).",
    ),
    (
        "w1(x,1) r2(P:x0,0) c1 c2",
        "phantom. Let T1 be position 1, incarnation 0.\nT1 read x = 0 for the predicate P from the "
        "pre-state, which conflicts with 1 from T0 (incarnation 0).",
    ),
    (
        "r1(x2,2) w2(x,2) c1 c2",
        "future read. Let T0 be position 0, incarnation 0.\n"
        "T0 read x = 2 from T1 (incarnation 0), but that does not come before it.",
    ),
    (
        "w1(x,1) w2(x,2) r3(x?,1) c1 c2 c3",
        "wrong value. Let T2 be position 2, incarnation 0.\n"
        "T2 read x = 1, but there T1 (incarnation 0) has 2.",
    ),
    ("w1(x,1) r2(x0,0) a1 c2", "broken protocol: T0 was never committed."),
    (
        "w1(x,1) w2(x,2) c1 c2 [x2<<x1]",
        "G0. Let T0 be position 0, incarnation 0; T1 be position 1, incarnation 0.\n"
        "Then T1 < T0, because T0 overwrote x = 2, which T1 wrote, with 1;\n"
        "yet T0 < T1, because T0 precedes T1 in the preset order: a contradiction.",
    ),
]


@pytest.mark.parametrize(("text", "words"), EXPLAINED)
def test_explanations(textbook: Textbook, text: str, words: str) -> None:
    witness = check_serializable(textbook(text))
    assert witness is not None
    assert witness.explain() == words


@pytest.mark.parametrize(("text", "words"), EXPLAINED_PRESET)
def test_explanations_in_the_preset_order(textbook: Textbook, text: str, words: str) -> None:
    witness = check_preset(textbook(text))
    assert witness is not None
    assert witness.explain() == words


def test_people_see_their_own_names(textbook: Textbook) -> None:
    names = {0: "the beacon root", 1: "tx 0", 2: "tx 1"}
    witness = check_preset(textbook("w1(x,1) w2(x,2) r3(x1,1) c1 c2 c3"))
    assert witness is not None
    words = witness.explain(names.__getitem__)
    assert "Let tx 1 be position 2" in words
    assert "from the beacon root" in words
    assert "by tx 0" in words
    assert "T0" not in words


def test_a_source_without_a_name_is_called_so() -> None:
    witness = Witness(Anomaly.FUZZY_READ, A, Read(X, 1, PRE_STATE), (2, None))
    assert witness.explain().endswith("after it had read 2 from an unnamed source.")


def test_values_and_locations_are_shown_for_people() -> None:
    assert show(("storage", bytes.fromhex("00ff"), 5)) == "storage/0x00ff/5"
    assert show(b"") == "0x"
    assert show(None) == "None"
    assert show((1, (b"\x01", "a"))) == "1/0x01/a"


@settings(deadline=None)
@given(st.binary(max_size=80))
@example(bytes(24576))
def test_what_is_shown_is_short(value: bytes) -> None:
    text = show(value)
    assert len(text) <= 80
    assert text.startswith("0x" + value.hex()[:38])
    if len(value) <= 39:
        assert bytes.fromhex(text[2:]) == value

"""The history format: what is written is read back the same, what is wrong is refused in words."""

import gzip
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pel_fuzz.formats import history_jsonl
from pel_fuzz.formats.header import FormatError
from pel_fuzz.formats.history_jsonl import decode_history, read_history, write_history
from pel_fuzz.formats.json_lines import bounded
from pel_reference.errors import InputError
from pel_spec.anomalies import Anomaly
from pel_spec.history import End, History, Incarnation, Order, Validation
from pel_spec.serializability import check_preset, check_serializable
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version, Write

ADDRESS = bytes.fromhex("00" * 19 + "ff")
BIG = 2**255 + 1
BALANCE: Location = ("balance", ADDRESS)
SLOT: Location = ("storage", ADDRESS, BIG)
ZERO, ONE, AGAIN = Version(0, 0), Version(1, 0), Version(1, 1)

FULL = History(
    transitions=2,
    incarnations=(
        Incarnation(ZERO, (Read(BALANCE, BIG, PRE_STATE),), (Write(BALANCE, 7), Write(SLOT, b""))),
        Incarnation(ONE, (), (), End.SUSPENDED),
        Incarnation(
            AGAIN,
            (Read(BALANCE, 7, ZERO), Read(("fee", 0), None, None, "fees")),
            (Write(("logs", 1), ((ADDRESS, (1, 2), b"x"), True)),),
        ),
    ),
    validations=(Validation(ZERO, False), Validation(ZERO, True), Validation(AGAIN, True)),
    commits=(ZERO, AGAIN),
    version_order={BALANCE: (ZERO,), SLOT: (ZERO,), ("logs", 1): (AGAIN,)},
    session_order=True,
    initial={BALANCE: BIG},
)

TEXT = """\
{"pel":"history","version":1,"transitions":2,"version_order":"listed","session_order":true}
{"event":"initial","location":["balance","0x00000000000000000000000000000000000000ff"],\
"value":"0x8000000000000000000000000000000000000000000000000000000000000001"}
"""


def dump(history: History) -> str:
    stream = io.StringIO()
    write_history(stream, history)
    return stream.getvalue()


def load(text: str) -> History:
    return decode_history(io.BytesIO(text.encode()))


def as_read(value: Value) -> Value:
    """What a value is after it was written and read."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return tuple(map(as_read, value))
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_a_history_is_written_in_full_and_read_back() -> None:
    text = dump(FULL)
    assert text.startswith(TEXT)
    assert json.loads(text.splitlines()[-1]) == {"event": "end", "events": 12}
    found = load(text)
    address = "0x" + ADDRESS.hex()
    balance, slot = ("balance", address), ("storage", address, hex(BIG))
    assert found.transitions == 2
    assert found.commits == FULL.commits
    assert found.validations == FULL.validations
    assert found.session_order
    assert found.initial == {balance: hex(BIG)}
    assert found.version_order == {balance: (ZERO,), slot: (ZERO,), ("logs", 1): (AGAIN,)}
    assert [(i.version, i.end) for i in found.incarnations] == [
        (i.version, i.end) for i in FULL.incarnations
    ]
    assert found.incarnations[0].writes == (Write(balance, "0x7"), Write(slot, "0x"))
    assert found.incarnations[2].reads == (
        Read(balance, "0x7", ZERO),
        Read(("fee", 0), None, None, "fees"),
    )
    assert found.incarnations[2].writes[0].value == ((address, ("0x1", "0x2"), "0x78"), True)
    assert dump(found) == text


def test_the_known_violation_survives_the_file() -> None:
    assert check_preset(FULL) is None
    reader = Incarnation(AGAIN, (Read(BALANCE, BIG, PRE_STATE),), FULL.incarnations[2].writes)
    stale = History(2, (*FULL.incarnations[:2], reader), (), FULL.commits, Order.PRESET)
    found = check_preset(load(dump(stale)))
    assert found is not None
    assert found.anomaly is Anomaly.STALE_READ


KINDS = [
    st.sampled_from([0, 1, BIG, -1]),
    st.sampled_from([b"", b"\x00", b"\x01", ADDRESS]),
    st.sampled_from(["", "a", "0xff"]),
    st.sampled_from([None, False, True]),
    st.sampled_from([(), (1, b"\x02"), ((1,), None)]),
]
PLACES: list[Location] = [("slot", 5), ("slot", BIG), ("code", ADDRESS), ("flag",), ("logs", 0)]


def any_history(draw: Any) -> History:
    """Small histories of all kinds of values, some broken, some not serializable."""
    where = dict(zip(PLACES, KINDS, strict=True))
    place, count = st.sampled_from(PLACES[: draw(st.integers(1, 5))]), draw(st.integers(1, 3))
    rarely = st.integers(0, 9).map(lambda number: number == 9)
    versions = [Version(position, draw(st.integers(0, 1))) for position in range(count)]
    held: dict[Location, list[tuple[Value, Version]]] = {}
    before = {each: draw(where[each]) for each in PLACES}
    incarnations = []
    for version in versions:
        reads = []
        for at in draw(st.lists(place, max_size=3, unique=True)):
            known = [(before[at], PRE_STATE), *held.get(at, [])]
            value, source = draw(st.sampled_from(known)) if draw(rarely) else known[-1]
            value = draw(where[at]) if draw(rarely) else value
            predicate = "P" if draw(rarely) else None
            reads.append(Read(at, value, None if draw(rarely) else source, predicate))
        writes = tuple(Write(at, draw(where[at])) for at in draw(st.lists(place, max_size=3)))
        for at, value in dict(writes).items():
            held.setdefault(at, []).append((value, version))
        end = End.SUSPENDED if draw(rarely) else End.EXECUTED
        incarnations.append(Incarnation(version, tuple(reads), writes, end))
    listed = {at: tuple(source for _, source in found) for at, found in held.items()}
    return History(
        transitions=count,
        incarnations=tuple(incarnations),
        validations=(Validation(versions[0], draw(st.booleans())),) if draw(rarely) else (),
        commits=tuple(versions[1:] if draw(rarely) else versions),
        version_order=Order.PRESET if draw(st.booleans()) else listed,
        session_order=draw(st.booleans()),
        initial=before if draw(st.booleans()) else {},
    )


def verdict(check: Any, history: History) -> object:
    try:
        witness = check(history)
    except Exception as error:
        return type(error)
    if witness is None:
        return None
    edges = [(edge.kind, edge.source, edge.target) for edge in witness.cycle]
    read = witness.read and (as_read(witness.read.value), witness.read.version)
    return witness.anomaly, witness.at, read, edges


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_round_trip_keeps_every_verdict(data: st.DataObject) -> None:
    history = any_history(data.draw)
    event(str(verdict(check_preset, history))[:30])
    text = dump(history)
    again = load(text)
    assert dump(again) == text
    for check in (check_preset, check_serializable):
        assert verdict(check, again) == verdict(check, history)


HEADER = (
    '{"pel":"history","version":1,"transitions":2,"version_order":"preset","session_order":false}'
)
LISTED = HEADER.replace("preset", "listed")
END = '{"event":"end","events":1}'


def incarnation(**fields: Any) -> str:
    document = {"event": "incarnation", "version": [0, 0], "end": "executed", "reads": []}
    return json.dumps(document | {"writes": []} | fields)


def read(**fields: Any) -> str:
    entry = {"location": ["x"], "value": 1, "version": [0, 0]} | fields
    return incarnation(reads=[{name: field for name, field in entry.items() if field != "gone"}])


REFUSED = [
    ([], "", "the file is empty"),
    (["{}"], "line 1: pel", "expected 'history'"),
    (["[]"], "line 1", "must start with a header"),
    (["{"], "line 1", "not JSON"),
    ([HEADER.replace(":1,", ":2,", 1)], "line 1: version", "the file says 2"),
    ([HEADER.replace("history", "trace")], "line 1: pel", "expected 'history'"),
    ([HEADER.replace(":2,", ":-1,")], "line 1: transitions", "from 0"),
    ([HEADER.replace(":2,", ":true,")], "line 1: transitions", "integer"),
    ([HEADER.replace(":2,", ":1000001,")], "line 1: transitions", "to 1000000"),
    ([HEADER.replace('"preset"', '["preset"]')], "line 1: version_order", "expected one of"),
    ([HEADER.replace("preset", "commit")], "line 1: version_order", "preset, unknown, listed"),
    ([HEADER.replace("false", "0")], "line 1: session_order", "true or false"),
    ([HEADER.replace("{", '{"note":1,')], "line 1: note", "string"),
    ([HEADER.replace("{", '{"notes":"",')], "line 1: notes", "not a field"),
    ([HEADER.replace(',"session_order":false', "")], "line 1: session_order", "missing"),
    ([HEADER], "", "cut off"),
    ([HEADER, ""], "line 2", "empty"),
    ([HEADER, "[" * 100_000], "line 2", "nested deeper"),
    ([HEADER, "1" * 10_000], "line 2", "not JSON"),
    ([HEADER, "NaN"], "line 2", "not JSON"),
    ([HEADER, "[]"], "line 2: event", "expected one of"),
    ([HEADER, '{"event":["end"]}'], "line 2: event", "expected one of"),
    ([HEADER, '{"event":"abort","version":[0,0]}'], "line 2: event", "initial, incarnation"),
    ([HEADER, '{"event":"commit"}'], "line 2: version", "missing"),
    ([HEADER, '{"event":"commit","version":[0,0],"at":1}'], "line 2: at", "not a field"),
    ([HEADER, '{"event":"commit","version":[0]}'], "line 2: version", "[position, incarnation]"),
    ([HEADER, '{"event":"commit","version":[0,true]}'], "line 2: version[1]", "integer"),
    ([HEADER, '{"event":"commit","version":[0,1.0]}'], "line 2: version[1]", "integer"),
    ([HEADER, f'{{"event":"commit","version":[{2**53},0]}}'], "line 2: version[0]", "integer"),
    ([HEADER, '{"event":"validation","version":[0,0],"passed":1}'], "line 2: passed", "true"),
    ([HEADER, incarnation(end="aborted")], "line 2: end", "executed, suspended"),
    ([HEADER, incarnation(end=["executed"])], "line 2: end", "executed, suspended"),
    ([HEADER, incarnation(reads={})], "line 2: reads", "array"),
    ([HEADER, incarnation(writes=[1])], "line 2: writes[0]", "object"),
    ([HEADER, incarnation(writes=[{"location": ["x"]}])], "line 2: writes[0].value", "missing"),
    ([HEADER, incarnation(reads=[1])], "line 2: reads[0]", "object"),
    ([HEADER, read(version="gone")], "line 2: reads[0].version", "missing"),
    ([HEADER, read(predicat="P")], "line 2: reads[0].predicat", "not a field"),
    ([HEADER, read(predicate=1)], "line 2: reads[0].predicate", "string"),
    ([HEADER, read(location="x")], "line 2: reads[0].location", "array"),
    ([HEADER, read(location=[])], "line 2: reads[0].location", "empty"),
    ([HEADER, read(location=["x", None])], "line 2: reads[0].location[1]", "integer"),
    ([HEADER, read(location=["x", True])], "line 2: reads[0].location[1]", "integer"),
    ([HEADER, read(value=1.5)], "line 2: reads[0].value", "null, a boolean"),
    ([HEADER, read(value=[1, {}])], "line 2: reads[0].value[1]", "null, a boolean"),
    ([HEADER, read(value="\ud800")], "line 2", "surrogate"),
    ([HEADER, '{"event":"order","location":["x"],"versions":[]}'], "line 2: event", "listed"),
    ([LISTED, *['{"event":"order","location":["x"],"versions":[]}'] * 2], "line 3: location", "al"),
    ([LISTED, '{"event":"order","location":["x"],"versions":3}'], "line 2: versions", "array"),
    ([HEADER, *['{"event":"initial","location":["x"],"value":1}'] * 2], "line 3: location", "alr"),
    ([HEADER, END], "line 2: events", "0 events"),
    ([HEADER, incarnation(), END, incarnation()], "line 4", "after the end|follow the end"),
]


@pytest.mark.parametrize(("lines", "place", "problem"), REFUSED)
def test_what_is_wrong_is_refused_with_its_place(
    lines: list[str], place: str, problem: str
) -> None:
    with pytest.raises(FormatError) as caught:
        load("".join(line + "\n" for line in lines))
    assert caught.value.field == place
    assert any(part in caught.value.problem for part in problem.split("|"))


def test_foreign_values_are_compared_as_they_stand() -> None:
    def judged(written: Any, seen: Any) -> Anomaly | None:
        entry = {"location": ["x"], "value": seen, "version": [0, 0]}
        lines = [
            HEADER.replace("{", '{"note":"by hand",'),
            incarnation(writes=[{"location": ["x"], "value": written}]),
            incarnation(version=[1, 0], reads=[entry]),
            '{"event":"commit","version":[0,0]}',
            '{"event":"commit","version":[1,0]}',
            '{"event":"end","events":4}',
        ]
        witness = check_preset(load("\n".join(lines)))
        return None if witness is None else witness.anomaly

    for same in ("0xAb", 5, None, True, [1, ["a"]], "", -3, 2**300):
        assert judged(same, same) is None
    assert judged(5, "0x5") is None
    for written, seen in (("0xAB", "0xab"), (True, 1), (0, False), (None, ""), ([], None)):
        assert judged(written, seen) is Anomaly.WRONG_VALUE


def test_the_example_of_the_page_says_what_the_page_says() -> None:
    page = (Path(__file__).parents[2] / "docs/formats/history.md").read_text(encoding="utf-8")
    lines, words = (
        re.search(f"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("jsonl", "text")
    )
    assert lines is not None
    assert words is not None
    history = load(lines[1])
    preset, some_order = check_preset(history), check_serializable(history)
    assert preset is not None
    assert some_order is not None
    answer = f"preset order: no\n{preset.explain()}\nsome order: no\n{some_order.explain()}\n"
    assert words[1] == answer


def test_files_plain_and_packed(tmp_path: Path) -> None:
    text = dump(FULL)
    plain, packed = tmp_path / "h.jsonl", tmp_path / "h.jsonl.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_history(plain) == read_history(str(packed)) == load(text)


def test_bad_files_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(HEADER + '\n{"event":"commit"}\n')
    with pytest.raises(InputError) as caught:
        read_history(bad)
    assert str(caught.value) == f"{bad}: line 2: version: is missing"
    contents = [b"", b"\xff\xfe", b"\x1f\x8b", b"\x1f\x8bnot gzip at all", bytes(1000)]
    contents.append(gzip.compress(dump(FULL).encode())[:-9])
    for content in contents:
        bad.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.jsonl"):
            read_history(bad)
    for path in (tmp_path, tmp_path / "absent", "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_history(path)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(dump(FULL))
    for name, bound, words in (
        ("LONGEST_LINE", 20, "longer than 20 bytes"),
        ("MOST_LINES", 5, "more than 5 lines"),
        ("MAX_INPUT_BYTES", 300, "longer than 300 bytes"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(history_jsonl, name, bound)
            with pytest.raises(InputError, match=words):
                read_history(path)


def test_a_line_is_read_no_further_than_its_bound() -> None:
    class Endless(io.RawIOBase):
        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= history_jsonl.LONGEST_LINE + 1
            return b"[" * size

    with pytest.raises(FormatError, match="longer than"):
        decode_history(bounded(Endless().readline, history_jsonl.LONGEST_LINE))


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32), edits=st.integers(1, 4))
def test_damaged_files_are_read_or_refused(seed: int, edits: int) -> None:
    chance = random.Random(seed)
    data = bytearray(dump(FULL).encode())
    for _ in range(edits):
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice((1, 1, 5, 60)))
        patch = chance.choice((b"", b"0", b"[", b"null", b"-1", b"1e999", b"\n", b"\xff", b'"'))
        data[start:end] = patch
    try:
        history = decode_history(io.BytesIO(bytes(data)))
    except FormatError as error:
        assert str(error)
    else:
        check_preset(history)


@pytest.mark.parametrize(
    "bad",
    [
        History(1, (), initial={("x",): 1.5}),
        History(1, (), initial={("x", None): 1}),
        History(1, (), initial={("x", True): 1}),
        History(1, (), initial={("x", (1,)): 1}),
    ],
)
def test_what_cannot_be_written_is_our_own_fault(bad: History) -> None:
    with pytest.raises(TypeError, match="history"):
        dump(bad)

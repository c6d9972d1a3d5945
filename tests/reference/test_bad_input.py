"""Whatever is done to a valid input: it is read, or refused with file and field, and nothing else.

What is read after all must also run: no input that passes the parser may bring the reference down.
"""

import copy
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pel_reference.blockchain_test import parse_chain_tests, read_chain_tests, run_chain_test
from pel_reference.errors import InputError, InvalidBlock
from pel_reference.json_input import MAX_DEPTH, Field, parse_json, read_input_file, read_json_file
from pel_reference.node_dump import block_from_node
from pel_reference.sequential import run_block
from pel_reference.signing import address_of
from pel_reference.triple import parse_block, read_block

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIXTURES = DATA / "fixtures" / "blockchain_tests_multitx.json.gz"
needs_data = pytest.mark.skipif(not FIXTURES.exists(), reason="the shared data folder is not there")

SOURCE = "bad.json"
ADDRESS = "0x" + "22" * 20
TRIPLE: dict[str, Any] = {
    "fork": "Prague",
    "chainId": "0x1",
    "reward": 0,
    "alloc": {
        "0x" + address_of(b"\x07" * 32).hex(): {"balance": "0xde0b6b3a7640000"},
        ADDRESS: {
            "balance": "0",
            "nonce": "0x1",
            "code": "0x6001600055",
            "storage": {"0x0": "0x2"},
        },
        "0x00000961ef480eb55e80d19ad83579a64c007002": {"nonce": "0x1", "code": "0x00"},
        "0x0000bbddc7ce488642fb579f8b00f3a590007251": {"nonce": "0x1", "code": "0x00"},
    },
    "env": {
        "currentCoinbase": ADDRESS,
        "currentGasLimit": "0x989680",
        "currentNumber": "0x5",
        "currentTimestamp": "0x3e8",
        "currentDifficulty": "0x20000",
        "currentRandom": "0x1",
        "currentBaseFee": "0x7",
        "currentExcessBlobGas": "0x0",
        "parentBeaconBlockRoot": "0x" + "11" * 32,
        "blockHashes": {"0x4": "0x" + "44" * 32},
        "ommers": [{"delta": 1, "address": ADDRESS}],
        "withdrawals": [
            {"index": "0x0", "validatorIndex": "0x0", "address": ADDRESS, "amount": "0x1"}
        ],
    },
    "txs": [
        {
            "type": "0x4",
            "chainId": "0x1",
            "nonce": "0x0",
            "gas": "0x186a0",
            "value": "0x1",
            "maxFeePerGas": "0x10",
            "maxPriorityFeePerGas": "0x1",
            "to": ADDRESS,
            "input": "0x",
            "accessList": [{"address": ADDRESS, "storageKeys": ["0x0"]}],
            "authorizationList": [
                {
                    "chainId": "0x0",
                    "address": ADDRESS,
                    "nonce": "0x0",
                    "yParity": "0x0",
                    "r": "0x5",
                    "s": "0x5",
                }
            ],
            "secretKey": "0x" + "07" * 32,
        },
        {
            "nonce": "0x1",
            "gas": "0x186a0",
            "gasPrice": "0x10",
            "value": "0x0",
            "to": None,
            "input": "0x6001",
            "secretKey": "0x" + "07" * 32,
            "protected": True,
        },
    ],
}
HEADER: dict[str, Any] = {
    "number": "0x1312d00",
    "timestamp": "0x65f1b057",
    "parentHash": "0x" + "33" * 32,
    "miner": ADDRESS,
    "gasLimit": "0x1c9c380",
    "gasUsed": "0x5208",
    "mixHash": "0x" + "01" * 32,
    "difficulty": "0x0",
    "baseFeePerGas": "0x7",
    "excessBlobGas": "0x0",
    "parentBeaconBlockRoot": "0x" + "11" * 32,
    "withdrawals": [],
    "receiptsRoot": "0x" + "00" * 32,
    "logsBloom": "0x" + "00" * 256,
    "transactionsRoot": "0x" + "00" * 32,
    "transactions": [],
}
NASTY: list[Any] = [
    *(None, True, -1, 0, 1, 1.5, 2**64, 2**256, 10**80, "", "0x", "0x0", "x", "0x1", "0xzz"),
    *(
        "-1",
        "1e9",
        "١",
        "0x" + "f" * 64,
        "0x" + "f" * 65,
        "9" * 5_000,
        "\ud800",
        "PragueToOsakaAt1",
    ),
    *([], {}, [[]], [{}], {"": ""}, [None], {"0x1": None}, "Frontier", "Osaka", "London"),
]


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values in a JSON value."""
    found = [way] if way else []
    children: Any = ()
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        found += _places(child, (*way, key))
    return found


def _mutate(data: st.DataObject, document: Any) -> None:
    """Change one thing: put something nasty or something of elsewhere in, or take it out."""
    places = _places(document)
    if not places:
        return
    *way, last = data.draw(st.sampled_from(places))
    place = document
    for step in way:
        place = place[step]
    kind = data.draw(st.sampled_from(["nasty", "elsewhere", "out", "key"]))
    if kind == "nasty":
        place[last] = copy.deepcopy(data.draw(st.sampled_from(NASTY)))
    elif kind == "elsewhere":
        other = document
        for step in data.draw(st.sampled_from(places)):
            other = other[step]
        place[last] = copy.deepcopy(other)
    elif kind == "out" or not isinstance(place, dict):
        del place[last]
    else:
        place[data.draw(st.sampled_from(["", "0x", "0x1", "z", ADDRESS[2:]]))] = place.pop(last)


def _mutated(data: st.DataObject, document: Any) -> Any:
    changed = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 4))):
        _mutate(data, changed)
    return changed


SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def node_answers() -> dict[str, Any]:
    """What a node says of a block with one transaction."""
    transaction = {**TRIPLE["txs"][1], "type": "0x0", "nonce": "0x0"}
    header = {"jsonrpc": "2.0", "result": {**HEADER, "transactions": [transaction]}}
    return {"header": header, "traces": [{"result": TRIPLE["alloc"]}]}


def test_what_is_mutated_is_valid() -> None:
    assert len(run_block(parse_block(Field(SOURCE, "", TRIPLE))).receipts) == 2
    parts = [Field(SOURCE, name, part) for name, part in node_answers().items()]
    assert len(run_block(block_from_node(*parts).block).receipts) == 1


@SETTINGS
@given(st.data())
def test_mutated_triples(data: st.DataObject) -> None:
    try:
        block = parse_block(Field(SOURCE, "", _mutated(data, TRIPLE)))
    except InputError as error:
        assert error.source == SOURCE
        assert "\n" not in str(error)
        return
    try:
        run_block(block)
    except InvalidBlock as error:
        assert error.reason
    except InputError as error:
        assert "py-evm does not know" in error.problem


@cache
def small_fixture() -> Any:
    tests = read_json_file(FIXTURES).value
    name = min(tests, key=lambda name: len(json.dumps(tests[name])))
    return {name: tests[name]}


@needs_data
@SETTINGS
@given(st.data())
def test_mutated_blockchain_tests(data: st.DataObject) -> None:
    document = _mutated(data, small_fixture())
    if data.draw(st.booleans()):
        _flip(data, document)
    try:
        tests = parse_chain_tests(Field(SOURCE, "", document))
    except InputError as error:
        assert error.source == SOURCE
        return
    for test in tests:
        assert run_chain_test(test).name == test.name


def _flip(data: st.DataObject, document: Any) -> None:
    """Change a byte of a block's encoding."""
    try:
        block = next(iter(document.values()))["blocks"][0]
        encoded = bytearray.fromhex(block["rlp"][2:])
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        return
    block["rlp"] = "0x" + encoded.hex()


@SETTINGS
@given(st.data())
def test_mutated_node_dumps(data: st.DataObject) -> None:
    changed = _mutated(data, node_answers())
    parts = [Field(SOURCE, name, changed.get(name)) for name in ("header", "traces")]
    try:
        dumped = block_from_node(*parts)
    except InputError as error:
        assert error.source == SOURCE
        return
    run_block(dumped.block)


@SETTINGS
@given(st.data())
def test_mutated_text(data: st.DataObject) -> None:
    """Bytes cut off, put in, or changed: the text is JSON, or is refused as a whole."""
    text = bytearray(json.dumps(TRIPLE).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.sampled_from([0, 1, 1, 20, len(text)]))
        text[at:end] = data.draw(st.sampled_from([b"", b"[", b"}", b'"', b"\\", b"\xff", b"NaN,"]))
    try:
        parse_block(Field(SOURCE, "", parse_json(SOURCE, bytes(text))))
    except InputError as error:
        assert error.source == SOURCE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[" * 100_000, "nested deeper than"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested deeper than"),
        (b"", "not JSON"),
        (b"NaN", "not JSON"),
        (b"[-Infinity]", "not JSON"),
        (b"1" * 5_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'"' + b"\\" * 100_001 + b'"', "not JSON"),
        (b'{"a": [{"b": 1, "c": 2, "b": 1}]}', "not JSON: the key 'b' is there twice"),
        (b'{"\\n": 1, "\\u000a": 2}', r"the key '\\n' is there twice"),
    ],
)
def test_text_that_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse_json(SOURCE, text)


def test_brackets_in_strings_do_not_count() -> None:
    text = json.dumps(["[" * 1_000, '"[\\"[' * 1_000])
    assert parse_json(SOURCE, text.encode()) == json.loads(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read: No such file"):
        read_block(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_block(tmp_path)
    packed = gzip.compress(b"{}" * 1_000)
    for name, content in (("cut", packed[:-4]), ("bad", packed[:12] + b"\xff" * 9 + packed[21:])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read_block(tmp_path / name)
    (tmp_path / "list").write_text("[]")
    with pytest.raises(InputError, match="list: must be an object"):
        read_chain_tests(tmp_path / "list")


def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pel_reference.json_input.MAX_INPUT_BYTES", 1_000)
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(b" " * 1_001))
    with pytest.raises(InputError, match="bomb: longer than 1000 bytes"):
        read_input_file(bomb)
    with pytest.raises(InputError, match="longer than 1000 bytes"):
        parse_json(SOURCE, b" " * 1_001)

"""Answers of tools, read as input of strangers: what is not well formed is no verdict."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pel_fuzz.client.asking.answer import Answer, read_answer, read_document
from pel_fuzz.client.checking.blocks import client_block_at
from pel_fuzz.client.running.failures import Garbage, Twice
from pel_reference.json_input import Field
from pel_reference.t8n_result import dump_transition

Said = dict[str, Any]


@pytest.fixture(scope="module")
def good() -> Said:
    """An answer that is well formed."""
    found = client_block_at(5, 0, "Prague", least_transactions=8, least_gas=0)
    return dump_transition(found.block, found.expected)


@pytest.fixture
def said(good: Said) -> Said:
    """The same, to be spoilt."""
    return copy.deepcopy(good)


def answer_of(said: Said) -> Answer:
    """A tool's answer, as it comes: through JSON."""
    document = read_document("tool", json.dumps(said).encode())
    transactions = len(said["result"]["receipts"]) + len(said["result"]["rejected"])
    return read_answer(document.require("result"), document.get("alloc"), transactions)


def test_a_good_answer_is_read(said: Said) -> None:
    answer = answer_of(said)
    assert answer.receipts is not None and len(answer.receipts) == len(said["result"]["receipts"])
    assert answer.values["gas_used"] == int(said["result"]["gasUsed"], 16)


GARBAGE: dict[str, Callable[[Said], None]] = {
    "a receipt that is none": lambda said: said["result"]["receipts"].__setitem__(0, 7),
    "no list of receipts": lambda said: said["result"].update(receipts={}),
    "more receipts than transactions": lambda said: said["result"].update(
        receipts=said["result"]["receipts"] * 3
    ),
    "an odd hash": lambda said: said["result"].update(stateRoot="0xabc"),
    "a long hash": lambda said: said["result"].update(stateRoot="0x" + "ab" * 33),
    "a huge number": lambda said: said["result"].update(gasUsed="0x" + "f" * 99),
    "a number with a point": lambda said: said["result"].update(gasUsed=1.5),
    "a negative number": lambda said: said["result"].update(gasUsed=-1),
    "a status of 2": lambda said: said["result"]["receipts"][0].update(status="0x2"),
    "an index beyond all": lambda said: said["result"].update(rejected=[{"index": 4000}]),
    "an index twice": lambda said: said["result"].update(rejected=[{"index": 1}, {"index": 1}]),
    "a rejection without index": lambda said: said["result"].update(rejected=[{"error": "no"}]),
    "a topic that is short": lambda said: said["result"]["receipts"][0].update(
        logs=[{"address": "0x" + "00" * 20, "topics": ["0x01"], "data": "0x"}]
    ),
    "an alloc that is a list": lambda said: said.update(alloc=[1]),
    "an account that is none": lambda said: said["alloc"].update({"0x" + "ab" * 20: "rich"}),
    "an address that is none": lambda said: said["alloc"].update({"0xab": {}}),
    "a balance beyond all": lambda said: said["alloc"].update(
        {"0x" + "ab" * 20: {"balance": hex(1 << 256)}}
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_no_verdict(good: Said, said: Said, name: str) -> None:
    GARBAGE[name](said)
    text = json.dumps(said).encode()
    count = len(good["result"]["receipts"]) + len(good["result"]["rejected"])
    with pytest.raises(Garbage) as raised:
        document = read_document("tool", text)
        read_answer(document.require("result"), document.get("alloc"), count)
    assert not raised.value.is_verdict and "tool" in raised.value.problem


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"panic: runtime error",
        b"[]",
        b"7",
        b"nul\x00l",
        b'{"result": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"gasUsed": ' + b"9" * 100_000 + b"}",
        b'{"a": "\xff\xfe"}',
        b'{"result": {}',
        b'{"result": [' + b"{}," * 4_000_001 + b"7]}",
    ],
)
def test_what_is_no_json_object_is_garbage(text: bytes) -> None:
    with pytest.raises(Garbage):
        read_document("tool", text)


@pytest.mark.parametrize("text", [b"{}{}", b'{"a": 1} {"b": 2}', b'{"a": {"x": 1, "x": 2}}'])
def test_two_answers_are_none(text: bytes) -> None:
    with pytest.raises(Twice):
        read_document("tool", text)


def test_an_address_in_two_spellings_is_garbage() -> None:
    alloc = {"0x" + "ab" * 20: {}, "0x" + "AB" * 20: {}}
    with pytest.raises(Garbage, match="twice"):
        read_answer(Field("tool", "", {}), Field("tool", "alloc", alloc), 1)


def test_an_access_list_that_is_too_long_to_be_one_is_garbage() -> None:
    """Taking it apart would take many minutes."""
    inside = 4_000_000
    text = b"\xfb" + inside.to_bytes(4, "big") + b"\x01" * inside
    document = read_document("tool", json.dumps({"blockAccessList": "0x" + text.hex()}).encode())
    with pytest.raises(Garbage, match="longer than"):
        read_answer(document, None, 1)

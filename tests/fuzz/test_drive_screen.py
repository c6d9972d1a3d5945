"""What a driven executor calls things, and how it complains: none of it can pass for ours."""

import json
import shlex
import sys
from ast import literal_eval
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.cli.app import run as pel
from pel_fuzz.drive.driver import Taken
from pel_fuzz.drive.failures import Ended, Refused
from pel_fuzz.drive.judge import client_difference, result_difference, stuck_difference
from pel_fuzz.drive.messages import announcement, answer, check_greeting
from pel_fuzz.drive.story import story_lines
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.header import FormatError
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, escaped
from pel_parallel.errors import Deadlock
from pel_spec.fold import fold

EVIL = "\x1b[2J\rx\nAGREE: no difference"
SHOWN = r"\x1b[2J\rx\nAGREE: no difference"
BLOCK = TinyBlock(((("put", 0),),), (3,))

EXECUTOR = f"""
import json, os, sys
evil = {EVIL!r}
def say(**line):
    print(json.dumps(line), flush=True)
input()
say(pel="drive", version=1, executor=evil)
order = json.loads(input())
for worker in range(order["workers"]):
    say(worker=worker, step=evil, object=[evil, worker], args=[evil])
worker = json.loads(input())["go"]
if sys.argv[1] == "name":
    say(worker=worker, step=evil, object=[evil, worker], blocked=True)
    while True:
        worker = json.loads(input())["go"]
        say(worker=worker, step=evil, object=[evil, worker], blocked=True)
if sys.argv[1] == "error":
    say(error=evil)
    input()
os.write(2, evil.encode() + b"\\r\\nmore\\n")
sys.exit(3)
"""


def test_names_and_complaints_are_escaped() -> None:
    named = {"worker": 0, "step": EVIL, "object": [EVIL, 1], "args": [EVIL]}
    found = announcement(json.dumps(named).encode(), 1)
    assert (found.step, found.object, found.args) == (SHOWN, (SHOWN, 1), (SHOWN,))
    greeting = {"pel": "drive", "version": 1, "executor": EVIL}
    assert check_greeting(json.dumps(greeting).encode()) == SHOWN
    with pytest.raises(Refused) as caught:
        announcement(json.dumps({"error": EVIL}).encode(), 1)
    assert caught.value.problem == f"it says: {SHOWN}"
    assert harmless(client_difference(caught.value, [Taken(0, found)]))
    assert harmless(stuck_difference(Deadlock({0: (found.step, found.object)}), [Taken(0, found)]))
    assert all(line.isprintable() for line in story_lines([Taken(0, found)]))


def harmless(difference: Difference) -> bool:
    parts = (difference.got, *difference.words.split("\n"))
    return all(part.isprintable() and not part.startswith("AGREE") for part in parts)


@given(st.lists(st.text("a\\n\n\x1b\u2028é"), min_size=2, max_size=2, unique=True))
def test_what_is_escaped_is_one_line_and_no_other(texts: list[str]) -> None:
    one, other = map(escaped, texts)
    assert one != other
    assert one.isprintable()
    assert literal_eval(f"'{other}'") == texts[1]


def test_standard_error_is_marked() -> None:
    difference = client_difference(Ended("ended", "oops\nAGREE"), ())
    assert difference.words == "before any step\n| oops\n| AGREE"
    assert str(Ended("ended", "oops\nAGREE")) == "ended\n| oops\n| AGREE"


@pytest.mark.parametrize("mode", ["name", "error", "exit"])
def test_no_line_of_an_executor_passes_for_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    command = shlex.join([sys.executable, "-I", "-S", "-c", EXECUTOR, mode])
    fixed = ["--seed", "1", "--max-runs", "1", "--shrink-time", "0", "--out", str(tmp_path)]
    assert pel(["client", "drive", "--command", command, *fixed]) == ExitCode.DIFFER
    told = capsys.readouterr()
    report = told.out + told.err.replace(command, "")
    assert all(c.isprintable() or c == "\n" for c in report)
    assert "\nAGREE" not in report
    assert ("\n  | more\n" in report) == (mode == "exit")
    assert f"pel client drive: {SHOWN}, seed 1\n" in report


HISTORY_FIELD = {"event": "commit", "version": [0, 0], EVIL: 1}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'\xef\xbb\xbf{"worker":0,"step":"a"}', "begins with a byte order mark"),
        (b'{"worker":0,"step":"\xff"}', "not UTF-8"),
        ('{"worker":0,"step":"a"}'.encode("utf-16-le"), "a byte is zero"),
        (b'{"worker":1,"worker":0,"step":"a"}', "the key 'worker' is there twice"),
        (b'{"worker":0,"step":"a","object":[{"x":1,"x":1}]}', "the key 'x' is there twice"),
        (b'{"worker":0,"step":"a","args":[' + b"9" * 5000 + b"]}", "more than 4300 digits"),
        (json.dumps({"worker": 0, "step": "a", EVIL: 1}).encode(), "AGREE: no difference: is not"),
        (b'{"error":null}', "error: must be a string"),
        (b'{"error":"x","worker":0}', "worker: is not a field here"),
    ],
)
def test_lines_are_read_strictly(line: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        announcement(line, 1)
    assert str(caught.value).isprintable()
    assert "sys." not in str(caught.value)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"event": "incarnation"}, "history[0].end: is missing"),
        (HISTORY_FIELD, f"history[0].{SHOWN}: is not a field here"),
        (3, "history[0].event: expected one of"),
    ],
)
def test_the_place_in_a_history_is_told(event: object, problem: str) -> None:
    result = {"cells": [1], "pairs": [[0, 0], [0, 0]], "outcomes": [["ended", 1]]}
    with pytest.raises(FormatError) as caught:
        answer(json.dumps({"result": result, "history": [event]}).encode(), BLOCK)
    assert str(caught.value).startswith(problem)


def test_locations_of_a_history_are_harmless() -> None:
    """They are printed where a witness is explained."""
    read = {"location": [EVIL], "value": 4, "version": [0, 0]}
    incarnation = {"event": "incarnation", "version": [0, 0], "end": "executed"}
    events = [incarnation | {"reads": [read], "writes": []}, {"event": "commit", "version": [0, 0]}]
    result = {"cells": [1], "pairs": [[0, 0], [0, 0]], "outcomes": [["ended", 1]]}
    line = json.dumps({"result": result, "history": events}).encode()
    found = result_difference(BLOCK, fold(BLOCK)[0], answer(line, BLOCK))
    assert found is not None
    assert "AGREE" in found.words
    assert "\x1b" not in found.words and "\nAGREE" not in "\n".join(found.lines())

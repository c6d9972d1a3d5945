"""What a client says of the tests of a file: its verdicts, in the shapes that clients print.

Known are JSON arrays of objects with a name and a pass (geth, erigon `--jsonout`, besu
`--json-array`, nethermind) and lines for people (geth `--human`, erigon, besu, nethermind). What is
in none of these shapes says nothing; then the exit status alone is left.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pel_reference.errors import InputError
from pel_reference.json_input import parse_json

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_BRACKETED: Final = re.compile(r"\[(PASS|FAIL)\] (.+)")
_FORK: Final = re.compile(r"\w*")
_IMPORTED: Final = re.compile(r"Chain import successful - (.+)")
_MISMATCH: Final = re.compile(r"(Chain header mismatch), have \S+ want \S+ - (.+)")
_ENDINGS: Final = {"PASS": True, "FAIL": False}
_MESSAGES: Final = ("error", "loadfailure", "message")
"""Where a failed test's reason stands, in small letters."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the client says of one test; `message` is empty where it gives no reason."""

    name: str
    passed: bool
    message: str = ""


def read_verdicts(output: bytes) -> list[Verdict]:
    """All verdicts in a client's standard output, in its order."""
    text = _COLOUR.sub("", output.decode(errors="replace"))
    found = _from_json(text)
    return list(_from_lines(text)) if found is None else found


def _from_json(text: str) -> list[Verdict] | None:
    """The verdicts of the JSON array in this text, which lines of a log may surround."""
    start = re.search(r"^[ \t]*\[(?!PASS\]|FAIL\])", text, re.MULTILINE)
    if start is None:
        return None
    rest = text[start.start() :].lstrip()
    closing = rest.rfind("\n]")
    for candidate in (rest, rest.splitlines()[0], rest[: closing + 2] if closing > 0 else ""):
        try:
            value = parse_json("output", candidate.encode())
        except InputError:
            continue
        verdicts = [_from_object(each) for each in value] if isinstance(value, list) else [None]
        return None if None in verdicts else [each for each in verdicts if each is not None]
    return None


def _from_object(value: Any) -> Verdict | None:
    if not isinstance(value, dict):
        return None
    fields = {name.lower(): each for name, each in value.items()}
    name, passed = fields.get("name"), fields.get("pass")
    if not isinstance(name, str) or not isinstance(passed, bool):
        return None
    messages = (fields.get(each) for each in _MESSAGES)
    message = next((each for each in messages if isinstance(each, str) and each), "")
    return Verdict(name, passed, message)


def _from_lines(text: str) -> Iterator[Verdict]:
    """The verdicts of lines for people. A line may be long: nothing here looks back in it."""
    for line in map(str.strip, text.splitlines()):
        if match := _BRACKETED.fullmatch(line):
            yield _from_bracketed(match[2], match[1] == "PASS")
        elif match := _IMPORTED.fullmatch(line):
            yield Verdict(match[1], True)
        elif match := _MISMATCH.fullmatch(line):
            yield Verdict(match[2], False, match[1])
        elif (passed := _ENDINGS.get(line[-4:])) is not None and line[-5:-4].isspace():
            yield Verdict(line[:-4].rstrip(), passed)


def _from_bracketed(told: str, passed: bool) -> Verdict:
    before, comma, fork = told.rpartition(", fork=")
    if comma and _FORK.fullmatch(fork):
        told = before
    name, _, message = told.partition(", err=")
    return Verdict(name, passed, message)


UNSUPPORTED: Final = "unsupported"
"""The kind of a message which says that the client does not know the fork: no verdict."""

_KINDS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (UNSUPPORTED, r"(unsupported|unknown|unrecogni[sz]ed) (fork|network)|fork not supported"),
        ("genesis", r"genesis"),
        ("post-state", r"post[- _]?state|account (code|balance|nonce|storage) mismatch"),
        ("access-list", r"access[- _]?list"),
        ("state-root", r"state[- _]?root|merkle root|trie root|world ?state|state hash"),
        ("receipts-root", r"receipt"),
        ("bloom", r"bloom"),
        ("requests", r"requests?[- _]?(hash|root)|execution requests|invalid requests"),
        ("withdrawals", r"withdrawals?"),
        ("blob-gas", r"blob[- _]?gas"),
        ("base-fee", r"base[- _]?fee"),
        ("gas-used", r"gas[- _]?used|used gas|gas mismatch"),
        ("gas-limit", r"gas[- _]?(limit|pool|allowance)"),
        ("funds", r"insufficient (funds|balance)|insufficient sender balance"),
        ("nonce", r"nonce"),
        ("last-hash", r"last[- _]?block[- _]?hash|header mismatch|head mismatch"),
        ("crash", r"panic|traceback|exception|assert|segmentation"),
    )
)
"""What clients complain about, by the words that they use for it; the first that fits counts."""

_PARTICULAR: Final = re.compile(r"0x[0-9a-f]*|[0-9a-f]{8,}|[0-9]+|\W+", re.IGNORECASE)
_MOST_WORDS: Final = 6
_MOST_LETTERS: Final = 24
_MOST_CHARACTERS: Final = 2_000


def known_kind(message: str) -> str | None:
    """What a message is about, by a name that is the same for every block; `None`: not known."""
    return next((kind for kind, pattern in _KINDS if pattern.search(message)), None)


def kind_of(message: str) -> str:
    """What a message is about; where that is not known, its first words without its numbers."""
    words = _PARTICULAR.sub(" ", message).lower().split()
    first = (word[:_MOST_LETTERS] for word in words[:_MOST_WORDS])
    return known_kind(message) or "-".join(first) or "no-reason"


def printable(text: str) -> str:
    """What a client wrote, without what would drive a terminal, and no longer than people read."""
    shown = (char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    return "".join(shown)[:_MOST_CHARACTERS]

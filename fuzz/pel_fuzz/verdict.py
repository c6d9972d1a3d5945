"""What the harness says about one case: which oracle objected, to what, and why, in words."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Oracle(StrEnum):
    """Who objected."""

    RESULT = "result"
    """The optimistic run left something else than the fold."""
    HISTORY = "history"
    """The optimistic run's history is not equivalent to the preset order."""
    CONFORMANCE = "conformance"
    """A step of the optimistic run is not one that the specification's text allows."""
    REFERENCE = "reference"
    """What the fold or the optimistic run settles to is not what the reference says."""
    ANSWER = "answer"
    """What a client answers for a whole block is not what the reference says."""
    EELS = "eels"
    """The two references differ from each other."""
    FAULT = "fault"
    """An internal error survived validation, or an executor failed."""
    LIVENESS = "liveness"
    """The optimistic run got stuck: a deadlock, or no progress."""
    LEAK = "leak"
    """An incarnation did something else on fresh objects: state leaks between incarnations."""
    CLIENT = "client"
    """An executor that is driven from outside did not keep to the protocol: no verdict on it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One objection.

    `field` is a path for people (`receipt.gas_used`, `balance 0x12..`), of which `kind` is the
    stable part. `expected` and `got` are rendered values. `read` is the first read that differs
    from the fold's, `anomaly` Adya's name where there is one, `words` the explanation.
    """

    oracle: Oracle
    kind: str
    field: str
    expected: str
    got: str
    position: int | None = None
    tx_index: int | None = None
    read: str | None = None
    anomaly: str | None = None
    words: str = ""

    @property
    def signature(self) -> str:
        """Equal for the same defect, whatever the block: oracle, kind of field, anomaly."""
        return ":".join((self.oracle, self.kind, self.anomaly or "-"))

    @property
    def place(self) -> str:
        """Where it is, as people count: the transaction's index, or what else the position is."""
        if self.tx_index is not None:
            return f"transaction {self.tx_index}"
        return "the block" if self.position is None else f"position {self.position}"

    def lines(self) -> list[str]:
        """The difference for people: where, what, and why. What is no verdict is not called one."""
        silent = self.oracle is Oracle.CLIENT
        head = f"NO VERDICT ({self.kind})" if silent else f"DIFFERENCE ({self.oracle})"
        return [
            f"{head} in {self.place}",
            f"  field     {self.field}",
            f"  expected  {self.expected}",
            f"  got       {self.got}",
            *(f"  {line}" for line in self.words.splitlines()),
        ]

    def to_json(self) -> dict[str, Any]:
        """The difference as reports and case files hold it."""
        return asdict(self) | {"signature": self.signature}


def shorten(value: object, limit: int = 160) -> str:
    """A value for people: hex for bytes, and never longer than `limit` characters."""
    text = "0x" + value.hex() if isinstance(value, bytes) else printable(str(value))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def escaped(text: str) -> str:
    """A name or a line of others, harmless on a terminal and always one line: what cannot be
    printed is escaped as in a string of Python, and so is the backslash, so that different texts
    stay different."""
    if text.isprintable() and "\\" not in text:
        return text
    plain = (c if c.isprintable() and c != "\\" else _escape(c) for c in text)
    return "".join(plain)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def printable(text: str) -> str:
    """Words of others, harmless on a terminal: only lines, and characters that can be printed."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)

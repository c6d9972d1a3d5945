"""Differences that are known: a list that lets each pass with a note, until a day, for an issue.

The list is TOML, which people write by hand; its page is docs/formats/known.md. An entry excuses
differences of its signature. What is no difference cannot be excused: a client that gave no verdict
and a fault of the harness have no signature that an entry may name.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pel_fuzz.formats.header import Format, FormatError, check_header
from pel_fuzz.verdict import Oracle
from pel_reference.errors import InputError
from pel_reference.json_input import read_input_file

MAX_BYTES, MAX_ENTRIES, MAX_TEXT, MAX_STARS = 1 << 20, 1000, 1000, 4
"""More than any list needs: of the file, its entries, the characters of a text, and the `*`."""
EXACT_ORACLES: Final = (Oracle.FAULT, Oracle.LIVENESS)
"""Of these oracles an entry has to give the whole signature: `*` would cover failures of another
kind, such as a crash beside an error that is known."""
FIELDS: Final = ("signature", "issue", "expires", "case")


@dataclass(frozen=True, slots=True)
class Known:
    """The entry at an index. It holds to the end of the day `expires`; `case` is a file that shows
    the difference."""

    index: int
    signature: str
    issue: str
    expires: date
    case: Path | None = None

    def covers(self, signature: str) -> bool:
        """Whether a difference of this signature is meant; `*` stands for any text of one part."""
        wanted, parts = self.signature.split(":"), signature.split(":")
        return len(wanted) == len(parts) and all(
            re.fullmatch(".*".join(map(re.escape, one.split("*"))), other, re.DOTALL)
            for one, other in zip(wanted, parts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Excuse:
    """The entry that covers a difference. An entry that has expired excuses nothing."""

    entry: Known
    expired: bool

    @property
    def words(self) -> str:
        """The excuse as a note beside its difference."""
        entry = self.entry
        if self.expired:
            return f"known as {entry.issue}, which expired on {entry.expires}"
        return f"known until {entry.expires}: {entry.issue}"

    def to_json(self) -> dict[str, Any]:
        """The excuse as `--json` prints it."""
        return {
            "entry": self.entry.index,
            "issue": self.entry.issue,
            "expires": self.entry.expires.isoformat(),
            "expired": self.expired,
        }


@dataclass(frozen=True, slots=True)
class KnownList:
    """The entries of a file (`source`), on a day."""

    source: str = ""
    entries: tuple[Known, ...] = ()
    today: date = date.min

    def excuse(self, signature: str) -> Excuse | None:
        """What is said of this signature: by the first entry that still holds, if there is one."""
        covering = [entry for entry in self.entries if entry.covers(signature)]
        for entry in covering:
            if entry.expires >= self.today:
                return Excuse(entry, expired=False)
        return Excuse(covering[0], expired=True) if covering else None

    def excuses(self, signature: str) -> bool:
        """Whether this signature passes."""
        excuse = self.excuse(signature)
        return excuse is not None and not excuse.expired

    def place(self, entry: Known) -> str:
        """Where an entry stands, for people."""
        return f"{self.source}: known[{entry.index}]"


def read_known(path: str | Path, today: date) -> KnownList:
    """The list in a file, as it holds on the day `today`.

    Raises: `InputError`, naming file and field.
    """
    source = str(path)
    text = read_input_file(path)
    if len(text) > MAX_BYTES:
        raise InputError(source, "", f"longer than {MAX_BYTES} bytes")
    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(source, "", f"not TOML: {error}") from None
    try:
        check_header(document, Format.KNOWN)
        entries = tuple(_entries(document, Path(path).parent))
    except FormatError as error:
        raise InputError(source, error.field, error.problem) from None
    return KnownList(source, entries, today)


def _entries(document: Mapping[str, Any], folder: Path) -> Iterator[Known]:
    for name in document:
        if name not in ("pel", "version", "known"):
            raise FormatError(name, "unknown field")
    entries = document.get("known", [])
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise FormatError("known", f"must be tables [[known]], {MAX_ENTRIES} at most")
    for index, entry in enumerate(entries):
        yield _entry(entry, index, folder)


def _entry(entry: object, index: int, folder: Path) -> Known:
    at = f"known[{index}]"
    if not isinstance(entry, dict):
        raise FormatError(at, "must be a table")
    for name in entry:
        if name not in FIELDS:
            raise FormatError(f"{at}.{name}", f"unknown field: it can be {', '.join(FIELDS)}")
    signature = _text(entry, "signature", at)
    problem = refusal_of(signature)
    if problem is not None:
        raise FormatError(f"{at}.signature", problem)
    expires = entry.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise FormatError(f"{at}.expires", "must be a day, such as 2027-01-31, without quotes")
    case = folder / _text(entry, "case", at) if "case" in entry else None
    return Known(index, signature, _text(entry, "issue", at), expires, case)


def _text(entry: Mapping[str, Any], name: str, at: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise FormatError(f"{at}.{name}", f"must be a text of 1 to {MAX_TEXT} characters")
    return value


def refusal_of(signature: str) -> str | None:
    """Why no entry may have this signature."""
    parts = signature.split(":")
    oracles = [str(oracle) for oracle in Oracle if oracle is not Oracle.CLIENT]
    if len(parts) != 3 or not all(parts):
        return "must be oracle:kind:anomaly, as a report gives it; * stands for any text of a part"
    if parts[0] == Oracle.CLIENT:
        return "a client that gave no verdict is no difference, and cannot be known as one"
    if parts[0] not in oracles:
        return f"the oracle must be one of {', '.join(oracles)}; it cannot have a *"
    if signature.count("*") > MAX_STARS:
        return f"has more than {MAX_STARS} *"
    if parts[0] in EXACT_ORACLES and "*" in signature:
        return f"a signature of {parts[0]} must be given in full, without *"
    if not parts[1].strip("*"):
        return f"the kind cannot be * alone, which would excuse whatever differs by {parts[0]}"
    return None

"""The file formats: their names, versions and common header. Documented on a page each in `docs/`.

- a *case*: a block of a kind, with its fork, workers, choices, faults and what was expected;
- a *history*: what an execution did (`pel_spec.history`), as JSON lines;
- a *trace*: the steps of one run (`pel_spec.sync.Step`), as JSON lines;
- *drive*: the lines by which an executor in another language is driven from outside;
- *programs*: a block of key-value programs, with the result that it must have;
- a *known* list: differences that pass for a while, in TOML, where the header is two keys.

The first object of every file is its header: `{"pel": "history", "version": 1}`, beside fields of
the format's own. An unknown format or version is refused: guessing would turn a misread file into
a verdict.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Format(StrEnum):
    """The formats that exist."""

    CASE = "case"
    HISTORY = "history"
    TRACE = "trace"
    DRIVE = "drive"
    PROGRAMS = "programs"
    KNOWN = "known"


CURRENT: Mapping[Format, int] = {
    Format.CASE: 1,
    Format.HISTORY: 1,
    Format.TRACE: 1,
    Format.DRIVE: 1,
    Format.PROGRAMS: 1,
    Format.KNOWN: 1,
}
"""The one version of each format that is written and read."""


class FormatError(ValueError):
    """A file is not what it should be: `field` says where in it, `problem` what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field, self.problem = field, problem


def header(kind: Format) -> dict[str, Any]:
    """The header of a new file, to which the format's own fields are added."""
    return {"pel": str(kind), "version": CURRENT[kind]}


def check_header(document: object, kind: Format) -> dict[str, Any]:
    """The header itself, once it is known to be one of a `kind` that we can read.

    Raises: `FormatError`.
    """
    if not isinstance(document, dict):
        raise FormatError("", "the file must start with a header object")
    if document.get("pel") != kind:
        raise FormatError("pel", f"expected {str(kind)!r}, got {document.get('pel')!r}")
    version = document.get("version")
    if type(version) is not int or version != CURRENT[kind]:
        raise FormatError("version", f"this is version {CURRENT[kind]}, the file says {version!r}")
    return document

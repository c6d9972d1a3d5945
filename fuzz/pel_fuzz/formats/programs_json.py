"""The *programs* format: a block of key-value programs with its result, in one JSON object.

Its page, `docs/formats/programs.md`, says what programs mean, and what an executor answers.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pel_fuzz.formats.header import Format, FormatError, check_header, header
from pel_fuzz.tiny import PAIRS, TinyBlock, from_json, to_json
from pel_fuzz.verdict import Difference
from pel_reference.errors import InputError
from pel_reference.json_input import Field, read_json_file
from pel_spec.fold import Result, fold
from pel_spec.vocabulary import Location, Value


@dataclass(frozen=True, slots=True)
class ProgramsFile:
    """A block, and the signature of the difference that an executor showed on it, if it was kept
    for that."""

    block: TinyBlock
    signature: str | None


# ---- writing --------------------------------------------------------------------------------


def question(block: TinyBlock) -> bytes:
    """What an executor is given: the file without the result."""
    return _encoded(header(Format.PROGRAMS) | {"block": to_json(block)})


def encode_programs(
    block: TinyBlock,
    origin: tuple[int, int] | None = None,
    found: Difference | None = None,
    errors: str = "",
) -> bytes:
    """A whole file: the same bytes for the same arguments. `origin` is (seed, index); `found` what
    an executor showed on the block, and `errors` what it wrote on its standard error."""
    document = header(Format.PROGRAMS)
    if origin is not None:
        document["origin"] = {"seed": origin[0], "index": origin[1]}
    if found is not None:
        document["found"] = found.to_json() | {"errors": errors}
    return _encoded(document | {"block": to_json(block), "expected": expected_json(block)})


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def expected_json(block: TinyBlock) -> dict[str, Any]:
    """The result of a block, as an executor answers it."""
    result = fold(block)[0]

    def final(location: Location) -> Value:
        found = result.memory.get(location)
        return block.initial(location) if found is None else found[0]

    return {
        "cells": [final(("cell", number)) for number in range(len(block.initial_values))],
        "pairs": [[final(("pair", number, half)) for half in (0, 1)] for number in range(PAIRS)],
        "outcomes": [_outcome(result, position) for position in range(len(block.programs))],
    }


def _outcome(result: Result, position: int) -> list[Any]:
    outcome = result.effects[position].outcome
    assert isinstance(outcome, tuple), "in the preset order no program fails"
    return list(outcome)


# ---- reading --------------------------------------------------------------------------------


def read_programs(path: str | Path) -> ProgramsFile:
    """The block in a file.

    Raises: `InputError`, also for an expected result that is not what the programs mean.
    """
    document = read_json_file(path)
    block = _at(document, "", lambda: _block(document))
    expected = document.get("expected")
    if expected is not None and expected.value != expected_json(block):
        raise expected.error("is not what these programs mean")
    found = document.get("found")
    return ProgramsFile(block, None if found is None else found.require("signature").text())


def _block(document: Field) -> TinyBlock:
    check_header(document.value, Format.PROGRAMS)
    given = document.require("block")
    return _at(document, given.path, lambda: from_json(given.value))


def _at(document: Field, path: str, read: Any) -> TinyBlock:
    try:
        block: TinyBlock = read()
    except FormatError as error:
        at = ".".join(filter(None, (path, error.field)))
        raise InputError(document.source, at, error.problem) from None
    return block

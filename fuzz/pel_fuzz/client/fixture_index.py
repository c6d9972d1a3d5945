"""Index files of a filled folder: `.meta/index.json`, as execution-spec-tests have it, and one for
the triples, which they have not.

Nothing in them depends on the clock or on the machine: the same blocks give the same bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pel_fuzz.client.fixtures import FOLDERS, META, TRIPLE

NO_TIME: Final = "1970-01-01T00:00:00Z"
"""In the place of the time of making: with it no two fillings would be equal."""


@dataclass(frozen=True, slots=True)
class FilledTest:
    """A block in one encoding: where it is below the folder, and the hash of its JSON."""

    name: str
    format: str
    fork: str
    place: str
    hash: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A block that was written, and the encodings that it was left out of, each with the reason."""

    name: str
    fork: str
    transactions: int
    tests: tuple[FilledTest, ...]
    skipped: tuple[tuple[str, str], ...]


def root_hash(tests: Sequence[FilledTest]) -> str:
    """One hash for all of these, made folder by folder as execution-spec-tests do it."""
    tree: dict[str, Any] = {}
    for test in tests:
        *folders, file = PurePosixPath(test.place).parts
        inner = tree
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner.setdefault(file, {})[test.name] = bytes.fromhex(test.hash[2:])
    return "0x" + _hash_of(tree).hex()


def _hash_of(item: Any) -> bytes:
    if isinstance(item, bytes):
        return item
    return sha256(b"".join(_hash_of(each) for _, each in sorted(item.items()))).digest()


def write_indices(folder: Path, filled: Sequence[Filled]) -> None:
    """Write the index files for these blocks."""
    every = [test for each in filled for test in each.tests]
    tests = sorted((t for t in every if t.format != TRIPLE), key=lambda test: test.place)
    triples = sorted((t for t in every if t.format == TRIPLE), key=lambda test: test.place)
    if tests:
        write_json(folder / META / "index.json", _index(tests))
    if triples:
        cases = [{"id": t.name, "hash": t.hash, "fork": t.fork, "path": t.place} for t in triples]
        write_json(folder / FOLDERS[TRIPLE] / "index.json", {"cases": cases})


def _index(tests: Sequence[FilledTest]) -> dict[str, Any]:
    return {
        "root_hash": root_hash(tests),
        "created_at": NO_TIME,
        "test_count": len(tests),
        "forks": sorted({test.fork for test in tests}),
        "fixture_formats": sorted({test.format for test in tests}),
        "test_cases": [
            {
                "id": test.name,
                "fixture_hash": test.hash,
                "fork": test.fork,
                "format": test.format,
                "pre_hash": None,
                "json_path": test.place,
            }
            for test in tests
        ],
    }


def write_json(path: Path, value: Any) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(value, indent=1).encode() + b"\n")

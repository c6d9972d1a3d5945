"""Folders of tests in the formats of execution-spec-tests: which files there are, and what is in
them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from pel_reference.engine_payload import dump_engine_test
from pel_reference.errors import InputError
from pel_reference.fixture_json import dump_blockchain_test
from pel_reference.json_input import GZIP_MAGIC, read_json_file
from pel_reference.sealing import SealedBlock

BLOCKCHAIN_TEST: Final = "blockchain_test"
ENGINE_TEST: Final = "blockchain_test_engine"
TRIPLE: Final = "triple"
FORMATS: Final = (TRIPLE, BLOCKCHAIN_TEST, ENGINE_TEST)
"""The encodings of a block. The last two are formats of execution-spec-tests."""
FOLDERS: Final = {
    TRIPLE: "triples",
    BLOCKCHAIN_TEST: "blockchain_tests",
    ENGINE_TEST: "blockchain_tests_engine",
}
"""The folder of each: that of execution-spec-tests, where they have it."""
META: Final = ".meta"
"""The folder of index files."""
_LISTS: Final = {BLOCKCHAIN_TEST: "blocks", ENGINE_TEST: "engineNewPayloads"}
"""What a test of a format holds, and no other does."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A file of tests: where it is, and the tests in it by name."""

    path: Path
    format: str
    tests: dict[str, dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """The names of its tests, in its order."""
        return list(self.tests)

    @property
    def is_packed(self) -> bool:
        """Whether the file is gzip, which is read here but not by clients."""
        with self.path.open("rb") as file:
            return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def dump_test(sealed: SealedBlock, wanted: str) -> dict[str, Any]:
    """The block as a test of this format; its fork has it."""
    return dump_blockchain_test(sealed) if wanted == BLOCKCHAIN_TEST else dump_engine_test(sealed)


def fixture_files(path: Path) -> list[Path]:
    """The JSON files of a folder and those below it, in order, index files left out; or the file.

    Raises: `InputError`, where there is no such thing, or a folder cannot be read.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(str(path), "", "is no file and no folder")
    found = (
        Path(folder, name)
        for folder, _, names in os.walk(path, onerror=_refuse)
        if META not in Path(folder).relative_to(path).parts
        for name in names
    )
    return sorted(each for each in found if each.suffix == ".json" and each.is_file())


def _refuse(error: OSError) -> NoReturn:
    raise InputError(str(error.filename), "", f"cannot be read: {error.strerror}") from None


def read_fixture(path: Path) -> Fixture | None:
    """The tests of a file; `None` where it holds none of a known format.

    Raises: `InputError`, where it cannot be read.
    """
    value = read_json_file(path).value
    if not isinstance(value, dict) or not value:
        return None
    for name, lists in _LISTS.items():
        if all(
            isinstance(test, dict) and isinstance(test.get(lists), list) for test in value.values()
        ):
            return Fixture(path, name, value)
    return None

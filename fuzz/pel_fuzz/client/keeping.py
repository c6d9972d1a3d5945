"""Keeping a test that a client fails: the test as it was given, and beside it what was said."""

import json
from hashlib import sha256
from pathlib import Path

from pel_fuzz.client.fixture_run import Told
from pel_fuzz.client.fixtures import read_fixture
from pel_reference.errors import InputError

_MOST_LETTERS = 150
"""Of the name of a file, before its ending."""


def keep(folder: Path, told: Told) -> Path:
    """Write the test into a file of its own, and what the client said into one beside it.

    Result: the file of the test. Raises: `InputError`, where nothing can be written there.
    """
    kept = folder / f"{_file_name(f'{told.name}-{told.kind}')}.json"
    said = "\n".join(("test", told.name, "", "client", told.message, "", "errors", told.errors))
    fixture = read_fixture(told.path)
    assert fixture is not None
    test = {told.name: fixture.tests[told.name]}
    try:
        kept.write_text(json.dumps(test, indent=1) + "\n", encoding="utf-8")
        kept.with_suffix(".txt").write_text(said + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(str(folder), "", f"cannot be written: {error.strerror}") from None
    return kept


def _file_name(whole: str) -> str:
    """A name for a file; where it tells less than the whole does, with a part of its hash."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in whole)
    if plain == whole and len(plain) <= _MOST_LETTERS:
        return plain
    ending = sha256(whole.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain[:_MOST_LETTERS]}-{ending}"

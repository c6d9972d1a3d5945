"""Keeping a test that a client fails: the test as it was given, and beside it what was said."""

import json
from pathlib import Path

from pel_fuzz.client.fixture_run import Told
from pel_fuzz.client.fixtures import read_fixture
from pel_reference.errors import InputError

_MOST_LETTERS = 80
"""Of a name and of a kind, in the name of a file."""


def keep(folder: Path, told: Told) -> Path:
    """Write the test into a file of its own, and what the client said into one beside it.

    Result: the file of the test. Raises: `InputError`, where nothing can be written there.
    """
    whole = f"{told.name[:_MOST_LETTERS]}-{told.kind[:_MOST_LETTERS]}"
    kept = folder / ("".join(c if c.isalnum() or c in "-_." else "_" for c in whole) + ".json")
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

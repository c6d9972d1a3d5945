"""A corpus: a folder of case files that are replayed before anything is drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from pel_fuzz.known import KnownList
from pel_fuzz.verdict import Difference
from pel_reference.errors import InputError

Kept = TypeVar("Kept")

CASE_ENDINGS: Final = (".json", ".json.gz")
PROSE_ENDINGS: Final = (".md", ".txt")
"""What may lie beside the cases, and is passed over, as hidden files are."""


@dataclass(frozen=True, slots=True)
class CorpusCase(Generic[Kept]):
    """A case of a corpus, by its name in there, with slashes on every system."""

    name: str
    path: Path
    kept: Kept


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of replaying a case file.

    `note` says why it was not run exactly as it was recorded: then that nothing differs does not
    mean that the recorded difference is gone. `compared` is `False` where it could not be run at
    all.
    """

    name: str
    path: Path
    differences: tuple[Difference, ...] = ()
    note: str | None = None
    compared: bool = True
    seconds: float = 0.0

    def unknown(self, known: KnownList) -> list[Difference]:
        """The differences that nothing excuses."""
        return [each for each in self.differences if not known.excuses(each.signature)]

    def verdict(self, known: KnownList) -> str:
        """In a word: `differ`, `known`, `inconclusive` or `agree`."""
        if self.differences:
            return "differ" if self.unknown(known) else "known"
        return "agree" if self.compared else "inconclusive"


def read_corpus(folder: str | Path, read: Callable[[Path], Kept]) -> tuple[CorpusCase[Kept], ...]:
    """All cases of a folder and the folders in it, in the order of their names.

    Raises: `InputError` for the first file that is no case, before any is replayed; and whatever
    else `read` raises.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(str(folder), "", "cannot be read: not a folder")
    found = []
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if hidden or name.endswith(PROSE_ENDINGS):
            continue
        if path.is_dir():
            if path.is_symlink():  # what is in it would be passed over without a word
                raise InputError(str(path), "", "a link to a folder, which is not followed")
            continue
        if not name.endswith(CASE_ENDINGS):
            wanted = f"cases end in {' or '.join(CASE_ENDINGS)}"
            raise InputError(str(path), "", f"no case file: {wanted}")
        found.append((name, path))
    return tuple(CorpusCase(name, path, read(path)) for name, path in sorted(found))

"""The folder that a client gets for one block. What it leaves there is not trusted either."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MOST_ENTRIES: Final = 10_000
"""Files and folders that a client may leave there."""


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder, which is removed with all that is in it by then."""
    folder = tempfile.mkdtemp(prefix="pel-")
    try:
        yield Path(folder)
    finally:
        remove(folder)


def remove(folder: str) -> None:
    """Remove a folder, as far as that can be done. Nothing follows a link out of it."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):  # so deep that recursion, or the open files of it, did not suffice
        subprocess.run(["rm", "-rf", "--", folder], check=False, capture_output=True)


def is_within(folder: Path, most_bytes: int) -> bool:
    """Whether a folder holds no more than it may: in bytes, in entries, and in depth."""
    total = entries = 0
    left = [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as listing:
                for entry in listing:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
                    if entries > MOST_ENTRIES or total > most_bytes:
                        return False
        except OSError as error:  # what has gone meanwhile is no matter
            if error.errno == errno.ENAMETOOLONG:
                return False
    return True

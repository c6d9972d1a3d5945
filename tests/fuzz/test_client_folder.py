"""A client's folder is removed, whatever the client leaves there."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pel_fuzz.client.running.folder import MOST_ENTRIES, is_within, work_folder


def leave_files(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "file").write_bytes(bytes(100))


def nest(folder: Path, name: str, depth: int) -> None:
    """Folders in folders, deeper than any path can tell."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inside = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inside
    os.close(here)


def leave_deep_folders(folder: Path) -> None:
    nest(folder, "d", 1200)


def leave_long_names(folder: Path) -> None:
    nest(folder, "d" * 200, 30)


def leave_locked_folder(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "file").touch()
    (folder / "a").chmod(stat.S_IRUSR)


def leave_odd_things(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "nothing").symlink_to("/no/such/file")


@pytest.mark.parametrize(
    "leave", [leave_files, leave_deep_folders, leave_long_names, leave_odd_things, Path.rmdir]
)
def test_it_is_removed(leave: Callable[[Path], None]) -> None:
    with work_folder() as folder:
        leave(folder)
    assert not folder.exists()


def test_what_cannot_be_removed_is_nobodys_failure() -> None:
    with work_folder() as folder:
        leave_locked_folder(folder)
    if folder.exists():  # for root nothing is locked
        (folder / "a").chmod(stat.S_IRWXU)
        (folder / "a" / "file").unlink()
        (folder / "a").rmdir()
        folder.rmdir()


def test_no_link_is_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with work_folder() as folder:
        (folder / "link").symlink_to(tmp_path)
        assert is_within(folder, 1000)
    assert (tmp_path / "mine").read_text() == "kept"


def test_how_much_is_in_it(tmp_path: Path) -> None:
    leave_files(tmp_path)
    assert is_within(tmp_path, 100) and not is_within(tmp_path, 99)
    assert is_within(tmp_path / "gone", 0)


def test_too_many_entries_and_too_deep(tmp_path: Path) -> None:
    with work_folder() as folder:
        leave_long_names(folder)
        assert not is_within(folder, 1 << 20)
    for number in range(MOST_ENTRIES + 1):
        (tmp_path / str(number)).symlink_to("x")
    assert not is_within(tmp_path, 1 << 30)

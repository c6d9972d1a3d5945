"""What is in the tree: the files that belong to it, and the modules of our packages."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any


@dataclass(frozen=True)
class Module:
    """One module of our packages: its dotted name, its path from the root, and its text."""

    name: str
    path: str
    source: str

    @property
    def is_package(self) -> bool:
        """Whether this is an `__init__.py`, so that relative imports start at its own name."""
        return PurePosixPath(self.path).name == "__init__.py"

    @property
    def package(self) -> str:
        """The top-level package that it belongs to."""
        return self.name.split(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.source, self.path)


def pyproject(root: Path) -> dict[str, Any]:
    """The parsed `pyproject.toml`."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def package_folders(root: Path) -> list[str]:
    """The packages that are built, as paths from the root such as `spec/pel_spec`."""
    folders: list[str] = pyproject(root)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return folders


def modules(root: Path) -> list[Module]:
    """Every module of every package that is built, in the order of paths."""
    found = []
    for folder in package_folders(root):
        base = PurePosixPath(folder)
        for file in sorted((root / folder).rglob("*.py")):
            path = PurePosixPath(file.relative_to(root).as_posix())
            parts = path.relative_to(base.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, str(path), file.read_text(encoding="utf-8")))
    return found


def house_files(root: Path) -> list[str]:
    """The files that belong to the tree, as paths from the root: all that `.gitignore` leaves.

    Reads `.gitignore` rather than asking git, which a fresh machine or an unpacked archive need not
    have; so it knows only plain names, `*` and a leading or trailing `/`.
    """
    lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return sorted(_walk(root, root, [*patterns, ".git"]))


def _walk(root: Path, folder: Path, patterns: list[str]) -> Iterator[str]:
    for entry in folder.iterdir():
        path = entry.relative_to(root).as_posix()
        if is_ignored(path, patterns):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(root, entry, patterns)
        elif entry.is_file():
            yield path


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether one of the patterns of a `.gitignore` at the root names this file or folder."""
    name = PurePosixPath(path).name
    return any(
        fnmatch(path, pattern.strip("/"))
        if pattern.startswith("/")
        else fnmatch(name, pattern.rstrip("/"))
        for pattern in patterns
    )

"""Where files must be: tests beside their layer, packages marked as typed and listed."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

LAYERS = ("spec", "reference", "parallel", "fuzz")
"""The top-level folders of the packages; `tests/` has the same."""

_TEST = re.compile(
    rf"tests/(conftest|test_house\w*|(?:{'|'.join(LAYERS)})/(?:test_\w+|conftest))\.py"
)


def test_place_violations(paths: Iterable[str]) -> list[str]:
    """The Python files under `tests/` that are in no layer's folder, or share their name.

    pytest imports each by its path, so helpers belong into a `conftest.py`; and a name that is used
    twice would leave a reader of a report guessing.
    """
    found = []
    seen: dict[str, str] = {}
    for path in paths:
        if not path.startswith("tests/") or not path.endswith(".py"):
            continue
        if not _TEST.fullmatch(path):
            found.append(f"{path}: tests are tests/<layer>/test_<name>.py")
        name = PurePosixPath(path).name
        if name != "conftest.py" and seen.setdefault(name, path) != path:
            found.append(f"{path}: has the name of {seen[name]}")
    return found


def package_violations(folders: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The packages that lack `py.typed`, or that are in the tree and not listed for the build."""
    listed, present = set(folders), set(paths)
    found = [
        f"{folder}: has no {name}"
        for folder in sorted(listed)
        for name in ("__init__.py", "py.typed")
        if f"{folder}/{name}" not in present
    ]
    in_tree = {
        str(PurePosixPath(path).parent)
        for path in present
        if len(PurePosixPath(path).parts) == 3
        and path.split("/")[0] in LAYERS
        and path.endswith("/__init__.py")
    }
    found += [f"{folder}: not listed in pyproject.toml" for folder in sorted(in_tree - listed)]
    return found

"""What the lock must be: exact, hashed, without addresses, and true to `pyproject.toml`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("linux", "darwin")

_PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==([0-9][\w.!+]*)(?: ; (.+?))? \\")
_HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?")
_ADDRESS = re.compile(
    r"://|\bwww\.|\bindex\b|\bregistry\b|\b[\w-]+\.(?:com|dev|io|net|org)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One exact version in the lock, and where it holds (a marker, empty for everywhere)."""

    name: str
    version: str
    marker: str

    def holds(self, environment: dict[str, str]) -> bool:
        """Whether it is installed in this environment."""
        return not self.marker or Marker(self.marker).evaluate(environment)


def pins(text: str) -> list[Pin]:
    """The exact versions in a lock."""
    found = (_PIN.fullmatch(line) for line in text.splitlines())
    return [Pin(m[1], m[2], m[3] or "") for m in found if m]


def lock_text_violations(path: str, text: str) -> list[str]:
    """The lines that are neither an exact pin, nor a hash, nor a comment; and every address."""
    found = []
    lines = text.splitlines()
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True), 1):
        place = f"{path}:{number}"
        if _PIN.fullmatch(line):
            if not _HASH.fullmatch(following):
                found.append(f"{place}: a pin without a hash")
        elif not _HASH.fullmatch(line) and not line.lstrip().startswith("#"):
            found.append(f"{place}: not an exact pin with hashes: {line}")
    return found + address_violations(path, text)


def address_violations(path: str, text: str) -> list[str]:
    """The lines that name an address or a registry."""
    return [
        f"{path}:{number}: names an address or a registry"
        for number, line in enumerate(text.splitlines(), 1)
        if _ADDRESS.search(line)
    ]


def direct_requirements(pyproject: dict[str, Any]) -> list[Requirement]:
    """What `pyproject.toml` asks for: to build, to run, and with every extra."""
    project = pyproject["project"]
    extras = project["optional-dependencies"].values()
    texts = [
        *pyproject["build-system"]["requires"],
        *project["dependencies"],
        *(text for extra in extras for text in extra),
    ]
    return [Requirement(text) for text in texts]


def range_violations(locked: Iterable[Pin], required: Iterable[Requirement]) -> list[str]:
    """The direct dependencies that some supported environment does not get once, in their range."""
    pins = list(locked)
    found = []
    for requirement in required:
        name = canonicalize_name(requirement.name)
        for environment in _environments():
            if requirement.marker and not requirement.marker.evaluate(environment):
                continue
            versions = [p.version for p in pins if p.name == name and p.holds(environment)]
            if len(versions) != 1 or not requirement.specifier.contains(versions[0], True):
                where = f"Python {environment['python_version']}, {environment['sys_platform']}"
                found.append(f"{requirement}: the lock has {versions or 'none'} ({where})")
    return found


def _environments() -> list[dict[str, str]]:
    return [
        {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": platform,
            "platform_system": platform.capitalize(),
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        for python in PYTHONS
        for platform in PLATFORMS
    ]

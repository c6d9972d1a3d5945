"""How the text must be: small, with sources that exist, and free of any one machine."""

import ast
import re
from collections.abc import Iterable, Mapping

from house.tree import Module

FILE_LINES = 400
FUNCTION_LINES = 50
PACKAGE_LINES: Mapping[str, int] = {"pel_spec": 2600}
"""Budgets of whole packages: `pel_spec` is what an auditor reads, alone, in under an hour."""

_SOURCE = re.compile(r"\bSource:\s*(.*?)(?=\n\s*\n|\n\s*[A-Z]\w+: |\Z)", re.DOTALL)
_KEY = re.compile(r"\[([^\]\s]+)\]")
_EIP = re.compile(r"\bEIP-\d+\b")
_ENTRY = re.compile(r"^- \*\*\[([^\]\s]+)\]\*\*", re.MULTILINE)
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)(?:/|\b)")


def size_violations(path: str, source: str) -> list[str]:
    """A file, or functions in it, that are longer than the budget."""
    found = []
    lines = len(source.splitlines())
    if lines > FILE_LINES:
        found.append(f"{path}: {lines} lines, at most {FILE_LINES}")
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(
                    f"{path}:{node.lineno}: {node.name} has {length} lines, "
                    f"at most {FUNCTION_LINES}"
                )
    return found


def package_size_violations(modules: Iterable[Module]) -> list[str]:
    """The packages that are longer than their budget."""
    total: dict[str, int] = {}
    for module in modules:
        lines = len(module.source.splitlines())
        total[module.package] = total.get(module.package, 0) + lines
    return [
        f"{package}: {total[package]} lines, at most {budget}"
        for package, budget in PACKAGE_LINES.items()
        if total.get(package, 0) > budget
    ]


def bibliography(text: str) -> set[str]:
    """The keys of a bibliography whose entries begin with `- **[KEY]**`."""
    return set(_ENTRY.findall(text))


def source_violations(module: Module, keys: set[str]) -> list[str]:
    """The `Source:` lines of docstrings that lead nowhere: no key, no EIP, or an unknown key."""
    found = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        text = node.value.value
        for source in _SOURCE.findall(text) if isinstance(text, str) else ():
            place = f"{module.path}:{node.lineno}"
            cited = [key for key in _KEY.findall(source) if not _EIP.fullmatch(key)]
            if not cited and not _EIP.search(source):
                found.append(f"{place}: a source without a bibliography key or an EIP: {source}")
            found += [
                f"{place}: unknown bibliography key {key}" for key in cited if key not in keys
            ]
    return found


def machine_path_violations(path: str, text: str) -> list[str]:
    """The lines that name a place on one person's machine."""
    return [
        f"{path}:{number}: names a path of one machine: {match.group()}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in _MACHINE_PATH.finditer(line)
    ]

"""Who may import whom: the layers, the packages from outside, threads, and no cycles."""

import ast
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter

from house.tree import Module

EVM = ("eth", "eth_*", "ethereum", "ethereum_*", "rlp", "trie", "ckzg", "py_ecc")
"""py-evm, EELS and their families: the implementations that are compared, behind one package."""

MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "pel_spec": (),
    "pel_proof": ("pel_spec", "z3", "cvc5"),
    "pel_reference": ("pel_spec", *EVM, "coincurve"),
    "pel_parallel": ("pel_spec", "greenlet"),
    "pel_fuzz": (
        *("pel_spec", "pel_proof", "pel_reference", "pel_parallel"),
        *("click", "coincurve", "eth_abi", "eth_hash", "greenlet", "httpx", "hypothesis"),
        *("junitparser", "psutil", "pytest", "rich", "vyper"),
    ),
}
"""What each package may import, beside the standard library and itself."""

THREADS = frozenset({"threading", "_thread", "concurrent", "multiprocessing"})
"""Modules of the standard library that start workers or make them wait for each other."""

MAY_USE_THREADS = ("pel_parallel.sync", "pel_fuzz", "pel_fuzz.*")
"""The synchronisation seam; and the harness, which shards campaigns and watches for hangs."""

UNREADABLE = "?"
"""The target of a dynamic import whose name is computed."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the dotted name it asks for, and whether only type checkers ever see it."""

    line: int
    target: str
    typing_only: bool


def imports(module: Module) -> list[Import]:
    """Every import of a module, wherever it stands, dynamic ones included."""
    collector = _Collector(module)
    collector.visit(module.tree)
    return collector.found


class _Collector(ast.NodeVisitor):
    def __init__(self, module: Module) -> None:
        self.module = module
        self.found: list[Import] = []
        self.typing_only = False

    def _add(self, node: ast.stmt | ast.expr, target: str) -> None:
        self.found.append(Import(node.lineno, target, self.typing_only))

    def visit_If(self, node: ast.If) -> None:
        before = self.typing_only
        self.typing_only = before or ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"
        for statement in node.body:
            self.visit(statement)
        self.typing_only = before
        for statement in node.orelse:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = node.level - (1 if self.module.is_package else 0)
        own = self.module.name.split(".")
        base = own[: len(own) - above] if node.level else []
        base += [node.module] if node.module else []
        for alias in node.names:
            self._add(node, ".".join([*base, alias.name]))

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func).split(".")[-1]
        if called in ("__import__", "import_module") and node.args:
            self._add(node, _dynamic_target(node.args[0]))
        self.generic_visit(node)


def _dynamic_target(argument: ast.expr) -> str:
    """What a dynamic import asks for, as far as its text says."""
    first = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return UNREADABLE
    if first is argument:
        return first.value
    known, dot, _ = first.value.rpartition(".")
    return known if dot else UNREADABLE


def layer_violations(module: Module) -> list[str]:
    """The imports of a module that its layer may not have."""
    may = (*MAY_IMPORT[module.package], module.package)
    found = []
    for item in imports(module):
        root = item.target.split(".")[0]
        if root in sys.stdlib_module_names:
            allowed = root not in THREADS or _matches(module.name, MAY_USE_THREADS)
        else:
            allowed = _matches(root, may)
        if not allowed:
            found.append(f"{module.path}:{item.line}: {module.name} may not import {item.target}")
    return found


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def cycle_violations(modules: Iterable[Module]) -> list[str]:
    """One cycle of imports between our modules, where there is any.

    An import inside a function counts: it hides a cycle from the interpreter, not from the reader.
    One that only type checkers see does not. That `a.b` imports `a` by being in it does not either.
    """
    by_name = {module.name: module for module in modules}
    graph = {name: _imported_by(module, by_name) for name, module in by_name.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["import cycle: " + " <- ".join(error.args[1])]
    return []


def _imported_by(module: Module, known: Mapping[str, Module]) -> set[str]:
    targets = (_known_module(i.target, known) for i in imports(module) if not i.typing_only)
    return {target for target in targets if target not in ("", module.name)}


def _known_module(target: str, known: Mapping[str, Module]) -> str:
    """The longest module of ours that a dotted name starts with; empty where there is none."""
    parts = target.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in known), "")

"""Every public thing says what it means, once: where it is declared."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from house.tree import Module

SILENT_BASES = frozenset(
    {"ABC", "BaseException", "Enum", "Exception", "Flag", "Generic", "IntEnum", "IntFlag"}
    | {"NamedTuple", "Protocol", "StrEnum", "TypedDict", "ValueError", "object"}
)
"""Base classes that say nothing of what a method of ours means, so it must say so itself."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Classes = Mapping[str, ast.ClassDef]
"""The classes of our packages by name."""


def docstring_violations(modules: Iterable[Module]) -> list[str]:
    """The public modules, classes, functions and methods that say nothing about themselves.

    A method that its class inherits, or has because of a protocol that it satisfies, is documented
    there. A property of a protocol is a field.
    """
    known = list(modules)
    classes = {
        node.name: node
        for module in known
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    found = []
    for module in known:
        public: list[tuple[str, ast.Module | ast.ClassDef | Function]] = [
            (module.name, module.tree)
        ]
        public += _public(module.name, module.tree, classes)
        for name, node in public:
            if not ast.get_docstring(node):
                line = 1 if isinstance(node, ast.Module) else node.lineno
                found.append(f"{module.path}:{line}: {name} has no docstring")
    return found


def _public(
    name: str, parent: ast.Module | ast.ClassDef, classes: Classes
) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield f"{name}.{node.name}", node
            yield from _public(f"{name}.{node.name}", node, classes)
        elif not _is_declared_elsewhere(node, parent, classes):
            yield f"{name}.{node.name}", node


def _is_declared_elsewhere(
    node: Function, parent: ast.Module | ast.ClassDef, classes: Classes
) -> bool:
    marks = {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}
    if marks & {"overload", "override", "setter"}:
        return True
    if not isinstance(parent, ast.ClassDef):
        return False
    if _is_protocol(parent):
        return "property" in marks
    return _inherits(parent, node.name, classes) or _satisfies(parent, node.name, classes)


def _bases(cls: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).split("[")[0].split(".")[-1] for base in cls.bases]


def _is_protocol(cls: ast.ClassDef) -> bool:
    return "Protocol" in _bases(cls)


def _inherits(cls: ast.ClassDef, method: str, classes: Classes) -> bool:
    """Whether a base class has this method; one from outside our packages is taken to have it."""
    for base in _bases(cls):
        declared = classes.get(base)
        if declared is None:
            if base not in SILENT_BASES:
                return True
        elif declared is not cls and (
            method in _members(declared) or _inherits(declared, method, classes)
        ):
            return True
    return False


def _satisfies(cls: ast.ClassDef, method: str, classes: Classes) -> bool:
    """Whether a protocol of ours declares this method, and the class has all that it asks for."""
    own = _members(cls)
    return any(
        _is_protocol(other) and method in _members(other) and _members(other) <= own
        for other in classes.values()
    )


def _members(cls: ast.ClassDef) -> set[str]:
    methods = {node.name for node in cls.body if isinstance(node, Function)}
    fields = {
        node.target.id
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return methods | fields

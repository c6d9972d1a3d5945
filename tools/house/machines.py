"""The text of a machine of `pel_spec`, read for `house.machine_laws`: what each method touches.

Nothing is run: what is found is found on every path, taken or not.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from house.tree import Module

NAMED_BY = {"cell": 1}
"""Which index names a shared object of several fields or values: the first, but a cell of memory
belongs to a location, and holds the entries of all positions."""

EVERY = "every "
"""Before a variable that `all` or `any` binds, where it is part of an index."""

KINDS = ("shared", "own", "log", "ghost")

Names = Mapping[str, ast.expr]


class Declared(NamedTuple):
    """A field: its kind, and the shared object that it is part of."""

    kind: str
    owner: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method of one of the machine's classes."""

    path: str
    owner: ast.ClassDef
    node: ast.FunctionDef

    @property
    def name(self) -> str:
        """Without its class."""
        return self.node.name

    @property
    def place(self) -> str:
        """Where it stands, for reports."""
        return f"{self.path}:{self.node.lineno}: {self.owner.name}.{self.name}"

    @property
    def parameters(self) -> list[ast.arg]:
        """All but the state."""
        return self.node.args.args[1:]

    @property
    def body(self) -> list[ast.stmt]:
        """Its statements, without the docstring."""
        return self.node.body[1:] if ast.get_docstring(self.node) else self.node.body


@dataclass(slots=True)
class Machine:
    """What the text of some modules declares; `action_parts` are the classes of the actions."""

    action_parts: tuple[str, ...]
    fields: dict[str, Declared] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)

    @classmethod
    def of(cls, modules: Iterable[Module], action_parts: Iterable[str]) -> "Machine":
        """Read it."""
        machine = cls(tuple(action_parts))
        for module in modules:
            for owner in module.tree.body:
                if isinstance(owner, ast.ClassDef):
                    machine._read(module.path, owner)
        return machine

    def _read(self, path: str, owner: ast.ClassDef) -> None:
        for node in owner.body:
            if isinstance(node, ast.FunctionDef):
                self.methods.append(Method(path, owner, node))
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                kind, target = ast.unparse(node.value.func), node.targets[0]
                if kind in KINDS and isinstance(target, ast.Name):
                    first = node.value.args[0] if kind == "shared" else None
                    named = first.value if isinstance(first, ast.Constant) else ""
                    self.fields[target.id] = Declared(kind, str(named))

    @property
    def actions(self) -> list[Method]:
        """The methods of the classes of actions."""
        return [m for m in self.methods if m.owner.name in self.action_parts]

    def predicate(self, name: str) -> Method | None:
        """The method that an action may ask by this name."""
        taken = {action.name for action in self.actions}
        found = (m for m in self.methods if m.name == name and name not in taken)
        return next(found, None)


# ---- what a method touches -----------------------------------------------------------------------


class Touch(NamedTuple):
    """A field that is read or written, with its indices, in words of the method's parameters."""

    field: str
    indices: tuple[ast.expr, ...]
    written: bool
    line: int


class _Spelled(ast.NodeTransformer):
    """Local names and parameters, replaced by what they stand for."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        bound = {t.id for c in node.generators for t in [c.target] if isinstance(t, ast.Name)}
        inner = {**self.names, **{name: ast.Name(EVERY + name, ast.Load()) for name in bound}}
        below = _Spelled(inner)
        tests = [test for clause in node.generators for test in clause.ifs]
        return ast.Tuple([below.visit(part) for part in (node.elt, *tests)], ast.Load())


def _copy(expression: ast.expr, names: Names) -> ast.expr:
    fresh = ast.parse(ast.unparse(expression), mode="eval").body
    spelled: ast.expr = _Spelled(names).visit(fresh)
    return spelled


def is_ghost_call(node: ast.AST) -> bool:
    """`s.ghost_...(...)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("ghost_")
    )


def is_ghost_statement(node: ast.stmt) -> bool:
    """A call of a ghost method, or a condition on nothing else: without it nothing would change."""
    if isinstance(node, ast.If):
        return not node.orelse and all(map(is_ghost_statement, node.body))
    return isinstance(node, ast.Expr) and is_ghost_call(node.value)


def touches(machine: Machine, method: Method, names: Names | None = None) -> Iterator[Touch]:
    """Every field that a method reads or writes, in what it calls too; ghost statements, which
    have laws of their own, are left out."""
    return _body(machine, method.body, dict(names or {}))


def _body(
    machine: Machine, body: Iterable[ast.stmt], names: dict[str, ast.expr]
) -> Iterator[Touch]:
    for node in body:
        if is_ghost_statement(node):
            continue
        if isinstance(node, ast.If):
            yield from _reads(machine, node.test, names)
            yield from _body(machine, node.body, dict(names))
            yield from _body(machine, node.orelse, dict(names))
        elif isinstance(node, ast.Assign | ast.AugAssign):
            yield from _reads(machine, node.value, names)
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from _written(machine, target, node, names)
        elif isinstance(node, ast.Expr | ast.Return) and node.value:
            yield from _reads(machine, node.value, names)


def _written(
    machine: Machine, target: ast.expr, node: ast.Assign | ast.AugAssign, names: dict[str, ast.expr]
) -> Iterator[Touch]:
    pairs = [(target, node.value)]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        pairs = list(zip(target.elts, node.value.elts, strict=True))
    for to, value in pairs:
        if isinstance(to, ast.Name):
            names[to.id] = _copy(value, names)
            continue
        spelled = _copy(to, names)
        for t in _reads(machine, to, names):
            yield t._replace(written=t.field == _field(spelled))
            if isinstance(node, ast.AugAssign):
                yield t


def _reads(machine: Machine, expression: ast.expr, names: Names) -> Iterator[Touch]:
    spelled = _copy(expression, names)
    yield from (t for t in _found(spelled) if t.field in machine.fields)
    for node in ast.walk(spelled):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        asked = machine.predicate(node.func.attr)
        if asked is not None:
            given = zip((p.arg for p in asked.parameters), node.args, strict=True)
            yield from touches(machine, asked, dict(given))


def _field(node: ast.AST) -> str:
    base = node.value if isinstance(node, ast.Subscript) else node
    if (
        isinstance(base, ast.Attribute)
        and isinstance(base.value, ast.Name)
        and base.value.id == "s"
    ):
        return base.attr
    return ""


def _found(spelled: ast.expr) -> Iterator[Touch]:
    within = {id(n.value) for n in ast.walk(spelled) if isinstance(n, ast.Subscript)}
    for node in ast.walk(spelled):
        name = "" if id(node) in within else _field(node)
        if name and isinstance(node, ast.Subscript):
            key = node.slice
            indices = tuple(key.elts) if isinstance(key, ast.Tuple) else (key,)
            yield Touch(name, indices, False, node.lineno)
        elif name:
            yield Touch(name, (), False, getattr(node, "lineno", 0))

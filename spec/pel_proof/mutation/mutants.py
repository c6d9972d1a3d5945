"""The text, changed in one small way: all such changes of its methods, one by one.

A statement is left out, a condition loses a part or is taken for granted, a comparison is turned, a
constant is another one. What an action returns is not changed: that is what a trace tells of it,
and conformance judges it.
"""

import __future__

import ast
import copy
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pel_proof.lift import WORDS, Lifter
from pel_spec.scheduler.state import At, SchedulerState, Status

ENUMS = {"At": At, "Status": Status}

TURNED: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
"""What a comparison is mistaken for: off by one, and the wrong way round."""

Edit = Callable[[ast.AST], ast.AST | list[ast.stmt]]
"""What stands in the place of a node; statements may be several, or none."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One method of a part of the text, changed. `what` says how; where one change can be made at
    several places, by their number too."""

    part: type
    method: str
    what: str
    tree: ast.FunctionDef = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """How it is called in reports, and in the list of survivors."""
        owner = "" if issubclass(self.part, SchedulerState) else f"{self.part.__name__}."
        return f"{owner}{self.method}: {self.what}"

    def lifted(self) -> Callable[..., Any]:
        """The method as formulas."""
        words = {word.__name__: word for word in WORDS}
        return self._compiled(Lifter().visit_FunctionDef(copy.deepcopy(self.tree)), words)

    def native(self) -> Callable[..., Any]:
        """The method, to be run."""
        return self._compiled(copy.deepcopy(self.tree), {})

    def _compiled(self, tree: ast.FunctionDef, words: Mapping[str, Any]) -> Callable[..., Any]:
        namespace = {**vars(sys.modules[self.part.__module__]), **words}
        whole = ast.fix_missing_locations(ast.Module([tree], []))
        flags = __future__.annotations.compiler_flag
        exec(compile(whole, self.name, "exec", flags, dont_inherit=True), namespace)
        return namespace[self.method]  # type: ignore[no-any-return]


def mutants(part: type, methods: Collection[str], *, returned: bool = False) -> Iterator[Mutant]:
    """All mutants of some methods of a part of the text; also of what they return, if so asked."""
    classes = ast.parse(inspect.getsource(sys.modules[part.__module__])).body
    [found] = (n for n in classes if isinstance(n, ast.ClassDef) and n.name == part.__name__)
    for node in found.body:
        if isinstance(node, ast.FunctionDef) and node.name in methods:
            yield from _of_method(part, node, returned)


def _of_method(part: type, method: ast.FunctionDef, returned: bool) -> Iterator[Mutant]:
    seen = Counter[str]()
    method.body = method.body[1:] if ast.get_docstring(method) else method.body
    for number, what, edit in _edits(method, returned):
        seen[what] += 1
        where = f" ({seen[what]})" if seen[what] > 1 else ""
        tree = _Replace(number, edit).visit(copy.deepcopy(method))
        yield Mutant(part, method.name, what + where, tree)


def _edits(method: ast.FunctionDef, returned: bool) -> Iterator[tuple[int, str, Edit]]:
    """The edits, each with the number of the node that it changes, in the order of a walk."""
    last = method.body[-1]
    kept: list[ast.AST] = [method.args, *([method.returns] if method.returns else [])]
    if not returned:
        kept += [node for node in ast.walk(method) if isinstance(node, ast.Return)]
    inside = {id(node) for part in kept for node in ast.walk(part)} | {id(method)}
    for number, node in enumerate(ast.walk(method)):
        if isinstance(node, ast.Return) and node is not last:
            yield number, f"go on after `{ast.unparse(node)}`", _gone
        if id(node) not in inside:
            for what, edit in _of_node(node):
                yield number, what, edit


def _of_node(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    text = ast.unparse(node).partition("\n")[0]
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr) and not _names(node):
        yield f"delete `{text}`", _gone
    if isinstance(node, ast.If):
        yield f"always `{text}`", lambda n: n.body  # type: ignore[attr-defined]
        yield f"never `{text}`", lambda n: n.orelse or _gone(n)  # type: ignore[attr-defined]
    if isinstance(node, ast.IfExp):
        yield f"always yes: `{text}`", lambda n: n.body  # type: ignore[attr-defined]
        yield f"always no: `{text}`", lambda n: n.orelse  # type: ignore[attr-defined]
    if isinstance(node, ast.BoolOp):
        for k, part in enumerate(node.values):
            yield f"drop `{ast.unparse(part)}` of `{text}`", _without(k)
    if isinstance(node, ast.Compare):
        yield from _turned(node)
    if isinstance(node, ast.comprehension) and node.ifs:
        yield f"drop `{ast.unparse(node.ifs[0])}` of `{text.strip()}`", _unfiltered
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"`{text}` without not", lambda n: n.operand  # type: ignore[attr-defined]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from _of_call(node, node.func.id, text)
    yield from _of_constant(node, text)


def _of_call(node: ast.Call, name: str, text: str) -> Iterator[tuple[str, Edit]]:
    if name == "min":
        for k, part in enumerate(node.args):
            yield f"`{ast.unparse(part)}` for `{text}`", _argument(k)
    if name in ("all", "any"):
        other = {"all": "any", "any": "all"}[name]
        yield f"{other} in place of {name}: `{text}`", _called(other)


def _of_constant(node: ast.AST, text: str) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"`{not node.value}` for `{text}`", _constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"`{node.value + 1}` for `{text}`", _constant(node.value + 1)
    if isinstance(node, ast.BinOp | ast.AugAssign):
        yield f"`{text}` the other way", _other_way
    if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        yield f"`{ast.unparse(node.left)}` for `{text}`", lambda n: n.left  # type: ignore[attr-defined]
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ENUMS:
        enum = ENUMS[ast.unparse(node.value)]
        for other in enum:
            if other.name != node.attr and (enum is Status or abs(other - enum[node.attr]) == 1):
                yield f"`{enum.__name__}.{other.name}` for `{text}`", _attribute(other.name)


def _turned(node: ast.Compare) -> Iterator[tuple[str, Edit]]:
    text = ast.unparse(node)
    for k, operator in enumerate(node.ops):
        for other in TURNED.get(type(operator), ()):
            edit = _operator(k, other)
            yield f"`{ast.unparse(edit(copy.deepcopy(node)))}` for `{text}`", edit  # type: ignore[arg-type]


def _names(node: ast.AST) -> bool:
    """Does the statement only give names to things?"""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return bool(targets) and all(isinstance(t, ast.Name | ast.Tuple) for t in targets)


def _gone(node: ast.AST) -> ast.stmt:
    """Nothing in its place; of a guard, one that always holds, as only a step has guards."""
    if isinstance(node, ast.Expr) and ast.unparse(node).startswith("require("):
        return ast.parse("require(True)").body[0]
    return ast.Expr(ast.Constant(None))


def _without(k: int) -> Edit:
    def edit(node: Any) -> Any:
        node.values = node.values[:k] + node.values[k + 1 :]
        return node.values[0] if len(node.values) == 1 else node

    return edit


def _unfiltered(node: Any) -> Any:
    node.ifs = []
    return node


def _argument(k: int) -> Edit:
    return lambda node: node.args[k]  # type: ignore[attr-defined]


def _called(name: str) -> Edit:
    def edit(node: Any) -> Any:
        node.func.id = name
        return node

    return edit


def _constant(value: int | bool) -> Edit:
    return lambda _: ast.Constant(value)


def _attribute(name: str) -> Edit:
    def edit(node: Any) -> Any:
        node.attr = name
        return node

    return edit


def _operator(k: int, other: type[ast.cmpop]) -> Edit:
    def edit(node: Any) -> Any:
        node.ops[k] = other()
        return node

    return edit


def _other_way(node: Any) -> Any:
    node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    return node


class _Replace(ast.NodeTransformer):
    """Replace one node, found by its number in a walk."""

    def __init__(self, number: int, edit: Edit) -> None:
        self.number, self.edit = number, edit
        self.target: ast.AST | None = None

    def visit(self, node: ast.AST) -> Any:
        if self.target is None:
            self.target = list(ast.walk(node))[self.number]
        return self.edit(node) if node is self.target else self.generic_visit(node)

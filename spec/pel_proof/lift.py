"""The text of the machines, read as formulas: a syntactic rewriting, one construct for one.

    and, or, not           all_, any_, not_          a < b < c      all_(a < b, b < c)
    x in (A, B)            among(x, (A, B))          a if c else b  ite(c, a, b)
    all(e for x in D if f) forall(D, lambda x: implies(f, e))
    any(e for x in D if f) exists(D, lambda x: all_(f, e))
    if c: ...              if holds(c): ...          (each branch becomes a path)
    min(a, b)              lowest(a, b)

Nothing is written twice, so the proof is about the text that runs. What is not listed here, and
would mean something else when it is lifted, or might, is refused. This file is in the trusted base;
that lifted and native text agree is also tested, on states drawn at random.
"""

import __future__

import ast
import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pel_spec.optimistic
import pel_spec.scheduler.execution
import pel_spec.scheduler.ghosts
import pel_spec.scheduler.ownership
import pel_spec.scheduler.predicates
import pel_spec.scheduler.refinement
import pel_spec.scheduler.state
import pel_spec.scheduler.tasks
import pel_spec.scheduler.validation
import pel_spec.scheduler.validity
from pel_proof import symbolic
from pel_spec import scheduler
from pel_spec.kernel import State

DOMAINS = {"positions": "Position", "workers": "Worker", "locations": "Place", "slots": "Slot"}
"""What `s.positions` and its like range over."""

OPTIMISTIC = (pel_spec.optimistic,)
BLOCK_STM = (
    scheduler.state,
    scheduler.ghosts,
    scheduler.tasks,
    scheduler.execution,
    scheduler.validation,
    scheduler.predicates,
    scheduler.ownership,
    scheduler.validity,
    scheduler.refinement,
)
"""The modules of the text, each after what it builds on."""

WORDS = (
    *(symbolic.all_, symbolic.any_, symbolic.not_, symbolic.implies, symbolic.forall),
    *(symbolic.exists, symbolic.ite, symbolic.among, symbolic.lowest, symbolic.holds),
    symbolic.require,
)


KNOWN = (
    *(ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.Return),
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.IfExp, ast.Call, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.Name),
    *(ast.Constant, ast.Load, ast.Store),
)
"""All that methods may consist of. `all` and `any` take a generator of their own."""

CALLS = (("all", 1), ("any", 1), ("min", 2), ("require", 1))
"""What it may call, with how many arguments, besides the methods of its states `s` and `m`."""

DECLARING = ("shared", "own", "log", "ghost")
"""What a class may call: its fields are left as they are."""


class NotLiftable(Exception):
    """The text contains what the lifter does not know."""

    def __init__(self, node: ast.AST, why: str) -> None:
        super().__init__(
            f"line {getattr(node, 'lineno', '?')}: {why}: {ast.unparse(node)}".rstrip(": ")
        )


class Lifter(ast.NodeTransformer):
    """The rewriting."""

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, KNOWN):
            raise NotLiftable(node, f"{type(node).__name__} is not lifted")
        return super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        if node.decorator_list or node.keywords:
            raise NotLiftable(node, "a class is plain")
        node.body = [self._member(member) for member in node.body if not _is_domain(member)]
        return node

    def _member(self, node: ast.stmt) -> ast.stmt:
        if isinstance(node, ast.FunctionDef):
            return self.visit_FunctionDef(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return node
        call = node.value if isinstance(node, ast.Assign) else None
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in DECLARING:
            raise NotLiftable(node, "a class has fields and methods")
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        a = node.args
        odd = (a.posonlyargs, a.kwonlyargs, a.defaults, a.vararg, a.kwarg, node.decorator_list)
        if any(odd):
            raise NotLiftable(node, "a method has plain parameters, and is not decorated")
        if not _is_step(node) and any(isinstance(n, ast.If) for n in ast.walk(node)):
            raise NotLiftable(node, "only a step has branches: elsewhere one of them were lost")
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        rows = [n for n in ast.walk(node.value) if isinstance(n, ast.Slice)]
        if rows and not all(isinstance(target, ast.Subscript) for target in node.targets):
            raise NotLiftable(node, "a row has no name: what it is taken from may change")
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if node.value is not None and not isinstance(node.value, int | str):
            raise NotLiftable(node, "numbers are whole")
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        return _call("all_" if isinstance(node.op, ast.And) else "any_", *node.values)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return _call("not_", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return _call("ite", node.test, node.body, node.orelse)

    def visit_If(self, node: ast.If) -> ast.stmt:
        self.generic_visit(node)
        node.test = _call("holds", node.test)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        left, parts = node.left, list[ast.expr]()
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In):
                parts.append(_call("among", left, right))
            elif isinstance(operator, ast.NotIn):
                parts.append(_call("not_", _call("among", left, right)))
            else:
                parts.append(ast.Compare(left, [operator], [right]))
            left = right
        return parts[0] if len(parts) == 1 else _call("all_", *parts)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name, count = ast.unparse(node.func), len(node.args)
        of_state = name.startswith(("s.", "m.")) and name.count(".") == 1
        if not (of_state or (name, count) in CALLS) or node.keywords:
            raise NotLiftable(node, "this call is not lifted")
        if not name.startswith("m.") and any(isinstance(n, ast.Slice) for n in ast.walk(node)):
            raise NotLiftable(node, "a row is not passed on: what it is taken from may change")
        if name in ("all", "any"):
            return self._quantifier(name == "all", node.args[0])
        self.generic_visit(node)
        return _call("lowest", *node.args) if name == "min" else node

    def _quantifier(self, universal: bool, comprehension: ast.expr) -> ast.expr:
        if not isinstance(comprehension, ast.GeneratorExp):
            raise NotLiftable(comprehension, "all and any are of a generator")
        domains, names, filters = list[ast.expr](), list[str](), list[ast.expr]()
        for clause in comprehension.generators:
            over = ast.unparse(clause.iter).removeprefix("s.")
            if not isinstance(clause.target, ast.Name) or over not in DOMAINS or clause.is_async:
                raise NotLiftable(comprehension, "all and any range over positions and the like")
            domains.append(ast.Constant(DOMAINS[over]))
            names.append(clause.target.id)
            filters += [self.visit(test) for test in clause.ifs]
        body = self.visit(comprehension.elt)
        if filters:
            body = _call("implies" if universal else "all_", *filters, body)
        parameters = ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, [])
        word = "forall" if universal else "exists"
        return _call(word, *domains, ast.Lambda(parameters, body))


def _is_domain(node: ast.stmt) -> bool:
    """The property `slots`: a quantifier says its domain instead, which is this one."""
    return isinstance(node, ast.FunctionDef) and (
        node.name == "slots"
        and [ast.unparse(mark) for mark in node.decorator_list] == ["property"]
        and ast.unparse(node.body[-1]) == "return range(s.num_active)"
    )


def _is_step(node: ast.FunctionDef) -> bool:
    """Does it do something, rather than say something of a state? All of its ways are followed."""
    does = {"require"} & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return bool(does) or node.name.startswith("ghost_") or "m" in [a.arg for a in node.args.args]


def _call(word: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(word, ast.Load()), list(arguments), [])


def lift(modules: Sequence[ModuleType]) -> dict[str, type]:
    """The machines' classes of these modules, lifted, by name. All else they use is taken as it
    is; what derives from `State` derives from `SymbolicState` instead."""
    lifted: dict[str, Any] = {"State": symbolic.SymbolicState}
    words = {word.__name__: word for word in WORDS}
    for module in modules:
        body = ast.parse(inspect.getsource(module)).body
        kept = [node for node in body if isinstance(node, ast.ClassDef) and _lifts(module, node)]
        tree = ast.fix_missing_locations(
            ast.Module([Lifter().visit_ClassDef(node) for node in kept], [])
        )
        flags = __future__.annotations.compiler_flag  # a parameter's domain is its type's name
        code = compile(tree, str(module.__file__), "exec", flags, dont_inherit=True)
        namespace = vars(module) | words | lifted
        exec(code, namespace)
        lifted |= {node.name: namespace[node.name] for node in kept}
    return lifted


def _lifts(module: ModuleType, node: ast.ClassDef) -> bool:
    found = getattr(module, node.name)
    return isinstance(found, type) and issubclass(found, State)

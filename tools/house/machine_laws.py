"""How the text of a machine must be, so that what is proved of it is about what runs.

The machines are those of `pel_spec`; their kernel says what the kinds of fields mean.
"""

import ast
import re
from collections.abc import Collection, Iterable

from house.machines import (
    EVERY,
    NAMED_BY,
    Machine,
    Method,
    is_ghost_call,
    is_ghost_statement,
    touches,
)
from house.tree import Module

DOMAINS = frozenset({"Incarnation", "Number", "Place", "Places", "Position", "Worker", "Writer"})
"""The kernel's names for what a parameter ranges over."""

RUNNING = frozenset({"TRY_INCARNATE", "EXECUTE", "STAY"})
"""Where a worker stands that may write to the log of its position."""

_CITED = re.compile(r"\bAlgorithms? \d|\bwhich the paper leaves out\b")


def ghost_violations(machine: Machine) -> list[str]:
    """Ghost state is written by ghost methods, which do nothing else; no action looks at it."""
    ghosts = {name for name, declared in machine.fields.items() if declared.kind == "ghost"}
    found = []
    for method in machine.methods:
        touched = list(touches(machine, method))
        written = {t.field for t in touched if t.written}
        is_ghost = method.name.startswith("ghost_")
        if is_ghost and not written <= ghosts:
            found.append(f"{method.place} writes {sorted(written - ghosts)}, which is no ghost")
        if is_ghost and any(isinstance(n, ast.Return) for n in ast.walk(method.node)):
            found.append(f"{method.place} returns something")
        if not is_ghost and written & ghosts:
            found.append(f"{method.place} writes the ghost {sorted(written & ghosts)}")
        seen = {t.field for t in touched if not t.written} & ghosts
        if method in machine.actions and seen:
            found.append(f"{method.place} reads the ghost {sorted(seen)}")
        statements = {id(n.value) for n in ast.walk(method.node) if isinstance(n, ast.Expr)}
        calls = [n for n in ast.walk(method.node) if is_ghost_call(n)]
        if any(id(call) not in statements for call in calls):
            found.append(f"{method.place} uses what a ghost method returns")
        if calls and method not in machine.actions:
            found.append(f"{method.place} calls a ghost method, and is no action")
    return found


def writing_violations(machine: Machine) -> list[str]:
    """Only actions and ghost methods change anything or have guards; an action calls no other."""
    found = []
    actions = {action.name for action in machine.actions}
    for method in machine.methods:
        if method in machine.actions:
            called = {n.func.attr for n in _calls(method) if isinstance(n.func, ast.Attribute)}
            found += [f"{method.place} calls the action {name}" for name in called & actions]
            continue
        if any(ast.unparse(call.func) == "require" for call in _calls(method)):
            found.append(f"{method.place} has a guard, and is no action")
        changes = any(t.written for t in touches(machine, method))
        if changes and not method.name.startswith("ghost_"):
            found.append(f"{method.place} changes the state, and is no action")
    return found


def _calls(method: Method) -> list[ast.Call]:
    return [node for node in ast.walk(method.node) if isinstance(node, ast.Call)]


def object_violations(machine: Machine) -> list[str]:
    """An action touches at most one shared object: that is what makes it one step."""
    found = []
    for action in machine.actions:
        touched = list(touches(machine, action))
        objects = {
            (declared.owner, _object(declared.owner, t.indices))
            for t in touched
            if (declared := machine.fields[t.field]).kind == "shared"
        }
        if len(objects) > 1:
            listed = ", ".join(sorted(f"{owner}[{name}]" for owner, name in objects))
            found.append(f"{action.place} touches several objects: {listed}")
        written = {t.field for t in touched if t.written}
        for owner, name in objects:
            if EVERY in name or ":" in name:
                found.append(f"{action.place} touches many objects at once: {owner}[{name}]")
            moved = {n.split("[")[0] for n in name.split("s.")[1:]} & written
            if moved:
                found.append(f"{action.place} changes {sorted(moved)}, which name what it touches")
    return found


def _object(owner: str, indices: tuple[ast.expr, ...]) -> str:
    return ast.unparse(indices[NAMED_BY.get(owner, 0)]) if indices else ""


def private_violations(machine: Machine) -> list[str]:
    """A worker looks at its own variables alone, and at the log of the version that it has; to the
    log it writes as the one who has taken that position up."""
    found = []
    for action in machine.actions:
        for t in touches(machine, action):
            kind = machine.fields[t.field].kind
            first = ast.unparse(t.indices[0]) if t.indices else ""
            if kind == "own" and first != "w":
                found.append(f"{action.place} looks at {t.field} of another worker")
            if kind == "log" and first != "s.held[w]":
                found.append(f"{action.place} looks at {t.field} of a position that it has not")
            if kind == "log" and t.written and not _stands(action) <= RUNNING:
                found.append(f"{action.place} writes {t.field}, and does not execute")
    return found


def _stands(action: Method) -> set[str]:
    """Where the first guard of an action says that its worker stands."""
    first = next((c for c in _calls(action) if ast.unparse(c.func) == "require"), None)
    text = ast.unparse(first.args[0]) if first else ""
    return set(re.findall(r"s\.pc\[w\] == At\.(\w+)", text))


def guard_violations(machine: Machine) -> list[str]:
    """All guards of an action stand before its first change, and on every path: so an action that
    is refused has changed nothing. Local names are given once, and on every path."""
    found = []
    for action in machine.actions:
        changed, given = False, set[str]()
        for node in action.body:
            guard = isinstance(node, ast.Expr) and ast.unparse(node).startswith("require(")
            if guard and changed:
                found.append(f"{action.place} has a guard after a change")
            if not guard and "require" in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
                found.append(f"{action.place} has a guard on some paths only")
            stored = [n for n in ast.walk(node) if isinstance(getattr(n, "ctx", None), ast.Store)]
            names = [n.id for n in stored if isinstance(n, ast.Name) and not _bound(node, n)]
            if names and (isinstance(node, ast.If) or given & set(names)):
                found.append(f"{action.place} gives the name {names[0]} twice, or on some paths")
            given |= set(names)
            changed = changed or is_ghost_statement(node) or _changes(stored)
    return found


def _changes(stored: Iterable[ast.AST]) -> bool:
    return any(isinstance(n, ast.Attribute | ast.Subscript) for n in stored)


def _bound(node: ast.stmt, name: ast.Name) -> bool:
    return any(name is c.target for c in ast.walk(node) if isinstance(c, ast.comprehension))


def form_violations(machine: Machine) -> list[str]:
    """Parameters are annotated with the kernel's domains, and everything says what it is."""
    found = []
    for method in machine.methods:
        if [a.arg for a in method.node.args.args[:1]] != ["s"]:
            found.append(f"{method.place} does not call its state s")
        found += [
            f"{method.place}: {p.arg} has no domain of the kernel"
            for p in method.parameters
            if p.arg != "m" and (not p.annotation or ast.unparse(p.annotation) not in DOMAINS)
        ]
        said = ast.get_docstring(method.node) or ""
        if not said.rstrip().endswith((".", "?", ")")):
            found.append(f"{method.place} does not say in a sentence what it is")
    return found


def worker_violations(machine: Machine) -> list[str]:
    """Each action is a worker's, says where that one stands, and where the paper has it."""
    found = []
    for action in machine.actions:
        first = [ast.unparse(p) for p in action.parameters[:1]]
        if first != ["w: Worker"]:
            found.append(f"{action.place} is not an action of a worker")
        if not _stands(action):
            found.append(f"{action.place} does not say where its worker stands")
        said = (ast.get_docstring(action.node) or "", ast.get_docstring(action.owner) or "")
        if not any(map(_CITED.search, said)):
            found.append(f"{action.place} cites no algorithm of the paper")
    return found


def steps_taken(modules: Iterable[Module]) -> set[str]:
    """The names of the steps that an executor takes: `step(worker, "name", ...)`."""
    return {
        node.args[1].value
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in ("step", "_step")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    }


def commuting_violations(
    machine: Machine, taken: Collection[str], looks: Collection[str]
) -> list[str]:
    """Of the steps that an executor takes, `looks` are those that touch a shared object and change
    none. Steps that only look commute; a change that is said to hides what it overtakes."""
    found = []
    for action in machine.actions:
        if action.name not in taken:
            continue
        shared = [t for t in touches(machine, action) if machine.fields[t.field].kind == "shared"]
        only_looks = bool(shared) and not any(t.written for t in shared)
        if only_looks != (action.name in looks):
            is_one = "only looks" if only_looks else "changes what is shared, or touches nothing"
            found.append(f"{action.place} {is_one}, and is said not to")
    unknown = set(looks) - {action.name for action in machine.actions}
    return found + [f"no action is called {name}" for name in sorted(unknown)]

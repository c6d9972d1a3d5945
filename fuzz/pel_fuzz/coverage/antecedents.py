"""The premises of the invariants, and whether a run has ever made them true.

An invariant says `all(conclusion for ... if premise)`, often several of these. Where the premise
is never true it says nothing, and that it held in every state shows nothing. Here each premise is
taken from the invariants' text (which stays as it is), and asked in states of replayed runs. A
premise of several cases (`a or b`, `x in (A, B)`) counts once for each case. Where the conclusion
is that two are one and the same (`w == u`), it is asked of two different ones, without the tests
that compare them: there would be something to tell apart.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pel_spec.scheduler.blockstm import INVARIANT_PARTS
from pel_spec.scheduler.state import At, Status


@dataclass(frozen=True, slots=True)
class Antecedent:
    """One case of a premise of `invariant`, in the words of the text.

    `rolling`: it takes a rolling commit to make it true, which our executor does not have.
    """

    invariant: str
    premise: str
    holds: Callable[[Any], bool]
    rolling: bool

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return f"{self.invariant}: {self.premise}"


@cache
def antecedents() -> tuple[Antecedent, ...]:
    """All of them, in the order of the text."""
    found: dict[str, Antecedent] = {}
    for part in INVARIANT_PARTS:
        namespace = vars(sys.modules[part.__module__])
        for method in _methods(part):
            for premise in _premises(method.body[-1]):
                for case in _cases(premise):
                    one = _antecedent(method.name, case, namespace)
                    found.setdefault(one.name, one)
    return tuple(found.values())


# ---- the text ---------------------------------------------------------------------------------

Clauses = list[tuple[str, ast.expr]]
"""What a premise speaks of: variables, each with what it ranges over."""


@dataclass(frozen=True, slots=True)
class _Premise:
    """All of `tests` hold of some values of the variables."""

    clauses: Clauses
    tests: tuple[ast.expr, ...]


def _methods(part: type) -> Iterator[ast.FunctionDef]:
    classes = ast.parse(inspect.getsource(sys.modules[part.__module__])).body
    [found] = (n for n in classes if isinstance(n, ast.ClassDef) and n.name == part.__name__)
    return (node for node in found.body if isinstance(node, ast.FunctionDef))


def _premises(said: ast.AST) -> Iterator[_Premise]:
    """Of a statement that is a conjunction. What it says without a premise, it always says."""
    if isinstance(said, ast.Return) and said.value is not None:
        yield from _premises(said.value)
    elif isinstance(said, ast.BoolOp) and isinstance(said.op, ast.And):
        for part in said.values:
            yield from _premises(part)
    elif isinstance(said, ast.BoolOp):
        yield from (
            _Premise([], (part.operand,))
            for part in said.values
            if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not)
        )
    elif isinstance(said, ast.Call) and ast.unparse(said.func) == "all":
        [generator] = said.args
        assert isinstance(generator, ast.GeneratorExp)
        clauses = [(ast.unparse(c.target), c.iter) for c in generator.generators]
        tests = tuple(t for c in generator.generators for test in c.ifs for t in _conjuncts(test))
        tests = _apart(generator.elt, tests)
        if tests or any(ast.unparse(over) == "s.slots" for _, over in clauses):
            yield _Premise(clauses, tests)


def _apart(conclusion: ast.expr, tests: tuple[ast.expr, ...]) -> tuple[ast.expr, ...]:
    """The tests of a premise; of `w == u`, those that do not compare the two, which are not one."""
    if isinstance(conclusion, ast.Compare) and isinstance(conclusion.left, ast.Name):
        both = _named(conclusion)
        alone = tuple(test for test in tests if not both <= _named(test))
        if len(both) == 2 and isinstance(conclusion.ops[0], ast.Eq) and alone != tests:
            different = ast.Compare(conclusion.left, [ast.NotEq()], conclusion.comparators)
            return (*alone, different)
    return tests


def _conjuncts(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _conjuncts(part)
    else:
        yield test


def _cases(premise: _Premise) -> Iterator[_Premise]:
    """A premise, one for each way in which one of its tests can hold."""
    several = [(k, list(_ways(test))) for k, test in enumerate(premise.tests)]
    several = [(k, ways) for k, ways in several if len(ways) > 1]
    if not several:
        yield premise
    for k, ways in several:
        for way in ways:
            tests = (*premise.tests[:k], *_conjuncts(way), *premise.tests[k + 1 :])
            yield _Premise(premise.clauses, tests)


def _ways(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        for part in test.values:
            yield from _ways(part)
    elif (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.In)
        and isinstance(test.comparators[0], ast.Tuple)
    ):
        for each in test.comparators[0].elts:
            yield ast.Compare(test.left, [ast.Eq()], [each])
    else:
        yield test


# ---- made to be asked -------------------------------------------------------------------------


def _antecedent(invariant: str, case: _Premise, namespace: dict[str, Any]) -> Antecedent:
    names = {name for name, _ in case.clauses}
    words = " and ".join(map(ast.unparse, case.tests)) or f"some {', '.join(sorted(names))}"
    rolling = any(_is_rolling(test, names, namespace) for test in case.tests)
    return Antecedent(invariant, words, _compiled(_some(case), namespace), rolling)


def _some(case: _Premise) -> str:
    """Is there an instance? Each test is asked as soon as all that it speaks of is known."""
    bound, left, clauses = {"s"}, list(case.tests), ""
    names = {name for name, _ in case.clauses}
    for name, over in case.clauses:
        bound.add(name)
        now = [test for test in left if _named(test) & names <= bound]
        left = [test for test in left if test not in now]
        clauses += f" for {name} in {ast.unparse(over)}"
        clauses += "".join(f" if ({ast.unparse(test)})" for test in now)
    if not clauses:
        return " and ".join(f"({ast.unparse(test)})" for test in left)
    return f"any(True{clauses})"


def _named(test: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}


def _compiled(source: str, namespace: dict[str, Any]) -> Callable[[Any], bool]:
    found: Callable[[Any], bool] = eval(f"lambda s: {source}", dict(namespace))
    return found


# ---- what only a rolling commit makes true ----------------------------------------------------

COMMITS = frozenset(at for at in At if at.name.startswith("COMMIT_"))
"""Where a worker stands only while it commits."""


class _Asked(Exception):
    """A test wants to know what is not known."""


class _Same:
    """A field that has one value everywhere."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __getitem__(self, _: object) -> int:
        return self.value


class _Known:
    """A state of which only some fields are known, the same of every worker and position."""

    def __init__(self, **known: Any) -> None:
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        raise _Asked


def _is_rolling(test: ast.expr, names: Iterable[str], namespace: dict[str, Any]) -> bool:
    """Is the test, of the state, false wherever nothing is committed, and nobody is at it?"""
    if "s" not in _named(test):
        return False
    asked = _compiled(ast.unparse(test), namespace | dict.fromkeys(names, 0))
    known = (
        _Known(pc=_Same(at), status=_Same(status), committed=0, held=_Same(0))
        for at in At
        if at not in COMMITS
        for status in Status
        if status != Status.COMMITTED
    )
    try:
        return not any(asked(state) for state in known)
    except _Asked:
        return False

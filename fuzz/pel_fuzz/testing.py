"""For tests of an executor in Python: what it has to be, one call that checks it, ready-made tests.

```python
from pel_fuzz.testing import executor_tests

class MyExecutor:
    def execute(self, block):
        ...

TestMyExecutor = executor_tests(MyExecutor)
```

These names are stable; the page for users is docs/pytest.md. `pytest --pel-executor MODULE:FACTORY`
runs the same tests.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final, TypeAlias

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, example, given, settings
from hypothesis.strategies import SearchStrategy

from pel_fuzz.cases import Case, Subject
from pel_fuzz.checking import Answer, BadAnswer, BlockExecutor, difference_of
from pel_fuzz.corpus import read_corpus
from pel_fuzz.formats.case_json import CaseFile, read_case, write_case
from pel_fuzz.strategies import blocks, tiny_blocks
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference
from pel_reference.errors import InputError

__all__ = [
    "Answer",
    "BadAnswer",
    "Executor",
    "ExecutorDiffers",
    "Settings",
    "case_tests",
    "check",
    "difference_of",
    "executor_tests",
]

Executor: TypeAlias = BlockExecutor
"""What is tested: anything with the one method `execute(block)`."""
Factory: TypeAlias = Callable[[], Executor]
EVM_SIZE: Final = (4, 24)
"""Transactions of the EVM blocks: enough to contend, few enough for an interpreter in Python."""
LARGE: Final = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
)
"""What blocks of the EVM are too much of for the health checks; the others stay."""
MOST_PROGRAMS: Final = 20
"""Transactions up to which a block is told in full."""


class ExecutorDiffers(AssertionError):
    """The executor's answer is not that of the preset order. `difference` says where and why."""

    def __init__(self, difference: Difference, message: str) -> None:
        super().__init__(message)
        self.difference = difference


@dataclass(frozen=True, slots=True)
class Settings:
    """How much the ready-made tests do: so many examples of each kind; EVM blocks of one `fork`, or
    of any. With a `seed`, or derandomized, every run draws the same. What differs is kept in the
    folder `out`; `replay` is the command that runs it again, up to the file's name.
    """

    tiny_examples: int = 200
    evm_examples: int = 20
    fork: str | None = None
    seed: int | None = None
    derandomize: bool = False
    out: Path = Path("findings")
    replay: str | None = None


def check(executor: Executor, subject: Subject, kept: Path | None = None, replay: str = "") -> None:
    """Pass if the executor's answer is that of the preset order. Otherwise the block is written to
    the file `kept`, where one is given and it can be.

    Raises: `ExecutorDiffers`, `BadAnswer`.
    """
    __tracebackhide__ = True
    case = Case(subject, "tiny" if isinstance(subject, TinyBlock) else "evm", 1, (), python=True)
    difference = difference_of(executor, case.compile())
    if difference is None:
        return
    lines = [difference.signature, *difference.lines(), *(f"  {line}" for line in _told(subject))]
    if kept is not None:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_case(kept, case, difference, None)
        except OSError as error:  # what differs is told all the same
            lines.append(f"  not kept  {kept} cannot be written: {error.strerror}")
        else:
            lines += [f"  kept in   {kept}", f"  replay    {replay} {shlex.quote(str(kept))}"]
    raise ExecutorDiffers(difference, "\n".join(lines))


def _told(subject: Subject) -> Iterable[str]:
    """A block for people; of a large one, and of one of the EVM, its size."""
    if not isinstance(subject, TinyBlock):
        return (f"on a block of {len(subject.transactions)} transaction(s), fork {subject.fork}",)
    if len(subject.programs) > MOST_PROGRAMS:
        return (f"on a block of {len(subject.programs)} transactions",)
    programs = (
        f"  tx {i}: {'; '.join(' '.join(map(str, each)) for each in program)}"
        for i, program in enumerate(subject.programs)
    )
    return (f"on cells {list(subject.initial_values)} and these programs:", *programs)


# ---- ready-made tests -----------------------------------------------------------------------


def executor_tests(factory: Factory, wanted: Settings | None = None) -> type:
    """A class with the tests, for pytest to collect under a name that begins with `Test`.

    `factory` makes the executor, anew for each block, so that a failure depends on nothing but the
    block. The tests are ordinary Hypothesis tests without fixtures.
    """
    given_settings = Settings() if wanted is None else wanted
    replay = given_settings.replay or _replay_of(factory)

    def kept(kind: str) -> Path:
        name = re.sub(r"[^\w.-]+", ".", _name_of(factory)).strip(".")
        return given_settings.out / f"pytest-{name}-{kind}.json"

    def test_tiny_blocks(self: object, block: TinyBlock) -> None:
        check(factory(), block, kept("tiny"), replay)

    def test_evm_blocks(self: object, block: Any) -> None:
        check(factory(), block, kept("evm"), replay)

    tiny, evm = given_settings.tiny_examples, given_settings.evm_examples
    evm_blocks = blocks(given_settings.fork, EVM_SIZE)
    tiny_test = _drawn(test_tiny_blocks, tiny_blocks(), tiny, given_settings)
    tests = {
        "test_tiny_blocks": example(block=TinyBlock(()))(tiny_test),
        "test_evm_blocks": _drawn(test_evm_blocks, evm_blocks, evm, given_settings),
    }
    return _collected("TestExecutor", "Ready-made tests of an executor.", tests)


def _collected(name: str, about: str, tests: Mapping[str, Any]) -> type:
    """A class of tests; what py-evm says of old opcodes is nobody's concern here."""
    import pytest  # noqa: PLC0415 - `check` can be used without it

    marks = [pytest.mark.filterwarnings("ignore::DeprecationWarning:eth.*")]
    return type(name, (), {"__doc__": about, "pytestmark": marks, **tests})


def _drawn(
    test: Callable[..., None], strategy: SearchStrategy[Any], examples: int, wanted: Settings
) -> Any:
    chosen = settings(
        max_examples=examples,
        deadline=None,
        verbosity=Verbosity.quiet,  # the failure itself tells the block, and much shorter
        phases=tuple(phase for phase in Phase if phase is not Phase.explain),
        report_multiple_bugs=False,
        suppress_health_check=LARGE,
    )
    if wanted.derandomize or wanted.seed is not None:  # nor what failed in a run before this one
        chosen = settings(chosen, derandomize=wanted.derandomize, database=None)
    drawn = chosen(given(block=strategy)(test))
    return drawn if wanted.seed is None else hypothesis.seed(wanted.seed)(drawn)


def _name_of(factory: Factory) -> str:
    """`module:name`, as far as the factory has one; the line besides, for one that is defined
    within another function, or is a `lambda`."""
    name = getattr(factory, "__qualname__", type(factory).__qualname__)
    code = getattr(factory, "__code__", None)
    line = f".{code.co_firstlineno}" if "<" in name and code is not None else ""
    return f"{factory.__module__}:{name}{line}"


def _replay_of(factory: Factory) -> str:
    """The command that replays a case, up to its file's name. Only a factory that a module has
    under its own name can be named; for others it says where to put that name."""
    name = _name_of(factory)
    try:
        named = resolve_name(name) is factory
    except (ImportError, AttributeError, ValueError):
        named = False
    return f"pytest --pel-executor {name if named else 'MODULE:FACTORY'} --pel-case"


def case_tests(factory: Factory, paths: Iterable[Path], wanted: Settings) -> type:
    """A class with one test for each case file, and each in the folders, among `paths`.

    Raises: `InputError`, naming file and field.
    """
    files: dict[str, CaseFile] = {}
    paths = tuple(paths)
    for path in paths:
        if path.is_dir():
            files |= {str(each.path): each.kept for each in read_corpus(path, read_case)}
        else:
            files[str(path)] = read_case(path)
    if not files:
        raise InputError(", ".join(map(str, paths)), "", "no case file is there")
    replay = wanted.replay or _replay_of(factory)
    tests = {
        f"test_case[{path}]": _replayed(factory, kept, f"{replay} {shlex.quote(path)}")
        for path, kept in files.items()
    }
    return _collected("TestCases", "Kept cases, once more.", tests)


def _replayed(factory: Factory, kept: CaseFile, replay: str) -> Callable[[object], None]:
    def test(self: object) -> None:
        try:
            check(factory(), kept.case.subject)
        except ExecutorDiffers as differs:
            recorded, again = kept.signature, kept.signature == differs.difference.signature
            none = "a difference; none was recorded" if recorded is None else None
            lines = [
                str(differs),
                f"  {none or ('as recorded' if again else f'recorded as {recorded}')}",
                f"  replay    {replay}",
            ]
            raise ExecutorDiffers(differs.difference, "\n".join(lines)) from None

    return test

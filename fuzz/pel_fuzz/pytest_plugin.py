"""`pytest --pel-executor MODULE:FACTORY`: the ready-made tests, on an executor of yours.

pytest loads this module in every run where PEL is installed. So it imports nothing of ours until
the option is given, and without it does nothing at all.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import pytest

MARKER = "pel"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all with names that begin with `--pel-`."""
    group = parser.getgroup("pel", "PEL: is a parallel executor equal to the preset order?")
    group.addoption(
        "--pel-executor",
        metavar="MODULE:FACTORY",
        help="Add the tests of the executor that this makes (docs/pytest.md).",
    )
    group.addoption(
        "--pel-case",
        metavar="PATH",
        action="append",
        type=Path,
        default=[],
        help="Instead of drawn blocks, this case file, or all in this folder; can be repeated.",
    )
    group.addoption(
        "--pel-max-examples",
        metavar="N",
        type=_count,
        help="Examples of each drawn test (default: 200 tiny blocks, 20 of the EVM).",
    )
    group.addoption("--pel-fork", metavar="NAME", help="EVM blocks of this fork only.")
    group.addoption(
        "--pel-seed", metavar="N", type=int, help="Draw the same blocks in every run: from this."
    )
    group.addoption(
        "--pel-derandomize", action="store_true", help="Draw the same blocks in every run."
    )
    group.addoption(
        "--pel-out",
        metavar="DIR",
        type=Path,
        default=Path("findings"),
        help="Where the smallest block that differs is kept (default: findings).",
    )


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, by which the tests are selected (`-m pel`), and the executor's module
    one that can be imported."""
    config.addinivalue_line("markers", f"{MARKER}: a test of --pel-executor")
    here = str(config.invocation_params.dir)
    if config.getoption("pel_executor") is not None:
        if here not in sys.path:  # from now on, as tests beside the executor import it too
            sys.path.insert(0, here)
    elif config.getoption("pel_case"):
        raise pytest.UsageError("--pel-case goes with --pel-executor")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the tests to those that were collected."""
    wanted = config.getoption("pel_executor")
    if wanted is not None:
        for item in _tests(session, config, wanted):
            item.add_marker(MARKER)
            items.append(item)


def _tests(session: pytest.Session, config: pytest.Config, wanted: str) -> Iterator[pytest.Item]:
    """The tests as pytest collects them from a module; its name stands for the file's."""
    module = pytest.Module.from_parent(session, path=Path(__file__), nodeid="pel")
    module.obj = ModuleType("pel")
    made = _made_tests(config, _factory(wanted), wanted)
    setattr(module.obj, made.__name__, made)
    return session.genitems(module)


def _made_tests(config: pytest.Config, factory: Callable[[], Any], wanted: str) -> type:
    # Loading all this takes a second or two, which runs without the option do not pay.
    from pel_fuzz.testing import Settings, case_tests, executor_tests  # noqa: PLC0415
    from pel_reference.errors import InputError  # noqa: PLC0415

    examples, default = config.getoption("pel_max_examples"), Settings()
    given = Settings(
        tiny_examples=examples or default.tiny_examples,
        evm_examples=examples or default.evm_examples,
        fork=_fork(config),
        seed=config.getoption("pel_seed"),
        derandomize=config.getoption("pel_derandomize"),
        out=config.getoption("pel_out"),
        replay=f"pytest --pel-executor {wanted} --pel-case",
    )
    cases = config.getoption("pel_case")
    try:
        return case_tests(factory, cases, given) if cases else executor_tests(factory, given)
    except InputError as error:
        raise pytest.UsageError(f"--pel-case: {error}") from None


def _fork(config: pytest.Config) -> str | None:
    from pel_reference.errors import InputError  # noqa: PLC0415
    from pel_reference.fork_names import canonical_fork  # noqa: PLC0415
    from pel_reference.forks import rules_for  # noqa: PLC0415

    name = config.getoption("pel_fork")
    try:
        return None if name is None else rules_for(canonical_fork(name)).fork
    except InputError as error:
        raise pytest.UsageError(f"--pel-fork: {error.problem}") from None


def _factory(wanted: str) -> Callable[[], Any]:
    """What the option names."""
    name, colon, attribute = wanted.partition(":")
    if not (name and colon and attribute):
        raise pytest.UsageError(f"--pel-executor: {wanted!r} is not MODULE:FACTORY")
    try:
        found: Any = resolve_name(f"{name}:{attribute}")
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is loaded
        told = f"{wanted}: {type(error).__name__}: {error}"
        raise pytest.UsageError(f"--pel-executor: {told}") from None
    if not callable(found):
        raise pytest.UsageError(f"--pel-executor: {wanted} is not callable")
    factory: Callable[[], Any] = found
    return factory

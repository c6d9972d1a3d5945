"""Options of the commands that run clients: the command line, and how much a client may take."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pel_fuzz.cli.options import duration
from pel_fuzz.client.fixtures.fixture_run import FILE, parse_command
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.workloads.features import FEATURES

TOLD_EVERY_SECONDS = 10.0
"""How often long work says how far it is."""

Command = TypeVar("Command", bound=Callable[..., Any])

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMG])?", re.IGNORECASE)
_UNIT_BYTES = {None: 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def size(_context: object, _option: object, value: str) -> int:
    """A size such as `512M` or `4G`, in bytes.

    Raises: `click.BadParameter`.
    """
    match = _SIZE.fullmatch(value)
    amount = int(float(match[1]) * _UNIT_BYTES[match[2] and match[2].lower()]) if match else 0
    if amount == 0:
        raise click.BadParameter(f"{value!r} is not a size such as 512M or 4G")
    return amount


def fixture_command(_context: object, _option: object, value: str) -> tuple[str, ...]:
    """A command line with a place for the file of tests.

    Raises: `click.BadParameter`.
    """
    try:
        return parse_command(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def expression(_context: object, _option: object, value: str | None) -> "re.Pattern[str] | None":
    """A regular expression.

    Raises: `click.BadParameter`.
    """
    if value is None:
        return None
    try:
        return re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None


def feature_names(_context: object, _option: object, values: tuple[str, ...]) -> frozenset[str]:
    """Names of features that blocks can have.

    Raises: `click.BadParameter`.
    """
    for value in values:
        if value not in FEATURES:
            raise click.BadParameter(f"no feature is called {value!r} (pel fuzz --json names them)")
    return frozenset(values)


leave_out_option = click.option(
    "--leave-out",
    metavar="FEATURE",
    multiple=True,
    callback=feature_names,
    help="Blocks without this feature; can be given several times.",
)

fixture_command_option = click.option(
    "--command",
    required=True,
    metavar="CMD",
    callback=fixture_command,
    help=f"Runs the client on a file of tests, which {FILE} stands for; no shell.",
)

_LIMITS = (
    click.option(
        "--case-time",
        metavar="TIME",
        default="60s",
        show_default=True,
        callback=duration,
        help="How long the client may take for a file.",
    ),
    click.option(
        "--case-memory",
        metavar="SIZE",
        default="4G",
        show_default=True,
        callback=size,
        help="How much memory its processes may take together.",
    ),
)


def limit_options(command: Command) -> Command:
    """The options `case_time` and `case_memory`, from which `limits_of` makes limits."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


def limits_of(case_time: float, case_memory: int) -> Limits:
    """The limits of one case."""
    return Limits(seconds=case_time, memory_bytes=case_memory)

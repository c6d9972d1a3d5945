"""Options and arguments that several commands take, under the names that the ecosystem uses."""

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click
from click.core import ParameterSource

from pel_fuzz.campaign import planted
from pel_fuzz.inputs import GivenBlock, read_input
from pel_reference.blockchain_test import ChainTest
from pel_reference.errors import InputError, UnsupportedFork
from pel_reference.fork_names import canonical_fork
from pel_reference.forks import rules_for
from pel_reference.triple import DEFAULT_CHAIN_ID, read_block_files

Command = TypeVar("Command", bound=Callable[..., Any])

_TRIPLE = (
    click.option("--input.alloc", "alloc", metavar="FILE", help="State before the block."),
    click.option("--input.env", "env", metavar="FILE", help="The block's environment."),
    click.option("--input.txs", "txs", metavar="FILE", help="The transactions."),
    click.option("--state.fork", "fork", metavar="NAME", help="Fork of a block in three files."),
    click.option(
        "--state.chainid", "chain_id", type=int, default=DEFAULT_CHAIN_ID, show_default=True
    ),
    click.option("--state.reward", "reward", type=int, help="Miner's reward in wei, -1 for none."),
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
keep_going_option = click.option(
    "--keep-going", is_flag=True, help="Do not stop at the first difference."
)
out_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("findings"),
    show_default=True,
    help="Where found cases are kept.",
)


DEFAULT_SECONDS = 60.0
"""How long a campaign runs where nothing says when it ends."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNIT_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}


def duration(_context: object, _option: object, value: str | None) -> float | None:
    """A time such as `90`, `60s`, `5m` or `2h`, in seconds.

    Raises: `click.BadParameter`.
    """
    seconds = duration_or_none(_context, _option, value)
    if seconds == 0:
        raise click.BadParameter("must be longer than no time at all")
    return seconds


def duration_or_none(_context: object, _option: object, value: str | None) -> float | None:
    """As `duration`, but it may be no time at all.

    Raises: `click.BadParameter`.
    """
    if value is None:
        return None
    match = _DURATION.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not a time such as 60s, 5m or 2h")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def shard_of(_context: object, _option: object, value: str) -> tuple[int, int]:
    """`I/N`, the I-th of N shards, from 1; here from 0.

    Raises: `click.BadParameter`.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", value)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{value!r} is not a shard such as 3/8")
    return int(match[1]) - 1, int(match[2])


def fork_name(_context: object, _option: object, value: str | None) -> str | None:
    """The canonical name of a fork that the reference knows.

    Raises: `click.BadParameter`.
    """
    if value is None:
        return None
    try:
        return rules_for(canonical_fork(value)).fork
    except UnsupportedFork as error:
        raise click.BadParameter(error.problem) from None


seed_bug_option = click.option(
    "--seed-bug",
    metavar="NAME",
    callback=lambda _context, _option, name: _known_bug(name),
    help="Test-only: plant a known bug, which must be found.",
)


def bug_hint(name: str, names: Iterable[str]) -> str:
    """What else may have been meant, for people."""
    near = get_close_matches(name, names, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "docs/canaries.md lists them"


def _known_bug(name: str | None) -> str | None:
    try:
        with planted(name):
            return name
    except KeyError:
        from pel_fuzz.canaries.registry import BUGS  # noqa: PLC0415 - reached by the switch alone

        problem = f"no seeded bug is called {name!r}"
        raise click.BadParameter(f"{problem}; {bug_hint(name or '', BUGS)}") from None


def goes_only_with(mode: str, *options: str) -> None:
    """Refuse, for the command that runs, whatever was given beside `mode` and these options: it
    would be ignored in silence.

    Raises: `click.UsageError`, with all of it in one line.
    """
    context = click.get_current_context()
    given = [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name is not None
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    strange = [option for option in given if option not in (mode, *options)]
    if strange:
        raise click.UsageError(f"{mode} goes without {', '.join(strange)}")


def write_output(path: Path, write: Callable[[TextIO], None]) -> None:
    """Write a file that the user asked for.

    Raises: `InputError`, where it cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8") as stream:
            write(stream)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None


def make_folder(folder: Path) -> None:
    """Make a folder that the user asked for, if it is not there.

    Raises: `InputError`, where it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(folder), "", f"cannot be made: {error.strerror}") from None


def triple_options(command: Command) -> Command:
    """The options by which a block comes in three files, as a transition tool takes it."""
    for option in reversed(_TRIPLE):
        command = option(command)
    return command


def given_inputs(
    paths: tuple[str, ...],
    alloc: str | None,
    env: str | None,
    txs: str | None,
    fork: str | None,
    chain_id: int,
    reward: int | None,
) -> Iterator[GivenBlock | ChainTest]:
    """All blocks and tests that the command line names, each read when it is asked for.

    Raises: `click.UsageError`, at once; `InputError`, at the input that is bad.
    """
    three = (alloc, env, txs)
    if any(three) and not (all(three) and fork):
        raise click.UsageError(
            "three files go together: --input.alloc, --input.env, --input.txs, --state.fork"
        )
    if not paths and not any(three):
        raise click.UsageError("no block given: a file, or --input.alloc, --input.env, --input.txs")
    return _read_inputs(paths, alloc, env, txs, fork, chain_id, reward)


def _read_inputs(
    paths: tuple[str, ...],
    alloc: str | None,
    env: str | None,
    txs: str | None,
    fork: str | None,
    chain_id: int,
    reward: int | None,
) -> Iterator[GivenBlock | ChainTest]:
    for path in paths:
        given = read_input(path)
        yield from (given,) if isinstance(given, GivenBlock) else given
    if alloc and env and txs and fork:
        block = read_block_files(alloc, env, txs, fork, chain_id, reward)
        yield GivenBlock(txs, block, {})

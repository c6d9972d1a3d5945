"""`pel client check`: generated blocks for a client's own interface, its results compared."""

import re
import secrets
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from pel_fuzz.campaign import default_jobs
from pel_fuzz.cli.checking import Checking, Wanted, replay_case
from pel_fuzz.cli.client import client
from pel_fuzz.cli.client_ci import TRIES
from pel_fuzz.cli.client_options import expression, limit_options, limits_of
from pel_fuzz.cli.options import (
    DEFAULT_SECONDS,
    duration,
    duration_or_none,
    fork_name,
    json_option,
    keep_going_option,
    out_option,
    shard_of,
)
from pel_fuzz.cli.regression_options import CiOptions, ci_options
from pel_fuzz.client.checking.campaign import CheckPlan
from pel_fuzz.client.checking.examining import ClientSpec, Way
from pel_fuzz.client.running.failures import NoStart
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.workloads.features import FEATURES
from pel_reference.errors import InputError


def _fork_names(_context: object, _option: object, values: tuple[str, ...]) -> dict[str, str]:
    """`OURS=THEIRS`, by our canonical names."""
    names = {}
    for value in values:
        ours, separator, theirs = value.partition("=")
        if not (ours and separator and theirs):
            raise click.BadParameter(f"{value!r} is not OURS=THEIRS, such as Paris=Merge")
        canonical = fork_name(None, None, ours)
        assert canonical is not None
        names[canonical] = theirs
    return names


def _features(_context: object, _option: object, values: tuple[str, ...]) -> frozenset[str]:
    unknown = [value for value in values if value not in FEATURES]
    if unknown:
        raise click.BadParameter(
            f"no feature is called {unknown[0]!r} (pel fuzz --json names them)"
        )
    return frozenset(values)


def _spec(
    command: str | None,
    server: str | None,
    url: str | None,
    fork_names: dict[str, str],
    limits: Limits,
) -> ClientSpec:
    """Raises: `click.UsageError`, unless one way is given."""
    ways: tuple[tuple[Way, str | None], ...] = (
        ("command", command),
        ("server", server),
        ("url", url),
    )
    given = [(way, text) for way, text in ways if text is not None]
    if len(given) != 1:
        raise click.UsageError("give one of --command, --server and --url")
    way, text = given[0]
    return ClientSpec(way, text, fork_names, limits)


def _with_spec(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """The command gets the options that say how the client is asked as one argument, `spec`."""

    @wraps(command)
    def wrapped(
        command: str | None,
        server: str | None,
        url: str | None,
        fork_names: dict[str, str],
        case_time: float,
        case_memory: int,
        **options: Any,
    ) -> ExitCode:
        spec = _spec(command, server, url, fork_names, limits_of(case_time, case_memory))
        return run(spec=spec, **options)

    run = command
    return wrapped


def _check_usage(
    spec: ClientSpec,
    proof: "re.Pattern[str] | None",
    max_cases: int | None,
    ci: CiOptions,
    replay: str | None,
) -> None:
    """Raises: `click.UsageError`, for options that do not go together."""
    if proof is not None and spec.way == "url":
        raise click.UsageError("--parallel-proof: what a server at --url writes cannot be seen")
    if max_cases == 0 and ci.is_empty:
        raise click.UsageError("--max-cases 0 goes with --corpus or --known")
    if replay is not None and (ci.junit is not None or not ci.is_empty):
        raise click.UsageError("--replay goes without --corpus, --known and --junit")


@client.command("check")
@click.option("--command", metavar="CMD", help="A transition tool, run for each block; no shell.")
@click.option("--server", metavar="CMD", help="Starts a server at {socket} or {port}; no shell.")
@click.option("--url", metavar="URL", help="A server that runs already.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Drawn and printed if not given.")
@click.option(
    "--max-time", metavar="TIME", callback=duration, help="Stop after this long: 60s, 2h."
)
@click.option(
    "--max-cases",
    type=click.IntRange(min=0),
    help="Stop after this many drawn blocks; 0, with --corpus or --known: draw none.",
)
@click.option("--fork", metavar="NAME", callback=fork_name, help="Blocks of this fork only.")
@click.option(
    "--fork-name",
    "fork_names",
    metavar="OURS=THEIRS",
    multiple=True,
    callback=_fork_names,
    help="What the client calls a fork; can be given for each.",
)
@click.option("--shard", metavar="I/N", callback=shard_of, default="1/1", help="One of N shards.")
@click.option("--start", type=click.IntRange(0, 2**63), default=0, help="Resume at this index.")
@click.option("--jobs", type=click.IntRange(min=1), help="Clients at once (default: one a core).")
@click.option(
    "--small", is_flag=True, help="Blocks without the least sizes that keep clients parallel."
)
@click.option(
    "--leave-out",
    metavar="FEATURE",
    multiple=True,
    callback=_features,
    help="Blocks without this feature; can be given several times.",
)
@click.option(
    "--parallel-proof",
    metavar="REGEX",
    callback=expression,
    help="What stands in the client's output where it ran in parallel.",
)
@limit_options
@keep_going_option
@out_option
@click.option(
    "--shrink-time",
    metavar="TIME",
    callback=duration_or_none,
    help="How long one finding may be shrunk: 60s if not given, 0 for not at all; never much "
    "longer than --max-time.",
)
@click.option("--replay", type=click.Path(dir_okay=False), help="Ask for this kept case instead.")
@click.option(
    "--tries",
    type=click.IntRange(1, 10_000),
    default=TRIES,
    show_default=True,
    help="With --replay: how often, until it shows its difference.",
)
@ci_options
@json_option
@_with_spec
def check(
    spec: ClientSpec,
    seed: int | None,
    max_time: float | None,
    max_cases: int | None,
    fork: str | None,
    shard: tuple[int, int],
    start: int,
    jobs: int | None,
    small: bool,
    leave_out: frozenset[str],
    parallel_proof: "re.Pattern[str] | None",
    keep_going: bool,
    out: Path,
    shrink_time: float | None,
    replay: str | None,
    tries: int,
    ci: CiOptions,
    as_json: bool,
) -> ExitCode:
    """Ask a client for generated blocks by its own interface, and compare with the reference.

    A transition tool takes the options of `evm t8n`; they are put behind CMD, unless it has one of
    our placeholders. docs/client-check.md tells all. Without --max-time or --max-cases it runs for
    a minute.
    """
    begin = time.monotonic()
    _check_usage(spec, parallel_proof, max_cases, ci, replay)
    try:
        if replay is not None:
            return replay_case(spec, replay, tries, as_json)
        plan = CheckPlan(
            seed=secrets.randbits(32) if seed is None else seed,
            client=spec,
            max_cases=max_cases,
            max_seconds=DEFAULT_SECONDS if max_time is max_cases is None else max_time,
            fork=fork,
            shard=shard[0],
            of=shard[1],
            start=start,
            jobs=jobs or (1 if spec.way == "url" else default_jobs()),
            small=small,
            leave_out=leave_out,
            proof=None if parallel_proof is None else parallel_proof.pattern,
        )
        wanted = Wanted(begin, out, keep_going, shrink_time)
        return Checking(plan, wanted, ci).carry_out(as_json)
    except NoStart as failure:
        raise InputError(failure.command, "", failure.problem) from None

"""`pel run`: one executor on one block, as a transition tool would print it."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import given_inputs, json_option, triple_options, write_output
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.history_jsonl import write_history
from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, write_trace
from pel_fuzz.inputs import GivenBlock
from pel_parallel.executor import run_block as run_optimistic
from pel_parallel.sync import RecordingRuntime, ThreadRuntime
from pel_reference.block import Block, BlockResult
from pel_reference.eels import run_block_eels
from pel_reference.errors import InputError, InvalidBlock, UnsupportedFork
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.t8n_result import dump_transition
from pel_reference.transitions import compile_block
from pel_spec.fold import fold
from pel_spec.history import History
from pel_spec.sync import Step

EXECUTORS = ("reference", "optimistic", "fold", "eels")


@dataclass(frozen=True, slots=True)
class Executed:
    """A block's result, with its history and its steps where the executor has them."""

    result: BlockResult
    history: History | None = None
    trace: tuple[Step, ...] | None = None


def execute(block: Block, executor: str, workers: int, *, traced: bool = False) -> Executed:
    """The block, by the executor of that name; `traced`: with its steps.

    Raises: `InvalidBlock`; `FailedRun` where an internal error survived.
    """
    if executor == "reference":
        return Executed(run_block(block))
    if executor == "eels":
        return Executed(run_block_eels(block))
    compiled = compile_block(block)
    if executor == "fold":
        result, history = fold(compiled)
        return Executed(settle(compiled, result), history)
    runtime = RecordingRuntime() if traced else ThreadRuntime()
    run = run_optimistic(compiled, workers=workers, runtime=runtime)
    return Executed(settle(compiled, run.result), run.history, run.trace)


@app.command("run")
@click.argument("block", required=False, type=click.Path(dir_okay=False))
@triple_options
@click.option("--executor", type=click.Choice(EXECUTORS), default="reference", show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=4, help="For the optimistic one.")
@click.option(
    "--history",
    "history_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the history of the fold or the optimistic run here, for pel check.",
)
@click.option(
    "--trace",
    "trace_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the steps of the optimistic run here, for pel check --trace.",
)
@json_option
def run(
    block: str | None,
    executor: str,
    workers: int,
    history_file: Path | None,
    trace_file: Path | None,
    as_json: bool,
    **triple: Any,
) -> ExitCode:
    """Execute BLOCK (a transition-tool triple) and print its result and post-state.

    The shape is that of a transition tool's `result` and `alloc`. Rejected transactions are
    listed there, and the block goes on. With --json nothing else is printed.
    """
    given = next(given_inputs((block,) if block else (), **triple))
    if history_file is not None and executor not in ("fold", "optimistic"):
        raise click.UsageError("--history goes with --executor fold or optimistic")
    if trace_file is not None and executor != "optimistic":
        raise click.UsageError("--trace goes with --executor optimistic")
    if not isinstance(given, GivenBlock):
        raise InputError(str(block), "", "a blockchain_test: use pel diff for it")
    try:
        done = execute(given.block, executor, workers, traced=trace_file is not None)
    except UnsupportedFork as unsupported:
        raise InputError(given.name, "fork", unsupported.problem) from None
    except InvalidBlock as invalid:
        raise InputError(given.name, "", f"no such block is valid: {invalid.reason}") from None
    if done.history is not None and history_file is not None:
        write_output(history_file, partial(write_history, history=done.history))
    if done.trace is not None and done.history is not None and trace_file is not None:
        trace = Trace(workers, done.history.transitions, LineOrder.TAKEN, done.trace)
        write_output(trace_file, partial(write_trace, trace=trace))
    click.echo(json.dumps(dump_transition(given.block, done.result), indent=None if as_json else 2))
    unmet = list(given.unmet(done.result))
    for name, wanted, got in unmet:
        click.echo(f"pel: {given.name}: expected {name} {_hex(wanted)}, got {_hex(got)}", err=True)
    return ExitCode.DIFFER if unmet else ExitCode.AGREE


def _hex(value: object) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return hex(value) if isinstance(value, int) else str(value)

"""`pel convert`: a block dumped from a node becomes a block file of ours."""

import json
from pathlib import Path

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.options import write_output
from pel_fuzz.exit_codes import ExitCode
from pel_reference.json_input import read_json_file
from pel_reference.node_dump import block_from_node
from pel_reference.triple import dump_triple


@app.command("convert")
@click.argument("block", type=click.Path(dir_okay=False))
@click.argument("prestates", type=click.Path(dir_okay=False))
@click.option("--state.fork", "fork", metavar="NAME", help="The fork, for chains but mainnet.")
@click.option("--state.chainid", "chain_id", type=int, help="The chain, where no transaction says.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
def convert(
    block: str, prestates: str, fork: str | None, chain_id: int | None, output: Path | None
) -> ExitCode:
    """Make a block file of what a node says about a block.

    BLOCK holds the answer to eth_getBlockByNumber (with full transactions), PRESTATES that to
    debug_traceBlockByNumber with the prestate tracer. What the header expects is kept beside the
    block, so `pel diff` and `pel run` check it.
    """
    dumped = block_from_node(read_json_file(block), read_json_file(prestates), fork, chain_id)
    text = json.dumps(dump_triple(dumped.block) | {"expected": dict(dumped.expected)}, indent=1)
    if output is None:
        click.echo(text)
    else:
        write_output(output, lambda stream: print(text, file=stream))
    return ExitCode.AGREE

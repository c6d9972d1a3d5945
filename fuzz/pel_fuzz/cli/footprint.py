"""`pel footprint`: does a transition depend on anything that it did not record as read?"""

import json

import click

from pel_fuzz.cli.app import app
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.inputs import parts_of, read_input
from pel_reference.errors import InvalidBlock, UnsupportedFork
from pel_reference.footprint import check_footprint
from pel_reference.transitions import compile_block


@app.command("footprint")
@click.argument("block", type=click.Path(dir_okay=False))
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of the scrambling.")
@click.option("--json", "as_json", is_flag=True, help="Print the violations as JSON.")
def footprint(block: str, seed: int, as_json: bool) -> ExitCode:
    """Test the proof's only assumption on the EVM, on each transition of BLOCK.

    Every location outside a transition's recorded reads is scrambled, and the transition run
    again: its reads, writes, gas and logs must be the same.
    """
    checked, violations, left_out = 0, [], []
    for name, part in parts_of(read_input(block)):
        try:
            for each in part:
                checked += len(compile_block(each).transitions)
                violations += [(name, violation) for violation in check_footprint(each, seed)]
        except UnsupportedFork as unsupported:
            left_out.append((name, unsupported.problem))
        except InvalidBlock as invalid:
            left_out.append((name, invalid.reason))
    if as_json:
        told = {
            "transitions": checked,
            "violations": [{"block": n, "violation": str(v)} for n, v in violations],
            "left_out": [{"block": name, "why": why} for name, why in left_out],
        }
        click.echo(json.dumps(told, indent=2))
    else:
        for name, found in violations + [(n, f"left out: {why}") for n, why in left_out]:
            click.echo(f"{name}: {found}")
        click.echo(f"{checked} transitions, {len(violations)} depend on more than they record")
    if violations:
        return ExitCode.DIFFER
    return ExitCode.INCONCLUSIVE if left_out or checked == 0 else ExitCode.AGREE

"""`pel footprint`: does a transition depend on anything that it did not record as read?"""

import json

import click

from pel_fuzz.cli.app import app
from pel_fuzz.inputs import blocks_of, read_input
from pel_reference.footprint import check_footprint
from pel_reference.transitions import compile_block
from pel_spec.exit_codes import ExitCode


@app.command("footprint")
@click.argument("block", type=click.Path(dir_okay=False))
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of the scrambling.")
@click.option("--json", "as_json", is_flag=True, help="Print the violations as JSON.")
def footprint(block: str, seed: int, as_json: bool) -> ExitCode:
    """Test the proof's only assumption on the EVM, on each transition of BLOCK.

    Every location outside a transition's recorded reads is scrambled, and the transition run
    again: its reads, writes, gas and logs must be the same.
    """
    checked, violations = 0, []
    for name, each in blocks_of(read_input(block)):
        checked += len(compile_block(each).transitions)
        violations += [(name, violation) for violation in check_footprint(each, seed)]
    if as_json:
        told = [{"block": name, "violation": str(violation)} for name, violation in violations]
        click.echo(json.dumps({"transitions": checked, "violations": told}, indent=2))
    else:
        for name, violation in violations:
            click.echo(f"{name}: {violation}")
        click.echo(f"{checked} transitions, {len(violations)} depend on more than they record")
    if checked == 0:
        return ExitCode.INCONCLUSIVE
    return ExitCode.DIFFER if violations else ExitCode.AGREE

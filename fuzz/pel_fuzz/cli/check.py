"""`pel check`: is a history serializable, in the preset order, and if not, why?"""

import json
from dataclasses import dataclass
from typing import Any

import click

from pel_fuzz.cli.app import app
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.history_jsonl import read_history
from pel_proof.history_search import Inconclusive, Refutation, search
from pel_spec.anomalies import Witness
from pel_spec.history import History
from pel_spec.serializability import OrderUnknown, check_preset, check_serializable


@dataclass(frozen=True, slots=True)
class HistoryVerdict:
    """What the specification says of one history, in both forms."""

    preset: Witness | None
    some_order: Witness | Refutation | Inconclusive | None

    @property
    def exit_code(self) -> ExitCode:
        """The preset order is what a block needs, so it decides."""
        return ExitCode.AGREE if self.preset is None else ExitCode.DIFFER

    def to_json(self) -> dict[str, Any]:
        """The verdict as `--json` prints it."""
        return {
            "verdict": self.exit_code.name.lower(),
            "preset_order": _witness_json(self.preset),
            "some_order": _witness_json(self.some_order),
        }


def judge_history(history: History) -> HistoryVerdict:
    """Both forms of the check; where versions are not ordered, by search."""
    preset = check_preset(history)
    if preset is None:
        return HistoryVerdict(None, None)  # the preset order is some order
    try:
        return HistoryVerdict(preset, check_serializable(history))
    except OrderUnknown:
        return HistoryVerdict(preset, search(history))


def _witness_json(found: Witness | Refutation | Inconclusive | None) -> dict[str, Any]:
    if found is None:
        return {"holds": True}
    if isinstance(found, Inconclusive):
        return {"holds": None, "reason": found.reason}
    return {"holds": False, "anomaly": str(found.anomaly), "words": found.explain()}


@app.command("check")
@click.argument("history", type=click.Path(dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def check(history: str, as_json: bool) -> ExitCode:
    """Check the recorded HISTORY (JSON lines, docs/formats/history.md) against the specification.

    Two verdicts: equivalent to the preset order, which is what a block needs and what the exit
    code says; and serializable in some order.
    """
    verdict = judge_history(read_history(history))
    if as_json:
        click.echo(json.dumps(verdict.to_json(), indent=2))
        return verdict.exit_code
    for name, told in list(verdict.to_json().items())[1:]:
        answer = {True: "yes", False: "no", None: "inconclusive"}[told["holds"]]
        click.echo(f"{name.replace('_', ' ')}: {answer}")
        detail = told.get("words") or told.get("reason")
        if detail:
            click.echo(detail)
    return verdict.exit_code

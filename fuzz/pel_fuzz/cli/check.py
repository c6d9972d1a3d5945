"""`pel check`: what the specification says of a recorded history, or of the trace of a run."""

import json
from dataclasses import dataclass
from typing import Any

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.check_trace import check_trace_file
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
@click.argument("history", required=False, type=click.Path(dir_okay=False))
@click.option("--trace", metavar="FILE", type=click.Path(dir_okay=False), help="Check a trace.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def check(history: str | None, trace: str | None, as_json: bool) -> ExitCode:
    """Check a recorded HISTORY, or with --trace the steps of a run, against the specification.

    Of a history (docs/formats/history.md) two verdicts: equivalent to the preset order, which is
    what a block needs and what the exit code says; and serializable in some order.

    A trace (docs/formats/trace.md) is held against the machine that its header names in `rules`:
    the abstract one (`optimistic`), or our own scheduler's (`block-stm`). It conforms, violates
    (the first step that is not allowed is named), or the check is inconclusive, with the reason.
    """
    if (history is None) == (trace is None):
        raise click.UsageError("give one file: a HISTORY, or a trace with --trace FILE")
    if trace is not None:
        return check_trace_file(trace, as_json)
    assert history is not None
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

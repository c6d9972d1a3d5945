"""`pel check`: what the specification says of a recorded history, or of the trace of a run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from pel_fuzz.cli.app import app
from pel_fuzz.cli.check_trace import check_trace_file, trace_exit_code, trace_lines
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
    """Check a recorded HISTORY, and with --trace the steps of a run, against the specification.

    Of a history (docs/formats/history.md) two verdicts: equivalent to the preset order, which is
    what a block needs and what the exit code says; and serializable in some order.

    A trace (docs/formats/trace.md) is held against the machine that its header names in `rules`:
    the abstract one (`optimistic`), or our own scheduler's (`block-stm`). It conforms, violates
    (the first step that is not allowed is named), or the check is inconclusive, with the reason.

    Of both together, the exit code is 1 if either is violated, else 3 if the trace is inconclusive.
    """
    if history is None and trace is None:
        raise click.UsageError("give a file: a HISTORY, or a trace with --trace FILE, or both")
    verdict = None if history is None else judge_history(read_history(history))
    steps = None if trace is None else check_trace_file(trace)
    codes = [] if verdict is None else [verdict.exit_code]
    codes += [] if steps is None else [trace_exit_code(steps)]
    code = ExitCode.DIFFER if ExitCode.DIFFER in codes else max(codes)
    if as_json:
        click.echo(json.dumps(_to_json(verdict, steps, code), indent=2))
        return code
    for line in () if verdict is None else _lines(verdict):
        click.echo(line)
    if steps is not None:
        told = trace_lines(steps)
        click.echo(next(told) if verdict is None else f"steps: {next(told)}")
        for line in told:
            click.echo(line)
    return code


def _to_json(
    verdict: HistoryVerdict | None, steps: dict[str, Any] | None, code: ExitCode
) -> dict[str, Any]:
    """The one that was asked for; of both, each under its name."""
    if verdict is not None and steps is not None:
        return {"verdict": code.name.lower(), "history": verdict.to_json(), "trace": steps}
    if steps is not None:
        return steps
    assert verdict is not None
    return verdict.to_json()


def _lines(verdict: HistoryVerdict) -> Iterator[str]:
    """The verdict on a history, for people."""
    for name, told in list(verdict.to_json().items())[1:]:
        answer = {True: "yes", False: "no", None: "inconclusive"}[told["holds"]]
        yield f"{name.replace('_', ' ')}: {answer}"
        detail = told.get("words") or told.get("reason")
        if detail:
            yield detail

"""What is wrong with a run that an executor in another language made: as a `Difference`."""

from collections.abc import Sequence

from pel_fuzz.drive.driver import Taken
from pel_fuzz.drive.failures import ClientFailure, quoted
from pel_fuzz.drive.messages import IDLE, Answer
from pel_fuzz.explain import MISSING, place_name
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle, printable, shorten
from pel_parallel.errors import ExecutionError
from pel_spec.anomalies import Witness
from pel_spec.fold import Result
from pel_spec.serializability import check_preset

LAST_STEPS = 8
"""Steps that are told of a run that got stuck: the last ones that were more than a look."""


def result_difference(block: TinyBlock, expected: Result, got: Answer) -> Difference | None:
    """The first difference from the fold: an outcome, else a final value, else in the history."""
    witness = check_preset(got.history) if got.history is not None else None
    found = _outcome_difference(expected, got) or _value_difference(block, expected, got)
    if found is None and witness is None:
        return None
    kind, field, right, wrong, position = found or (
        *("history", "history", "equivalent to the preset order", "not equivalent"),
        None,
    )
    return Difference(
        Oracle.HISTORY if found is None else Oracle.RESULT,
        *(kind, field, right, wrong),
        position,
        position,
        anomaly=None if witness is None else witness.anomaly,
        words=_words(witness),
    )


def stuck_difference(stuck: ExecutionError, story: Sequence[Taken]) -> Difference:
    """A run that does not end: decided by counting its steps, never by a clock."""
    kind = type(stuck).__name__.lower()
    changing = [taken for taken in story if not taken.what.look and taken.what.step != IDLE]
    words = "\n".join(("the last steps that were more than a look:", *_last(changing)))
    return Difference(
        Oracle.LIVENESS, kind, kind, "the block ends", shorten(stuck, 2000), words=words
    )


def client_difference(failure: ClientFailure, story: Sequence[Taken]) -> Difference:
    """An executor that did not do its part; where that is no verdict, its oracle says so."""
    oracle = Oracle.FAULT if failure.is_verdict else Oracle.CLIENT
    after = f"after {told(story[-1])}" if story else "before any step"
    words = "\n".join(filter(None, (after, quoted(failure.errors))))
    return Difference(
        oracle, failure.kind, "the executor", "a result", failure.problem, words=words
    )


def _last(story: Sequence[Taken]) -> list[str]:
    return [told(taken) for taken in story[-LAST_STEPS:]]


def told(taken: Taken) -> str:
    """A step, for people."""
    own, what = taken
    place = f" of {'/'.join(map(str, what.object))}" if what.object else ""
    args = f" {list(what.args)}" if what.args else ""
    blocked = ": blocked" if what.blocked else ""
    return f"worker {what.worker}, step {own}: {what.step}{place}{args}{blocked}"


_Found = tuple[str, str, str, str, int | None]


def _outcome_difference(expected: Result, got: Answer) -> _Found | None:
    for position, (effects, outcome) in enumerate(zip(expected.effects, got.outcomes, strict=True)):
        right = ("fault", effects.fault) if effects.fault is not None else effects.outcome
        if right == outcome:
            continue
        kind = "fault" if outcome[0] == "fault" else "outcome"
        return kind, kind, shorten(right), shorten(outcome), position
    return None


def _value_difference(block: TinyBlock, expected: Result, got: Answer) -> _Found | None:
    for location, value in got.values.items():
        found = expected.memory.get(location)
        right = block.initial(location) if found is None else found[0]
        if right != value:
            kind, field = f"memory.{location[0]}", f"final {place_name(location)}"
            return kind, field, _shown(right), _shown(value), None
    return None


def _shown(value: object) -> str:
    return MISSING if value is None else shorten(value)


def _words(witness: Witness | None) -> str:
    return "" if witness is None else printable(witness.explain())

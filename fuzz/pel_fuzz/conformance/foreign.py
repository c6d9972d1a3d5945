"""Foreign traces, judged: is what an executor in another language did a run of the abstract machine
(`pel_spec.optimistic`)?

*Violates* is said only where no order that the trace leaves open is a run; *conforms*, only where
one is, in which everything is committed, and where what is committed does not depend on which it
is. Whatever is between the two is *inconclusive*, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pel_fuzz.conformance.foreign_machine import Machine, Performed
from pel_fuzz.conformance.foreign_search import SEARCH_STEPS, Walk, search
from pel_fuzz.conformance.foreign_trace import Action, Event, ForeignTrace
from pel_fuzz.conformance.foreign_words import first_refusal, place_told, state_json, told


class Verdict(StrEnum):
    """What is said of a trace."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why nothing can be said."""

    BUDGET = "search budget exhausted"
    MISSING = "events missing"
    ORDER = "order unknown"


@dataclass(frozen=True, slots=True)
class ForeignVerdict:
    """What is said of a foreign trace, and why.

    `event` is the first step that is not allowed, `state` the abstract state there. `inferred`
    counts what the client has not logged. `performed`: the actions of the text, in an order in
    which they can have happened, as far as they are allowed.
    """

    verdict: Verdict
    steps: int
    committed: int
    transitions: int
    inferred: Mapping[str, int]
    reason: Reason | None = None
    words: str = ""
    event: Event | None = None
    state: Mapping[str, Any] | None = None
    performed: tuple[Performed, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """The verdict as `--json` prints it."""
        event = self.event
        return {
            "verdict": str(self.verdict),
            "rules": "optimistic",
            "steps": self.steps,
            "committed": self.committed,
            "transitions": self.transitions,
            "inferred": dict(self.inferred),
            "reason": None if self.reason is None else str(self.reason),
            "words": self.words,
            "line": None if event is None else event.line,
            "worker": None if event is None else event.worker,
            "action": None if event is None else str(event.action),
            "state": self.state,
        }


def check_foreign_trace(trace: ForeignTrace, budget: int = SEARCH_STEPS) -> ForeignVerdict:
    """The verdict on a foreign trace; `budget` bounds the steps of all orders but the first."""
    found = search(trace, budget)
    walk = found.walk
    if walk.finished or (Action.PUBLISH not in trace.logs and trace.transitions):
        reason, words = _gap(trace, walk) or (None, "")
        verdict = Verdict.CONFORMS if reason is None else Verdict.INCONCLUSIVE
        return _verdict(verdict, trace, walk, reason, words)
    event, words, position = first_refusal(walk)
    state = state_json(walk.machine, position)
    if found.exhausted:
        return _verdict(Verdict.VIOLATES, trace, walk, None, words, event, state)
    words = f"no order was found; in the first that was tried, {words}"
    return _verdict(Verdict.INCONCLUSIVE, trace, walk, Reason.BUDGET, words, event, state)


def _verdict(
    verdict: Verdict,
    trace: ForeignTrace,
    walk: Walk,
    reason: Reason | None,
    words: str,
    event: Event | None = None,
    state: Mapping[str, Any] | None = None,
) -> ForeignVerdict:
    machine = walk.machine
    return ForeignVerdict(
        verdict=verdict,
        steps=len(trace.events),
        committed=machine.text.committed,
        transitions=trace.transitions,
        inferred={str(what): count for what, count in sorted(machine.inferred.items()) if count},
        reason=reason,
        words=words,
        event=event,
        state=state,
        performed=tuple(machine.performed),
    )


def _gap(trace: ForeignTrace, walk: Walk) -> tuple[Reason, str] | None:
    """What keeps a trace from conforming, all of whose steps are allowed."""
    for action in (Action.READ, Action.PUBLISH):
        if trace.transitions and action not in trace.logs:
            words = f"no {action} is logged; if there was none, the header must list it in logs"
            return Reason.MISSING, words
    if walk.machine.text.committed < trace.transitions:
        return Reason.MISSING, _uncommitted(walk.machine)
    if walk.unsure is not None:
        read, abort = walk.unsure
        words = (
            f"{told(read)} (line {read.line}) and {told(abort)} (line {abort.line}), and which came"
            f" first is not said: so whether the read of {place_told(read.location or ())} counts"
        )
        return Reason.ORDER, words
    return None


def _uncommitted(machine: Machine) -> str:
    text = machine.text
    first, last = text.committed, machine.transitions - 1
    which = f"position {first} is" if first == last else f"positions {first} to {last} are"
    published = text.published[first]
    standing = "not published" if published < 0 else f"published as incarnation {published}"
    return f"{which} not committed at the end of the trace; position {first} is {standing} there"

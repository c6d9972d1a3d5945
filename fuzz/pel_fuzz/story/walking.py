"""A watched run step by step: who takes it, what it is, and the state that matters after it."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import wrap
from typing import NamedTuple

from pel_fuzz.conformance.violation import in_words
from pel_fuzz.story.culprit import marks_of
from pel_fuzz.story.layout import WIDTH
from pel_fuzz.story.watched import Name, Watched
from pel_fuzz.story.words import Words
from pel_proof.finite.picture import name_of
from pel_spec.sync import Step

NUMBERS = ("exec_idx", "val_idx", "num_active", "dec_cnt", "done")
"""The shared objects of which there is one, as they are shown after each step."""


class Walked(NamedTuple):
    """One step for the eye. `switches`: another worker took the one before it."""

    lines: tuple[str, ...]
    switches: bool


def walk(watched: Watched) -> Iterator[Walked]:
    """The steps of a run, in the order in which they were taken."""
    words, marks = Words(watched), marks_of(watched)
    state = _first_state(watched)
    last: Step | None = None
    for number, step in enumerate(watched.steps):
        changed = watched.after.get((step.worker, step.own), {})
        state.update(changed)
        switches = last is not None and last.worker != step.worker
        lines = [_switch(watched, last, step)] if switches and last is not None else []
        lines.append(_headline(number, step, watched))
        lines += _told(words.say(step).words, marks.get(number, ""))
        lines += _state(watched, state, changed)
        yield Walked(tuple(lines), switches)
        last = step


def _first_state(watched: Watched) -> dict[Name, str]:
    state: dict[Name, str] = {(name,): "0" for name in NUMBERS}
    state["done",] = "no"
    positions = range(len(watched.block.transitions))
    return state | {("status", position): "ready 0" for position in positions}


def _switch(watched: Watched, last: Step, step: Step) -> str:
    preempted = (last.worker, last.own + 1) in watched.preempted
    why = f" (preemption: worker {last.worker} could have gone on)" if preempted else ""
    return f"-- switch to worker {step.worker}{why} ".ljust(WIDTH, "-")


def _headline(number: int, step: Step, watched: Watched) -> str:
    about = f" {in_words(step.args)}" if step.args else ""
    seen = "" if step.observed is None else f": {in_words(step.observed)}"
    which = f"step {number} of {len(watched.steps)}, worker {step.worker}"
    return f"{which}: {step.action}{about} on {in_words(step.object)}{seen}"


def _told(words: str, mark: str) -> Iterator[str]:
    yield from _indented(words)
    if mark:
        yield from _indented(f"<== {mark}")


def _state(
    watched: Watched, state: Mapping[Name, str], changed: Mapping[Name, str]
) -> Iterator[str]:
    numbers = ", ".join(f"{name} {state[name,]}" for name in NUMBERS)
    yield from _indented(f"{numbers}; {_statuses(watched, state)}")
    for name, now in changed.items():
        if name[0] not in (*NUMBERS, "status", "worker"):
            which = name[1] if name[0] == "cell" else name
            yield from _indented(f"{name_of(which)}: {now}")


def _statuses(watched: Watched, state: Mapping[Name, str]) -> str:
    """Neighbours of the same status together."""
    positions = range(len(watched.block.transitions))
    told = []
    for status, group in groupby(positions, key=lambda position: state["status", position]):
        same = list(group)
        which = str(same[0]) if len(same) == 1 else f"{same[0]} to {same[-1]}"
        told.append(f"{which} {status}")
    return f"status {', '.join(told) or 'of nothing'}"


def _indented(text: str) -> list[str]:
    lines = wrap(text, WIDTH - 6, subsequent_indent="  ", break_on_hyphens=False)
    return [f"      {line}" for line in lines]

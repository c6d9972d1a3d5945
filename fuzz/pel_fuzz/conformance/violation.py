"""What does not conform: the first step that the text does not allow, with the state there."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Final, NamedTuple

from pel_fuzz.verdict import shorten
from pel_proof.finite.picture import name_of, picture, standing
from pel_spec.kernel import BEFORE, Disabled
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm
from pel_spec.sync import Step

LONGEST: Final = 240
"""Characters of one piece of data in words."""


class Kind(StrEnum):
    """What is wrong."""

    UNKNOWN = "unknown action"
    """The text has no action of that name."""
    UNREADABLE = "unreadable"
    """The step does not say what a step of its action has to say."""
    NOT_ENABLED = "not enabled"
    """The action cannot be taken in this state."""
    OBSERVED = "observed differs"
    """It can, but gives something else."""
    ABOUT = "about something else"
    """It can, but touches another object, or is about another position or incarnation."""
    INVARIANT = "invariant broken"
    """A state is reached in which an invariant does not hold."""
    WAITS = "waits in vain"
    """All steps are allowed, and so is the one that a worker waits for when nobody can go on."""
    END = "end state differs"
    """All steps are allowed, but the run has not ended, or not as it says itself."""


class Problem(NamedTuple):
    """What is wrong, in words."""

    kind: Kind
    words: str


@dataclass(frozen=True, slots=True)
class Violation:
    """Step `index` of `steps` does not conform. `state` is the one before it; where an invariant
    is broken, the one after it. At the end there is no step."""

    index: int
    steps: int
    step: Step | None
    problem: Problem
    state: BlockStm

    @property
    def kind(self) -> Kind:
        """What is wrong."""
        return self.problem.kind

    @property
    def place(self) -> str:
        """Where: the step, who took it, and what it was."""
        if self.step is None:
            return f"at the end of {self.steps} steps"
        _, _, action, args, obj, _, _ = self.step
        about = f" {in_words(args)}" if args else ""
        where = f"step {self.index} of {self.steps}, worker {self.step.worker}"
        return f"{where}: {action}{about} on {in_words(obj)}"

    def headline(self) -> str:
        """What and where, and what would have been allowed instead."""
        lines = [f"{self.place}: {self.kind}", self.problem.words]
        if self.step is not None and self.kind is Kind.NOT_ENABLED:
            allowed = ", ".join(enabled_actions(self.state, self.step.worker)) or "nothing"
            lines.append(f"{standing(self.state, self.step.worker)}; here it may do: {allowed}")
        return "\n".join(filter(None, lines))

    def explain(self) -> str:
        """The violation for people, with a picture of the state."""
        return f"{self.headline()}\n{picture(self.state)}"


def in_words(data: Any) -> str:
    """Data of a trace as its file has it, bytes as hex; write sets of thousands are cut off."""
    if isinstance(data, tuple):
        return shorten(f"[{', '.join(map(in_words, data))}]", LONGEST)
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    return name_of(data)


def enabled_actions(state: BlockStm, worker: int) -> Iterator[str]:
    """The actions that `worker` can take in `state`, whatever their other arguments."""
    domains = {"x": state.locations, "k": range(BEFORE, state.n), "writes": (frozenset(),)}
    trial = state.copy()
    for name, action in ACTIONS.items():
        parameters = list(inspect.signature(action).parameters)[2:]
        for arguments in product(*(domains[p] for p in parameters)):
            try:
                action(trial, worker, *arguments)
            except Disabled:
                continue
            yield name
            trial = state.copy()
            break

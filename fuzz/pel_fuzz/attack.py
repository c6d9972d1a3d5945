"""Attacks from the proof: a bad run of the scheduler's text becomes a case of the executor.

The text with a seeded bug is run on small blocks until a run goes wrong (`pel_proof.runs.badrun`).
The executor with the same bug follows that run (`following`). If it goes wrong too (by its result
or its end: a step that the specification does not allow is not enough), the run is made short for
as long as it does, and its block and schedule are the attack. The healthy executor passes on them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.examine import examine
from pel_fuzz.executors import step_limit
from pel_fuzz.following import Followed, follow, moves_of
from pel_fuzz.interleavings import Switches
from pel_fuzz.text_runs import search_bad_run, smaller, text_with, without_commits
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_parallel.errors import StepLimit
from pel_proof.bugs import BUGS
from pel_proof.runs.badrun import MOST_STEPS, BadRun, shorten
from pel_proof.runs.interpreter import Outcome
from pel_spec.fold import agree, fold

HARM: Final = frozenset((Oracle.RESULT, Oracle.HISTORY, Oracle.LIVENESS, Oracle.FAULT))
"""Who has to object. That a step is not the specification's is no harm yet."""

MOST_SHORTENED: Final = 5
"""So many bad runs that do not transfer as they are found are made short, and tried again."""


class Verdict(StrEnum):
    """What came of an attack."""

    ATTACKED = "attacked"
    """The executor with the bug goes wrong on the case, the healthy one does not."""
    NO_BAD_RUN = "no bad run found"
    """No run of the text went wrong in the steps that were allowed."""
    NO_TRANSFER = "no run transfers"
    """Runs of the text went wrong, and the executor did not on any of them."""
    BENIGN = "benign"
    """There is nothing to attack: the change does no harm."""
    NOT_THERE = "not in the executor"
    """The bug is one of the rolling commit, which the executor does not have."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What was tried, and what came of it.

    `text_steps` were taken by the text, in `text_runs` runs, of which `bad_runs` went wrong.
    `outcome` is how the run of the text ended that the case comes from, `steps` and `moves` are how
    many steps the executor took in it, and how many of them were moves of the text.
    """

    bug: str
    verdict: Verdict
    text_steps: int = 0
    text_runs: int = 0
    bad_runs: int = 0
    case: Case | None = None
    difference: Difference | None = None
    outcome: Outcome | None = None
    steps: int = 0
    moves: int = 0


def attack(name: str, most_steps: int = MOST_STEPS) -> Attack:
    """Attack the executor with the bug `name` of the text, within so many steps of the text.

    Deterministic: the same arguments give the same attack.

    Raises: `KeyError` for a name that no bug of the text has.
    """
    if BUGS[name].benign is not None:
        return Attack(name, Verdict.BENIGN)
    if not is_in_executor(name):
        return Attack(name, Verdict.NOT_THERE)
    transfer = _Transfer(name)
    found = search_bad_run(name, most_steps=most_steps, commits=False, wanted=transfer.wanted)
    tried = Attack(name, Verdict.NO_BAD_RUN, found.steps, found.runs, transfer.bad_runs)
    if found.run is None:
        return replace(tried, verdict=Verdict.NO_TRANSFER) if transfer.bad_runs else tried
    case, followed = transfer.of(found.run)
    return replace(
        tried,
        verdict=Verdict.ATTACKED,
        case=case,
        difference=next(harm(case, name)),
        outcome=found.run.outcome,
        steps=followed.steps,
        moves=followed.made,
    )


def is_in_executor(name: str) -> bool:
    """Whether the executor has this bug of the text."""
    try:
        with planted(name):
            return True
    except KeyError:
        return False


def harm(case: Case, seed_bug: str | None) -> Iterator[Difference]:
    """What goes wrong on a case with a bug planted, apart from single steps."""
    with planted(seed_bug):
        findings = examine(case, stop_at_first=False).findings
    found = (finding.difference for finding in findings)
    yield from (difference for difference in found if difference.oracle in HARM)


class _Transfer:
    """Turns bad runs of the text with a bug into cases of the executor. `bad_runs` is how many were
    looked at until one was good for it."""

    def __init__(self, name: str) -> None:
        self.name, self.text = name, without_commits(text_with(name))
        self.bad_runs, self._found = 0, False

    def wanted(self, run: BadRun) -> BadRun | None:
        """The run, if the executor with the bug goes wrong too; or a shorter one of which that is
        true: it has fewer steps in which the two can part."""
        if self._goes_wrong(run):
            self._found, self.bad_runs = True, self.bad_runs + (not self._found)
            return run
        if self._found:
            return None
        self.bad_runs += 1
        if self.bad_runs > MOST_SHORTENED:
            return None
        shorter = shorten(self.text, run, smaller)
        self._found = self._goes_wrong(shorter)
        return shorter if self._found else None

    def _goes_wrong(self, run: BadRun) -> bool:
        followed = self.of(run)[1]
        if followed.run is not None:
            return not agree(fold(run.block)[0], followed.run.result)
        return not isinstance(followed.stuck, StepLimit)  # a schedule can keep anybody from ending

    def of(self, run: BadRun) -> tuple[Case, Followed]:
        """The run as a case of the executor, and how it was followed."""
        assert isinstance(run.block, TinyBlock), "blocks of the tiny machine are searched"
        moves, limit = moves_of(self.text, run), step_limit(fold(run.block)[1], run.workers)
        with planted(self.name):
            followed = follow(run.block, run.workers, moves, limit)
        schedule = Switches(followed.schedule, strict=False)
        return Case(run.block, "tiny", run.workers, (schedule,)), followed

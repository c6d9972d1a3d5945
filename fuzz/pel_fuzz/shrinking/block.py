"""A block made small: by Hypothesis while it can be drawn again, then part by part.

A smaller block counts when some interleaving still shows the difference on it: the simplest one so
far, as far as it fits, or one of a few fixed walks (a walk over a smaller block is another walk).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pel_fuzz.cases import Case, Subject
from pel_fuzz.interleavings import Seeded, Steered, Walk
from pel_fuzz.recording import Following
from pel_fuzz.shrinking.interleaving import without_steps
from pel_fuzz.shrinking.trial import Shown, Trial
from pel_fuzz.text_runs import smaller
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.workloads.blocks import GeneratedBlock
from pel_fuzz.workloads.draws import Choices, UndrawableCase, shrink
from pel_spec.sync import Step

WALKS_A_BLOCK = {"tiny": 10, "evm": 5}
"""Fixed walks tried on a smaller block, by its kind."""
WALKS_A_COUNT = 100
"""And those tried with fewer workers, once the block is small."""
TAKES_A_POSITION = ("exec_fetch", "val_fetch")
"""The actions with which a worker learns what position it is to work on."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case that shows the difference, and the run that does. `choices` draw its block again;
    `None` where it was not drawn."""

    case: Case
    shown: Shown
    choices: Choices | None


def first_shown(trial: Trial, interleavings: Iterable[Steered]) -> Shown | None:
    """The first run that shows the difference."""
    return next(filter(None, map(trial.shown, interleavings)), None)


def walks(count: int) -> tuple[Walk | Seeded, ...]:
    """Fixed walks, of the kinds that find most on small blocks."""
    kinds: tuple[Callable[[int], Walk | Seeded], ...] = (
        lambda seed: Seeded("surw", seed, 0.3),
        lambda seed: Walk(seed, 0.5),
        lambda seed: Seeded("urw", seed),
        lambda seed: Walk(seed, 0.2),
        lambda seed: Seeded("pos", seed),
    )
    return tuple(kinds[seed % len(kinds)](seed) for seed in range(count))


def with_smaller_block(
    candidate: Candidate, first: Sequence[Steered], signature: str, deadline: float
) -> Candidate:
    """The smallest block that Hypothesis finds; the interleavings `first`, then fixed walks."""
    case, choices = candidate.case, candidate.choices
    if choices is None:
        return candidate
    order: list[Steered] = [*first, *walks(WALKS_A_BLOCK[case.kind])]

    def shows(drawn: TinyBlock | GeneratedBlock) -> bool:
        trial = Trial(case.with_subject(drawn), signature)
        for steered in order:
            if trial.shown(steered) is not None:
                order.remove(steered)  # what showed it once is likely to show it again
                order.insert(0, steered)
                return True
        return False

    try:
        best = shrink(
            case.strategy(), choices, shows, keep_going=lambda: time.monotonic() < deadline
        )
    except UndrawableCase:  # what was found does not show again: keep it as it is
        return candidate
    small = case.with_subject(best.value)
    shown = first_shown(Trial(small, signature), order)
    return candidate if shown is None else Candidate(small, shown, best.choices)


def with_fewer_workers(candidate: Candidate, signature: str, deadline: float) -> Candidate:
    """The case with the fewest workers under which the difference shows: the run without what
    others than those did, or one of many walks."""
    case, turns = candidate.case, candidate.shown.recording.turns
    by_turns = sorted(range(case.workers), key=lambda w: sum(w == each for each, _ in turns))[::-1]
    for workers in range(1, case.workers):
        names = {worker: name for name, worker in enumerate(sorted(by_turns[:workers]))}
        kept = Following(tuple((names[w], end) for w, end in turns if w in names))
        fewer = replace(case, workers=workers)
        trial = Trial(fewer, signature)
        tried: list[Steered] = [kept, *walks(WALKS_A_COUNT)]
        for steered in tried:
            if time.monotonic() >= deadline:
                return candidate
            shown = trial.shown(steered)
            if shown is not None:
                return replace(candidate, case=fewer, shown=shown)
    return candidate


class Part(NamedTuple):
    """A block without one of its parts; `position`: that of the transition that is gone, `None`
    where it is less than that."""

    subject: Subject
    position: int | None


def parts_of(case: Case) -> Iterator[Part]:
    """The case's block without one of its parts, transitions first."""
    subject = case.subject
    if isinstance(subject, TinyBlock):
        for number, less in enumerate(smaller(subject)):
            yield Part(less, number if number < len(subject.programs) else None)
        return
    positions = {t.tx_index: i for i, t in enumerate(case.compile().transitions)}
    for index in range(len(subject.transactions)):
        rest = (*subject.transactions[:index], *subject.transactions[index + 1 :])
        yield Part(replace(subject, transactions=rest), positions[index])


def with_parts_left_out(
    candidate: Candidate, signature: str, deadline: float, others: Sequence[Steered] = ()
) -> Candidate:
    """The block without all the transitions, and instructions of tiny programs, that the
    difference does not need; the schedule stays as it is, as far as it fits. Without a transition
    a few walks are tried too, and `others`."""
    again = True
    while again:
        again = False
        for part in parts_of(candidate.case):
            if time.monotonic() >= deadline:
                return candidate
            found = _without(candidate, part, signature, others)
            if found is not None:
                candidate, again = found, True
                break
    return candidate


def _without(
    candidate: Candidate, part: Part, signature: str, others: Sequence[Steered]
) -> Candidate | None:
    """The candidate without a part, if it still shows the difference: for less than a transition,
    by an interleaving that is no worse."""
    case = replace(candidate.case, subject=part.subject)
    recording = candidate.shown.recording
    tried: list[Steered] = [recording.switches, Following(recording.turns)]
    if part.position is not None:
        gone = steps_about(recording.steps, part.position)
        tried.append(Following(without_steps(recording.turns, gone)))
        tried += (*walks(WALKS_A_BLOCK[case.kind]), *others)
    trial = Trial(case, signature)
    for steered in tried:
        shown = trial.shown(steered)
        if shown is not None and (
            part.position is not None or shown.measure[:2] <= candidate.shown.measure[:2]
        ):
            return Candidate(case, shown, None)
    return None


def steps_about(steps: Iterable[Step], position: int) -> dict[int, list[int]]:
    """By worker, its own steps from a look for work to the next, where that work was about
    `position`."""
    about: dict[int, list[int]] = {}
    rounds: dict[int, tuple[list[int], bool]] = {}
    for step in steps:
        if step.action == "load_done":
            rounds[step.worker] = [], False
        owns, concerned = rounds.get(step.worker, ([], False))
        owns.append(step.own)
        if step.action in TAKES_A_POSITION and step.observed == position:
            about.setdefault(step.worker, []).extend(owns)
            concerned = True
        elif concerned:
            about[step.worker].append(step.own)
        rounds[step.worker] = owns, concerned
    return about

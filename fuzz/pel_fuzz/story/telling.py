"""A run told turn by turn: what each worker does until another one goes on.

Told is what matters; of the other steps only those at which a worker was interrupted, and where it
goes on, because that is what an interleaving is about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from pel_fuzz.story.watched import Watched
from pel_fuzz.story.words import HOLDS, Said, Words
from pel_spec.sync import Step
from pel_spec.vocabulary import Location

MOST_OBJECTS = 4
"""Places that one verb is told with; of more, those where positions meet, as many at most."""
MARK = "<== "
"""Before what is said of a step that went wrong."""


@dataclass(slots=True)
class Turn:
    """What one worker does without a break. `preempted`: it could have gone on, and what with;
    `None`, if it could not."""

    worker: int
    sentences: list[str] = field(default_factory=list)
    preempted: str | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class _Event:
    said: Said
    mark: str
    edge: bool


def turns_told(watched: Watched, marks: Mapping[int, str]) -> list[Turn]:
    """The turns of a run, in words. `marks`: what is said of single steps, by their number."""
    teller = _Teller(watched, marks)
    numbered = list(enumerate(watched.steps))
    turns = groupby(numbered, key=lambda each: each[1].worker)
    return [teller.turn(worker, list(steps)) for worker, steps in turns]


class _Teller:
    def __init__(self, watched: Watched, marks: Mapping[int, str]) -> None:
        self._watched, self._marks = watched, marks
        self._words = Words(watched)
        self._task: dict[int, str] = {}
        self._interrupted: set[int] = set()
        self._meeting = meeting_places(watched.steps)
        self._actions = {(step.worker, step.own): step.action for step in watched.steps}

    def turn(self, worker: int, steps: Sequence[tuple[int, Step]]) -> Turn:
        task = self._task.get(worker, "")
        last = steps[-1][1]
        preempted = (worker, last.own + 1) in self._watched.preempted
        events = []
        for number, step in steps:
            said = self._words.say(step)
            first = step is steps[0][1] and worker in self._interrupted
            edge = first or (preempted and step is last)
            events.append(_Event(said, self._marks.get(number, ""), edge))
        told = [e for e in events if e.said.matters or e.edge or e.mark] or events[-1:]
        self._interrupted.discard(worker)
        if preempted:
            self._interrupted.add(worker)
        sentences = list(_together(self._sentences(task, told)))
        self._task[worker] = self._task_after(task, events)
        marked = any(event.mark for event in events)
        waiting = self._actions.get((worker, last.own + 1), "its next step") if preempted else None
        return Turn(worker, sentences, waiting, marked)

    @staticmethod
    def _task_after(task: str, events: Iterable[_Event]) -> str:
        for event in events:
            if event.said.opens:
                task = event.said.opens
            elif event.said.closes:
                task = ""
        return task

    def _sentences(self, task: str, events: Sequence[_Event]) -> Iterator[str]:
        """A sentence for each task; the first may be in one that began in an earlier turn."""
        head = f"goes on {task}: " if task else ""
        parts: list[_Event] = []
        for event in events:
            if event.said.opens:
                if parts:
                    yield head + self._joined(parts)
                head, parts = f"{event.said.words}{_marked(event.mark)}: ", []
            else:
                parts.append(event)
                if event.said.closes:
                    yield head + self._joined(parts)
                    head, parts = "", []
        if parts:
            yield head + self._joined(parts)
        elif head and not head.startswith("goes on"):
            yield head.removesuffix(": ")

    def _joined(self, events: Sequence[_Event]) -> str:
        """Neighbours with the same verb as one."""
        told = []
        for (verb, lists), group in groupby(events, key=lambda e: (e.said.verb, bool(e.said.what))):
            same = list(group)
            if not lists:
                times = f" ({len(same)} times)" if len(same) > 1 else ""
                told.append(f"{verb}{times}{_marked(*(e.mark for e in same))}")
            else:
                told.append(f"{verb} {', '.join(self._objects(same))}")
        return "; ".join(told)

    def _objects(self, events: Sequence[_Event]) -> Iterator[str]:
        """What a verb is told with. Of many places, only those at which positions meet."""
        chosen = set(range(len(events)))
        if len(events) > MOST_OBJECTS:
            by_rank = sorted(chosen, key=lambda i: (self._rank(events[i]), i))[:MOST_OBJECTS]
            chosen = {i for i in by_rank if self._rank(events[i]) < 2}
        for i, event in enumerate(events):
            if i in chosen:
                yield f"{event.said.what}{_marked(event.mark)}"
        rest = len(events) - len(chosen)
        if rest:
            yield f"and {rest} more" if chosen else f"{rest} places"

    def _rank(self, event: _Event) -> int:
        if event.mark or event.edge:
            return 0
        return 1 if event.said.location in self._meeting else 2


def _together(sentences: Iterable[str]) -> Iterator[str]:
    """Validations without an event, one after the other, as one sentence."""
    for holds, group in groupby(sentences, key=_is_uneventful):
        same = list(group)
        if not holds or len(same) == 1:
            yield from same
            continue
        validated = (sentence.removesuffix(f": {HOLDS}") for sentence in same)
        versions = (sentence.removeprefix("validates ") for sentence in validated)
        yield f"validates {'; '.join(versions)}: {HOLDS}"


def _is_uneventful(sentence: str) -> bool:
    return sentence.startswith("validates ") and sentence.endswith(f": {HOLDS}")


def _marked(*marks: str) -> str:
    return "".join(f" {MARK}{mark}" for mark in marks if mark)


def meeting_places(steps: Iterable[Step]) -> set[Location]:
    """The places that one position writes and another one looks at."""
    writers: dict[Location, set[int]] = {}
    readers: dict[Location, set[int]] = {}
    for step in steps:
        if step.object[0] == "cell" and step.args:
            side = readers if step.action in ("read_cell", "check_read") else writers
            side.setdefault(tuple(step.object[1]), set()).add(step.args[0])
    return {
        location
        for location, looking in readers.items()
        if any(looking - {writer} for writer in writers.get(location, ()))
    }


def switches_told(turns: Sequence[Turn]) -> list[str]:
    """Between every two turns, in words: who goes on, and whether that was a preemption."""
    return [
        f"switch to worker {after.worker}"
        + (f" (preemption: worker {before.worker} is about to {before.preempted})")
        * (before.preempted is not None)
        for before, after in pairwise(turns)
    ]

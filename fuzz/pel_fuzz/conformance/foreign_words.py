"""Why the abstract machine does not allow a step, and the state there, for people."""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pel_fuzz.conformance.foreign_machine import Machine
from pel_fuzz.conformance.foreign_search import Group, Walk, When
from pel_fuzz.conformance.foreign_trace import Action, Event
from pel_fuzz.verdict import shorten
from pel_spec.kernel import BEFORE
from pel_spec.optimistic import NOTHING
from pel_spec.vocabulary import Location, Version

MOST_READS: Final = 20
"""How many reads of a position are told."""


class Refusal(NamedTuple):
    """Why a step is not allowed. `waits`: a step that is still to come could change that."""

    waits: bool
    words: str
    position: int | None = None
    """The position whose state says so, where it is not the step's own."""


def first_refusal(walk: Walk) -> tuple[Event, str, int | None]:
    """The step that the machine refuses, where a walk has come to its end; why, and which
    position's state says so.

    That is one whose turn it is, and for which no other can change anything. If all wait for each
    other, they are taken literally until there is one.
    """
    found = [each for each in _refusals(walk) if not each[0].waits]
    if not found:
        walk.go_on_literally()
        found = _refusals(walk)
    why, index = min(found, key=lambda each: (each[0].waits, each[1]))
    event = walk.plan.events[index]
    later = ", in any order that the trace leaves open" if why.waits else ""
    position = event.position if why.position is None else why.position
    return event, f"{told(event)}, but {why.words}{later}", position


def _refusals(walk: Walk) -> list[tuple[Refusal, int]]:
    return [
        (_Refuse(walk, walk.plan.events[index]).why(), index)
        for index in walk.waiting()
        if walk.literal or walk.plan.events[index].position is None or walk.when(index) is When.NOW
    ]


def told(event: Event) -> str:
    """A step in words."""
    who, place = f"worker {event.worker}", place_told(event.location or ())
    if event.position is None:
        return f"{who} commits all that is left"
    what = f"position {event.position}"
    running = f"incarnation {event.incarnation} of {what}"
    match event.action:
        case Action.READ:
            return f"{who} reads {place} in {running}"
        case Action.PUBLISH:
            return f"{who} publishes {what} in incarnation {event.incarnation}"
        case Action.VALIDATE:
            looked = place if event.location is not None else "all reads"
            return f"{who} looks up {looked} again for {running}"
        case Action.ABORT:
            return f"{who} aborts {running}"
        case Action.COMMIT:
            return f"{who} commits {what} in incarnation {event.incarnation}"


def place_told(location: Location) -> str:
    """A location as it stands in the trace."""
    return shorten(json.dumps(place_json(location)))


def place_json(part: Any) -> Any:
    """A location as JSON."""
    if isinstance(part, tuple):
        return [place_json(each) for each in part]
    return {"hex": part.hex()} if isinstance(part, bytes) else part


def version_told(version: Version) -> str:
    """A version in words."""
    if version.position == BEFORE:
        return "the state before the block"
    return f"version {tuple(version)}"


class _Refuse:
    """Why a step is refused where a walk has come to its end."""

    def __init__(self, walk: Walk, event: Event) -> None:
        self.walk, self.machine, self.event = walk, walk.machine, event
        self.text = walk.machine.text

    def why(self) -> Refusal:
        event = self.event
        position = event.position
        if event.action is Action.COMMIT:
            return self._commit(position, event.incarnation if position is not None else None)
        assert position is not None
        if position < self.text.committed and event.action is not Action.VALIDATE:
            return Refusal(False, f"position {position} is committed already")
        if event.action is Action.VALIDATE:
            return self._validate(position)
        if event.action is Action.READ:
            if event.found.position >= position:
                words = f"{version_told(event.found)} is not of a lower position"
                return Refusal(False, words)
            if self.machine.present.get(position) == event.incarnation:
                return self._read_again(position)
        return self._not_running(position)

    def _left(self, steps: Sequence[int]) -> bool:
        return bool(self.walk.left(steps))

    def _group(self, position: int, incarnation: int) -> Group:
        return self.walk.plan.groups.get((position, incarnation), Group())

    def _not_running(self, position: int) -> Refusal:
        """Why the step's incarnation cannot run."""
        present = self.machine.present.get(position)
        incarnation = self.event.incarnation
        if present is None:
            newest = self.machine.started.get(position, NOTHING)
            if newest == incarnation:
                return Refusal(False, "that incarnation was published before, and aborted")
            return Refusal(False, f"incarnation {newest} has begun before")
        if present == incarnation:
            return Refusal(False, "that incarnation is published already")
        if present > incarnation:
            return Refusal(False, f"incarnation {present} has begun before")
        waits = self._left(self._group(position, present).aborts)
        return Refusal(waits, f"incarnation {present} is published, and nobody has aborted it")

    def _read_again(self, position: int) -> Refusal:
        event = self.event
        line = self.machine.reads.get(position, {}).get(event.location or ())
        if line is None:
            return self._not_running(position)
        assert event.location is not None
        first = self.machine.version(position, event.location)
        if self.text.published[position] != NOTHING:
            return self._not_running(position)
        waits = self._left(self._group(position, event.incarnation).aborts)
        words = (
            f"finds {version_told(event.found)}, where it found {version_told(first)} "
            f"before (line {line}); if it has started over, its abort is missing"
        )
        return Refusal(waits, words)

    def _validate(self, position: int) -> Refusal:
        event = self.event
        group = self._group(position, event.incarnation)
        if self.machine.present.get(position) != event.incarnation:
            return Refusal(self._left(group.work), "that incarnation has not begun")
        if event.location is None:
            return Refusal(self._left(group.publishes), "it is not published yet")
        return Refusal(self._left(group.reads), "that incarnation has not read there")

    def _commit(self, position: int | None, incarnation: int | None) -> Refusal:
        groups, committed = self.walk.plan.groups, self.text.committed
        if position is None:
            due = range(committed, self.machine.transitions)
            position = next((p for p in due if not self.machine.committable(p, None)), None)
            if position is None:
                return Refusal(True, "others come first")
            why = self._committing(position, None)
            return Refusal(why.waits or self.walk.works, why.words, position)
        if position != committed:
            if position < committed:
                return Refusal(False, f"position {position} is committed already")
            lower = [group.commits for (p, _), group in groups.items() if p == committed]
            waits = any(map(self._left, lower))
            return Refusal(waits, f"position {committed}, which is below, is not committed")
        return self._committing(position, incarnation)._replace(position=position)

    def _committing(self, position: int, incarnation: int | None) -> Refusal:
        """Why this position, the next one, cannot be committed."""
        published = self.text.published[position]
        groups = self.walk.plan.groups
        mine = [group for (p, _), group in groups.items() if p == position]
        if published == NOTHING:
            waits = any(self._left(group.publishes) for group in mine)
            newest = self.text.answered[position]
            was = "" if newest == NOTHING else f": its incarnation {newest} was, and was aborted"
            return Refusal(waits, f"position {position} is not published{was}")
        if incarnation not in (None, published):
            waits = self._left(self._group(position, incarnation or 0).publishes)
            return Refusal(waits, f"position {position} is published as incarnation {published}")
        return self._reads(position)

    def _reads(self, position: int) -> Refusal:
        """Why what is published cannot be final."""
        for location in self.machine.reads.get(position, ()):
            if not self.machine.holds(position, location):
                return Refusal(False, self._changed(position, location))
        location = self.machine.unchecked(position)[0]
        words = f"position {position} read {place_told(location)}, and nobody looked that up again"
        events = self.walk.plan.events
        waits = any(
            event.action is Action.VALIDATE and event.position == position and not taken
            for event, taken in zip(events, self.walk.taken, strict=True)
        )
        return Refusal(waits, words)

    def _changed(self, position: int, location: Location) -> str:
        """What has become of a read."""
        read = self.machine.version(position, location)
        newest = self.machine.newest_below(position, location)
        words = f"position {position} read {place_told(location)} from {version_told(read)}"
        if newest > read.position:
            published = self.text.published[newest]
            return f"{words}, and position {newest}, published as incarnation {published}, wrote it"
        published = self.text.published[read.position]
        if newest == read.position:
            return f"{words}, and position {newest} wrote it anew in incarnation {published}"
        did = "does not write it" if published == read.incarnation else "does not write it any more"
        return f"{words}, and position {read.position}, published as incarnation {published}, {did}"


def state_json(machine: Machine, position: int | None) -> dict[str, Any]:
    """The state as far as a step at `position` depends on it; without one, of the next to be
    committed."""
    text = machine.text
    if position is None:
        position = min(text.committed, machine.transitions - 1)
    reads = []
    for location in list(machine.reads.get(position, ()))[:MOST_READS]:
        newest = machine.newest_below(position, location)
        now = None if newest == BEFORE else [newest, text.published[newest]]
        read = machine.version(position, location)
        reads.append(
            {
                "location": place_json(location),
                "from": None if read.position == BEFORE else list(read),
                "now": now,
                "looked_up_again": text.checked[position, location],
            }
        )
    published = text.published[position]
    return {
        "committed": text.committed,
        "position": position,
        "published": None if published == NOTHING else published,
        "running": machine.present.get(position) if published == NOTHING else None,
        "reads": reads,
        "more_reads": max(0, len(machine.reads.get(position, ())) - MOST_READS),
    }


def state_told(state: dict[str, Any]) -> list[str]:
    """That state in lines of text."""
    position, committed = state["position"], state["committed"]
    prefix = f"positions 0 to {committed - 1}" if committed else "nothing"
    if state["published"] is not None:
        standing = f"incarnation {state['published']} is published"
    elif state["running"] is not None:
        standing = f"incarnation {state['running']} runs"
    else:
        standing = "no incarnation runs or is published"
    lines = [f"committed: {prefix}", f"position {position}: {standing}"]
    for read in state["reads"]:
        then, now = (version_told(Version(*(read[key] or (BEFORE, 0)))) for key in ("from", "now"))
        again = "looked up again" if read["looked_up_again"] else "not looked up again"
        place = shorten(json.dumps(read["location"]))
        lines.append(f"  read {place} from {then}, {again}; there now: {now}")
    if state["more_reads"]:
        lines.append(f"  and {state['more_reads']} more reads")
    return lines

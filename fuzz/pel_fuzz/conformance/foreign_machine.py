"""The abstract machine, led by a foreign trace; what a client does not log is inferred.

Every step is performed by the text itself, `pel_spec.optimistic.Optimistic`: it says what is
allowed. What stands here is how a line of a trace is one of its actions. The text knows no
incarnation that runs; a trace names it, so here it is kept, and no step of another one is taken for
its own.

The text quantifies over all positions and locations. Where nothing was written and nothing read,
its quantifiers say nothing, so each step is given those positions and locations that it is about;
otherwise a block of a thousand transitions would take hours.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pel_fuzz.conformance.foreign_trace import Action, Event
from pel_spec.kernel import BEFORE, Disabled
from pel_spec.optimistic import NOTHING, Optimistic
from pel_spec.vocabulary import Location, Version


class Inference(StrEnum):
    """What is inferred, where a client does not log it."""

    ABORT = "abort"
    """A newer incarnation takes a step: the one before was aborted."""
    VALIDATE = "validate"
    """A commit, of a client that logs no `validate`: its reads were looked up again before."""
    REPEATED = "repeated read"
    """A location is read again and the same version found: no step of the machine."""


class Performed(NamedTuple):
    """An action of the text that was performed for the step of a line."""

    line: int
    action: str
    arguments: tuple[Any, ...]


class Focused(Optimistic):
    """The abstract machine, its quantifiers narrowed to what a step is about."""

    positions: Any
    locations: Any


class Machine:
    """A state of the abstract machine, with what is known of the incarnations beside it.

    `present`: the incarnation of a position that runs or is published; `started`, `aborted`: the
    newest that ever was. `reads`: the lines of the present incarnation's reads. `writers`: the
    positions whose published incarnation wrote a location, in order.
    """

    def __init__(self, transitions: int, logs: frozenset[Action]) -> None:
        self._places: list[Location] = []
        self.text = Focused(transitions, 0, self._places)
        self.transitions, self.logs = transitions, logs
        self.present: dict[int, int] = {}
        self.started: dict[int, int] = {}
        self.aborted: dict[int, int] = {}
        self.reads: dict[int, dict[Location, int]] = {}
        self.writers: dict[Location, list[int]] = {}
        self._written: dict[int, frozenset[Location]] = {}
        self.inferred: Counter[Inference] = Counter()
        self.performed: list[Performed] = []

    def take(self, event: Event) -> bool:
        """Perform the step, and what has to be inferred before it. `False`: it is not allowed in
        this state, and nothing has changed."""
        if not event.effect:
            return True
        try:
            return _TAKE[event.action](self, event)
        except Disabled:
            return False

    # ---- what is asked about the state --------------------------------------------------------

    def version(self, position: int, location: Location) -> Version:
        """What the present incarnation has read there."""
        text = self.text
        return Version(text.source[position, location], text.source_inc[position, location])

    def has_read(self, event: Event) -> bool:
        """Is what this step found at its location what the present incarnation has read there?"""
        writer, incarnation = self.version(*_place(event))
        found = event.found
        return writer == found.position and (writer == BEFORE or incarnation == found.incarnation)

    def over(self, position: int, incarnation: int) -> bool:
        """Was this incarnation aborted, or has a newer one begun?"""
        newest = self.started.get(position, NOTHING)
        return incarnation < newest or incarnation <= self.aborted.get(position, NOTHING)

    def newest_below(self, position: int, location: Location) -> int:
        """The highest position below that has written there, or `BEFORE`."""
        writers = self.writers.get(location, [])
        index = bisect_left(writers, position)
        return writers[index - 1] if index else BEFORE

    def holds(self, position: int, location: Location) -> bool:
        """Would `position` read there what it has read?"""
        self._focus(position, (location,))
        return self.text.holds(position, location)

    def unchecked(self, position: int) -> list[Location]:
        """What the present incarnation has read, and nobody looked up again."""
        checked = self.text.checked
        return [x for x in self.reads.get(position, ()) if not checked[position, x]]

    def committable(self, position: int, incarnation: int | None) -> bool:
        """Can this be the next to be committed, once what is not logged is inferred?"""
        published = self.text.published[position]
        if published == NOTHING or incarnation not in (None, published):
            return False
        if Action.VALIDATE in self.logs and self.unchecked(position):
            return False
        return all(self.holds(position, x) for x in self.reads.get(position, ()))

    # ---- the steps ----------------------------------------------------------------------------

    def _perform(self, line: int, action: Callable[..., None], *arguments: Any) -> None:
        action(*arguments)
        self.performed.append(Performed(line, action.__name__, arguments))

    def _focus(self, position: int, places: Iterable[Location]) -> None:
        """Narrow the text to one position, these places, and who wrote there last below it: if that
        is not above what was read, then no other is."""
        self._places[:] = places
        newest = {self.newest_below(position, x) for x in self._places} - {BEFORE}
        self.text.positions = [position, *sorted(newest)]

    def _enter(self, event: Event, position: int) -> bool:
        """Is it the step's incarnation that runs? It may be new: then the one before is over."""
        present, incarnation = self.present.get(position), event.incarnation
        published = self.text.published[position] != NOTHING
        if present == incarnation:
            return not published
        if present is None:
            if self.text.answered[position] >= incarnation:
                return False
            if self.started.get(position, NOTHING) > incarnation:
                return False
        elif present > incarnation or (published and Action.ABORT in self.logs):
            return False
        else:
            self._take_back(event.line, position)
            self.inferred[Inference.ABORT] += 1
        self.present[position] = self.started[position] = incarnation
        return True

    def _take_back(self, line: int, position: int) -> None:
        written = self._written.get(position, frozenset())
        self._focus(position, written.union(self.reads.get(position, ())))
        self._perform(line, self.text.abort, position)
        for location in written:
            self.writers[location].remove(position)
        self.aborted[position] = self.started[position]
        for kept in (self._written, self.reads, self.present):
            kept.pop(position, None)

    def _read(self, event: Event) -> bool:
        position, location = _place(event)
        if event.found.position >= position or not self._enter(event, position):
            return False
        if self.text.reads[position, location]:
            self.inferred[Inference.REPEATED] += self.has_read(event)
            return self.has_read(event)
        self._perform(event.line, self.text.read, position, location, *event.found)
        self.reads.setdefault(position, {})[location] = event.line
        return True

    def _publish(self, event: Event) -> bool:
        position = _position(event)
        if not self._enter(event, position):
            return False
        self._focus(position, event.writes)
        self._perform(event.line, self.text.publish, position, event.incarnation, event.writes)
        self._written[position] = event.writes
        for location in event.writes:
            insort(self.writers.setdefault(location, []), position)
        return True

    def _validate(self, event: Event) -> bool:
        """A verdict about what was aborted is about nothing any more. Where the incarnation has
        started over, it may be one about the reads before that."""
        position, location = _position(event), event.location
        over = self.over(position, event.incarnation)
        if self.present.get(position) != event.incarnation:
            return over
        if location is not None:
            if not self.text.reads[position, location]:
                return over
            if self.has_read(event):
                self._look_up(event.line, position, location)
            return True
        if self.text.published[position] == NOTHING:
            return over
        for each in self.reads.get(position, ()):
            self._look_up(event.line, position, each)
        return True

    def _look_up(self, line: int, position: int, location: Location) -> None:
        version = self.version(position, location)
        self._perform(line, self.text.validate, position, location, *version)

    def _abort(self, event: Event) -> bool:
        position = _position(event)
        if self.started.get(position) != event.incarnation and not self._enter(event, position):
            return False
        self._take_back(event.line, position)
        return True

    def _commit(self, event: Event) -> bool:
        committed = self.text.committed
        if event.position is None:
            due = range(committed, self.transitions)
            if not all(self.committable(position, None) for position in due):
                return False
        elif event.position != committed or not self.committable(committed, event.incarnation):
            return False
        else:
            due = range(committed, committed + 1)
        for position in due:
            for location in self.unchecked(position):
                self._look_up(event.line, position, location)
                self.inferred[Inference.VALIDATE] += 1
            self._focus(position, self.reads.get(position, ()))
            self._perform(event.line, self.text.commit, position + 1)
        return True


def _position(event: Event) -> int:
    assert event.position is not None
    return event.position


def _place(event: Event) -> tuple[int, Location]:
    assert event.location is not None
    return _position(event), event.location


_TAKE: Final[dict[Action, Callable[[Machine, Event], bool]]] = {
    Action.READ: Machine._read,
    Action.PUBLISH: Machine._publish,
    Action.VALIDATE: Machine._validate,
    Action.ABORT: Machine._abort,
    Action.COMMIT: Machine._commit,
}

"""Every incarnation twice: once as it is, once on fresh objects with the very same reads.

An interpreter that is kept between incarnations can carry something over (a warm access list, a
pooled object, a cache keyed by address). What an incarnation does must depend on its reads alone,
so its twin, on a fresh workspace, must do the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pel_fuzz.explain import place_name
from pel_spec.transition import Effects, Kind, Transition, TransitionBlock, View, run_contained
from pel_spec.vocabulary import Location, Value, Version


class Leak(BaseException):
    """An incarnation and its twin differ. A `BaseException`, so that no executor takes it for a
    provisional outcome of the transition."""

    def __init__(self, position: int, kept: Effects, fresh: Effects) -> None:
        super().__init__(position, kept, fresh)
        self.position, self.kept, self.fresh = position, kept, fresh


@dataclass(slots=True)
class _Listening:
    """Passes reads on, and keeps the answers; an exception is an answer, too."""

    view: View
    answers: dict[Location, tuple[Value, Version] | Exception]

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        try:
            answer = self.answers[location] = self.view.read(location, predicate)
        except Exception as error:
            self.answers[location] = error
            raise
        return answer


@dataclass(slots=True)
class _Replaying:
    """Answers from what the first twin read; another read than those is a leak by itself."""

    answers: Mapping[Location, tuple[Value, Version] | Exception]

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        if location not in self.answers:
            raise LookupError(f"it reads {place_name(location)}, which the first had not recorded")
        answer = self.answers[location]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True, slots=True)
class _Twin:
    """A transition that runs twice and compares."""

    block: TransitionBlock
    position: int
    inner: Transition

    @property
    def kind(self) -> Kind:
        return self.inner.kind

    @property
    def tx_index(self) -> int | None:
        return self.inner.tx_index

    def run(self, view: View, workspace: Any) -> Effects:
        listening = _Listening(view, {})
        kept = run_contained(self.inner, listening, workspace)
        fresh = run_contained(self.inner, _Replaying(listening.answers), self.block.workspace())
        if kept != fresh:
            raise Leak(self.position, kept, fresh)
        return kept


@dataclass(frozen=True, slots=True)
class TwinBlock:
    """A block whose every transition also runs on fresh objects; made by `twin`."""

    block: TransitionBlock
    transitions: Sequence[Transition]

    def initial(self, location: Location) -> Value:
        return self.block.initial(location)

    def workspace(self) -> Any:
        return self.block.workspace()


def twin(block: TransitionBlock) -> TwinBlock:
    """The same block, each transition replaced by one that compares itself with its twin.

    Raises: nothing itself; running the block raises `Leak` where the two differ.
    """
    twins = (_Twin(block, position, each) for position, each in enumerate(block.transitions))
    return TwinBlock(block, tuple(twins))

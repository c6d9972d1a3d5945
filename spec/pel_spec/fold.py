"""The meaning of a block: the fold of its transitions in the preset order.

This is the promise that every parallel executor makes. Nothing here is optimistic: transition `i`
reads the memory that transitions `0 .. i-1` have left, and its writes are applied at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pel_spec.history import End, History, Incarnation
from pel_spec.transition import Effects, RecordedView, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Value, Version, Write

Memory = Mapping[Location, tuple[Value, Version]]
"""What was written, and by whom: the last write to each location in the preset order."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a block leaves: its memory, and the effects of each transition by position."""

    memory: Memory
    effects: tuple[Effects, ...]

    @property
    def faults(self) -> tuple[tuple[int, str], ...]:
        """Internal errors that survived, as (position, message). Any makes the run a failed run."""
        return tuple((i, e.fault) for i, e in enumerate(self.effects) if e.fault is not None)


def fold(block: TransitionBlock) -> tuple[Result, History]:
    """Execute `block` in the preset order, one transition after the other.

    Result: what the block means, and the history of computing it (every incarnation is 0).
    """
    memory: dict[Location, tuple[Value, Version]] = {}
    effects: list[Effects] = []
    incarnations: list[Incarnation] = []
    workspace = block.workspace()

    def lookup(location: Location) -> tuple[Value, Version]:
        found = memory.get(location)
        return found if found is not None else (block.initial(location), PRE_STATE)

    for position, transition in enumerate(block.transitions):
        view = RecordedView(lookup)
        effect = run_contained(transition, view, workspace)
        version = Version(position, 0)
        memory.update((location, (value, version)) for location, value in effect.writes.items())
        effects.append(effect)
        incarnations.append(
            Incarnation(
                version,
                tuple(view.reads.values()),
                tuple(Write(location, value) for location, value in effect.writes.items()),
                End.EXECUTED,
            )
        )
    history = History(
        transitions=len(effects),
        incarnations=tuple(incarnations),
        commits=tuple(i.version for i in incarnations),
    )
    return Result(memory, tuple(effects)), history


def agree(left: Result, right: Result) -> bool:
    """Same values, same last writers, same effects; incarnations are free."""

    def written(memory: Memory) -> dict[Location, tuple[Value, int]]:
        return {at: (value, version.position) for at, (value, version) in memory.items()}

    return written(left.memory) == written(right.memory) and left.effects == right.effects

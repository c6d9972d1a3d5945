"""All that a machine can do in a scope so small that all of its states can be visited."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pel_proof.finite.explore import domains, moves
from pel_spec.kernel import Map, State

MOST = 5_000
"""States that are visited; what has more of them is given up."""


class Step(NamedTuple):
    """A step of the only worker: what it does, and where it stands before and after."""

    action: str
    before: int
    after: int


def steps(
    start: State, actions: Mapping[str, Any], signatures: Mapping[str, Mapping[str, str]]
) -> frozenset[Step]:
    """All steps of a machine with one worker.

    Raises: `ValueError`, if it has too many states.
    """
    found, seen, left = set[Step](), {_frozen(start)}, [start]
    while left:
        state = left.pop()
        for move, after in moves(state, actions, signatures, domains(state)):
            found.add(Step(move.action, state.pc[0], after.pc[0]))  # type: ignore[attr-defined]
            key = _frozen(after)
            if key not in seen:
                seen.add(key)
                left.append(after)
                if len(seen) > MOST:
                    raise ValueError("the machine has too many states to visit all of them")
    return frozenset(found)


def _frozen(state: State) -> tuple[Any, ...]:
    """The state as something that can be compared."""
    return tuple(
        frozenset((k, v) for k, v in item.values.items() if v != item.initial)
        if isinstance(item, Map)
        else item
        for item in vars(state).values()
    )

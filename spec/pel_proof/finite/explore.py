"""The text, run as it stands: which actions are enabled in a state, and where they lead.

What a transition does is left open here: it may read any location at any time, and end whenever it
likes with any writes. So a walk covers all transitions at once; `interpreter` runs given ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

from pel_proof.machine import parameters
from pel_spec.kernel import BEFORE, Disabled, State


class Move(NamedTuple):
    """An action with its arguments, in the order of its parameters."""

    action: str
    arguments: tuple[Any, ...]


Domains = Mapping[str, Iterable[Any]]


def domains(state: State, *, writes: Iterable[frozenset[Any]] | None = None) -> Domains:
    """What parameters range over in this state; `writes` are the write sets to be tried, all
    subsets of the locations unless given."""
    subsets = (
        frozenset(some)
        for size in range(len(state.locations) + 1)
        for some in combinations(state.locations, size)
    )
    return {
        "Worker": state.workers,
        "Position": state.positions,
        "Writer": range(BEFORE, state.n),
        "Place": state.locations,
        "Places": list(subsets if writes is None else writes),
    }


def moves(
    state: State,
    actions: Mapping[str, Callable[..., Any]],
    signatures: Mapping[str, Mapping[str, str]],
    values: Domains,
) -> Iterator[tuple[Move, Any]]:
    """All enabled moves, each with the state it leads to. `signatures` are the domains of the
    actions' parameters (`machine.parameters` of the lifted actions)."""
    after = state.copy()
    for name, action in actions.items():
        for arguments in product(*(values[domain] for domain in signatures[name].values())):
            try:
                action(after, *arguments)
            except Disabled:
                continue  # and nothing has changed
            yield Move(name, arguments), after
            after = state.copy()


def signatures(lifted: Mapping[str, Callable[..., Any]]) -> dict[str, dict[str, str]]:
    """The domains of all actions' parameters."""
    return {name: parameters(action) for name, action in lifted.items()}

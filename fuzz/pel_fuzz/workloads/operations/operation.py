"""What an operation is: something that somebody does in a block, by one transaction or a few."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pel_fuzz.workloads.scene import Scene
from pel_fuzz.workloads.world import is_since
from pel_reference.fork_names import FORK_ORDER


@dataclass(frozen=True, slots=True)
class Operation:
    """A way to append transactions to a scene, in the forks from `first_fork` on.

    `weight` is how often it is chosen, relative to others of its theme.
    """

    run: Callable[[Scene], None]
    weight: int = 1
    first_fork: str = "Frontier"
    last_fork: str = FORK_ORDER[-1]

    def is_in(self, fork: str) -> bool:
        """Whether a fork has it; `fork` is a canonical name."""
        return is_since(fork, self.first_fork) and is_since(self.last_fork, fork)


def _nothing(scene: Scene) -> None:
    """Most themes need nothing to be there beforehand."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Operations that meet: they contend for the same few places.

    `prepare` puts what they need into the pre-state. `weight` is how often the theme is chosen.
    """

    name: str
    operations: tuple[Operation, ...]
    prepare: Callable[[Scene], None] = _nothing
    weight: int = 2

    def is_in(self, fork: str) -> bool:
        """Whether a fork has any of its operations; `fork` is a canonical name."""
        return any(operation.is_in(fork) for operation in self.operations)


THEMATIC = 3
"""How much more often an operation of a theme is chosen than one that every block may have."""


def _by_weight(themes: Sequence[Theme], fork: str) -> tuple[Callable[[Scene], None], ...]:
    return tuple(
        operation.run
        for theme in themes
        for operation in theme.operations
        if operation.is_in(fork)
        for _ in range(operation.weight)
    )


@lru_cache(maxsize=4096)
def choices_of(
    common: tuple[Theme, ...], themes: tuple[Theme, ...], fork: str
) -> tuple[Callable[[Scene], None], ...]:
    """What can happen in a block, each operation as often as it weighs.

    The first of the common operations comes first: it is what a shrunk transaction becomes.
    """
    return _by_weight(common, fork) + THEMATIC * _by_weight(themes, fork)

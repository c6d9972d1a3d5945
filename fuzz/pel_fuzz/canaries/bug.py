"""One seeded bug: what it breaks, where such a bug was published, and how it is planted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug that is planted from outside, for as long as the context lasts; the production code
    holds no trace of it.

    `zoo` names the class of published bugs (a letter, or a letter and a number), `story` says in a
    sentence what goes wrong. `fold_too` is set where the sequential fold is wrong in the same way,
    so that only the reference tier can see it; `root_right` where the state root stays right.
    `benign`: why nothing goes wrong after all, where nothing does; such a change takes steps that
    the specification does not have, and has the right result.
    """

    name: str
    zoo: str
    story: str
    plant: Callable[[], AbstractContextManager[None]]
    fold_too: bool = False
    root_right: bool = False
    benign: str | None = None

    @property
    def in_text(self) -> bool:
        """Whether the specification's text has the same bug, under the same name."""
        from pel_proof.bugs import BUGS  # noqa: PLC0415 - loads the solver, which planting does not

        return self.name in BUGS

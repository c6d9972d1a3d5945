"""Seeded bugs of the scheduler: that the proof can fail, and names what is wrong when it does.

A bug is a class that derives from a part of Block-STM's text and overrides actions of it, or adds
the second step of what should be one; it is written as the text is. So it runs, as part of a
machine that is Block-STM but for this; and it is lifted, as the text is, and judged by the same
obligations. Its docstring tells the story; `Like:` a published bug of its kind; `Benign:` why it is
none after all, and everything is proved of it as of the text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pel_proof import lift
from pel_proof.bugs import executing, finishing, handing_out, validating
from pel_proof.machine import Model, block_stm
from pel_proof.mutation import changed
from pel_proof.obligations import Setting
from pel_proof.solve import Verdict, discharge
from pel_proof.symbolic import World
from pel_spec.kernel import State, methods
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm

MODULES = (handing_out, executing, finishing, validating)
"""Where the bugs are."""


@dataclass(frozen=True, slots=True)
class Bug:
    """A scheduler that is wrong in one way, or a change that looks so."""

    name: str
    part: type[State]

    @property
    def why(self) -> str:
        """What is wrong, and what comes of it."""
        return _sections(self.part)[""]

    @property
    def like(self) -> str | None:
        """A published bug of its kind: the repository, and the number there."""
        return _sections(self.part).get("Like", "").rstrip(".") or None

    @property
    def benign(self) -> str | None:
        """Why nothing goes wrong, if nothing does."""
        return _sections(self.part).get("Benign")

    @property
    def changes(self) -> tuple[str, ...]:
        """The actions that are other than in the text, or are not in it."""
        return tuple(methods(self.part))

    @property
    def machine(self) -> type[State]:
        """Block-STM with the bug in it, to be run."""
        return type(self.part.__name__, (self.part, BlockStm), {})

    @property
    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """The actions of `machine`."""
        return ACTIONS | methods(self.part)

    def model(self) -> Model:
        """Block-STM with the bug in it, as formulas."""
        part = _lifted()[self.part.__name__]
        state = type(self.part.__name__, (part, block_stm().state), {})
        return replace(block_stm(), state=state).with_actions(methods(part))


@cache
def _lifted() -> dict[str, type]:
    return lift.lift((*lift.BLOCK_STM, *MODULES))


def _sections(part: type) -> dict[str, str]:
    """The paragraphs of a docstring by the word that they begin with; the first has none."""
    first, *more = (" ".join(p.split()) for p in re.split(r"\n\s*\n", part.__doc__ or ""))
    words = (paragraph.partition(": ") for paragraph in more)
    return {"": first} | {word: text for word, _, text in words}


def _found() -> Iterator[Bug]:
    for module in MODULES:
        for part in vars(module).values():
            if isinstance(part, type) and part.__module__ == module.__name__:
                yield Bug(re.sub(r"(?<!^)(?=[A-Z])", "-", part.__name__).lower(), part)


BUGS: Mapping[str, Bug] = {bug.name: bug for bug in _found()}
"""All of them by name."""


def failing(bug: Bug) -> Iterator[Verdict]:
    """The obligations that are not proved with the bug, among those that it may concern."""
    world = World()
    with world.active():
        setting = Setting.of(bug.model(), world)
        found = discharge(changed.obligations(setting, bug.changes))
        yield from (verdict for verdict in found if not verdict.proved)

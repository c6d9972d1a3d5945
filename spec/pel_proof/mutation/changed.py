"""Of a text that is changed in some actions, the obligations that this concerns.

What is proved of each step has to be proved of the changed steps alone; what is proved of all
actions together (that nobody is stuck, that work is found) has to be proved once more.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from pel_proof.machine import Path, abstract_machine, simulation
from pel_proof.obligations import Obligation, Setting, invariant_obligations
from pel_proof.progress import prefix
from pel_proof.progress import steps as progress
from pel_proof.progress.ledger import payment_obligations
from pel_proof.refine import refinement_obligations

Family = Callable[[Setting, Sequence[Path]], Iterator[Obligation]]

OF_STEPS: tuple[Family, ...] = (
    *(progress.descent, progress.on_its_own, payment_obligations, progress.indices),
    *(progress.stays_calm, prefix.committed_is_final, prefix.settled_prefix),
)
"""Families of obligations about single steps."""

OF_ALL: tuple[Family, ...] = (progress.not_stuck, progress.takes_work, progress.ends_block)
"""Families of obligations about all actions."""


def obligations(
    setting: Setting, names: Collection[str], unchanged: Sequence[Path] | None = None
) -> Iterator[Obligation]:
    """The obligations of a changed model, safety first. `unchanged` are the ways through its other
    actions, if they are at hand. The setting's world is to be active."""
    actions = setting.model.actions
    here = {name: actions[name] for name in names}
    changed = replace(setting, model=replace(setting.model, actions=here))
    yield from invariant_obligations(changed, only=lambda action, _: action in names)
    steps = refinement_obligations(changed, abstract_machine().state, simulation())
    yield from (o for o in steps if re.split("[#~]", o.step)[0] in names)
    paths = tuple(changed.paths())
    for family in OF_STEPS:
        yield from family(setting, paths)
    if unchanged is None:
        unchanged = tuple(setting.paths(*(name for name in actions if name not in names)))
    for family in OF_ALL:
        yield from family(setting, (*unchanged, *paths))

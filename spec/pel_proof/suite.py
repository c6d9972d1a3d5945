"""All that is proved, by family, of Block-STM's text or of a changed one.

The families follow from each other: the invariants hold in every reachable state; by them each step
of Block-STM is a step of the abstract machine; of that, whatever is committed is what the fold
computes; and Block-STM counts a block as committed when it is done. The rest is progress: what it
comes to, and on which assumptions, is in `termination`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pel_proof.machine import Model, abstract_machine, block_stm, simulation
from pel_proof.obligations import Obligation, Setting, invariant_obligations
from pel_proof.progress import prefix
from pel_proof.progress import steps as progress
from pel_proof.refine import refinement_obligations
from pel_proof.serial import memory_obligations, theorem_obligations
from pel_proof.symbolic import World

Family = Callable[[Model, str | None], Iterator[Obligation]]
"""The obligations of a family, of a model; those about one invariant only, if it is named."""


def _abstract(_: Model, about: str | None) -> Iterator[Obligation]:
    world = World()
    with world.active():
        setting = Setting.of(abstract_machine(), world)
        yield from invariant_obligations(setting, "abstract", only=_about(about))


def _invariants(model: Model, about: str | None) -> Iterator[Obligation]:
    world = World()
    with world.active():
        yield from invariant_obligations(Setting.of(model, world), only=_about(about))


def _about(about: str | None) -> Callable[[str, str], bool]:
    return lambda _, invariant: about is None or invariant == about


def _refinement(model: Model, about: str | None) -> Iterator[Obligation]:
    world = World()
    with world.active():
        setting = Setting.of(model, world)
        found = refinement_obligations(setting, abstract_machine().state, simulation())
        yield from (o for o in found if about is None or o.about == about)


def _theorem(model: Model, about: str | None) -> Iterator[Obligation]:
    for machine, family in (
        (abstract_machine(), theorem_obligations),
        (model, memory_obligations),
    ):
        world = World()
        with world.active():
            found = family(Setting.of(machine, world))
            yield from (o for o in found if about is None or o.about == about)


def _progress(family: str) -> Family:
    def found(model: Model, about: str | None) -> Iterator[Obligation]:
        world = World()
        with world.active():
            setting = Setting.of(model, world)
            chosen = {**progress.FAMILIES, **prefix.FAMILIES}[family]
            steps = chosen(setting, tuple(setting.paths()))
            yield from (o for o in steps if about is None or o.about == about)

    return found


SAFETY = ("abstract", "invariants", "refinement", "theorem")
PROGRESS = (*progress.FAMILIES, *prefix.FAMILIES)

FAMILIES: Mapping[str, Family] = {
    "abstract": _abstract,
    "invariants": _invariants,
    "refinement": _refinement,
    "theorem": _theorem,
    **{family: _progress(family) for family in PROGRESS},
}
"""What there is, in the order in which it follows."""


def obligations(
    families: Sequence[str] = tuple(FAMILIES),
    model: Model | None = None,
    *,
    about: str | None = None,
) -> Iterator[Obligation]:
    """The obligations of some families, of the text unless another model is given. To be
    discharged as they come: their formulas belong to a world that is active meanwhile."""
    for family in families:
        yield from FAMILIES[family](model or block_stm(), about)

"""Every block ends: the theorem, its assumptions, and how it follows from what Z3 has proved.

Two principles are used that no solver applies here; they stand in `PRINCIPLES`. Everything else is
obligations, by family, and `gaps`, which checks that the parts fit together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pel_proof.machine import parameters
from pel_proof.progress import prefix
from pel_proof.progress import steps as progress
from pel_proof.progress.ledger import LEDGER, Kind, Payment, accounts, unfounded
from pel_proof.progress.steps import CLIMBS, DOWN, FREE
from pel_spec.scheduler.state import At

ASSUMPTIONS: dict[str, str] = {
    "finite": "A block has finitely many positions; there are finitely many workers, and one at "
    "least.",
    "weak fairness": "A worker that can move from some moment on, moves. (Nothing is said of how "
    "fast, or in what order; and a lock may be given to whoever asks.)",
    "no endless commits": "A worker at `LOAD_DONE` does not take up the next commit for ever: it "
    "looks for a task again and again. Weak fairness does not say so, as either is a step.",
    "transitions end": "A transition ends after finitely many reads, whatever it is shown, and "
    "writes finitely many locations.",
}
"""What has to be true of whoever runs the text."""

PRINCIPLES: dict[str, str] = {
    "permits": "If each step of some kind takes a permit, and only steps of other kinds give one, "
    "the former are not more than the latter and the permits at the beginning. What is paid for at "
    "lower positions is finite by induction on the position.",
    "descent": "Who goes down a finite ladder, or takes one element off a finite set that nobody "
    "adds to, and is fair, comes to its foot.",
}
"""How steps are counted: the part of the argument that is not formulas."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One step of the argument: what it says, the families of obligations that it rests on, the
    earlier claims that it uses, and the assumptions and principles."""

    name: str
    says: str
    families: tuple[str, ...]
    uses: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


TERMINATION = (
    Claim(
        "work is finite",
        "In every run, fair or not, each position begins finitely often, and is aborted, suspended "
        "and begun again finitely often; so workers start finitely many tasks. Each such step is "
        "paid for by a change at a lower position since the last, as the ledger says.",
        ("invariants", "payments", "indices", "on_its_own"),
        assumes=("finite", "transitions end"),
        by=("permits",),
    ),
    Claim(
        "nobody waits for ever",
        "A worker can move, wherever it stands before its end, or waits for a list that is locked "
        "by a worker that can. Lists are locked finitely often, as that is in the ledger too; so "
        "from some moment on this one is free.",
        ("invariants", "not_stuck"),
        uses=("work is finite",),
        assumes=("weak fairness",),
    ),
    Claim(
        "tasks end",
        "From some moment on nobody begins anything anew, but to look for work or to commit: all "
        "other steps lead down. So every worker leaves its task, and nobody is active any more.",
        ("descent", "on_its_own"),
        uses=("work is finite", "nobody waits for ever"),
        assumes=("weak fairness", "transitions end"),
        by=("descent",),
    ),
    Claim(
        "nothing is left",
        "Then no index moves any more, as only active workers move one; and both are past the end: "
        "for else a worker that looks for work would take some.",
        ("invariants", "indices", "takes_work"),
        uses=("tasks end",),
        assumes=("finite", "no endless commits"),
    ),
    Claim(
        "the block ends",
        "So it stays, and whoever looks for work then finds that the block is done, and ends; and "
        "so does every other worker.",
        ("invariants", "ends_block", "stays_calm", "descent", "on_its_own"),
        uses=("nobody waits for ever", "tasks end", "nothing is left"),
        assumes=("weak fairness", "no endless commits"),
        by=("descent",),
    ),
)
"""Every run in which the assumptions hold comes to an end, `done`, with all workers ended. What is
done is right by the theorem on serial equivalence; what is left to commit is committed with it."""


def gaps(
    ledger: tuple[Payment, ...] = LEDGER, claims: tuple[Claim, ...] = TERMINATION
) -> Iterator[str]:
    """What is missing between the parts; nothing, if the theorem follows from them."""
    for kind in sorted(unfounded(ledger), key=_name):
        yield f"{_name(kind)}: the ledger does not show that there are finitely many"
    paid = {kind for payment in ledger for kind in payment.what}
    for climb in CLIMBS:
        if climb not in paid and climb not in FREE:
            yield f"{_name(climb)}: leads up, and is not paid for"
    for at in sorted(set(At) - set(DOWN)):
        yield f"{at.name}: has no place on the way down"
    families = {"invariants", *progress.FAMILIES, *prefix.FAMILIES}
    before: set[str] = set()
    for claim in claims:
        for name in sorted({*claim.families} - families):
            yield f"{claim.name}: {name} is not a family of obligations"
        for name in sorted({*claim.uses} - before):
            yield f"{claim.name}: {name} is not claimed before"
        for name in (*claim.assumes, *claim.by):
            if name not in ASSUMPTIONS | PRINCIPLES:
                yield f"{claim.name}: {name} is not said"
        before.add(claim.name)
    used = {family for claim in claims for family in claim.families}
    for family in progress.FAMILIES:
        if family not in used:
            yield f"{family}: is proved, and not used"


def _name(kind: Kind) -> str:
    return kind.action if kind.to is None else f"{kind.action} to {kind.to.name}"


def bounds(positions: int, workers: int, locations: int) -> dict[tuple[Kind, int], int]:
    """How many steps of each kind of the ledger there are at most at each position, in any run on a
    block of that size: the ledger, added up. Of what has no position of its own, the number is that
    of all, and stands at each. The numbers are far above what happens: each change counts as if it
    had stopped everything above it."""
    paid = {kind: payment for payment in LEDGER for kind in payment.what}
    found: dict[tuple[Kind, int], int] = {}

    def at(kind: Kind, i: int) -> int:
        if (kind, i) not in found:
            found[kind, i] = count(paid[kind], i)
        return found[kind, i]

    def count(payment: Payment, i: int) -> int:
        reach = {"same": range(i, i + 1), "lower": range(i), "own": range(positions)}
        given = sum(
            at(kind, k)
            for kind, relation in payment.by
            for k in _positions(kind, reach.get(relation, range(positions)), paid)
        )
        names = parameters(accounts()[payment.account])
        of_workers = workers if {"w", "u"} & names.keys() else 1
        if "u" in names:
            given *= workers  # any of them counts for each
        return (payment.opening * of_workers + given) * (locations if "x" in names else 1)

    return {(kind, i): at(kind, i) for kind in paid for i in range(positions)}


def _positions(kind: Kind, reach: range, paid: Mapping[Kind, Payment]) -> range:
    """Where to count the steps of a kind: once, if its number is that of all positions."""
    has_position = "i" in parameters(accounts()[paid[kind].account])
    return reach if has_position else range(min(1, len(reach)))


def statement() -> Iterator[str]:
    """The theorem, line by line."""
    yield "Every run of the text ends, done, with all workers ended, if"
    yield from (f"  - {name}: {text}" for name, text in ASSUMPTIONS.items())
    yield "by"
    yield from (f"  - {name}: {text}" for name, text in PRINCIPLES.items())
    for number, claim in enumerate(TERMINATION, 1):
        yield f"{number}. {claim.name}. {claim.says}"
        rests = [*claim.families, *claim.uses, *claim.assumes, *claim.by]
        yield f"   from {', '.join(rests)}"

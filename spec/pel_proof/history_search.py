"""Does some serial order explain a history whose order of versions was not recorded?

`pel_spec.serializability` decides histories that tell which version each read saw and in which
order the versions came. Histories from elsewhere often do not: writes are blind, reads show values
only, and values repeat. Then the question is NP-complete, and an answer has to be searched for.
The search is complete: it finds an order, or shows that there is none, or says why it gave up
(with limits that are the same on every machine).

An order that the solver finds is executed once more, so a "yes" does not rest on the solver. A "no"
comes with the fewest reads that contradict each other, and with the contradiction in words.

Source: [Papadimitriou] (the complexity), [Adya] chapter 3 (what has to be explained).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import z3

from pel_spec.anomalies import Anomaly, Names, Witness, show
from pel_spec.history import History, Incarnation, Order
from pel_spec.serializability import Facts, check_serializable, unsound
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version

MOST_TERMS = 200_000
"""Histories that need more comparisons of positions than this are not searched."""

MOST_WORK = 50_000_000
"""The solver's resource limit, in units of its own: a minute or so."""

MOST_SHOWN = 10
"""How many reads an explanation lists."""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Neither an order nor its absence was shown."""

    reason: str

    def explain(self, names: Names = "T{}".format) -> str:
        """The same in words; it concerns nobody in particular."""
        return f"inconclusive: {self.reason}."


@dataclass(frozen=True, slots=True)
class Refutation:
    """No serial order explains `reads` together. `example` is the contradiction that they lead to
    in one order of the versions."""

    reads: tuple[tuple[Version, Read], ...]
    example: Witness

    @property
    def anomaly(self) -> Anomaly:
        """What the contradiction in the example is called."""
        return self.example.anomaly

    def explain(self, names: Names = "T{}".format) -> str:
        """The refutation in words."""
        reads = [
            f"{names(at.position)} read {show(read.location)} = {show(read.value)}"
            for at, read in self.reads[:MOST_SHOWN]
        ]
        if len(self.reads) > MOST_SHOWN:
            reads.append(f"and {len(self.reads) - MOST_SHOWN} more")
        claims = f"these reads: {'; '.join(reads)}" if reads else "the orders that are given"
        example = self.example.explain(names)
        return (
            f"No serial order explains {claims}. In one order of versions, for example:\n{example}"
        )


class _Claims:
    """The committed reads of a history, and the versions that each of them can have seen."""

    def __init__(self, history: History) -> None:
        self.history, self.facts = history, Facts(history)
        self.committed = tuple(history.committed())
        self.reads = tuple((i.version, read) for i in self.committed for read in i.reads)
        likely = sorted(history.commits) if history.session_order else history.commits
        self.rank = {version: rank for rank, version in enumerate(likely)}
        """The likeliest order: that of positions where it counts, else that of the commits."""
        self.leaving: dict[tuple[Location, Value], list[Version]] = {}
        """Who left a value in a location, in the likeliest order."""
        for location, left in self.facts.left.items():
            for version in sorted(left, key=self.rank.__getitem__):
                self.leaving.setdefault((location, left[version]), []).append(version)

    def sources(self, at: Version, read: Read) -> Iterator[Version]:
        """The versions that `read` can have seen, as far as it says. No read sees a write of its
        own transition; a pre-state of which nothing is known can be anything."""
        if read.version is not None:
            yield read.version
            return
        if self.facts.before.get(read.location, read.value) == read.value:
            yield PRE_STATE
        for version in self.leaving.get((read.location, read.value), ()):
            if version != at:
                yield version

    def terms(self) -> int:
        """About how many comparisons of positions it takes to write the question down."""
        return sum(
            len(self.facts.left.get(read.location, ()))
            * (1 + len(self.leaving.get((read.location, read.value), ())))
            for _, read in self.reads
        )

    def unexplained(self) -> Iterator[Witness]:
        """Reads of a value that no committed incarnation left behind."""
        for at, read in self.reads:
            if next(self.sources(at, read), None) is None:
                yield self._dirty(at, read)

    def _dirty(self, at: Version, read: Read) -> Witness:
        for (version, location), values in self.facts.written.items():
            if location == read.location and read.value in values and version != at:
                last = self.facts.left.get(location, {}).get(version)
                anomaly = Anomaly.G1B if version in self.rank else Anomaly.G1A
                return Witness(anomaly, at, read, (last, version))
        return Witness(Anomaly.GARBAGE_READ, at, read)

    def guess(self, reads: Sequence[tuple[Version, Read]]) -> History:
        """The history with these reads only, where each names a version (the last before it in the
        likeliest order, if it can), and versions came in that order."""
        named: dict[Version, list[Read]] = {}
        for at, read in reads:
            named.setdefault(at, []).append(read._replace(version=self._likely(at, read)))
        order = self.history.version_order
        if order is Order.UNKNOWN:
            lefts = self.facts.left.items()
            order = {at: tuple(sorted(left, key=self.rank.__getitem__)) for at, left in lefts}
        return replace(
            self.history,
            incarnations=tuple(
                replace(i, reads=tuple(named.get(i.version, ()))) for i in self.committed
            ),
            validations=(),
            version_order=order,
            initial=self.facts.before,
        )

    def _likely(self, at: Version, read: Read) -> Version:
        if read.version is not None:
            return read.version
        found = self.leaving.get((read.location, read.value), [])
        below = bisect_left(found, self.rank[at], key=self.rank.__getitem__)
        return found[below - 1] if below else next(self.sources(at, read))


class _Question:
    """The claims, as constraints on one integer for each committed version: its place in the order.

    A read that can have seen several versions gets a place of its own, its source's. No two places
    that matter can be equal, because each writer of what was read is put strictly before its source
    or strictly after its reader, unless it is a source itself.
    """

    def __init__(self, claims: _Claims) -> None:
        self.claims, self.context = claims, z3.Context()
        self.places = {PRE_STATE: z3.Int("pre-state", self.context)}
        for incarnation in claims.committed:
            name = f"place {incarnation.version.position}"
            self.places[incarnation.version] = z3.Int(name, self.context)
        self.numbers: dict[tuple[Value, ...], int] = {}

    def solver(self, most_work: int) -> z3.Solver:
        """A solver that knows the orders that are given, and no claim yet."""
        solver = z3.SolverFor("QF_IDL", ctx=self.context)
        solver.set("rlimit", most_work)
        first = self.places[PRE_STATE]
        chains = [[i.version for i in self.claims.committed]]
        solver.add(*(first < self.places[version] for version in chains[0]))
        if not self.claims.history.session_order:
            chains.clear()
        order, left = self.claims.history.version_order, self.claims.facts.left
        if order is not Order.UNKNOWN:
            chains += [list(left[at] if order is Order.PRESET else order[at]) for at in left]
        for chain in chains:
            solver.add(*(self.places[one] < self.places[two] for one, two in pairwise(chain)))
        return solver

    def claim(self, index: int) -> list[z3.BoolRef]:
        """What holds of an order if and only if it explains this one of the reads: some possible
        source is before the reader, and no other writer of the location is between the two."""
        at, read = self.claims.reads[index]
        here, writers = self.places[at], self.claims.facts.left.get(read.location, {})
        possible = []
        for source in self.claims.sources(at, read):
            there = self.places[source]
            between = [self.places[w] for w in writers if w not in (at, source)]
            outside = [z3.Or(place < there, here < place) for place in between]
            known = [self._pre_state_is(read)] if source == PRE_STATE else []
            possible.append([there < here, *outside, *known])
        return possible[0] if len(possible) == 1 else [z3.Or(*map(z3.And, possible))]

    def _pre_state_is(self, read: Read) -> z3.BoolRef:
        """A pre-state that is not known has one value, whichever; values are numbered."""
        if read.location in self.claims.facts.before:
            return z3.BoolVal(True, self.context)
        location = self.numbers.setdefault((read.location,), len(self.numbers))
        value = self.numbers.setdefault((read.location, read.value), len(self.numbers))
        return z3.Int(f"value {location}", self.context) == value

    def order(self, model: z3.ModelRef) -> list[Incarnation]:
        """The committed incarnations as a model puts them; ties do not matter."""
        places = self.places

        def place(incarnation: Incarnation) -> int:
            number = model.eval(places[incarnation.version], model_completion=True)
            return int(number.as_long())

        return sorted(self.claims.committed, key=place)

    def contradiction(self, claims: Sequence[list[z3.BoolRef]], most_work: int) -> list[int]:
        """Which of the claims contradict each other; all, where the solver finds no fewer."""
        solver = self.solver(most_work)
        solver.set("core.minimize", True)
        tracked = {f"read {index}": index for index in range(len(claims))}
        for (name, _), constraints in zip(tracked.items(), claims, strict=True):
            solver.assert_and_track(z3.And(*constraints), z3.Bool(name, self.context))
        if solver.check() != z3.unsat:
            return list(tracked.values())
        return sorted(tracked[str(name)] for name in solver.unsat_core())


def search(
    history: History, most_terms: int = MOST_TERMS, most_work: int = MOST_WORK
) -> Witness | Refutation | Inconclusive | None:
    """`None` if some serial order explains the history; evidence, if none does; or neither."""
    claims = _Claims(history)
    witness = next(unsound(history, claims.facts), None) or next(claims.unexplained(), None)
    if witness is not None or check_serializable(claims.guess(claims.reads)) is None:
        return witness
    if claims.terms() > most_terms:
        return Inconclusive(
            f"the search would take {claims.terms()} comparisons, and the limit is {most_terms}"
        )
    return _solve(claims, most_work)


def _solve(claims: _Claims, most_work: int) -> Refutation | Inconclusive | None:
    question = _Question(claims)
    constraints = [question.claim(index) for index in range(len(claims.reads))]
    solver = question.solver(most_work)
    solver.add(*(constraint for claim in constraints for constraint in claim))
    verdict = solver.check()
    if verdict == z3.unknown:
        reason = solver.reason_unknown()
        return Inconclusive(
            f"the solver stopped ({reason}), its limit is {most_work} units of work"
        )
    if verdict == z3.sat:
        if not replays(claims.history, question.order(solver.model())):
            raise RuntimeError("the solver's order does not explain the history")
        return None
    indices = question.contradiction(constraints, most_work)
    reads = tuple(claims.reads[index] for index in indices)
    example = check_serializable(claims.guess(reads))
    if example is None:
        raise RuntimeError("the solver finds no order for a history that has one")
    return Refutation(reads, example)


def replays(history: History, order: Sequence[Incarnation]) -> bool:
    """Whether executing these incarnations one by one, in this order, gives what the history says:
    each read, each order of versions that it lists, and the session order where it counts."""
    before, listed = Facts(history).before, history.version_order
    last: dict[Location, tuple[Value, Version]] = {}
    versions: dict[Location, list[Version]] = {}
    for incarnation in order:
        for location, value, version, _ in incarnation.reads:
            pre_state = before.setdefault(location, value), PRE_STATE
            right, source = last.get(location, pre_state)
            if value != right or version not in (None, source):
                return False
        for location, value in dict(incarnation.writes).items():
            last[location] = value, incarnation.version
            versions.setdefault(location, []).append(incarnation.version)
    for location, found in versions.items():
        preset = sorted(found) if listed is Order.PRESET else found
        if found != (preset if isinstance(listed, Order) else list(listed[location])):
            return False
    positions = [incarnation.version for incarnation in order]
    return not history.session_order or positions == sorted(positions)

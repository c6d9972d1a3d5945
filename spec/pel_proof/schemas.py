"""Induction over positions, and definition by recursion: the two steps that Z3 does not take.

Each function here turns a statement into obligations for Z3 together with what follows once they
are discharged. That the conclusion follows from them is the principle itself, so this file is in
the trusted base. The facts that are handed in must be proved, or assumed by name, elsewhere.
Nothing else in `pel_proof` introduces a fact that Z3 has not derived.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import z3

from pel_proof.obligations import Obligation
from pel_proof.symbolic import Term, all_, implies

Statement = Callable[[Term], Term]
Facts = Callable[[Term], Sequence[Term]]
"""What is known at a position, and may be used there."""


@dataclass(frozen=True, slots=True)
class Lemma:
    """What has to be discharged, and what then holds: `statement` of the positions in `range`."""

    obligations: tuple[Obligation, ...]
    statement: Statement
    range: Statement

    def at(self, i: Term) -> Term:
        """The conclusion at one position."""
        return implies(self.range(i), self.statement(i))

    @property
    def conclusion(self) -> Term:
        """The conclusion at every position."""
        i = z3.Int("i:all")
        return z3.ForAll([i], self.at(i))


def each(name: str, statement: Statement, end: Term, facts: Facts) -> Lemma:
    """`statement` of an arbitrary `0 <= i < end`, from what is known of it. Therefore of each."""
    i = z3.Int(f"i:{name}")
    known = (i >= 0, i < end, *facts(i))
    obligation = Obligation("theorem", "each", name, known, statement(i))
    return Lemma((obligation,), statement, lambda k: all_(k >= 0, k < end))


def induction(
    name: str, statement: Statement, end: Term, first: Sequence[Term], facts: Facts
) -> Lemma:
    """`statement(0)`, from `first`; and for `0 <= i < end`, from `statement(i)` and `facts(i)`,
    `statement(i + 1)`. Therefore `statement(i)` for all `0 <= i <= end`."""
    i = z3.Int(f"i:{name}")
    base = Obligation("theorem", "base", name, tuple(first), statement(z3.IntVal(0)))
    known = (i >= 0, i < end, *facts(i), statement(i))
    step = Obligation("theorem", "step", name, known, statement(i + 1))
    return Lemma((base, step), statement, lambda k: all_(k >= 0, k <= end))


def strong_induction(name: str, statement: Statement, end: Term, facts: Facts) -> Lemma:
    """For `0 <= i < end`, `statement` of everything below `i`, and `facts(i)`, give
    `statement(i)`. Therefore `statement(i)` for all `0 <= i < end`."""
    i, k = z3.Int(f"i:{name}"), z3.Int(f"k:{name}")
    below = z3.ForAll([k], implies(k >= 0, k < i, statement(k)))
    known = (i >= 0, i < end, *facts(i), below)
    step = Obligation("theorem", "step", name, known, statement(i))
    return Lemma((step,), statement, lambda k: all_(k >= 0, k < end))


@dataclass(frozen=True, slots=True)
class Recursion:
    """A function of a position and a location: `first` at 0, and `step` from each to the next."""

    function: z3.FuncDeclRef
    first: Callable[[Term], Term]
    step: Callable[[Term, Term, Term], Term]

    def begins(self, x: Term) -> Term:
        """Its definition at 0."""
        return self.function(0, x) == self.first(x)

    def unfolds(self, i: Term, x: Term) -> Term:
        """Its definition at `i + 1`, for `0 <= i`."""
        return self.function(i + 1, x) == self.step(i, x, self.function(i, x))

"""The theorem: of the committed prefix, the abstract machine has computed what the fold computes.

    seq(i, x)    what the fold in the preset order has at `x` before position `i`
    last(i, x)   the last position below `i` that memory has a version of at `x`, or `BEFORE`
    view(i, x)   what memory shows to position `i`: the value of that version

The only fact about transitions is `deterministic`: an incarnation whose reads had the values that
the fold would have given it writes what the fold writes. The theorem holds in every state with the
machine's invariants, for every prefix up to what is committed: so of a finished block, and at every
moment of a rolling commit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import z3

from pel_proof.obligations import Obligation, Setting
from pel_proof.refine import all_finished
from pel_proof.schemas import Lemma, Recursion, each, induction
from pel_proof.symbolic import Term, World, all_, any_, implies, ite
from pel_spec.kernel import BEFORE
from pel_spec.scheduler.state import ABSENT


@dataclass(frozen=True, slots=True)
class Values:
    """The values of versions, of the state before the block, and of the fold's writes."""

    base: z3.FuncDeclRef
    value: z3.FuncDeclRef
    fold_wrote: z3.FuncDeclRef
    fold_value: z3.FuncDeclRef
    seq: Recursion
    last: Recursion

    @classmethod
    def of(cls, world: World, m: Any) -> "Values":
        """Unknown values, and what is defined by them."""
        number, place, truth = z3.IntSort(), world.sorts["Place"], z3.BoolSort()
        value = z3.DeclareSort("Value")
        base = z3.Function("base", place, value)
        wrote = z3.Function("fold_wrote", number, place, truth)
        fold_value = z3.Function("fold_value", number, place, value)
        return cls(
            base,
            z3.Function("value", number, number, place, value),
            wrote,
            fold_value,
            Recursion(
                z3.Function("seq", number, place, value),
                base,
                lambda i, x, before: ite(wrote(i, x), fold_value(i, x), before),
            ),
            Recursion(
                z3.Function("last", number, place, number),
                lambda x: z3.IntVal(BEFORE),
                lambda i, x, before: ite(m.wrote[i, x], i, before),
            ),
        )


class Theorem:
    """The statements, and how each follows from those before it."""

    def __init__(self, setting: Setting) -> None:
        self.m = setting.before
        self.n = setting.world.n
        self.values = Values.of(setting.world, self.m)
        self.place = setting.world.sorts["Place"]
        self.known = (*setting.size, *(term for _, term in setting.invariants))

    def everywhere(self, statement: Any) -> Term:
        """Of all locations."""
        x = z3.Const("x", self.place)
        return z3.ForAll([x], statement(x))

    def version_value(self, k: Term, c: Term, x: Term) -> Term:
        """The value of a version, or of the state before the block."""
        return ite(k == BEFORE, self.values.base(x), self.values.value(k, c, x))

    def read_value(self, i: Term, x: Term) -> Term:
        """What `i` was shown at `x`."""
        return self.version_value(self.m.source[i, x], self.m.source_inc[i, x], x)

    def view(self, i: Term, x: Term) -> Term:
        """What memory shows to `i` at `x`."""
        k = self.values.last.function(i, x)
        return self.version_value(k, self.m.published[k], x)

    def deterministic(self, i: Term) -> Term:
        """An assumption: a transition depends on its recorded reads alone. What it was shown has
        the values of the fold, so it writes what it writes there."""
        m, v = self.m, self.values
        same_reads = self.everywhere(
            lambda x: implies(m.reads[i, x], self.read_value(i, x) == v.seq.function(i, x))
        )
        same_writes = self.everywhere(
            lambda x: all_(
                m.wrote[i, x] == v.fold_wrote(i, x),
                implies(m.wrote[i, x], v.value(i, m.published[i], x) == v.fold_value(i, x)),
            )
        )
        return implies(same_reads, same_writes)

    # ---- statements ---------------------------------------------------------------------------

    def last_is_last(self, i: Term) -> Term:
        """`last` is a position below with a version, or none, and there is none in between."""
        m, last = self.m, self.values.last.function
        j = z3.Int("j")
        return self.everywhere(
            lambda x: all_(
                last(i, x) >= BEFORE,
                last(i, x) < i,
                any_(last(i, x) == BEFORE, m.wrote[last(i, x), x]),
                z3.ForAll([j], implies(last(i, x) < j, j < i, z3.Not(m.wrote[j, x]))),
            )
        )

    def reads_the_last(self, i: Term) -> Term:
        """What committed `i` has read is the last version below it, and it still stands."""
        m, last = self.m, self.values.last.function
        return self.everywhere(
            lambda x: implies(
                m.reads[i, x],
                all_(
                    m.source[i, x] == last(i, x),
                    any_(last(i, x) == BEFORE, m.published[last(i, x)] == m.source_inc[i, x]),
                ),
            )
        )

    def memory_is_the_folds(self, i: Term) -> Term:
        """Memory shows to `i` what the fold has before `i`."""
        return self.everywhere(lambda x: self.view(i, x) == self.values.seq.function(i, x))

    def reads_are_the_folds(self, i: Term) -> Term:
        """What `i` has read has the values that the fold has before `i`."""
        m = self.m
        return self.everywhere(
            lambda x: implies(
                m.reads[i, x], self.read_value(i, x) == self.values.seq.function(i, x)
            )
        )

    # ---- how they follow ----------------------------------------------------------------------

    def last_lemma(self) -> Lemma:
        """By induction on the position, from the definition of `last`."""
        last = self.values.last
        return induction(
            "last_is_last",
            self.last_is_last,
            self.n,
            [self.everywhere(last.begins)],
            lambda i: [self.everywhere(lambda x: last.unfolds(i, x))],
        )

    def reads_lemma(self, last: Lemma) -> Lemma:
        """From the machine's invariants."""
        return each(
            "reads_the_last",
            self.reads_the_last,
            self.m.committed,
            lambda i: [*self.known, last.at(i)],
        )

    def values_lemma(self, last: Lemma, reads: Lemma) -> Lemma:
        """Where memory is the fold's, reads are the fold's: they are the last versions."""
        return each(
            "reads_follow_memory",
            lambda i: implies(self.memory_is_the_folds(i), self.reads_are_the_folds(i)),
            self.m.committed,
            lambda i: [*self.known, last.at(i), reads.at(i)],
        )

    def memory_lemma(self, last: Lemma, values: Lemma) -> Lemma:
        """By induction on the position: a transition that has read what the fold would have given
        it writes what the fold writes, and that is what memory shows to the next."""
        v = self.values
        return induction(
            "memory_is_the_folds",
            self.memory_is_the_folds,
            self.m.committed,
            [self.everywhere(v.last.begins), self.everywhere(v.seq.begins)],
            lambda i: [
                *self.known,
                self.everywhere(lambda x: v.last.unfolds(i, x)),
                self.everywhere(lambda x: v.seq.unfolds(i, x)),
                last.at(i),
                values.at(i),
                self.deterministic(i),
            ],
        )

    def conclusion(self, values: Lemma, memory: Lemma) -> Lemma:
        """Every committed transition has read what the fold in the preset order would have given
        it. (That memory is the fold's, to the end of the prefix, is the lemma before.)"""
        return each(
            "reads_are_the_folds",
            self.reads_are_the_folds,
            self.m.committed,
            lambda i: [memory.at(i), values.at(i)],
        )

    def lemmas(self) -> tuple[Lemma, ...]:
        """All of it, in the order in which it follows."""
        last = self.last_lemma()
        reads = self.reads_lemma(last)
        values = self.values_lemma(last, reads)
        memory = self.memory_lemma(last, values)
        return last, reads, values, memory, self.conclusion(values, memory)


def theorem_obligations(setting: Setting) -> Iterator[Obligation]:
    """Serial equivalence of the abstract machine's committed prefix. `world` is to be active."""
    for lemma in Theorem(setting).lemmas():
        yield from lemma.obligations


def memory_obligations(setting: Setting) -> Iterator[Obligation]:
    """When Block-STM's block is done, its memory is the abstract machine's: of each position what
    its last incarnation has written, and nothing else, no ESTIMATE least of all."""
    s, world = setting.before, setting.world
    lemma = all_finished(setting)
    i, x = z3.Int("i:done"), z3.Const("x:done", world.sorts["Place"])
    worker = z3.Const("w:done", world.sorts["Worker"])  # there is at least one
    known = (*setting.size, s.done, s.pc[worker] == s.pc[worker], lemma.at(i), i >= 0, i < world.n)
    says = type(s)
    shown = ite(s.say(says.as_wrote, i, x), s.say(says.as_published, i), ABSENT)
    goal = s.mem[i, x] == shown
    yield Obligation("theorem", "done", "memory_is_published", known, goal, setting.invariants)

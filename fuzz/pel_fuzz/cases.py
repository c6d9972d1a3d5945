"""A case: a block of a kind, the interleavings to run it under, and how closely to look.

Cases are addressable: `case_at(seed, index, ...)` is a function of its arguments alone, so shards,
resumed runs and other machines see exactly the same ones. What is drawn about *how* to run (the
plan) is drawn apart from the block, so that shrinking the block leaves the plan alone.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from hypothesis.strategies import SearchStrategy

from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.blocks import GeneratedBlock, blocks
from pel_fuzz.workloads.draws import Choices, draw_case
from pel_parallel.choices import Choices as Steering
from pel_parallel.choices import RandomWalk, Recorded
from pel_proof.runs.interpreter import Turn
from pel_reference.block import Block
from pel_reference.transitions import compile_block
from pel_spec.transition import TransitionBlock

TINY_SHARE = 0.3
"""Share of the cases that go to the tiny machine: a hundred times cheaper, and all scheduler."""
RUNS_A_CASE = {"tiny": 100, "evm": 2}
"""Interleavings per case: so many that a case of either kind costs about the same."""
EELS_SHARE, TWIN_SHARE = 0.06, 0.15
SWITCH_PROBABILITIES = {"tiny": (0.1, 0.2, 0.4, 0.7), "evm": (0.03, 0.1, 0.3, 0.6)}
"""Of the random walks. A run of the tiny machine is short: rare switches would leave it serial."""

Subject: TypeAlias = Block | TinyBlock


@dataclass(frozen=True, slots=True)
class Walk:
    """A seeded random walk over the workers; the same seed walks the same way everywhere."""

    seed: int
    switch_probability: float

    def steering(self) -> Steering:
        """What the controller asks."""
        return RandomWalk(self.seed, self.switch_probability)


@dataclass(frozen=True, slots=True)
class Switches:
    """A recorded schedule: `(worker, own step, target)` wherever the default was not followed."""

    switches: tuple[tuple[int, int, int], ...]
    strict: bool = True

    def steering(self) -> Steering:
        """What the controller asks."""
        return Recorded(self.switches, strict=self.strict)


Interleaving: TypeAlias = Walk | Switches


@dataclass(frozen=True, slots=True)
class Case:
    """What is run, and how.

    `twin`: every incarnation also runs on fresh objects. `reference`, `eels`: the whole block also
    goes through the reference proper, and through EELS. `threads`: it was found on plain threads,
    which the interleavings do not steer. `turns`: the scheduler's text itself runs it, in these
    turns, and no interleaving is used. `origin` is (seed, index) where drawn.
    """

    subject: Subject
    kind: Literal["tiny", "evm"]
    workers: int
    interleavings: tuple[Interleaving, ...]
    features: frozenset[str] = frozenset()
    twin: bool = False
    threads: bool = False
    turns: tuple[Turn, ...] | None = None
    reference: bool = True
    eels: bool = False
    origin: tuple[int, int] | None = None
    drawn_fork: str | None = None

    @property
    def fork(self) -> str | None:
        """The fork of an EVM block."""
        return None if isinstance(self.subject, TinyBlock) else self.subject.fork

    def strategy(self) -> SearchStrategy[TinyBlock | GeneratedBlock]:
        """Where blocks of this case's kind are drawn from."""
        return tiny_blocks() if self.kind == "tiny" else blocks(fork=self.drawn_fork)

    def compile(self) -> TransitionBlock:
        """The block as executors see it."""
        return self.subject if isinstance(self.subject, TinyBlock) else compile_block(self.subject)

    def with_subject(self, drawn: "TinyBlock | GeneratedBlock") -> "Case":
        """The same plan for another block (a smaller one, say)."""
        if isinstance(drawn, TinyBlock):
            return replace(self, subject=drawn)
        return replace(self, subject=drawn.block, features=drawn.features)


def plan_at(seed: int, index: int, fork: str | None, eels: bool) -> Case:
    """The plan of case `index`: a case that still wants its block."""
    rng = Random(f"{seed}/{index}/plan")
    kind: Literal["tiny", "evm"] = "tiny" if fork is None and rng.random() < TINY_SHARE else "evm"
    walks = tuple(
        Walk(rng.getrandbits(48), rng.choice(SWITCH_PROBABILITIES[kind]))
        for _ in range(RUNS_A_CASE[kind])
    )
    return Case(
        subject=TinyBlock(()),
        kind=kind,
        drawn_fork=fork,
        workers=rng.choice((2, 2, 3, 3, 4, 4, 8)),
        interleavings=walks,
        twin=rng.random() < TWIN_SHARE,
        eels=rng.random() < EELS_SHARE and eels,
        origin=(seed, index),
    )


def case_at(
    seed: int, index: int, fork: str | None = None, eels: bool = True
) -> tuple[Case, Choices]:
    """Case `index` of campaign `seed`, and the choices that drew its block (for shrinking).

    `fork` restricts the campaign to EVM blocks of one fork; without `eels` no case asks for it.
    """
    plan = plan_at(seed, index, fork, eels)
    drawn = draw_case(plan.strategy(), seed, index)
    return plan.with_subject(drawn.value), drawn.choices

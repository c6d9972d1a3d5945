"""A case: a block of a kind, the interleavings to run it under, and how closely to look.

Cases are addressable: `case_at(seed, index, ...)` is a function of its arguments alone, so shards,
resumed runs and other machines see exactly the same ones. What is drawn about *how* to run (the
plan) is drawn apart from the block, so that shrinking the block leaves the plan alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from hypothesis.strategies import SearchStrategy

from pel_fuzz.fault_draws import with_drawn_faults
from pel_fuzz.interleavings import (
    SEARCHED_SHARE,
    SEARCHES,
    SEARCHES_IN_MIX,
    Interleaving,
    Search,
    draw_interleaving,
)
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.blocks import GeneratedBlock, blocks
from pel_fuzz.workloads.draws import Choices, draw_case
from pel_proof.runs.interpreter import Turn
from pel_reference.block import Block
from pel_reference.transitions import compile_block
from pel_spec.transition import TransitionBlock

TINY_SHARE = 0.55
"""Share of the cases that go to the tiny machine: a hundred times cheaper, and all scheduler."""
RUNS_A_CASE = {"tiny": 30, "evm": 2}
"""Interleavings per case: so many that a case of either kind costs about the same."""
EELS_SHARE, TWIN_SHARE = 0.06, 0.15

Subject: TypeAlias = Block | TinyBlock


@dataclass(frozen=True, slots=True)
class Case:
    """What is run, and how.

    `twin`: every incarnation also runs on fresh objects. `reference`, `eels`: the whole block also
    goes through the reference proper, and through EELS. `threads`: it was found on plain threads,
    which the interleavings do not steer. `external`: an executor in another language runs it,
    driven from outside (`pel_fuzz.drive`). `python`: an executor of a user's in Python ran it
    (`pel_fuzz.testing`), and no interleaving is used. `client`: a client ran the block by its own
    interface (`pel_fuzz.client`). `turns`: the scheduler's text itself runs it,
    in these turns, and no interleaving is used. `origin` is (seed, index) where drawn, `small`:
    from small tiny blocks.
    """

    subject: Subject
    kind: Literal["tiny", "evm"]
    workers: int
    interleavings: tuple[Interleaving, ...]
    features: frozenset[str] = frozenset()
    twin: bool = False
    threads: bool = False
    external: bool = False
    python: bool = False
    client: bool = False
    turns: tuple[Turn, ...] | None = None
    reference: bool = True
    eels: bool = False
    origin: tuple[int, int] | None = None
    drawn_fork: str | None = None
    small: bool = False

    @property
    def fork(self) -> str | None:
        """The fork of an EVM block."""
        return None if isinstance(self.subject, TinyBlock) else self.subject.fork

    def strategy(self) -> SearchStrategy[TinyBlock | GeneratedBlock]:
        """Where blocks of this case's kind are drawn from."""
        if self.kind == "evm":
            return blocks(fork=self.drawn_fork)
        return tiny_blocks(largest=3, most_cells=2, longest=2) if self.small else tiny_blocks()

    def compile(self) -> TransitionBlock:
        """The block as executors see it."""
        return self.subject if isinstance(self.subject, TinyBlock) else compile_block(self.subject)

    def with_subject(self, drawn: "TinyBlock | GeneratedBlock") -> "Case":
        """The same plan for another block (a smaller one, say)."""
        if isinstance(drawn, TinyBlock):
            return replace(self, subject=drawn)
        return replace(self, subject=drawn.block, features=drawn.features)


def plan_at(
    seed: int, index: int, fork: str | None, eels: bool, interleavings: str = "mix"
) -> Case:
    """The plan of case `index`: a case that still wants its block."""
    rng = Random(f"{seed}/{index}/plan")
    tiny_share = 1 if interleavings == "exhaustive" else TINY_SHARE
    kind: Literal["tiny", "evm"] = "tiny" if fork is None and rng.random() < tiny_share else "evm"
    if kind == "tiny" and (
        interleavings == "exhaustive" or (interleavings == "mix" and rng.random() < SEARCHED_SHARE)
    ):
        searches = SEARCHES if interleavings == "exhaustive" else SEARCHES_IN_MIX
        return _search_at(rng, seed, index, searches)
    runs: tuple[Interleaving, ...] = tuple(
        draw_interleaving(rng, kind, interleavings) for _ in range(RUNS_A_CASE[kind])
    )
    workers = rng.choice((2, 2, 3, 3, 4, 4, 8))
    if interleavings != "threads":  # nobody steers those, so no step of theirs is known beforehand
        faults = Random(f"{seed}/{index}/faults")
        runs = with_drawn_faults(faults, kind, workers, runs)
    return Case(
        subject=TinyBlock(()),
        kind=kind,
        drawn_fork=fork,
        workers=workers,
        interleavings=runs,
        twin=rng.random() < TWIN_SHARE,
        eels=rng.random() < EELS_SHARE and eels,
        origin=(seed, index),
    )


def _search_at(rng: Random, seed: int, index: int, searches: Mapping[int, tuple[int, int]]) -> Case:
    """The plan of a case in which all interleavings of a small block are searched."""
    workers = rng.choice(tuple(searches))
    search = Search(*searches[workers])
    return Case(TinyBlock(()), "tiny", workers, (search,), small=True, origin=(seed, index))


def case_at(
    seed: int,
    index: int,
    fork: str | None = None,
    eels: bool = True,
    interleavings: str = "mix",
) -> tuple[Case, Choices]:
    """Case `index` of campaign `seed`, and the choices that drew its block (for shrinking).

    `fork` restricts the campaign to EVM blocks of one fork; without `eels` no case asks for it;
    `interleavings` is one of `INTERLEAVINGS`.
    """
    plan = plan_at(seed, index, fork, eels, interleavings)
    drawn = draw_case(plan.strategy(), seed, index)
    return plan.with_subject(drawn.value), drawn.choices

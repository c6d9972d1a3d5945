"""Hypothesis strategies for tests of your own: contended blocks, and interleavings.

These names are stable. `tiny_blocks` and `transition_blocks` are blocks as executors see them
(`pel_spec.transition.TransitionBlock`); `blocks` are blocks of real, signed transactions, which
`pel_reference.transitions.compile_block` turns into such. Blocks of the EVM are large: give their
tests a `deadline` of `None` and few examples, and suppress the health checks on size and speed.
"""

from collections.abc import Collection
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pel_fuzz.interleavings import PARAMETERS, Seeded, SeededName, Walk
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.blocks import MOST_TRANSACTIONS, Contention, GeneratedBlock
from pel_fuzz.workloads.blocks import blocks as generated_blocks
from pel_reference.block import Block
from pel_reference.transitions import compile_block
from pel_spec.transition import TransitionBlock

__all__ = [
    "blocks",
    "generated_blocks",
    "interleavings",
    "tiny_blocks",
    "transition_blocks",
]

_SEEDS: Final = st.integers(0, 2**48 - 1)


def blocks(
    fork: str | None = None,
    size: tuple[int, int] = (8, MOST_TRANSACTIONS),
    contention: Contention | None = None,
    themes: Collection[str] | None = None,
) -> SearchStrategy[Block]:
    """Contended blocks of real transactions, of a fork or of any; the options are those of
    `generated_blocks`, whose blocks also say which features are in them."""
    return generated_blocks(fork, size, contention, themes).map(_block_of)


def _block_of(generated: GeneratedBlock) -> Block:
    return generated.block


def transition_blocks(
    fork: str | None = None, size: tuple[int, int] = (8, MOST_TRANSACTIONS)
) -> SearchStrategy[TransitionBlock]:
    """Blocks of real transactions as executors see them."""
    return blocks(fork, size).map(compile_block)


def interleavings() -> SearchStrategy[Walk | Seeded]:
    """Ways to steer one run of our executor (`pel_fuzz.executors.run_controlled`): random walks,
    and every seeded strategy."""
    walks = st.builds(Walk, _SEEDS, st.sampled_from((0.03, 0.1, 0.2, 0.4, 0.7)))
    return walks | st.sampled_from(sorted(PARAMETERS)).flatmap(_seeded)


def _seeded(name: SeededName) -> SearchStrategy[Seeded]:
    low, high, whole = PARAMETERS[name]
    parameter = st.integers(low, min(high, 40)) if whole else st.sampled_from((0.05, 0.1, 0.2, 0.4))
    return st.builds(Seeded, st.just(name), _SEEDS, parameter)

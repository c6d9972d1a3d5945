"""The tiers above the fold: the reference proper, and EELS beside it.

The fold and the optimistic run share the seam, so a fault of the seam is in both. What they settle
to is therefore compared with the reference, which runs the whole block on py-evm's own state and
tries; and the reference with EELS, with which it shares nothing.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.block import Block, BlockResult
from pel_reference.compare import differences
from pel_reference.eels import run_block_eels
from pel_reference.errors import InvalidBlock
from pel_reference.evm_corrections import RIPEMD_PRECOMPILE
from pel_reference.fork_names import is_from
from pel_reference.sequential import run_block
from pel_reference.settle import FailedRun, settle
from pel_reference.transitions import EvmBlock
from pel_spec.fold import Result

_INDEX: Final = re.compile(r"\[[^\]]*\]")
"""What in the path of a field differs from block to block."""


def outcome_of(execute: Callable[[], BlockResult]) -> BlockResult | str:
    """The block's result, or the reason why no block with these transactions is valid."""
    try:
        return execute()
    except InvalidBlock as invalid:
        return str(invalid)


def first_difference(
    oracle: Oracle, left: BlockResult | str, right: BlockResult | str, who: str
) -> Difference | None:
    """The first of the differences between what an oracle says (`left`) and what `who` says."""
    if isinstance(left, str) or isinstance(right, str):
        if isinstance(left, str) and isinstance(right, str):
            return None  # both refuse the block; the wording is each one's own
        return Difference(oracle, "validity", f"validity ({who})", _told(left), _told(right))
    for found in differences(left, right, reasons=oracle is not Oracle.EELS):
        return Difference(
            oracle,
            _INDEX.sub("", found.field),
            f"{found.field} ({who})",
            shorten(found.left),
            shorten(found.right),
            tx_index=found.tx_index,
        )
    return None


def _told(outcome: BlockResult | str) -> str:
    return outcome if isinstance(outcome, str) else "a valid block"


def settled_differences(
    block: EvmBlock, expected: BlockResult | str, results: Sequence[tuple[str, Result]]
) -> Iterator[Difference]:
    """What each of these results settles to, against what is expected. Results with an internal
    error are left out: that is a difference of its own."""
    for who, result in results:
        try:
            settled = outcome_of(partial(settle, block, result))
        except FailedRun:
            continue
        difference = first_difference(Oracle.REFERENCE, expected, settled, who)
        if difference is not None:
            yield difference


def reference_outcome(block: Block) -> BlockResult | str:
    """What the reference says of a block."""
    return outcome_of(partial(run_block, block))


def eels_can_judge(block: Block) -> bool:
    """Whether EELS means the same block; decision 11 says why it may not.

    From Paris on no state holds an empty account (EIP-7523), and EELS has no rule left for
    clearing one. Before, it keeps an empty account of the RIPEMD-160 precompile that only a failed
    transaction has touched, where py-evm and geth clear it.
    """
    empty = [address for address, account in block.alloc.items() if account.is_empty]
    return not (RIPEMD_PRECOMPILE in empty or (empty and is_from(block.fork, "Paris")))


def eels_difference(block: Block) -> Difference | None:
    """EELS against the reference."""
    return first_difference(
        Oracle.EELS,
        outcome_of(lambda: run_block_eels(block)),
        outcome_of(lambda: run_block(block)),
        "reference",
    )

"""A difference of a client made small: by Hypothesis, then transaction by transaction, then by
leaving out accounts. What counts is the signature.

A client that runs in parallel may show a difference in one run and not in the next. So it is tried
a few times first, and each smaller block as often as that took, and once more.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pel_fuzz.client.asking.interface import BlockClient
from pel_fuzz.client.checking.blocks import (
    LEAST_TRANSACTIONS,
    SMALLEST_TRANSACTIONS,
    ClientBlock,
    client_blocks,
    judged,
)
from pel_fuzz.client.checking.campaign import CheckPlan
from pel_fuzz.client.checking.examining import Examined, examine
from pel_fuzz.client.running.failures import Stopped
from pel_fuzz.verdict import Difference, Oracle
from pel_fuzz.workloads.blocks import GeneratedBlock
from pel_fuzz.workloads.draws import UndrawableCase, shrink
from pel_reference.block import Block

MOST_TRIES: Final = 5
"""Times that a block is tried before its difference is given up."""
HYPOTHESIS_SHARE: Final = 0.6
"""Share of the time that Hypothesis may take."""


@dataclass(frozen=True, slots=True)
class Smaller:
    """The smallest block found that shows the difference; `examined` is `None` where it was not
    seen again, and the block is as it was found. `tries` is how often it took to be seen."""

    block: Block
    examined: Examined | None
    tries: int


class Shrinker:
    """Shrinks what one client shows, while there is time."""

    def __init__(self, client: BlockClient, signature: str, seconds: float) -> None:
        self._client, self._signature = client, signature
        self._start = time.monotonic()
        self._deadline = self._start + seconds
        self._seconds, self._tries = seconds, MOST_TRIES
        self._best: tuple[Block, Examined] | None = None
        self._tried = 0

    def shrink(self, plan: CheckPlan, found: ClientBlock) -> Smaller:
        """The smallest block of what a found one shows."""
        if not self._shows(found.block):
            return Smaller(found.block, None, self._tries)
        tries = self._tried
        self._tries = min(MOST_TRIES, tries + 1) if tries > 1 else 1
        self._by_hypothesis(plan, found)
        self._without_transactions()
        self._without_accounts()
        self._without_ancestors()
        assert self._best is not None
        return Smaller(*self._best, tries)

    # ---- is it still there? ---------------------------------------------------------------

    def _is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    def _shows(self, block: Block) -> bool:
        """Whether a block shows the difference; if so it is the best one so far."""
        expected = judged(block)
        if expected is None:
            return False
        for tried in range(1, self._tries + 1):
            try:
                examined = examine(self._client, block, expected, stop=self._is_over)
            except Stopped:
                return False
            difference = examined.difference
            if difference is not None and difference.signature == self._signature:
                self._best, self._tried = (block, examined), tried
                return True
        return False

    # ---- what can be left out -------------------------------------------------------------

    def _by_hypothesis(self, plan: CheckPlan, found: ClientBlock) -> None:
        until = self._start + self._seconds * HYPOTHESIS_SHARE
        least = SMALLEST_TRANSACTIONS if plan.small else LEAST_TRANSACTIONS

        def shows(drawn: GeneratedBlock) -> bool:
            return self._shows(drawn.block)

        def has_time() -> bool:
            return time.monotonic() < until

        try:
            shrink(
                client_blocks(found.drawn_fork, least), found.choices, shows, keep_going=has_time
            )
        except UndrawableCase:  # not seen again: the best is the block as it was found
            return

    def _without_transactions(self) -> None:
        def less(block: Block, kept: Sequence[int]) -> Block:
            return replace(block, transactions=tuple(block.transactions[i] for i in kept))

        self._leave_out(lambda block: len(block.transactions), less)

    def _without_accounts(self) -> None:
        def less(block: Block, kept: Sequence[int]) -> Block:
            addresses = sorted(block.alloc)
            return replace(block, alloc={addresses[i]: block.alloc[addresses[i]] for i in kept})

        self._leave_out(lambda block: len(block.alloc), less)

    def _without_ancestors(self) -> None:
        """Only the parent's hash, unless another one is asked for."""
        assert self._best is not None
        if self._is_over():
            return
        block = self._best[0]
        parent = block.env.number - 1
        hashes = {at: found for at, found in block.env.block_hashes.items() if at == parent}
        self._shows(replace(block, env=replace(block.env, block_hashes=hashes)))

    def _leave_out(
        self, count: Callable[[Block], int], less: Callable[[Block, Sequence[int]], Block]
    ) -> None:
        """Take parts out, many at first, then single ones, the last ones first."""
        assert self._best is not None
        block = self._best[0]
        size = max(count(block) // 2, 1)
        while size and not self._is_over():
            end = count(block)
            while end > 0 and not self._is_over():
                kept = [i for i in range(count(block)) if not end - size <= i < end]
                smaller = less(block, kept)
                end -= size
                if self._shows(smaller):
                    block = smaller
            size //= 2


def replayed(
    client: BlockClient, block: Block, tries: int, wanted: str | None
) -> tuple[Difference | None, int, Examined]:
    """A kept block once more, until the difference shows, so many times at most.

    Result: the difference, how many times it took, and the try that shows it; where the wanted one
    does not show, the first that says the most. Raises: `ValueError`, for a block by which no
    client can be judged.
    """
    expected = judged(block)
    if expected is None:
        raise ValueError("no client can be judged by this block")
    tried, shown = 0, Examined()
    for tried in range(1, tries + 1):
        examined = examine(client, block, expected)
        difference = examined.difference
        if difference is not None and wanted in (None, difference.signature):
            return difference, tried, examined
        if _weight(examined) > _weight(shown):
            shown = examined
    return shown.difference, tried, shown


def _weight(examined: Examined) -> int:
    """How much a try says of a client: a verdict most, then none, then that it cannot be asked."""
    if examined.difference is None:
        return int(examined.unfit is not None)
    return 2 if examined.difference.oracle is Oracle.CLIENT else 3

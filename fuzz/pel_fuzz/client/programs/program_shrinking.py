"""A block of programs on which an executor differs, made small.

A program is taken out, or an instruction, or an initial value becomes 0, as long as the executor
still shows the same. A parallel executor does not show it at every run, so each smaller block gets
a few; and what shows it less often is not taken for smaller, because the one before stays.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from pel_fuzz.client.programs.programs import (
    Examined,
    Passes,
    ProgramExecutor,
    examine,
    nothing_passes,
)
from pel_fuzz.client.running.failures import Stopped
from pel_fuzz.tiny import TinyBlock

TRIES: Final = 4
"""Runs that a smaller block gets, where it has shown the difference at the first run."""
MOST_TRIES: Final = 30
"""And at most, where it was seen only now and then."""


@dataclass(slots=True)
class _Search:
    """The smallest block so far, and what the executor showed on it."""

    executor: ProgramExecutor
    block: TinyBlock
    found: Examined
    deadline: float
    passes: Passes

    def is_late(self) -> bool:
        return time.monotonic() >= self.deadline

    def offer(self, smaller: TinyBlock) -> bool:
        """Take a smaller block, if the executor shows the same on it.

        Raises: `Stopped`, when the time is over.
        """
        runs = min(MOST_TRIES, TRIES * (self.found.run + 1))
        examined = examine(self.executor, smaller, runs, self.is_late, self.passes)
        if self.is_late():
            raise Stopped
        assert self.found.difference is not None, "nothing is shrunk that does not differ"
        difference = examined.difference
        if difference is None or difference.signature != self.found.difference.signature:
            return False
        self.block, self.found = smaller, examined
        return True

    def without_programs(self) -> bool:
        """Take out programs, many in a row at first."""
        before, size = len(self.block.programs), (len(self.block.programs) + 1) // 2
        while size:
            at = len(self.block.programs)
            while at > 0:
                at = max(at - size, 0)
                programs = self.block.programs
                fewer = (*programs[:at], *programs[at + size :])
                self.offer(replace(self.block, programs=fewer))
            size //= 2
        return len(self.block.programs) < before

    def without_instructions(self) -> bool:
        """Take out single instructions, the last ones first."""
        improved = False
        for i in range(len(self.block.programs) - 1, -1, -1):
            for k in range(len(self.block.programs[i]) - 1, -1, -1):
                programs = list(self.block.programs)
                programs[i] = (*programs[i][:k], *programs[i][k + 1 :])
                improved |= self.offer(replace(self.block, programs=tuple(programs)))
        return improved

    def with_zeros(self) -> bool:
        """Let initial values be 0."""
        improved = False
        for i, value in enumerate(self.block.initial_values):
            if value:
                initial = (*self.block.initial_values[:i], 0, *self.block.initial_values[i + 1 :])
                improved |= self.offer(replace(self.block, initial_values=initial))
        return improved


def shrink_programs(
    executor: ProgramExecutor,
    block: TinyBlock,
    found: Examined,
    seconds: float,
    passes: Passes = nothing_passes,
) -> tuple[TinyBlock, Examined]:
    """The smallest block found within the time, and what the executor showed on it: the signature
    of `found`, which is a difference. `passes` is that of `examine`."""
    search = _Search(executor, block, found, time.monotonic() + seconds, passes)
    with suppress(Stopped):
        while search.without_programs() | search.without_instructions() | search.with_zeros():
            pass
    return search.block, search.found

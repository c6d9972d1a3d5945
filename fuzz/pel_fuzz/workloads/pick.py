"""Choices of one case, as the generators make them: small whole numbers, the simplest one 0."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Option = TypeVar("Option")


@lru_cache(maxsize=1024)
def _below(end: int) -> SearchStrategy[int]:
    # Building a strategy costs more than drawing from it.
    return st.integers(0, end - 1)


class Pick:
    """Draws for the generators. Every choice shrinks towards 0, so options are listed simplest
    first."""

    def __init__(self, draw: Callable[[SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def below(self, end: int) -> int:
        """A number from 0 to `end - 1`."""
        number: int = self._draw(_below(end))
        return number

    def of(self, options: Sequence[Option]) -> Option:
        """One of some options."""
        return options[self.below(len(options))]

    def once_in(self, times: int) -> bool:
        """True once in so many times, and never in a shrunk case that can do without."""
        return self.below(times) == times - 1

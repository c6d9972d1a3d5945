"""Blocks of the tiny key-value machine, drawn by Hypothesis: small, contended, cheap.

Only composites, lists and whole numbers, which `draw_case` can steer.
"""

from functools import lru_cache
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pel_fuzz.tiny import OPERANDS, PAIRS, Program, TinyBlock

_SINGLE: Final = tuple(OPERANDS)
_PHRASES: Final = (
    *[("get", "put")] * 16,
    *[("branch", "put", "put"), ("get", "branch", "put")] * 3,
)
"""Drawn beside the single instructions. In most of them a cell is read and one is written: a block
is then a chain of transitions in which every stale read shows, and bugs around aborts and ESTIMATEs
are found ten times sooner than with single instructions alone. In the others what is read decides
whether something is written: then an incarnation writes elsewhere than the one before it."""


@lru_cache(maxsize=64)
def _whole(low: int, high: int) -> SearchStrategy[int]:
    # Building a strategy costs more than drawing from it.
    return st.integers(low, high)


@st.composite
def _drawn_phrase(draw: st.DrawFn, cells: int) -> Program:
    limits = {"cell": (0, cells - 1), "number": (0, 7), "count": (1, 3), "pair": (0, PAIRS - 1)}
    drawn = draw(_whole(0, len(_SINGLE) + len(_PHRASES) - 1))
    if drawn < len(_SINGLE):
        names: tuple[str, ...] = (_SINGLE[drawn],)
    else:
        names = _PHRASES[drawn - len(_SINGLE)]
        limits["count"] = (1, 1)  # in a phrase, a branch skips one instruction
    return tuple(
        (name, *(draw(_whole(*limits[kind])) for kind in OPERANDS[name])) for name in names
    )


@lru_cache(maxsize=64)
def _drawn_programs(
    cells: int, least: int, largest: int, longest: int
) -> SearchStrategy[list[list[Program]]]:
    program = st.lists(_drawn_phrase(cells), min_size=1, max_size=longest)
    return st.lists(program, min_size=least, max_size=largest)


@st.composite
def tiny_blocks(
    draw: st.DrawFn, largest: int = 8, most_cells: int = 4, longest: int = 6, least: int = 1
) -> TinyBlock:
    """Contended blocks: `least` to `largest` programs of up to `longest` phrases over a handful of
    cells, so that nearly every two of them meet."""
    cells = draw(_whole(1, most_cells))
    initial = tuple(draw(_whole(0, 3)) for _ in range(cells))
    programs = draw(_drawn_programs(cells, least, largest, longest))
    return TinyBlock(tuple(sum(phrases, ()) for phrases in programs), initial)

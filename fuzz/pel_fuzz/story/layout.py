"""A story as lines of text: two workers side by side, or one column with the worker's number."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from pel_fuzz.story.telling import Turn, switches_told

WIDTH = 100
"""Characters of a line."""
MOST_LINES = 60
"""Lines of a story, unless all is asked for."""
GAP = 2
"""Characters between two columns."""
BESIDES = 5
"""Lines kept free in a story that is cut: the heading, and where turns are left out."""


def lines_of(turns: Sequence[Turn], workers: int, most_lines: int | None = MOST_LINES) -> list[str]:
    """The story in lines; of one that is too long, the middle is left out, except for what is
    marked and what is next to it."""
    blocks = list(_blocks(turns, workers))
    kept = _kept(turns, [len(block) for block in blocks], most_lines)
    lines, number = _heading(workers), 0
    while number < len(blocks):
        if number in kept:
            lines += blocks[number]
            number += 1
            continue
        end = next((i for i in range(number, len(blocks)) if i in kept), len(blocks))
        left_out = "a turn" if end - number == 1 else f"{end - number} turns"
        lines.append(f"... {left_out} left out ...".center(WIDTH).rstrip())
        number = end
    return lines


def _heading(workers: int) -> list[str]:
    if workers != 2:
        return []
    width = _column(workers)
    return [f"{'worker 0'.ljust(width + GAP)}worker 1", f"{'-' * width}{' ' * GAP}{'-' * width}"]


def _column(workers: int) -> int:
    return (WIDTH - GAP) // 2 if workers == 2 else WIDTH - len("worker 00: ")


def _blocks(turns: Sequence[Turn], workers: int) -> Iterator[list[str]]:
    """The lines of each turn, with the switch to it."""
    switches = ["", *switches_told(turns)]
    for turn, switch in zip(turns, switches, strict=True):
        told = [line for s in turn.sentences for line in _wrapped(s, _column(workers))]
        indent = " " * (_column(2) + GAP if workers == 2 and turn.worker else 0)
        name = "" if workers == 2 else f"worker {turn.worker}: ".ljust(len("worker 00: "))
        lines = [f"-- {switch} ".ljust(WIDTH, "-")] if switch else []
        for number, line in enumerate(told):
            first = name if number == 0 else " " * len(name)
            lines.append(f"{indent}{first}{line}")
        yield lines


def _wrapped(sentence: str, width: int) -> list[str]:
    return wrap(sentence, width, subsequent_indent="  ", break_on_hyphens=False) or [""]


def _kept(turns: Sequence[Turn], heights: Sequence[int], most_lines: int | None) -> set[int]:
    """The turns that are told: the marked, then the first and last in turn, then what is next to
    the marked, for as long as there is room."""
    if most_lines is None or sum(heights) <= most_lines:
        return set(range(len(turns)))
    marked = [i for i, turn in enumerate(turns) if turn.marked]
    wanted = list(marked)
    for distance in range(len(turns)):
        wanted += [i + sign * distance for i in marked for sign in (-1, 1)]
        wanted += [distance, len(turns) - 1 - distance]
    kept: set[int] = set()
    room = most_lines - BESIDES
    for number in wanted:
        if 0 <= number < len(turns) and number not in kept:
            if heights[number] > room:
                break
            kept.add(number)
            room -= heights[number]
    return kept

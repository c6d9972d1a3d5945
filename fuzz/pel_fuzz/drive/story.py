"""A driven run told for people: a column for each worker, looks for work taken together."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from pel_fuzz.drive.driver import Taken
from pel_fuzz.drive.messages import IDLE

COLUMN = 40
"""Characters for each worker."""


def story_lines(story: Sequence[Taken]) -> Iterator[str]:
    """A heading, then a line for each step in the order in which they were taken; steps in a row
    that only look are one line."""
    if not story:
        return
    workers = 1 + max(taken.what.worker for taken in story)
    yield "".join(f"worker {worker}".ljust(COLUMN) for worker in range(workers)).rstrip()
    for (worker, looks), group in groupby(story, lambda each: (each.what.worker, _looks(each))):
        for text in _looking(len(list(group))) if looks else map(_words, group):
            yield " " * (COLUMN * worker) + text


def _looks(taken: Taken) -> bool:
    return taken.what.step == IDLE or (taken.what.look and not taken.what.blocked)


def _looking(steps: int) -> Iterator[str]:
    yield f"({steps} look{'s' if steps > 1 else ''})"


def _words(taken: Taken) -> str:
    """The step's own number, so that a switch of the schedule can be found, and the step."""
    own, what = taken
    place = f" {'/'.join(map(str, what.object))}" if what.object else ""
    args = f" {','.join(map(str, what.args))}" if what.args else ""
    return f"{own} {what.step}{place}{args}{' BLOCKED' if what.blocked else ''}"

"""The story of a run: what each worker did, turn by turn, in words.

A run is watched (`watched`, `watched_text`), each of its steps is put into words (`words`), the
turns are told with what matters in them (`telling`), the steps that went wrong are marked
(`culprit`), and all of it becomes lines (`layout`). `walking` shows the same run step by step.
"""

from pel_fuzz.story.culprit import marks_of
from pel_fuzz.story.layout import MOST_LINES, lines_of
from pel_fuzz.story.telling import turns_told
from pel_fuzz.story.watched import Watched, watch_controlled
from pel_fuzz.story.watched_text import watch_text

__all__ = ["MOST_LINES", "Watched", "story_of", "watch_controlled", "watch_text"]


def story_of(watched: Watched, most_lines: int | None = MOST_LINES) -> list[str]:
    """The story of a run in lines of up to 100 characters; all of it, if `most_lines` is `None`."""
    turns = turns_told(watched, marks_of(watched))
    return [*lines_of(turns, watched.workers, most_lines), *watched.ended.splitlines()]

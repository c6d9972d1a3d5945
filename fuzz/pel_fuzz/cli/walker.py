"""Walking a run at the terminal: one step a key. Where there is no terminal, all at once."""

import sys

import click

from pel_fuzz.story.walking import Walked, walk
from pel_fuzz.story.watched import Watched

KEYS = "enter: next step, s: to the next switch, r: run to the end, q: quit"


def walk_through(watched: Watched) -> None:
    """Show the steps of a run, and how it ended."""
    asks = sys.stdin.isatty()
    if asks:
        click.echo(KEYS)
    going_to = "step"
    for walked in walk(watched):
        if asks and _stops_before(walked, going_to):
            going_to = _wish()
            if going_to == "quit":
                return
        click.echo("\n".join(walked.lines))
    click.echo(watched.ended or "the workers have ended")


def _stops_before(walked: Walked, going_to: str) -> bool:
    return going_to == "step" or (going_to == "switch" and walked.switches)


def _wish() -> str:
    """What the next key asks for; keys that mean nothing are passed over."""
    wishes = {"\r": "step", "\n": "step", "s": "switch", "r": "end", "q": "quit"}
    while True:
        key = click.getchar()
        if key in wishes:
            return wishes[key]

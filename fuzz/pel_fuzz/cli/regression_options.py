"""The options for what a run knows beforehand and for CI: a corpus, known differences, JUnit."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from pel_fuzz.corpus import CorpusCase, Replayed, read_corpus
from pel_fuzz.known import Known, KnownList, read_known
from pel_fuzz.regressions import Regressions

Command = TypeVar("Command", bound=Callable[..., Any])
Kept = TypeVar("Kept")


def _day(_context: object, _option: object, value: datetime | None) -> date:
    return date.today() if value is None else value.date()


corpus_option = click.option(
    "--corpus",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Replay every case file in this folder first.",
)
junit_option = click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report there, as JUnit XML.",
)
_known_option = click.option(
    "--known",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A list of known differences, which pass with a note.",
)
_today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    help="The day on which known differences expire or not (default: this one).",
)


def known_options(command: Command) -> Command:
    """`--known FILE`, and `--today DATE` so that a run can be repeated on another day."""
    return _known_option(_today_option(command))


@dataclass(frozen=True, slots=True)
class Beforehand(Generic[Kept]):
    """What was read before a run: the cases of a corpus, and those of entries of a known list."""

    known: KnownList = field(default_factory=KnownList)
    corpus: Sequence[CorpusCase[Kept]] = ()
    entries: Sequence[tuple[Known, CorpusCase[Kept]]] = ()

    def regressions(self) -> Regressions:
        """The account of what becomes of it, with nothing replayed so far."""
        return Regressions(self.known)

    def replay(
        self,
        regressions: Regressions,
        replay: Callable[[CorpusCase[Kept]], Replayed],
        deadline: float | None,
        told: Callable[[Replayed], None],
    ) -> None:
        """Replay all of it."""
        regressions.replay(self.corpus, self.entries, replay, deadline, told)


def read_beforehand(
    corpus: Path | None, known: Path | None, today: date, read: Callable[[Path], Kept]
) -> Beforehand[Kept]:
    """Read what the options name, all of it before anything is run. `read` reads a case file.

    Raises: `InputError`, naming file and field; whatever else `read` raises.
    """
    listed = KnownList(today=today) if known is None else read_known(known, today)
    cases = () if corpus is None else read_corpus(corpus, read)
    entries = [
        (entry, CorpusCase(str(entry.case), entry.case, read(entry.case)))
        for entry in listed.entries
        if entry.case is not None
    ]
    return Beforehand(listed, cases, entries)


def repeated_flags(corpus: Path | None, known: Path | None, today: date) -> str:
    """The options with which a run knows the same beforehand, on any day."""
    told = "" if corpus is None else f" --corpus {shlex.quote(str(corpus))}"
    if known is not None:
        told += f" --known {shlex.quote(str(known))} --today {today.isoformat()}"
    return told

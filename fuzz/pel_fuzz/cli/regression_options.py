"""The options for what a run knows beforehand and for CI: a corpus, known differences, JUnit."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import click

from pel_fuzz.corpus import CorpusCase, Replayed, read_corpus
from pel_fuzz.known import Known, KnownList, read_known
from pel_fuzz.regressions import Regressions
from pel_reference.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])
Kept = TypeVar("Kept")


def _day(_context: object, _option: object, value: datetime | None) -> date:
    return date.today() if value is None else value.date()


_CORPUS = click.option(
    "--corpus",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Replay every case file in this folder first.",
)
_OPTIONS = (
    click.option(
        "--known",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        help="A list of known differences, which pass with a note.",
    ),
    click.option(
        "--today",
        metavar="DATE",
        type=click.DateTime(["%Y-%m-%d"]),
        callback=_day,
        help="The day on which known differences expire or not (default: this one).",
    ),
    click.option(
        "--junit",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write a report there, as JUnit XML.",
    ),
)


@dataclass(frozen=True, slots=True)
class Beforehand(Generic[Kept]):
    """What was read before a run: the cases of a corpus, and those of entries of a known list.
    `folder` is where the corpus is, if there is one."""

    known: KnownList = field(default_factory=KnownList)
    corpus: Sequence[CorpusCase[Kept]] = ()
    entries: Sequence[tuple[Known, CorpusCase[Kept]]] = ()
    folder: str = ""

    def regressions(self) -> Regressions:
        """The account of what becomes of it, with nothing replayed so far."""
        return Regressions(self.known, folder=self.folder)

    def replay(
        self,
        regressions: Regressions,
        replay: Callable[[CorpusCase[Kept]], Replayed],
        deadline: float | None,
        told: Callable[[Replayed], None],
    ) -> None:
        """Replay all of it."""
        regressions.replay(self.corpus, self.entries, replay, deadline, told)


@dataclass(frozen=True, slots=True)
class CiOptions:
    """What `--corpus`, `--known`, `--today` and `--junit` ask for."""

    corpus: Path | None
    known: Path | None
    today: date
    junit: Path | None

    def read(self, read: Callable[[Path], Kept]) -> Beforehand[Kept]:
        """Read all that is named, before anything is run. `read` reads a case file.

        Raises: `InputError`, naming file and field; whatever else `read` raises.
        """
        known = self.read_known()
        cases = () if self.corpus is None else read_corpus(self.corpus, read)
        entries = [
            (entry, CorpusCase(str(entry.case), entry.case, read(entry.case)))
            for entry in known.entries
            if entry.case is not None
        ]
        folder = "" if self.corpus is None else str(self.corpus)
        return Beforehand(known, cases, entries, folder)

    def read_known(self) -> KnownList:
        """The list of known differences; an empty one, if none is named.

        Raises: `InputError`, naming file and field.
        """
        if self.known is None:
            return KnownList(today=self.today)
        return read_known(self.known, self.today)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known beforehand."""
        return self.corpus is None and self.known is None

    @property
    def flags(self) -> str:
        """The options with which a run knows the same beforehand, on any day."""
        told = "" if self.corpus is None else f" --corpus {shlex.quote(str(self.corpus))}"
        if self.known is not None:
            told += f" --known {shlex.quote(str(self.known))} --today {self.today.isoformat()}"
        return told


def ci_options(command: Command) -> Command:
    """The four options; the command gets them as one argument, `ci`."""
    return cast(Command, _CORPUS(_with_options(command)))


def ci_options_without_corpus(command: Command) -> Command:
    """As `ci_options`, for a command that replays nothing."""
    return cast(Command, _with_options(command))


def _make_way(junit: Path) -> None:
    """Make sure that the report can be written at the end. An older one goes, so that a run that
    is refused or killed does not leave it as its own.

    Raises: `InputError`.
    """
    try:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.unlink(missing_ok=True)
        probe = junit.with_name(f"{junit.name}.tmp")
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise InputError(str(junit), "", f"cannot be written: {error.strerror}") from None


def _with_options(command: Command) -> Any:
    @wraps(command)
    def wrapped(
        *arguments: Any,
        known: Path | None,
        today: date,
        junit: Path | None,
        corpus: Path | None = None,
        **options: Any,
    ) -> Any:
        if junit is not None:
            _make_way(junit)
        return command(*arguments, ci=CiOptions(corpus, known, today, junit), **options)

    with_options: Any = wrapped
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options

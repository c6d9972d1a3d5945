"""One run of a client on one file of tests: what it says of each of them.

A test that is right and fails is a difference, and so is a client that crashes on it. A client that
is late, takes too much, says nothing of a test or contradicts itself leaves the question open.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from pel_fuzz.client.failures import ClientFailure, ended_badly
from pel_fuzz.client.limits import Limits
from pel_fuzz.client.process import Ended, Stop, never, run_process
from pel_fuzz.client.verdicts import (
    UNSUPPORTED,
    Verdict,
    kind_of,
    known_kind,
    printable,
    read_verdicts,
)

FILE: Final = "{file}"
"""What stands for the file of tests in a command."""


class Said(StrEnum):
    """What a client says of a test."""

    PASS = "pass"
    FAIL = "fail"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Told:
    """What a client told of one test, when it was run on its file.

    `kind` is stable where it did not pass: what it complains of, or why there is no verdict.
    `of_file`: it was told of all tests of the file at once, by the end of the process. `proven`
    says whether the log showed that the parallel path ran; `None` where nobody can tell.
    """

    name: str
    path: Path
    said: Said
    kind: str = ""
    message: str = ""
    errors: str = ""
    seconds: float = 0.0
    of_file: bool = False
    proven: bool | None = None


@dataclass(frozen=True, slots=True)
class FixtureClient:
    """A client that is run on files of tests: its command, its limits, its proof of parallelism."""

    argv: tuple[str, ...]
    limits: Limits
    parallel_proof: re.Pattern[str] | None = None

    def run(self, path: Path, names: Sequence[str], stop: Stop = never) -> list[Told]:
        """Run it on one file, and read what it says of the tests with these names.

        Raises: `NoStart`; `Stopped`, when `stop` says so.
        """
        argv = [each.replace(FILE, str(path.absolute())) for each in self.argv]
        try:
            ended = run_process(argv, cwd=Path.cwd(), limits=self.limits, stop=stop)
        except ClientFailure as failure:
            said = Said.FAIL if failure.is_verdict else Said.NOTHING
            told = Told("", path, said, failure.kind, failure.problem, failure.errors)
            return [replace(told, name=name, of_file=True) for name in names]
        proven = None
        if self.parallel_proof is not None:
            log = (ended.output + b"\n" + ended.log).decode(errors="replace")
            proven = self.parallel_proof.search(log) is not None
        verdicts = read_verdicts(ended.output)
        return [
            replace(
                _judge(name, path, ended, verdicts, _of_test(name, names, verdicts)),
                errors=ended.errors,
                seconds=ended.seconds,
                proven=proven,
            )
            for name in names
        ]


def parse_command(command: str) -> tuple[str, ...]:
    """A command line as the arguments that it consists of; no shell sees it.

    Raises: `ValueError`, for people.
    """
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"not a command line: {error}") from None
    if not any(FILE in each for each in argv):
        raise ValueError(f"{FILE} has to stand in it, for the file of tests")
    return argv


def _of_test(name: str, names: Sequence[str], verdicts: list[Verdict]) -> list[Verdict]:
    """What is said of one test. Where there is only one on both sides, its name does not matter:
    some clients shorten names."""
    found = [verdict for verdict in verdicts if verdict.name == name]
    return verdicts if not found and len(names) == len(verdicts) == 1 else found


def _judge(
    name: str, path: Path, ended: Ended, verdicts: list[Verdict], own: list[Verdict]
) -> Told:
    """A crash counts whatever was said before; else verdicts by name; else the exit status."""
    if ended.status < 0:
        failure = ended_badly(ended.status, ended.errors)
        said = Said.FAIL if failure.is_verdict else Said.NOTHING
        return Told(name, path, said, failure.kind, failure.problem, of_file=True)
    if not verdicts:
        return _by_status(name, path, ended)
    if not own:
        return Told(name, path, Said.NOTHING, "silent", "speaks of other tests only")
    if len({verdict.passed for verdict in own}) > 1:
        return Told(name, path, Said.NOTHING, "twice", "said both pass and fail")
    if not own[0].passed:
        kind, message = kind_of(own[0].message), printable(own[0].message)
        said = Said.NOTHING if kind == UNSUPPORTED else Said.FAIL
        return Told(name, path, said, kind, message)
    if ended.status and all(verdict.passed for verdict in verdicts):
        problem = f"passes every test, and ended with exit status {ended.status}"
        return Told(name, path, Said.NOTHING, "contradiction", problem)
    return Told(name, path, Said.PASS)


def _by_status(name: str, path: Path, ended: Ended) -> Told:
    if ended.status == 0:
        return Told(name, path, Said.PASS, of_file=True)
    told = [line for line in ended.errors.splitlines() if line.strip()]
    problem = f"ended with exit status {ended.status}"
    message = f"{problem}: {told[-1].strip()}" if told else problem
    kind = known_kind(ended.errors) or "exit"
    said = Said.NOTHING if kind == UNSUPPORTED else Said.FAIL
    if kind == UNSUPPORTED and known_kind(message) != UNSUPPORTED:
        kind = "unclear"  # a log may speak of networks that have nothing to do with its end
    return Told(name, path, said, kind, printable(message), of_file=True)

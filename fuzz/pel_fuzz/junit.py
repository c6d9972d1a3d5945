"""JUnit XML, which every CI reads: one suite, and a test case for each thing that was looked at.

A difference is a `failure`. What says nothing about the executor is an `error`: a client that gave
no answer, a fault of our own, a run that showed nothing. A known difference is `skipped`, and says
for which issue.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from pel_fuzz.corpus import Replayed
from pel_fuzz.drive.failures import NoStart
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.known import Excuse, Known
from pel_fuzz.regressions import Regressions
from pel_fuzz.report import Group
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.errors import InputError

_FORBIDDEN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""
MOST_TEXT: Final = 20_000
"""Characters of one test case's text; a replay tells all of it."""


class Outcome(StrEnum):
    """What became of one test case."""

    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


RESULTS: Final = {Outcome.FAILURE: Failure, Outcome.ERROR: Error, Outcome.SKIPPED: Skipped}


@dataclass(frozen=True, slots=True)
class Entry:
    """One test case: `name` within `group` (`corpus`, say), in a line and at length."""

    group: str
    name: str
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    text: str = ""
    seconds: float = 0.0


def write_junit(
    path: Path, command: str, entries: Iterable[Entry], properties: Mapping[str, object]
) -> None:
    """Write a report, whole or not at all; `command` names the suite.

    Raises: `InputError`, where it cannot be written.
    """
    suite = TestSuite(command)
    for name, value in properties.items():
        suite.add_property(_clean(name), _clean(str(value)))
    suite.add_testcases([_case(command, entry) for entry in entries])
    document = JUnitXml()
    document.add_testsuite(suite)
    draft = path.with_name(f"{path.name}.tmp")
    try:
        document.write(str(draft))
        draft.replace(path)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None


def _case(command: str, entry: Entry) -> TestCase:
    group = f"{command}.{entry.group}".replace(" ", "-")
    case = TestCase(_clean(entry.name), group, round(entry.seconds, 3))
    make = RESULTS.get(entry.outcome)
    if make is not None:
        result = make(_clean(entry.message), entry.group)
        result.text = _clean(shorten(entry.text, MOST_TEXT))
        case.result = [result]
    elif entry.text or entry.message:
        told = "\n".join(filter(None, (entry.message, entry.text)))
        case.system_out = _clean(shorten(told, MOST_TEXT))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


# ---- what there is to report ---------------------------------------------------------------


class Reported(Protocol):
    """What a campaign's report has to have to be written."""

    next_index: int
    regressions: Regressions
    differences: dict[str, Group]

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        ...

    @property
    def total(self) -> int:
        """Cases that were drawn and run."""
        ...

    @property
    def repeat_command(self) -> str:
        """What runs the same again."""
        ...

    @property
    def resume_command(self) -> str:
        """What goes on."""
        ...


class Told(NamedTuple):
    """What is written beside a campaign's report. `command` is the command's name, `replay` what
    replays a file of the corpus, up to its name, and `kept` by signature the difference of the
    smallest case, and what replays that. `fault` is what ended the run: one of ours, unless it is
    of the kinds that stand for bad input."""

    command: str
    replay: str
    seed: int
    shard: str
    kept: Mapping[str, tuple[Difference, str]]
    seconds: float
    fault: Exception | None = None


def write_campaign(path: Path, report: Reported, told: Told) -> None:
    """Write the report of a campaign.

    Raises: `InputError`, where it cannot be written.
    """
    code, why = report.exit_code()
    entries = [
        *regression_entries(report.regressions, told.replay),
        *(_group_entry(group, told.kept) for group in report.differences.values()),
    ]
    if isinstance(told.fault, InputError | NoStart):
        code, why = ExitCode.BAD_INPUT, str(told.fault)
    elif told.fault is not None:
        code, why = ExitCode.INTERNAL, "our own fault, not a difference"
        message = f"{type(told.fault).__name__}: {told.fault}"
        entries.append(Entry("harness", "internal error", Outcome.ERROR, message))
    commands = "\n".join((report.repeat_command, report.resume_command))
    entries.append(campaign_entry(code, why, commands, told.seconds))
    properties = {
        "verdict": code.name.lower(),
        "why": why,
        "seed": told.seed,
        "shard": told.shard,
        "cases": report.total,
        "next_index": report.next_index,
        "repeat": report.repeat_command,
        "resume": report.resume_command,
    }
    write_junit(path, told.command, entries, properties)


def _group_entry(group: Group, kept: Mapping[str, tuple[Difference, str]]) -> Entry:
    none = group.difference, "none: what is known is not kept"
    difference, replay = kept.get(group.difference.signature, none)
    return difference_entry(difference, group.excuse, group.cases, replay)


def difference_entry(
    difference: Difference, excuse: Excuse | None, cases: int, replay: str
) -> Entry:
    """The test case of all differences of one signature."""
    count = f"{cases} case{'' if cases == 1 else 's'}"
    words = "\n".join((*difference.lines(), f"  in        {count}", f"  replay    {replay}"))
    if excuse is not None and not excuse.expired:
        return Entry("signature", difference.signature, Outcome.SKIPPED, excuse.words, words)
    notes = [f"{difference.oracle}: {difference.field}", *([excuse.words] if excuse else ())]
    silent = difference.oracle is Oracle.CLIENT
    outcome = Outcome.ERROR if silent else Outcome.FAILURE
    return Entry("signature", difference.signature, outcome, "; ".join(notes), words)


def regression_entries(regressions: Regressions, replay: str) -> Iterator[Entry]:
    """The test cases of what was known beforehand: a corpus file each, and an entry of the list.
    `replay` is the command that replays a file, without it."""
    for each in regressions.replayed:
        yield _replayed_entry(each, regressions, replay)
    for name in regressions.left_out:
        yield Entry("corpus", name, Outcome.ERROR, "out of time: not replayed")
    for entry in regressions.known.entries:
        yield _known_entry(entry, regressions)


def _replayed_entry(each: Replayed, regressions: Regressions, replay: str) -> Entry:
    lines = [line for d in each.differences for line in (d.signature, *d.lines())]
    text = "\n".join((*lines, f"  replay    {replay} {each.path}"))
    if each.unknown(regressions.known):
        outcome, message = (
            Outcome.FAILURE,
            ", ".join(d.signature for d in each.unknown(regressions.known)),
        )
    elif each.differences:
        excuses = (regressions.known.excuse(d.signature) for d in each.differences)
        outcome, message = Outcome.SKIPPED, "; ".join({e.words: 1 for e in excuses if e})
    else:
        outcome = Outcome.PASSED if each.compared else Outcome.ERROR
        message = each.note or ""
    return Entry("corpus", each.name, outcome, message, text, each.seconds)


def _known_entry(entry: Known, regressions: Regressions) -> Entry:
    known = regressions.known
    name = f"{entry.signature} ({entry.issue})"
    reproduced, seen = regressions.reproduced(entry), entry.index in regressions.seen
    at = known.place(entry)
    if reproduced is False:
        return Entry("known", name, Outcome.FAILURE, f"{at}: no longer reproduces: take it out")
    if entry.expires < known.today and (seen or reproduced):
        return Entry("known", name, Outcome.FAILURE, f"{at}: expired on {entry.expires}")
    if reproduced is None and entry.index in regressions.checked:
        why = regressions.undecided(entry, regressions.checked[entry.index])
        return Entry("known", name, Outcome.ERROR, why)
    if seen or reproduced:
        return Entry("known", name, Outcome.SKIPPED, f"known until {entry.expires}: {entry.issue}")
    return Entry("known", name, Outcome.PASSED, f"{at}: not seen in this run")


def campaign_entry(code: ExitCode, why: str, text: str, seconds: float) -> Entry:
    """The test case of the campaign itself. That something differs is said by other test cases, but
    it has not passed then either."""
    outcome = {ExitCode.AGREE: Outcome.PASSED, ExitCode.DIFFER: Outcome.FAILURE}.get(
        code, Outcome.ERROR
    )
    return Entry("campaign", "campaign", outcome, f"{code.name}: {why}", text, seconds)

"""The steps of a run that are marked: faults, what conformance objects to, and the read that
misled."""

from collections.abc import Iterator

from pel_fuzz.conformance.check import TooLarge, check_trace
from pel_fuzz.conformance.violation import Violation
from pel_fuzz.story.watched import Watched
from pel_proof.finite.picture import name_of
from pel_spec.fold import fold
from pel_spec.history import Incarnation
from pel_spec.sync import Step
from pel_spec.vocabulary import Read, Version


def marks_of(watched: Watched) -> dict[int, str]:
    """What is to be said of single steps, by their number."""
    marks = _faults(watched)
    found = _misleading_read(watched)
    if found is not None:
        marks[found[0]] = "; ".join(filter(None, (marks.get(found[0]), found[1])))
    violation = _violation(watched)
    if violation is not None and violation.step is not None:
        told = f"not the specification's: {violation.problem.words or violation.kind}"
        marks[violation.index] = "; ".join(filter(None, (marks.get(violation.index), told)))
    return marks


def _faults(watched: Watched) -> dict[int, str]:
    """What strikes, at the own step that it is for; before it, where the worker did not take it."""
    marks: dict[int, str] = {}
    for fault in watched.faults:
        reached = [
            number
            for number, step in enumerate(watched.steps)
            if step.worker == fault.worker and step.own <= fault.own
        ]
        if reached:
            marks[reached[-1]] = "; ".join(filter(None, (marks.get(reached[-1]), fault.words())))
    return marks


def _violation(watched: Watched) -> Violation | None:
    positions = len(watched.block.transitions)
    try:
        return check_trace(
            watched.steps, positions, watched.workers, invariants=False, complete=False
        ).violation
    except TooLarge:
        return None


def _misleading_read(watched: Watched) -> tuple[int, str] | None:
    """The first read, by position, of a committed incarnation that the preset order answers
    otherwise, or of a version that is not committed; and what is wrong with it."""
    if watched.history is None:
        return None
    _, meaning = fold(watched.block)
    committed = set(watched.history.commits)
    for expected, got in zip(meaning.committed(), watched.history.committed(), strict=False):
        for read, words in _wrong_reads(expected, got, committed):
            number = _step_of(watched, got.version, read)
            if number is not None:
                return number, words
    return None


def _wrong_reads(
    expected: Incarnation, got: Incarnation, committed: set[Version]
) -> Iterator[tuple[Read, str]]:
    right = {read.location: read for read in expected.reads}
    for read in got.reads:
        wanted = right.get(read.location)
        if wanted is None:
            return  # from here on it took another path
        if read.value != wanted.value or _writer(read) != _writer(wanted):
            yield read, f"wrong: the preset order gives {name_of(wanted.value)}"
        elif read.version is not None and _writer(read) >= 0 and read.version not in committed:
            yield read, "wrong: that incarnation is not committed"


def _writer(read: Read) -> int:
    return -1 if read.version is None else read.version.position


def _step_of(watched: Watched, version: Version, read: Read) -> int | None:
    """The step in which an incarnation read."""
    incarnations: dict[int, int] = {}
    found = None
    for number, step in enumerate(watched.steps):
        if step.action == "try_incarnate" and step.observed is not None:
            incarnations[step.args[0]] = step.observed
        elif step.action == "read_cell" and step.args[0] == version.position:
            mine = incarnations.get(version.position) == version.incarnation
            if mine and _is(step, read):
                found = number
    return found


def _is(step: Step, read: Read) -> bool:
    return tuple(step.object[1]) == read.location

"""A kept case once more, as the campaign that kept it ran it: what differs in it now."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.corpus import CorpusCase, Replayed
from pel_fuzz.examine import Examination, Finding, OutOfTime, examine
from pel_fuzz.formats.case_json import CaseFile, read_case
from pel_fuzz.interleavings import Faulted, Interleaving, Switches, Walk
from pel_fuzz.shrinking.block import walks
from pel_fuzz.text_runs import GivenUp, text_difference
from pel_parallel.errors import Drift
from pel_reference.eels_forks import is_installed
from pel_reference.errors import InputError

THREAD_TRIES: Final = 100
"""Pairs of runs of a case that was found on plain threads, before it is given up."""
NEVER_RUN: Final = "choices is empty: nothing was run"
"""What is said of a case that says nothing of the executor."""
WALKS_AFTER_DRIFT: Final = {"tiny": 50, "evm": 5}
"""By kind, how many interleavings are run of a case whose own do not fit any more."""


def examine_again(case: Case, seed_bug: str | None, until: float | None = None) -> Examination:
    """What differs, in the executor's runs or in the text's, all oracles of the case asked.

    Raises: `Drift`, where a recorded schedule does not fit this code and nothing differs besides
    (otherwise it is told beside what does); `GivenUp`, where the text
    comes to no end; `OutOfTime`, where a run would begin after `until`, by the monotonic clock;
    `KeyError` for a bug that what runs the case does not have.
    """
    if case.turns is not None:
        found = text_difference(case, seed_bug)
        return Examination([] if found is None else [Finding(found)])
    with planted(seed_bug):
        return _examine_executor(case, until)


def _examine_executor(case: Case, until: float | None) -> Examination:
    """What differs; on plain threads, in the first of a few tries in which anything does."""
    done = Examination()
    for _ in range(THREAD_TRIES if case.threads else 1):
        # An interleaving stands for a run here: threads are not steered. Every other run is also
        # interrupted between instructions, and it is not known which of them showed it.
        runs = (Walk(0, 0),) * 2 if case.threads else case.interleavings
        again = replace(case, interleavings=runs)
        done = examine(again, threads=case.threads, stop_at_first=False, until=until)
        if done.findings:
            break
    return done


def is_never_run(kept: CaseFile) -> bool:
    """Whether nothing is run of a case whose difference could only be seen in a run: `choices` is
    empty. What the reference or EELS objected to needs none, nor does a fault of the fold."""
    case, signature = kept.case, kept.signature or ""
    if case.interleavings or case.threads or case.turns is not None:
        return False
    above = {"reference": case.reference, "eels": case.eels}
    asked = {name for name, wanted in above.items() if wanted and case.kind == "evm"}
    oracle, _, kind = signature.partition(":")
    if not signature:
        return not asked
    return oracle not in asked and not (oracle == "fault" and kind.startswith("fault:"))


def read_replayable(path: str | Path) -> CaseFile:
    """A case that the optimistic executor, or the text, can be asked to run again.

    Raises: `InputError`, naming file and field.
    """
    kept = read_case(path)
    if kept.case.external:
        how = "pel client drive --command 'COMMAND' --replay FILE"
        raise InputError(str(path), "lane", f"an executor in another language ran this case: {how}")
    if kept.case.client:
        how = "pel client check --command 'COMMAND' --replay FILE"
        raise InputError(str(path), "lane", f"a client ran this case: {how}")
    if kept.case.python:
        how = "pytest --pel-executor MODULE:FACTORY --pel-case FILE"
        raise InputError(str(path), "lane", f"an executor in Python ran this case: {how}")
    if kept.case.eels and not is_installed():
        problem = "this case needs EELS: install the extra pel[eels]"
        raise InputError(str(path), "checks.eels", problem)
    return kept


def replay_of_corpus(
    corpus_case: CorpusCase[CaseFile], seed_bug: str | None, until: float | None = None
) -> Replayed:
    """A case of a corpus once more. A recorded schedule rarely fits the code once that is mended:
    then it is followed as far as it fits, and a few fixed interleavings are run besides.

    A seeded bug is one of the executor; the text runs its cases as it stands. No run begins after
    `until`, by the monotonic clock: the case is given up then.
    """
    case, begin = corpus_case.kept.case, time.monotonic()
    bug = None if case.turns is not None else seed_bug
    compared, findings, note = True, list[Finding](), None
    try:
        findings, note = _findings_and_note(case, bug, until)
        if not findings and is_never_run(corpus_case.kept):
            note, compared = NEVER_RUN, False
    except GivenUp as given_up:
        note, compared = str(given_up), False
    except OutOfTime:
        note, compared = "given up, as the time was over", False
    differences = tuple(finding.difference for finding in findings)
    seconds = time.monotonic() - begin
    return Replayed(corpus_case.name, corpus_case.path, differences, note, compared, seconds)


def _findings_and_note(
    case: Case, bug: str | None, until: float | None
) -> tuple[list[Finding], str | None]:
    """What differs, and why the case was not run exactly as it was recorded."""
    try:
        done = examine_again(case, bug, until)
    except Drift as drift:
        done = Examination(drift=drift)
    if done.drift is None:
        unseen = case.threads and not done.findings
        threads = f"found on plain threads; not seen again in {2 * THREAD_TRIES} runs"
        return done.findings, threads if unseen else None
    drifted, others = "its schedule does not fit this code any more", WALKS_AFTER_DRIFT[case.kind]
    try:  # whatever did fit is run again as it was, so what has differed in it is seen once more
        findings = examine_again(_lenient(case, others), bug, until).findings
    except OutOfTime:
        if not done.findings:
            raise
        return done.findings, f"{drifted}, and the time was over"
    followed = f"it was followed as far as it fits, and {others} other interleavings were run"
    return findings, f"{drifted}: {followed}"


def _lenient(case: Case, others: int) -> Case:
    """The case with schedules from which what does not fit is left out, and walks besides."""
    lenient = tuple(map(_lenient_choices, case.interleavings))
    return replace(case, interleavings=(*lenient, *walks(others)))


def _lenient_choices(interleaving: Interleaving) -> Interleaving:
    plain = interleaving.inner if isinstance(interleaving, Faulted) else interleaving
    if not isinstance(plain, Switches):
        return interleaving
    lenient = replace(plain, strict=False)
    if isinstance(interleaving, Faulted):
        return replace(interleaving, inner=lenient)
    return lenient

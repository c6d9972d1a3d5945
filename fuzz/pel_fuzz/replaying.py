"""A kept case once more, as the campaign that kept it ran it: what differs in it now."""

from dataclasses import replace
from typing import Final

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case
from pel_fuzz.examine import Finding, examine
from pel_fuzz.interleavings import Walk
from pel_fuzz.text_runs import text_difference

THREAD_TRIES: Final = 100
"""Pairs of runs of a case that was found on plain threads, before it is given up."""


def replay_findings(case: Case, seed_bug: str | None) -> list[Finding]:
    """What differs, in the executor's runs or in the text's, all oracles of the case asked.

    Raises: `Drift`, where a recorded schedule does not fit this code; `GivenUp`, where the text
    comes to no end; `KeyError` for a bug that what runs the case does not have.
    """
    if case.turns is not None:
        found = text_difference(case, seed_bug)
        return [] if found is None else [Finding(found)]
    with planted(seed_bug):
        return _executor_findings(case)


def _executor_findings(case: Case) -> list[Finding]:
    """What differs; on plain threads, in the first of a few tries in which anything does."""
    for _ in range(THREAD_TRIES if case.threads else 1):
        # An interleaving stands for a run here: threads are not steered. Every other run is also
        # interrupted between instructions, and it is not known which of them showed it.
        runs = (Walk(0, 0),) * 2 if case.threads else case.interleavings
        again = replace(case, interleavings=runs)
        findings = examine(again, threads=case.threads, stop_at_first=False).findings
        if findings:
            return findings
    return []

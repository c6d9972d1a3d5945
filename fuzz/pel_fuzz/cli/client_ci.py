"""What `pel client check` knows beforehand, and writes for CI: corpus, known differences, JUnit."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pel_fuzz.campaign import GRACE_SECONDS
from pel_fuzz.cli.regression_options import Beforehand, CiOptions
from pel_fuzz.client.checking.blocks import judged
from pel_fuzz.client.checking.examining import ClientSpec, examine
from pel_fuzz.client.checking.kept import ClientFindings
from pel_fuzz.client.checking.report import CheckReport, client_command
from pel_fuzz.client.running.failures import Stopped
from pel_fuzz.corpus import CorpusCase, Replayed
from pel_fuzz.formats.case_json import CaseFile, read_case
from pel_fuzz.junit import Told, write_campaign
from pel_fuzz.regressions import Regressions
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.block import Block
from pel_reference.errors import InputError

TRIES = 3
"""Times that a client is asked for a kept block, until it shows its difference."""


def read_beforehand(ci: CiOptions) -> Beforehand[CaseFile]:
    """The corpus and the known differences that are named.

    Raises: `InputError`, also for a case of which no client can be asked.
    """
    return ci.read(_read)


def _read(path: Path) -> CaseFile:
    kept = read_case(path)
    if not isinstance(kept.case.subject, Block):
        raise InputError(str(path), "kind", "no EVM block: there is nothing to ask a client")
    return kept


def replay_beforehand(
    beforehand: Beforehand[CaseFile],
    regressions: Regressions,
    spec: ClientSpec,
    deadline: float | None,
    told: Callable[[Replayed], None],
) -> None:
    """Ask the client for every block of the corpus and of the entries.

    Raises: `NoStart`.
    """
    end = None if deadline is None else deadline + GRACE_SECONDS
    beforehand.replay(regressions, partial(_replay, spec, end), deadline, told)


def _replay(spec: ClientSpec, end: float | None, case: CorpusCase[CaseFile]) -> Replayed:
    block = case.kept.case.subject
    assert isinstance(block, Block), "as it was read"
    expected = judged(block)
    if expected is None:
        unjudged = "no client can be judged by this block"
        return Replayed(case.name, case.path, note=unjudged, compared=False)
    with spec.make() as client:

        def ask() -> tuple[Difference | None, str | None]:
            done = examine(client, block, expected, stop=partial(is_over, end))
            unfit = done.unfit
            told = None if unfit is None else f"the client fails on a plain block too: {unfit}"
            return done.difference, told and told.splitlines()[0]

        return asked_again(case, ask, case.kept.signature)


def is_over(end: float | None) -> bool:
    """Whether this time, of the monotonic clock, has come."""
    return end is not None and time.monotonic() >= end


def asked_again(
    case: CorpusCase[Any],
    ask: Callable[[], tuple[Difference | None, str | None]],
    wanted: str | None,
    tries: int = TRIES,
) -> Replayed:
    """Ask for the block of a case until the wanted difference shows. `ask` says what a client
    shows, and why it says nothing; it may raise `Stopped`.

    Result: every difference that any try showed, one a signature, since the next try need not show
    it again. Where there is none, a note says why a try, if one did so, ended without a verdict.
    """
    begin, note = time.monotonic(), None
    shown: dict[str, Difference] = {}
    for _ in range(tries):
        try:
            difference, silence = ask()
        except Stopped:
            note = "given up, as the time was over"
            break
        if silence is not None:
            note = silence
        elif difference is not None and difference.oracle is Oracle.CLIENT:
            note = f"no verdict: {difference.kind}: {difference.got}"
        elif difference is not None:
            shown.setdefault(difference.signature, difference)
            if wanted in (None, difference.signature):
                break
    seconds = time.monotonic() - begin
    if shown:
        return Replayed(case.name, case.path, tuple(shown.values()), seconds=seconds)
    return Replayed(case.name, case.path, note=note, compared=note is None, seconds=seconds)


def write_junit(
    path: Path,
    report: CheckReport,
    findings: ClientFindings,
    seconds: float,
    fault: Exception | None,
) -> None:
    """Write the report of a campaign against a client.

    Raises: `InputError`, where it cannot be written.
    """
    plan = report.plan
    told = Told(
        "pel client check",
        f"{client_command(plan)} --replay",
        plan.seed,
        f"{plan.shard + 1}/{plan.of}",
        {kept.difference.signature: (kept.difference, kept.replay) for kept in findings.kept},
        seconds,
        fault,
    )
    write_campaign(path, report, told)

"""What `pel client check` knows beforehand, and writes for CI: corpus, known differences, JUnit."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pel_fuzz.campaign import GRACE_SECONDS
from pel_fuzz.cli.regression_options import Beforehand, CiOptions
from pel_fuzz.client.checking.blocks import judged
from pel_fuzz.client.checking.examining import ClientSpec, Examined, examine
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


def _replay(spec: ClientSpec, end: float | None, corpus_case: CorpusCase[CaseFile]) -> Replayed:
    kept, begin = corpus_case.kept, time.monotonic()
    block = kept.case.subject
    assert isinstance(block, Block), "as it was read"
    name, path, expected = corpus_case.name, corpus_case.path, judged(block)
    if expected is None:
        unjudged = "no client can be judged by this block"
        return Replayed(name, path, note=unjudged, compared=False)
    with spec.make() as client:
        asking = partial(examine, client, block, expected, stop=partial(_is_over, end))
        differences, note = _asked(asking, kept.signature)
    seconds = time.monotonic() - begin
    if differences:
        return Replayed(name, path, differences, seconds=seconds)
    return Replayed(name, path, note=note, compared=note is None, seconds=seconds)


def _is_over(end: float | None) -> bool:
    return end is not None and time.monotonic() >= end


def _asked(
    ask: Callable[[], Examined], wanted: str | None
) -> tuple[tuple[Difference, ...], str | None]:
    """Ask for a block until the wanted difference shows. Result: every difference that any try
    showed, one a signature, since the next try need not show it again; and why a try, if one did
    so, ended without a verdict."""
    shown: dict[str, Difference] = {}
    note = None
    for _ in range(TRIES):
        try:
            done = ask()
        except Stopped:
            note = "given up, as the time was over"
            break
        difference = done.difference
        if done.unfit is not None:
            note = f"the client fails on a plain block too: {done.unfit.splitlines()[0]}"
        elif difference is not None and difference.oracle is Oracle.CLIENT:
            note = f"no verdict: {difference.kind}: {difference.got}"
        elif difference is not None:
            shown.setdefault(difference.signature, difference)
            if wanted in (None, difference.signature):
                break
    return tuple(shown.values()), note


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

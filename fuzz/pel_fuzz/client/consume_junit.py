"""JUnit for `pel client consume`: a test case for each test that a client was run on."""

from collections.abc import Iterator
from pathlib import Path

from pel_fuzz.client.consume import Canary
from pel_fuzz.client.consume_report import ConsumeReport, difference_of
from pel_fuzz.client.fixture_run import Said, Told
from pel_fuzz.client.verdicts import UNSUPPORTED
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.junit import Entry, Outcome, campaign_entry, write_junit


def write_consume_junit(path: Path, report: ConsumeReport, seconds: float) -> None:
    """Write the report.

    Raises: `InputError`, where it cannot be written.
    """
    code, why = report.exit_code()
    shard = f"{report.plan.shard + 1}/{report.plan.of}"
    properties = {
        "verdict": code.name.lower(),
        "why": why,
        "shard": shard,
        "files": report.files,
        "tests": len(report.told),
        "parallel": report.parallel(),
    }
    entries = [*_entries(report), campaign_entry(code, why, "", seconds)]
    write_junit(path, "pel client consume", entries, properties)


def _entries(report: ConsumeReport) -> Iterator[Entry]:
    for told in report.told:
        yield _entry(told, report)
    for canary in report.canaries:
        message = _doubt(canary)
        outcome = Outcome.ERROR if message else Outcome.PASSED
        yield Entry("canary", f"{canary.told.name} ({canary.claim})", outcome, message)
    for entry in report.known.entries:
        seen = any(map(entry.covers, report.differences))
        expired = entry.expires < report.known.today
        name = f"{entry.signature} ({entry.issue})"
        if not seen:
            message = f"{report.known.place(entry)}: not seen in this run"
            yield Entry("known", name, Outcome.PASSED, message)
        elif expired:
            message = f"{report.known.place(entry)}: expired on {entry.expires}"
            yield Entry("known", name, Outcome.FAILURE, message)
        else:
            message = f"known until {entry.expires}: {entry.issue}"
            yield Entry("known", name, Outcome.SKIPPED, message)


def _doubt(canary: Canary) -> str:
    """Why a wrong block shows that the client cannot be believed; empty, where it does not."""
    if canary.told.said is Said.PASS:
        return "the client says pass to a wrong block"
    if canary.right is not None and canary.right.said is not Said.PASS:
        return "the client refuses the wrong block, and the right one too"
    return ""


def _entry(told: Told, report: ConsumeReport) -> Entry:
    text = "\n".join(filter(None, (f"file {told.path}", told.message, told.errors)))
    message = told.message or told.kind
    difference = difference_of(told)
    if difference is not None:
        excuse = report.known.excuse(difference.signature)
        if excuse is not None and not excuse.expired:
            outcome, message = Outcome.SKIPPED, excuse.words
        else:
            # Where the whole run shows nothing (all fail, say), no single test is a difference.
            believed = report.exit_code()[0] is not ExitCode.INCONCLUSIVE
            outcome = Outcome.FAILURE if believed else Outcome.ERROR
            message = f"{difference.signature}: {message}"
    elif told.said is Said.PASS:
        outcome, text, message = Outcome.PASSED, "", ""
    else:
        outcome = Outcome.SKIPPED if told.kind == UNSUPPORTED else Outcome.ERROR
        message = f"no verdict: {told.kind}"
    return Entry("test", told.name, outcome, message, text, told.seconds)

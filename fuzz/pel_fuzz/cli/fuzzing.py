"""What `pel fuzz` does: the corpus first, then the campaign; what is found is kept, and told."""

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pel_fuzz.campaign import GRACE_SECONDS, Plan, planted, run_campaign
from pel_fuzz.cli.regression_options import Beforehand
from pel_fuzz.cli.screen import Screen
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import Findings
from pel_fuzz.formats.case_json import CaseFile
from pel_fuzz.junit import (
    Entry,
    Outcome,
    campaign_entry,
    difference_entry,
    regression_entries,
    write_junit,
)
from pel_fuzz.replaying import replay_of_corpus
from pel_fuzz.report import CampaignReport

REPLAY = "pel replay"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a campaign besides its plan. `begin` is when it was asked, by the monotonic
    clock: the budget counts from there. `flags` are the options to be repeated with the plan's."""

    begin: float
    out: Path
    keep_going: bool
    shrink_seconds: float | None = None
    junit: Path | None = None
    flags: str = ""


class Fuzzing:
    """One call of `pel fuzz`.

    Raises: `InputError`, where findings cannot be kept.
    """

    def __init__(self, plan: Plan, wanted: Wanted, beforehand: Beforehand[CaseFile]) -> None:
        limit = plan.max_seconds
        self._deadline = None if limit is None else wanted.begin + limit
        grace = None if self._deadline is None else self._deadline + GRACE_SECONDS
        # A known difference must not hide another one behind it.
        self.plan = replace(plan, stop_at_first=not beforehand.known.entries)
        self._wanted, self._beforehand = wanted, beforehand
        self.report = CampaignReport(self.plan, beforehand.regressions())
        self.report.flags = wanted.flags
        self.findings = Findings(wanted.out, self.plan, wanted.shrink_seconds, grace)

    def carry_out(self, screen: Screen) -> None:
        """Replay, draw, keep, tell; what is found until an interruption is kept and told, and so it
        is in the JUnit report, which says of a fault of ours what it is."""
        fault: Exception | None = None
        try:
            self._run(screen)
        except KeyboardInterrupt:
            self.report.interrupted = True
        except Exception as error:
            fault = error
            raise
        finally:
            if self._wanted.junit is not None:
                self._write_junit(self._wanted.junit, fault)

    def _run(self, screen: Screen) -> None:
        report, regressions = self.report, self.report.regressions
        replay = partial(replay_of_corpus, seed_bug=self.plan.seed_bug)
        told = partial(screen.replayed, known=regressions.known)
        self._beforehand.replay(regressions, replay, self._deadline, told)
        if self.plan.max_cases == 0 or (regressions.unknown and not self._wanted.keep_going):
            return
        campaign = run_campaign(self.plan, self._deadline)
        try:
            for case in campaign:
                fresh = report.add(case)
                screen.show(report)
                # In-process campaigns have the bug planted already.
                with planted(self.plan.seed_bug) if self.plan.jobs > 1 else nullcontext():
                    for found in self.findings.keep(case, fresh):
                        screen.found(found, report.excuse_of(found.difference))
                    for found in self.findings.keep_smaller(case):
                        screen.found(found, report.excuse_of(found.difference))
                if fresh and not self._wanted.keep_going:
                    break
        finally:
            campaign.close()

    def _write_junit(self, path: Path, fault: Exception | None) -> None:
        report = self.report
        code, why = report.exit_code()
        entries = list(regression_entries(report.regressions, REPLAY))
        kept = {found.difference.signature: found for found in self.findings.kept}
        for signature, group in report.differences.items():
            found = kept.get(signature)
            difference = group.difference if found is None else found.difference
            replay = "none: what is known is not kept" if found is None else found.replay
            entries.append(difference_entry(difference, group.excuse, group.cases, replay))
        if fault is not None:
            code, why = ExitCode.INTERNAL, "our own fault, not a difference"
            message = f"{type(fault).__name__}: {fault}"
            entries.append(Entry("harness", "internal error", Outcome.ERROR, message))
        seconds = time.monotonic() - self._wanted.begin
        commands = "\n".join((report.repeat_command, report.resume_command))
        entries.append(campaign_entry(code, why, commands, seconds))
        properties = {
            "verdict": code.name.lower(),
            "why": why,
            "seed": self.plan.seed,
            "shard": f"{self.plan.shard + 1}/{self.plan.of}",
            "cases": report.total,
            "next_index": report.next_index,
            "repeat": report.repeat_command,
            "resume": report.resume_command,
        }
        write_junit(path, "pel fuzz", entries, properties)

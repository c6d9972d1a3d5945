"""What `pel fuzz` does: the corpus first, then the campaign; what is found is kept, and told."""

import json
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from pel_fuzz.campaign import GRACE_SECONDS, Plan, planted, run_campaign
from pel_fuzz.cli.regression_options import CiOptions
from pel_fuzz.cli.screen import Screen
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import Findings
from pel_fuzz.junit import Told, write_campaign
from pel_fuzz.replaying import read_replayable, replay_of_corpus
from pel_fuzz.report import CampaignReport


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a campaign besides its plan. `begin` is when it was asked, by the monotonic
    clock: the budget counts from there."""

    begin: float
    out: Path
    keep_going: bool
    shrink_seconds: float | None = None


class Fuzzing:
    """One call of `pel fuzz`.

    Raises: `InputError`, where findings cannot be kept, or a file is bad.
    """

    def __init__(self, plan: Plan, wanted: Wanted, ci: CiOptions) -> None:
        limit = plan.max_seconds
        self._deadline = None if limit is None else wanted.begin + limit
        self._grace = grace = None if self._deadline is None else self._deadline + GRACE_SECONDS
        self._wanted, self._junit = wanted, ci.junit
        self._beforehand = ci.read(read_replayable)
        # A known difference must not hide another one behind it.
        self.plan = replace(plan, stop_at_first=not self._beforehand.known.entries)
        flags = ci.flags + " --keep-going" * wanted.keep_going
        self.report = CampaignReport(self.plan, self._beforehand.regressions(), flags=flags)
        self.findings = Findings(wanted.out, self.plan, wanted.shrink_seconds, grace)

    def carry_out(self, as_json: bool) -> ExitCode:
        """Replay, draw, keep, and tell all of it."""
        with Screen(self.plan, quiet=as_json) as screen:
            self._run_and_report(screen)
        if as_json:
            told = self.report.to_json() | {"kept": self.findings.to_json()}
            click.echo(json.dumps(told, indent=2))
        else:
            screen.summary(self.report, self.findings)
        return self.report.exit_code()[0]

    def _run_and_report(self, screen: Screen) -> None:
        """What is found until an interruption is kept and told, and so it is in the JUnit report,
        which says of a fault of ours what it is."""
        fault: Exception | None = None
        try:
            self._run(screen)
        except KeyboardInterrupt:
            self.report.interrupted = True
        except Exception as error:
            fault = error
            raise
        finally:
            if self._junit is not None:
                self._write_junit(self._junit, fault)

    def _run(self, screen: Screen) -> None:
        report, regressions = self.report, self.report.regressions
        replay = partial(replay_of_corpus, seed_bug=self.plan.seed_bug, until=self._grace)
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
        kept = {f.difference.signature: (f.difference, f.replay) for f in self.findings.kept}
        told = Told(
            "pel fuzz",
            "pel replay",
            self.plan.seed,
            f"{self.plan.shard + 1}/{self.plan.of}",
            kept,
            time.monotonic() - self._wanted.begin,
            fault,
        )
        write_campaign(path, self.report, told)

"""Corpus, known differences and JUnit of `pel client programs`."""

from functools import partial
from pathlib import Path

from pel_fuzz.campaign import GRACE_SECONDS
from pel_fuzz.cli.client_ci import TRIES, asked_again, is_over
from pel_fuzz.cli.regression_options import Beforehand, CiOptions
from pel_fuzz.client.programs.program_report import ProgramsReport, command_line, unfit_words
from pel_fuzz.client.programs.programs import examine, unfit
from pel_fuzz.corpus import CorpusCase, Replayed
from pel_fuzz.formats.programs_json import ProgramsFile, read_programs
from pel_fuzz.junit import Told, write_campaign
from pel_fuzz.verdict import Difference, Oracle


def read_beforehand(ci: CiOptions) -> Beforehand[ProgramsFile]:
    """The corpus and the known differences that are named.

    Raises: `InputError`, also for a case that is no file of programs.
    """
    return ci.read(read_programs)


def replay(
    report: ProgramsReport, deadline: float | None, case: CorpusCase[ProgramsFile]
) -> Replayed:
    """Let the executor run the block of a case file: a few times, and as often as it runs every
    block, until the recorded difference shows. One that fails on an empty block too is asked no
    more, which is noted in the report.

    Raises: `NoStart`.
    """
    plan, block = report.plan, case.kept.block
    end = None if deadline is None else deadline + GRACE_SECONDS

    def ask() -> tuple[Difference | None, str | None]:
        if report.unfit is None:
            difference = examine(plan.executor, block, stop=partial(is_over, end)).difference
            if difference is None or difference.oracle is not Oracle.FAULT:
                return difference, None
            report.unfit = unfit(plan.executor)
            if report.unfit is None:
                return difference, None
        return None, unfit_words(report.unfit)

    return asked_again(case, ask, case.kept.signature, max(TRIES, plan.runs))


def write_junit(
    path: Path, report: ProgramsReport, seconds: float, fault: Exception | None
) -> None:
    """Write the report of a campaign.

    Raises: `InputError`, where it cannot be written.
    """
    plan = report.plan
    told = Told(
        "pel client programs",
        f"{command_line(plan)} --replay",
        plan.seed,
        f"{plan.shard + 1}/{plan.of}",
        {signature: (kept.difference, kept.replay) for signature, kept in report.kept.items()},
        seconds,
        fault,
    )
    write_campaign(path, report, told)

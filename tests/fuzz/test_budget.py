"""A time budget that is kept, whatever is slow; and campaigns that can be interrupted at any time.

Clocks are replaced, or bounds are wide: no verdict here depends on how fast the machine is.
"""

import os
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from pel_fuzz import campaign
from pel_fuzz.campaign import GRACE_SECONDS, CaseReport, Plan, run_campaign
from pel_fuzz.cases import case_at
from pel_fuzz.examine import Examination, OutOfTime, examine
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.findings import Findings
from pel_fuzz.report import CampaignReport

PLAN = Plan(seed=1, max_seconds=10.0, eels=False)


def test_a_case_is_given_up_between_two_runs() -> None:
    case, _ = case_at(1, 0)
    with pytest.raises(OutOfTime):
        examine(case, until=0.0)
    assert examine(case, until=time.monotonic() + 3600).findings == []


def test_cases_begin_before_the_deadline_and_end_soon_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look at the clock takes three seconds here."""
    clock = count(0, 3)
    monkeypatch.setattr(campaign.time, "monotonic", lambda: next(clock))
    untils = []

    def examined(plan: Plan, index: int, until: float | None = None) -> CaseReport:
        untils.append(until)
        return CaseReport(index, "tiny", None, Examination())

    monkeypatch.setattr(campaign, "examine_index", examined)
    assert [report.index for report in run_campaign(PLAN)] == [0, 1, 2]
    assert untils == [10 + GRACE_SECONDS] * 3


def test_a_case_out_of_time_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def examined(plan: Plan, index: int, until: float | None = None) -> CaseReport:
        if index == 2:
            raise OutOfTime
        return CaseReport(index, "tiny", None, Examination())

    monkeypatch.setattr(campaign, "examine_index", examined)
    assert [report.index for report in run_campaign(PLAN)] == [0, 1]


def test_processes_that_hang_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is over at once: whatever the processes do, nobody waits long for them."""
    monkeypatch.setattr(campaign, "GRACE_SECONDS", 0.0)
    begin = time.monotonic()
    plan = Plan(seed=1, max_seconds=0.3, jobs=2, eels=False, interleavings="exhaustive")
    reports = list(run_campaign(plan))
    assert [report.index for report in reports] == list(range(len(reports)))
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(("seconds", "deadline"), [(0.0, None), (30.0, 0.0)])
def test_what_there_is_no_time_for_is_kept_as_it_was_found(
    seconds: float, deadline: float | None, tmp_path: Path
) -> None:
    plan = Plan(seed=1, max_cases=20, eels=False, seed_bug="no-estimate")
    report, findings = CampaignReport(plan), Findings(tmp_path, plan, seconds, deadline)
    for case in run_campaign(plan):
        (*found,) = findings.keep(case, report.add(case))
        if found:
            break
    assert found and not any(each.shrunk for each in found)
    assert all(each.path == each.as_found and each.path.is_file() for each in found)


def test_the_smallest_case_of_a_signature_is_kept(tmp_path: Path) -> None:
    plan = Plan(seed=1, max_cases=12, eels=False, seed_bug="no-estimate")
    report, findings = CampaignReport(plan), Findings(tmp_path, plan, 0.0)
    smallest: dict[str, int] = {}
    cases: dict[str, int] = {}
    for case in run_campaign(plan):
        fresh = report.add(case)
        list(findings.keep(case, fresh))
        list(findings.keep_smaller(case))
        for signature in {f.difference.signature for f in case.examination.findings}:
            size = case.examination.counters["positions"]
            smallest[signature] = min(size, smallest.get(signature, size))
            cases[signature] = cases.get(signature, 0) + 1
    assert {f.difference.signature: f.transitions for f in findings.kept} == smallest
    assert {name: group.cases for name, group in report.differences.items()} == cases
    assert max(cases.values()) > 1 and report.exit_code()[0] is ExitCode.DIFFER


def test_the_commands_run_the_same_again_and_go_on(tmp_path: Path) -> None:
    plan = Plan(seed=7, max_seconds=1, shard=2, of=8, start=5, fork="Berlin", eels=False)
    report = CampaignReport(plan, flags=" --keep-going")
    assert report.next_index == 5
    report.add(CaseReport(10, "evm", "Berlin", Examination()))
    command = "pel fuzz --seed 7 --shard 3/8 --fork Berlin --keep-going"
    assert report.repeat_command == f"{command} --start 5 --max-cases 1"
    assert report.resume_command == f"{command} --start 18"


# ---- interruptions --------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["pel_fuzz.cli.fuzz", "pel_fuzz.workloads.blocks"])
def test_an_interruption_while_modules_load_is_told_in_a_line(module: str, tmp_path: Path) -> None:
    code = f"""
import sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from pel_fuzz.cli import main
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, "pel: interrupted\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_a_campaign_with_its_summary(
    sent: signal.Signals, tmp_path: Path
) -> None:
    """A terminal sends SIGINT to the whole group, while the processes still load or work; CI and
    `timeout` send SIGTERM to the first process."""
    command = [sys.executable, "-c", "from pel_fuzz.cli import main; main()", "fuzz"]
    options = ["--seed", "1", "--jobs", "2", "--max-time", "2m", "--out", str(tmp_path)]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert "seed 1" in process.stderr.readline()
        time.sleep(0.5)
        if sent is signal.SIGINT:
            os.killpg(process.pid, sent)
        else:
            process.terminate()
        out, errors = process.communicate(timeout=100)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in errors and "INTERRUPTED" in out and "to resume" in out

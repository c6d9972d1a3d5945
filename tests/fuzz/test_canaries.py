"""Every seeded bug is found by `pel fuzz` with its defaults; the healthy code passes.

A benign change does no harm, and is objected to all the same: its steps are not the
specification's. The table over several seeds is made by `benchmarks/bench_canaries.py`; here one
seed must do.
"""

from collections import Counter

import pytest

from pel_fuzz.campaign import Plan, planted, run_campaign
from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.canaries.seam import SEAM_BUGS
from pel_fuzz.cases import Case
from pel_fuzz.examine import examine
from pel_fuzz.interleavings import Walk
from pel_fuzz.tiny import TinyBlock
from pel_parallel.scheduler import Scheduler

WITHIN_CASES = 500
SEED = 2


def _first_finding(seed_bug: str | None, cases: int) -> tuple[int, str] | None:
    plan = Plan(seed=SEED, max_cases=cases, eels=False, seed_bug=seed_bug)
    for report in run_campaign(plan):
        for finding in report.examination.findings:
            return report.index, finding.difference.signature
    return None


@pytest.mark.parametrize("name", sorted(BUGS))
def test_every_seeded_bug_is_found(name: str) -> None:
    found = _first_finding(name, WITHIN_CASES)
    assert found is not None
    if BUGS[name].benign is not None:
        assert found[1].startswith("conformance:")


def test_the_healthy_code_passes() -> None:
    assert _first_finding(None, 40) is None


def test_bugs_fulfil_the_quota_of_kinds() -> None:
    assert len(BUGS) >= 12
    assert len(SCHEDULER_BUGS) >= 4 and len(SEAM_BUGS) >= 4
    assert sum(bug.fold_too for bug in SEAM_BUGS.values()) >= 2
    assert sum(bug.root_right for bug in SEAM_BUGS.values()) >= 2
    assert len(Counter(bug.zoo[0] for bug in BUGS.values())) >= 6


@pytest.mark.parametrize("threads", [False, True])
def test_whatever_the_executor_raises_is_a_difference(
    threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Scheduler, worker: int, position: int) -> int:
        raise KeyError(position)

    monkeypatch.setattr(Scheduler, "try_incarnate", broken)
    case = Case(TinyBlock(((("get", 0),),)), "tiny", 2, (Walk(0, 0.3), Walk(1, 0.3)))
    findings = examine(case, threads=threads, stop_at_first=False).findings
    assert len(findings) == 2
    for difference in (finding.difference for finding in findings):
        assert difference.signature == "fault:crash.KeyError:-"
        assert (difference.expected, difference.got) == ("the block ends", "KeyError: 0, in broken")


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_bug_leaves_nothing_behind(name: str) -> None:
    with planted(name):
        pass
    with planted(name):
        pass
    assert _first_finding(None, 1) is None

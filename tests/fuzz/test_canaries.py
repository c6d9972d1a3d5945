"""Every seeded bug is found by `pel fuzz` with its defaults; the healthy code passes.

The table over several seeds is made by `benchmarks/bench_canaries.py`; here one seed must do.
"""

from collections import Counter

import pytest

from pel_fuzz.campaign import Plan, planted, run_campaign
from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.canaries.seam import SEAM_BUGS

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
    assert _first_finding(name, WITHIN_CASES) is not None


def test_the_healthy_code_passes() -> None:
    assert _first_finding(None, 40) is None


def test_bugs_fulfil_the_quota_of_kinds() -> None:
    assert len(BUGS) >= 12
    assert len(SCHEDULER_BUGS) >= 4 and len(SEAM_BUGS) >= 4
    assert sum(bug.fold_too for bug in SEAM_BUGS.values()) >= 2
    assert sum(bug.root_right for bug in SEAM_BUGS.values()) >= 2
    assert len(Counter(bug.zoo[0] for bug in BUGS.values())) >= 6


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_bug_leaves_nothing_behind(name: str) -> None:
    with planted(name):
        pass
    with planted(name):
        pass
    assert _first_finding(None, 1) is None

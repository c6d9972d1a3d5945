"""What a campaign has covered is added up and told, and what it has not is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from pel_fuzz.campaign import Plan, run_campaign
from pel_fuzz.cli.app import run
from pel_fuzz.coverage.campaign import REACHABLE, CampaignCoverage
from pel_fuzz.coverage.case import CaseCoverage
from pel_fuzz.coverage.impossible import IMPOSSIBLE
from pel_fuzz.coverage.pairs import ACTIONS, POSSIBLE, Pair
from pel_fuzz.coverage.states import is_looked_at
from pel_fuzz.examine import examine
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.interleavings import Switches, Walk
from pel_fuzz.report import CampaignReport
from pel_parallel.actions import Actions

PLAN = Plan(seed=6, max_cases=6, eels=False)
WALKS = tuple(Walk(seed, (0.1, 0.3, 0.6)[seed % 3]) for seed in range(60))


def tiny_case(of: int = 0) -> int:
    """The index of a case of the tiny machine whose states are looked at."""
    cases = ((index, PLAN.case_at(index)[0]) for index in range(200))
    found = [
        index for index, case in cases if is_looked_at(case) and len(case.subject.programs) > 3
    ]
    return found[of]


def covered(index: int, **changes: object) -> CaseCoverage:
    case, _ = PLAN.case_at(index)
    return examine(replace(case, **changes), stop_at_first=False, watched=True).coverage


def test_a_campaign_adds_up_its_cases() -> None:
    report = CampaignReport(PLAN)
    cases = list(run_campaign(PLAN))
    for case in cases:
        report.add(case)
    found = report.coverage
    each = [case.examination.coverage for case in cases]
    assert found.runs == sum(one.runs for one in each)
    assert 0 < found.runs <= report.counters["runs"], "runs that failed are not counted"
    assert found.traces == sum(one.traces for one in each)
    assert 0 < found.once <= found.traces <= found.runs
    assert found.unseen_share == found.once / found.runs
    assert found.looked_at == sum(one.looked_at for one in each)
    assert found.pairs.keys() == set().union(*(one.pairs for one in each))
    assert not set(found.missing_pairs) & found.pairs.keys()
    assert set(found.missing_pairs) | found.pairs.keys() == set(POSSIBLE)
    told = report.to_json()["coverage"]
    assert told["missing_pairs"] == list(map(str, found.missing_pairs))
    assert set(told["pairs"]) == set(map(str, found.pairs))
    assert set(told["antecedents"]) | set(told["missing_antecedents"]) == set(REACHABLE)


def test_coverage_is_a_function_of_the_case() -> None:
    index = tiny_case()
    assert covered(index, interleavings=WALKS) == covered(index, interleavings=WALKS)


def test_nothing_is_noted_unless_asked_for() -> None:
    case, _ = PLAN.case_at(tiny_case())
    assert examine(case).coverage == CaseCoverage()


def test_a_strategy_that_never_switches_covers_little() -> None:
    index = tiny_case()
    much = covered(index, interleavings=WALKS)
    little = covered(index, interleavings=(Switches(()),) * len(WALKS))
    assert little.runs == much.runs == len(WALKS)
    assert (little.traces, little.once) == (1, 0)
    assert little.traces < much.traces
    assert len(little.pairs) < len(much.pairs) / 2
    assert len(little.antecedents) < len(much.antecedents)
    assert little.antecedents


def test_an_action_that_an_executor_does_not_take_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    indices = [tiny_case(k) for k in range(2)]
    healthy, broken = CampaignCoverage(), CampaignCoverage()
    for index in indices:
        healthy.add(covered(index, interleavings=WALKS))
    monkeypatch.setattr(Actions, "lower_abort_count", lambda self, worker: None)
    for index in indices:
        broken.add(covered(index, interleavings=WALKS))
    assert set(broken.missing_actions) - set(healthy.missing_actions) == {"lower_abort_count"}
    assert "lower_abort_count" in dict(broken.lines())["actions"]
    assert Pair("lower_abort_count", "cd_observe") in broken.missing_pairs


def test_an_order_that_is_proved_impossible_is_told() -> None:
    found = CampaignCoverage()
    assert "against the proof" not in dict(found.lines())["pairs"]
    pair = Pair(*min(IMPOSSIBLE))
    found.add(CaseCoverage(runs=1, pairs=frozenset((pair,))))
    assert found.impossible_pairs == [pair]
    assert f"against the proof: {pair}" in dict(found.lines())["pairs"]
    assert found.to_json()["impossible_pairs"] == [str(pair)]


def test_all_and_nothing_is_told() -> None:
    nothing = CampaignCoverage()
    told = dict(nothing.lines())
    assert told["traces"].startswith("0 runs, 0 distinct")
    assert told["actions"].startswith(f"0 of {len(ACTIONS)}; not reached: start_worker, ")
    assert told["actions"].endswith("and 42 more (--json)")
    assert told["antecedents"] == "asked in no run"
    everything = CampaignCoverage()
    everything.add(
        CaseCoverage(*(8, 4, 2, 1, frozenset(ACTIONS)), frozenset(POSSIBLE), frozenset(REACHABLE))
    )
    told = dict(everything.lines())
    assert told["actions"] == "48 of 48"
    assert told["pairs"] == f"{len(POSSIBLE)} of {len(POSSIBLE)}"
    assert told["antecedents"] == (
        f"{len(REACHABLE)} of {len(REACHABLE)}; asked in the states of 1 run"
    )
    assert "8 runs, 4 distinct" in told["traces"] and "about 25%" in told["traces"]


def test_the_stress_lane_counts_too() -> None:
    plan = replace(PLAN, interleavings="threads")
    case, _ = plan.case_at(tiny_case())
    case = replace(case, interleavings=WALKS[:8])
    found = examine(case, threads=True, watched=True).coverage
    assert found.runs == 8
    assert 0 < found.traces <= 8
    assert "set_done" in found.actions and found.antecedents


def test_which_cases_are_looked_at_is_decided_by_the_case() -> None:
    cases = [PLAN.case_at(index)[0] for index in range(120)]
    looked = [case for case in cases if is_looked_at(case)]
    assert looked == [case for case in cases if is_looked_at(case)]
    tiny = [case for case in cases if case.kind == "tiny"]
    assert all(case.kind == "tiny" for case in looked)
    assert 0 < len(looked) < len(tiny)
    assert not is_looked_at(replace(looked[0], origin=None))


def test_the_page_shows_what_its_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where draws or strategies have changed, the page is to be made again."""
    monkeypatch.setenv("COLUMNS", "80")
    page = (Path(__file__).parents[2] / "docs" / "coverage.md").read_text()
    command, shown = page.split("```")[1].strip().removeprefix("$ pel ").split("\n...\n")
    assert run([*command.split(), "--jobs", "1", "--out", str(tmp_path)]) is ExitCode.AGREE
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert shown in printed

"""Campaigns are exact: the same cases whatever the shards, the processes and the order."""

from itertools import chain, islice

import pytest

from pel_fuzz.campaign import CaseReport, Plan, examine_index, planted, run_campaign
from pel_fuzz.cases import case_at
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.report import CampaignReport


def _told(report: CaseReport) -> tuple[object, ...]:
    done = report.examination
    findings = tuple(finding.difference for finding in done.findings)
    counted = done.features, done.counters, done.coverage
    return report.index, report.kind, report.fork, *counted, findings


def test_a_case_is_a_function_of_its_address() -> None:
    first = [case_at(4, index)[0] for index in range(6)]
    again = [case_at(4, index)[0] for index in reversed(range(6))][::-1]
    assert first == again
    assert case_at(5, 0)[0] != first[0]


def test_shards_are_disjoint_and_together_the_whole() -> None:
    whole = list(islice(Plan(seed=1, max_seconds=1).indices(), 12))
    shards = [list(Plan(seed=1, max_cases=4, shard=i, of=3).indices()) for i in range(3)]
    assert sorted(chain.from_iterable(shards)) == whole
    assert shards[2] == [2, 5, 8, 11]


def test_a_campaign_resumes_where_it_ended() -> None:
    whole = list(islice(Plan(seed=1, max_seconds=1, shard=1, of=3).indices(), 6))
    resumed = Plan(seed=1, max_cases=4, shard=1, of=3, start=whole[1] + 1)
    assert list(resumed.indices()) == whole[2:]


def test_processes_change_nothing() -> None:
    plans = [Plan(seed=6, max_cases=8, jobs=jobs, eels=False) for jobs in (1, 2)]
    alone, together = ([_told(report) for report in run_campaign(plan)] for plan in plans)
    assert alone == together
    assert [told[0] for told in alone] == list(range(8))


def test_a_fork_restricts_the_campaign() -> None:
    plan = Plan(seed=1, max_cases=3, fork="Berlin", eels=False)
    assert {report.fork for report in run_campaign(plan)} == {"Berlin"}


def test_a_campaign_finds_a_planted_bug_in_processes_of_its_own() -> None:
    plan = Plan(seed=1, max_cases=20, jobs=2, eels=False, seed_bug="no-estimate")
    report = CampaignReport(plan)
    for case in run_campaign(plan):
        report.add(case)
    assert report.exit_code()[0] is ExitCode.DIFFER


def test_an_unknown_bug_is_refused() -> None:
    with pytest.raises(KeyError), planted("no such bug"):
        pass


def test_the_verdict_of_nothing_and_of_nothing_parallel_is_inconclusive() -> None:
    empty = CampaignReport(Plan(seed=1, max_cases=1))
    assert empty.exit_code()[0] is ExitCode.INCONCLUSIVE
    plan = Plan(seed=1, max_cases=1, eels=False)
    report = CampaignReport(plan)
    report.add(examine_index(plan, 0))
    assert report.exit_code()[0] is ExitCode.AGREE
    report.counters["overlapped"] = 0
    code, why = report.exit_code()
    assert code is ExitCode.INCONCLUSIVE and "not parallel" in why


def test_the_report_names_what_was_not_reached() -> None:
    plan = Plan(seed=1, max_cases=1, fork="Prague")
    report = CampaignReport(plan)
    assert "delegation" in report.missing_features
    for case in run_campaign(plan):
        report.add(case)
    assert set(report.to_json()["features"]).isdisjoint(report.missing_features)

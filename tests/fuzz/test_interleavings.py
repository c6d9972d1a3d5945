"""Interleavings of campaigns: drawn in shares, counted by strategy, searched and kept exactly."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.campaign import Plan, planted, run_campaign
from pel_fuzz.cases import Case, plan_at
from pel_fuzz.examine import examine
from pel_fuzz.executors import expected_steps, run_controlled
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.interleavings import (
    INTERLEAVINGS,
    MIX,
    PARAMETERS,
    Faulted,
    Search,
    Seeded,
    Switches,
    Walk,
    draw_interleaving,
    each_run,
    sized,
    strategy_of,
)
from pel_fuzz.report import CampaignReport
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import Default
from pel_parallel.errors import ChoiceFailed
from pel_parallel.faults import Fault, FaultKind
from pel_spec.fold import fold

CHAIN = TinyBlock(((("get", 0), ("put", 0)),) * 3)


def searched(bound: int, most_runs: int) -> Case:
    return Case(CHAIN, "tiny", 2, (Search(bound, most_runs),), small=True)


@given(st.integers(0, 2**32), st.sampled_from(("tiny", "evm")), st.sampled_from(tuple(MIX)))
def test_what_is_drawn_has_the_name_that_was_asked_for(seed: int, kind: str, name: str) -> None:
    drawn = draw_interleaving(Random(seed), kind, name)
    assert strategy_of(drawn) == name
    if isinstance(drawn, Seeded):
        low, high, whole = PARAMETERS[drawn.strategy]
        assert low <= drawn.parameter <= high
        assert drawn.parameter == int(drawn.parameter) or not whole
    again = Random(seed)
    assert draw_interleaving(again, kind, name) == drawn
    other = Random(seed)
    draw_interleaving(other, kind, "mix")
    assert other.random() == again.random()  # each takes as much of the random numbers


def test_the_mix_has_each_strategy_in_its_share() -> None:
    random = Random(1)
    drawn = Counter(strategy_of(draw_interleaving(random, "tiny", "mix")) for _ in range(4000))
    assert set(drawn) == set(MIX)
    for name, share in MIX.items():
        assert abs(drawn[name] / 4000 - share / sum(MIX.values())) < 0.03


def test_an_estimate_is_filled_in_once() -> None:
    drawn = Seeded("pct", 1, 5)
    assert sized(drawn, 70) == Seeded("pct", 1, 5, 70)
    assert sized(Seeded("pct", 1, 5, 30), 70) == Seeded("pct", 1, 5, 30)
    assert sized(Faulted(drawn, ()), 70) == Faulted(Seeded("pct", 1, 5, 70), ())
    assert sized(Walk(1, 0.3), 70) == Walk(1, 0.3)


@pytest.mark.parametrize("name", ["random", "urw", "surw", "pos", "pct"])
def test_a_campaign_of_one_strategy(name: str) -> None:
    tiny = next(i for i in range(99) if plan_at(1, i, None, False, name).kind == "tiny")
    plan = Plan(seed=1, start=tiny, max_cases=1, eels=False, interleavings=name)
    report = CampaignReport(plan)
    for case in run_campaign(plan):
        report.add(case)
    assert set(report.strategies) == {name}
    assert report.exit_code()[0] is not ExitCode.DIFFER
    assert report.to_json()["interleavings"] == name


def test_the_mix_searches_now_and_then() -> None:
    plans = [plan_at(1, index, None, eels=False) for index in range(2000)]
    tiny = [plan for plan in plans if plan.kind == "tiny"]
    searches = [plan for plan in tiny if plan.small]
    assert 0.01 < len(searches) / len(tiny) < 0.06
    assert all(isinstance(run, Search) for plan in searches for run in plan.interleavings)


def test_an_exhaustive_campaign_takes_small_tiny_blocks_only() -> None:
    for index in range(50):
        plan = plan_at(1, index, None, eels=False, interleavings="exhaustive")
        assert (plan.kind, plan.small) == ("tiny", True)


def test_a_search_says_how_far_it_came() -> None:
    whole = examine(searched(1, 2000)).counters
    assert (whole["searches"], whole["searches_complete_to_1"]) == (1, 1)
    short = examine(searched(2, 40))
    cut = short.counters
    assert (cut["searches"], cut["searches_complete_to_0"]) == (1, 1)
    # Runs that end where everything was explored before are none of their own.
    assert short.strategies == {"exhaustive": cut["runs"]}
    assert 30 < cut["runs"] < 40


def test_what_a_search_finds_is_kept_as_its_schedule() -> None:
    with planted("new-location-unnoticed"):
        (finding,) = examine(searched(2, 2000)).findings[:1]
        kept = finding.interleaving
        assert isinstance(kept, Switches) and kept.strict
        again = Case(CHAIN, "tiny", 2, (kept,))
        signatures = {found.difference.signature for found in examine(again).findings}
        assert finding.difference.signature in signatures
    assert examine(again).findings == []


def test_the_length_of_a_run_is_estimated() -> None:
    ratios = []
    for seed in range(60):
        block, workers = draw_case(tiny_blocks(), 8, seed).value, 1 + seed % 8
        run = run_controlled(block, workers, Walk(seed, 0.2))
        ratios.append(len(run.trace or ()) / expected_steps(fold(block)[1], workers))
    ratios.sort()
    assert ratios[6] > 0.6 and 0.8 < ratios[30] < 1.25 and ratios[53] < 1.6


def test_each_run_is_one_run() -> None:
    counters: Counter[str] = Counter()
    runs = list(each_run((Walk(1, 0.3), Seeded("urw", 2)), 90, counters))
    assert runs == [Walk(1, 0.3), Seeded("urw", 2, 0, 90)]
    assert not counters


def test_threads_are_a_lane_of_their_own() -> None:
    assert INTERLEAVINGS[0] == "mix"
    assert [name for name in INTERLEAVINGS if Plan(seed=1, interleavings=name).threads] == [
        "threads"
    ]


def test_a_broken_strategy_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a fault of the harness, and must not be told as a crash of the executor."""

    class Broken(Default):
        def choose(self, *_: object) -> int:
            raise KeyError("lost")

    monkeypatch.setattr(Walk, "steering", lambda _: Broken())
    walk = Walk(1, 0.5)
    case = Case(CHAIN, "tiny", 2, (walk, Faulted(walk, (Fault(FaultKind.STALL, 0, 1, 5),))))
    for interleaving in case.interleavings:
        with pytest.raises(ChoiceFailed, match="KeyError: 'lost'"):
            examine(replace(case, interleavings=(interleaving,)))

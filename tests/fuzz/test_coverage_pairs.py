"""Which actions meet: by hand, against a slow account of it, and against what is proved."""

import json
from collections.abc import Sequence
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.coverage.impossible import IMPOSSIBLE
from pel_fuzz.coverage.pairs import ACTIONS, CONFLICTING, OBJECT, POSSIBLE, Meetings, Pair
from pel_fuzz.coverage.proving import proved_impossible
from pel_fuzz.tiny import TinyBlock, from_json
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import Default, RandomWalk, Recorded, schedule_of
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_spec.scheduler.blockstm import ACTIONS as OF_THE_TEXT
from pel_spec.scheduler.validation import Commit
from pel_spec.sync import Step

REACHED = Path(__file__).parent / "reached_pairs.json"


def steps(word: Sequence[tuple[int, str]]) -> list[Step]:
    """Steps (worker, action) on one object."""
    return [Step(w, 0, action, (), ("status", 0), k, None) for k, (w, action) in enumerate(word)]


def met(word: Sequence[tuple[int, str]]) -> set[tuple[str, str]]:
    meetings = Meetings()
    meetings.add(steps(word))
    return set(map(tuple, meetings.pairs()))


def slowly(word: Sequence[tuple[int, str]]) -> set[tuple[str, str]]:
    """Neighbours, in whatever order looks that follow each other are put."""
    groups: list[list[tuple[int, str]]] = []
    for step in word:
        if groups and step[1] in LOOKS_AT and groups[-1][0][1] in LOOKS_AT:
            groups[-1].append(step)
        else:
            groups.append([step])
    found = set()
    for one, other in pairwise(groups):
        for order in permutations(one):
            for order_then in permutations(other):
                (w, first), (v, then) = order[-1], order_then[0]
                found |= {(first, then)} if w != v else set()
    return found


def test_the_executor_s_actions_are_those_of_the_text_but_for_the_commit() -> None:
    rolling = {name for name in OF_THE_TEXT if hasattr(Commit, name)}
    assert set(ACTIONS) == set(OF_THE_TEXT) - rolling
    assert len(ACTIONS) == 48


def test_pairs_are_of_one_kind_of_object_and_change_something() -> None:
    assert Pair("try_incarnate", "publish") in CONFLICTING
    assert Pair("val_look", "look_blocking") not in CONFLICTING, "both only look"
    assert Pair("val_look", "write_cell") not in CONFLICTING, "on different objects"
    assert not any(OBJECT[pair.first] == "worker" for pair in CONFLICTING)
    assert set(CONFLICTING) == set(POSSIBLE) | set(IMPOSSIBLE)
    assert len(CONFLICTING) == len(POSSIBLE) + len(IMPOSSIBLE)
    assert (len(POSSIBLE), len(IMPOSSIBLE)) == (169, 27), "docs/coverage.md says how many"


def test_what_has_met() -> None:
    assert met([(0, "publish"), (1, "val_look")]) == {("publish", "val_look")}
    assert met([(0, "publish"), (0, "val_look"), (1, "val_look")]) == {("publish", "val_look")}
    assert met([(0, "publish"), (0, "val_look")]) == set(), "one worker"
    looks = [(0, "val_look"), (1, "look_blocking"), (2, "publish")]
    assert met(looks) == {("val_look", "publish"), ("look_blocking", "publish")}
    between = [(0, "publish"), (1, "val_look"), (1, "set_ready")]
    assert met(between) == {("publish", "val_look")}, "the look is between the two changes"


WORDS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(("val_look", "look_blocking", "publish", "set_ready"))
    ),
    max_size=7,
)


@settings(max_examples=300, deadline=None)
@given(WORDS)
def test_what_has_met_told_slowly(word: list[tuple[int, str]]) -> None:
    assert met(word) == slowly(word)


def covered(index: int, seeds: range) -> Meetings:
    """Runs of a drawn block; without a seed, by default."""
    block: TinyBlock = draw_case(tiny_blocks(), 11, index).value
    meetings = Meetings()
    for seed in seeds:
        choices = RandomWalk(seed, (0.1, 0.3, 0.6)[seed % 3]) if seed else Default()
        run = run_block(block, workers=2 + seed % 3, runtime=GreenletController(choices))
        assert run.trace is not None
        meetings.add(run.trace)
    return meetings


def test_without_switches_little_meets() -> None:
    default = frozenset[Pair]().union(*(covered(index, range(1)).pairs() for index in range(20)))
    walks = frozenset[Pair]().union(*(covered(index, range(1, 30)).pairs() for index in range(20)))
    assert len(walks) > 140
    assert len(default) < 50
    assert walks <= set(POSSIBLE)


def test_every_pair_is_proved_impossible_or_reached() -> None:
    """By runs that `tools/reached_pairs.py` has found, and finds again if the executor changes."""
    reached = set[Pair]()
    for each in json.loads(REACHED.read_text(encoding="utf-8")):
        choices = Recorded(schedule_of(each["schedule"]))
        runtime = GreenletController(choices)
        run = run_block(from_json(each["block"]), workers=each["workers"], runtime=runtime)
        assert run.trace is not None
        meetings = Meetings()
        meetings.add(run.trace)
        reached |= meetings.pairs()
    assert reached == set(POSSIBLE) == set(CONFLICTING) - {Pair(*pair) for pair in IMPOSSIBLE}


# ---- proofs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", sorted(IMPOSSIBLE), ids=" > ".join)
def test_what_is_impossible_is_proved(pair: tuple[str, str]) -> None:
    assert proved_impossible(Pair(*pair))


OPEN = (
    *(("cd_observe_again", "resume_count"), ("cd_observe_again", "lower_val_count")),
    *(("remove_cell", "remove_cell"), ("resume_done", "resume_done"), ("stay", "read_estimate")),
    *(("resume_one", "try_validation_abort"), ("try_incarnate", "mark_suspended")),
    *(("try_incarnate", "publish"), ("swap_deps", "read_estimate"), ("set_done", "set_done")),
    *(("record_done", "load_written"), ("leave", "val_enter"), ("val_fetch", "lower_val_idx")),
)


@pytest.mark.parametrize("pair", OPEN, ids=" > ".join)
def test_what_happens_or_may_is_not_proved_impossible(pair: tuple[str, str]) -> None:
    """Rare ones and common ones, of each kind of object: nothing is proved of nothing."""
    assert Pair(*pair) in POSSIBLE
    assert not proved_impossible(Pair(*pair))

"""Strategies: reproducible walks, and schedules that are followed or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_parallel.choices import Choices, Default, RandomWalk, Recorded, schedule_of
from pel_parallel.errors import Drift


def walk(choices: Choices, steps: int = 200) -> list[int]:
    choices.begin(3)
    return [choices.choose(0, own, [0, 1, 2], 0, []) for own in range(steps)]


@given(st.integers(0, 2**64), st.floats(0.01, 1.0))
def test_a_walk_is_a_function_of_its_seed(seed: int, probability: float) -> None:
    walker = RandomWalk(seed, probability)
    first = walk(walker)
    assert walk(walker) == first == walk(RandomWalk(seed, probability))
    assert set(first) <= {0, 1, 2}


def test_a_walk_is_the_same_everywhere() -> None:
    assert walk(RandomWalk(1, 0.5), 24) == [
        *(0, 0, 0, 1, 2, 2, 0, 0, 0, 0, 0, 2),
        *(0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 2),
    ]


def test_a_walk_switches_as_often_as_it_says() -> None:
    assert walk(RandomWalk(7, 0.0)) == [0] * 200
    assert {walk(RandomWalk(7, 1.0)).count(worker) > 40 for worker in range(3)} == {True}
    assert 5 < sum(worker != 0 for worker in walk(RandomWalk(7, 0.1))) < 35


def test_the_default_never_deviates() -> None:
    assert walk(Default()) == [0] * 200


def test_a_schedule_is_followed() -> None:
    recorded = Recorded([(0, 3, 2), (0, 9, 1)])
    assert [own for own, worker in enumerate(walk(recorded)) if worker != 0] == [3, 9]
    recorded.end()


def test_what_cannot_be_followed_is_drift() -> None:
    strict, lenient = Recorded([(0, 3, 2)]), Recorded([(0, 3, 2)], strict=False)
    for choices in (strict, lenient):
        choices.begin(3)
    with pytest.raises(Drift, match="worker 2 to go at step 3 of worker 0, but only 0, 1 can"):
        strict.choose(0, 3, [0, 1], 0, [])
    assert lenient.choose(0, 3, [0, 1], 0, []) == 0
    strict.begin(3)
    with pytest.raises(Drift, match="1 choices were never reached"):
        strict.end()
    lenient.begin(3)
    lenient.end()


@pytest.mark.parametrize(
    "switches", [[(1, 2)], [(1, 2, 3, 4)], [(1, 2, "x")], [(1, True, 2)], [(1, 2, 0), (1, 2, 1)]]
)
def test_bad_schedules_are_refused(switches: list[tuple[object, ...]]) -> None:
    with pytest.raises(ValueError, match="choice"):
        schedule_of(switches)  # type: ignore[arg-type]


def test_a_schedule_from_a_file() -> None:
    assert schedule_of([[0, 1, 2], [-1, 0, 1]]) == ((0, 1, 2), (-1, 0, 1))

"""Cases are functions of their address, and shrinking shrinks."""

import hashlib
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import UndrawableCase, draw_case, shrink

PAIRS = st.tuples(st.integers(0, 9999), st.booleans())
NUMBERS = st.lists(st.integers(0, 99), min_size=1, max_size=20)
DIGEST = """
import hashlib, sys
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
drawn = [draw_case(blocks(), 11, index).value for index in range(4)]
text = repr([(each.block, sorted(each.features)) for each in drawn])
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_an_address_is_pinned() -> None:
    """A change here means that published seeds and indices no longer mean what they did."""
    drawn = [draw_case(PAIRS, 1, index).value for index in range(4)]
    assert drawn == [(6246, False), (8105, True), (1448, False), (4174, True)]


def test_what_is_drawn_in_between_does_not_matter() -> None:
    alone = draw_case(NUMBERS, 5, 3)
    for index in range(3):
        draw_case(NUMBERS, 5, index)
    assert draw_case(NUMBERS, 5, 3) == alone


@pytest.mark.parametrize("hash_seed", ["0", "1234"])
def test_a_block_is_the_same_in_another_process(hash_seed: str) -> None:
    """Whatever the hash seed, and whatever modules (this one, say) are loaded here."""
    drawn = [draw_case(blocks(), 11, index).value for index in range(4)]
    text = repr([(each.block, sorted(each.features)) for each in drawn])
    there = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={"PYTHONHASHSEED": hash_seed, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()


@given(st.integers(0, 2**64), st.integers(0, 2**32))
def test_addresses_are_reproducible(seed: int, index: int) -> None:
    assert draw_case(NUMBERS, seed, index) == draw_case(NUMBERS, seed, index)


def test_different_addresses_give_different_cases() -> None:
    drawn = {draw_case(PAIRS, seed, index).value for seed in range(3) for index in range(20)}
    assert len(drawn) > 55


def test_a_draw_that_fails_is_repeated_in_the_same_way() -> None:
    rare = st.integers(0, 99).filter(lambda number: number < 15)
    drawn = [draw_case(rare, 3, index).value for index in range(20)]
    assert drawn == [draw_case(rare, 3, index).value for index in range(20)]
    assert max(drawn) < 15


def test_a_strategy_without_values_is_refused() -> None:
    with pytest.raises(UndrawableCase, match="seed 1, index 2"):
        draw_case(st.integers(0, 9).filter(lambda _: False), 1, 2)


def test_a_draw_without_bounds_is_refused() -> None:
    with pytest.raises(TypeError, match="bounded"):
        draw_case(st.integers(), 1, 2)


def _is_rich(numbers: list[int]) -> bool:
    return sum(numbers) >= 120


def _first_rich() -> tuple[list[int], tuple[object, ...]]:
    drawn = (draw_case(NUMBERS, 2, index) for index in range(100))
    return next((value, choices) for value, choices in drawn if len(value) > 8 and _is_rich(value))


def test_shrinking_reaches_the_smallest() -> None:
    value, choices = _first_rich()
    small = shrink(NUMBERS, choices, _is_rich)
    assert len(small.value) == 2 < len(value)
    assert sum(small.value) == 120


def test_what_shrinking_gives_can_be_shrunk_again() -> None:
    _, choices = _first_rich()
    small = shrink(NUMBERS, choices, _is_rich)
    assert shrink(NUMBERS, small.choices, _is_rich, max_evaluations=1).value == small.value


def test_shrinking_is_deterministic() -> None:
    _, choices = _first_rich()
    seen: list[list[list[int]]] = [[], []]
    for evaluations in seen:
        shrink(NUMBERS, choices, lambda v, to=evaluations: to.append(v) is None and _is_rich(v))
    assert seen[0] == seen[1]


def test_a_spent_budget_gives_the_best_so_far() -> None:
    value, choices = _first_rich()
    evaluated: list[list[int]] = []
    small = shrink(
        NUMBERS, choices, lambda v: evaluated.append(v) is None and _is_rich(v), max_evaluations=5
    )
    assert len(evaluated) == 5
    assert _is_rich(small.value)
    stopped = shrink(NUMBERS, choices, _is_rich, keep_going=lambda: False)
    assert stopped.value == value


def test_choices_that_do_not_satisfy_the_condition_are_refused() -> None:
    _, choices = _first_rich()
    with pytest.raises(UndrawableCase, match="do not satisfy"):
        shrink(NUMBERS, choices, lambda _: False)


def test_a_condition_that_fails_is_no_success() -> None:
    """An error in the condition is the harness' own: it must come out."""
    _, choices = _first_rich()

    def broken(_: list[int]) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shrink(NUMBERS, choices, broken)


def test_assumptions_are_filters() -> None:
    @st.composite
    def assuming(draw: st.DrawFn) -> int:
        number = draw(st.integers(0, 99))
        assume(number < 50)
        return number

    assert all(draw_case(assuming(), 1, index).value < 50 for index in range(20))

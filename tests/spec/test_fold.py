"""The meaning of a block: what the fold does, and what a recorded view shows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_spec.fold import Result, agree, fold
from pel_spec.history import End, Order
from pel_spec.serializability import check_preset, check_serializable
from pel_spec.transition import (
    Effects,
    Kind,
    RecordedView,
    Suspend,
    View,
    run_contained,
)
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version, Write

X, Y = ("x",), ("y",)


@dataclass(frozen=True)
class Step:
    """A transition that is a function."""

    body: Callable[[View], Effects]
    kind: Kind = Kind.TRANSACTION
    tx_index: int | None = None

    def run(self, view: View, workspace: Any) -> Effects:
        workspace.append(self)
        return self.body(view)


@dataclass(frozen=True)
class Block:
    transitions: tuple[Step, ...]
    before: dict[Location, Value] = field(default_factory=dict)
    spaces: list[list[Step]] = field(default_factory=list)

    def initial(self, location: Location) -> Value:
        return self.before.get(location, 0)

    def workspace(self) -> list[Step]:
        self.spaces.append([])
        return self.spaces[-1]


def add(location: Location, amount: int) -> Step:
    """Adds to a location and reports what it found there."""

    def body(view: View) -> Effects:
        value, _ = view.read(location)
        assert isinstance(value, int)
        return Effects({location: value + amount}, outcome=value)

    return Step(body)


def move(source: Location, target: Location) -> Step:
    return Step(lambda view: Effects({target: view.read(source, "all of it")[0]}))


def fail(_: View) -> Effects:
    raise ZeroDivisionError("nothing to divide")


def test_each_transition_reads_what_those_below_have_left() -> None:
    block = Block((add(X, 2), add(X, 3), move(X, Y), add(Y, 1)), {X: 10})
    result, history = fold(block)
    assert result.memory == {X: (15, Version(1, 0)), Y: (16, Version(3, 0))}
    assert [effects.outcome for effects in result.effects] == [10, 12, None, 15]
    assert history.incarnations[2].reads == (Read(X, 15, Version(1, 0), "all of it"),)
    assert history.incarnations[0].reads == (Read(X, 10, PRE_STATE),)
    assert history.incarnations[3].writes == (Write(Y, 16),)


def test_the_history_of_a_fold_is_right_in_both_forms() -> None:
    _, history = fold(Block((add(X, 2), move(X, Y), add(Y, 3))))
    assert history.transitions == 3
    assert history.commits == (Version(0, 0), Version(1, 0), Version(2, 0))
    assert history.version_order is Order.PRESET
    assert {incarnation.end for incarnation in history.incarnations} == {End.EXECUTED}
    assert check_preset(history) is None
    assert check_serializable(history) is None
    assert [i.version for i in history.committed()] == list(history.commits)


def test_an_empty_block_means_nothing() -> None:
    result, history = fold(Block(()))
    assert result == Result({}, ())
    assert history.transitions == 0
    assert check_preset(history) is None


def test_a_fault_writes_nothing_and_is_reported_with_its_position() -> None:
    result, history = fold(Block((add(X, 2), Step(fail), add(X, 3))))
    assert result.memory == {X: (5, Version(2, 0))}
    assert result.faults == ((1, "ZeroDivisionError: nothing to divide"),)
    assert history.incarnations[1].writes == ()
    assert fold(Block((add(X, 1),)))[0].faults == ()


def test_one_workspace_serves_the_whole_fold() -> None:
    block = Block((add(X, 1), add(X, 1)))
    fold(block)
    assert block.spaces == [list(block.transitions)]


def test_what_is_no_exception_passes_through() -> None:
    def suspend(_: View) -> Effects:
        raise Suspend(4)

    with pytest.raises(Suspend) as caught:
        run_contained(Step(suspend), RecordedView(lambda _: (0, PRE_STATE)), [])
    assert caught.value.blocking == 4
    assert not isinstance(caught.value, Exception)

    def interrupted(_: View) -> Effects:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_contained(Step(interrupted), RecordedView(lambda _: (0, PRE_STATE)), [])


def test_an_exception_is_an_effect() -> None:
    effects = run_contained(Step(fail), RecordedView(lambda _: (0, PRE_STATE)), [])
    assert effects == Effects({}, fault="ZeroDivisionError: nothing to divide")


def test_a_recorded_view_repeats_its_first_answer() -> None:
    answers = iter([(1, Version(0, 0)), (2, Version(1, 0)), (3, Version(2, 0))])
    view = RecordedView(lambda _: next(answers))
    assert view.read(X, "P") == (1, Version(0, 0))
    assert view.read(X) == (1, Version(0, 0))
    assert view.read(Y) == (2, Version(1, 0))
    assert list(view.reads.values()) == [
        Read(X, 1, Version(0, 0), "P"),
        Read(Y, 2, Version(1, 0), None),
    ]


def test_a_read_that_suspends_is_not_recorded() -> None:
    def lookup(location: Location) -> tuple[Value, Version]:
        raise Suspend(7)

    view = RecordedView(lookup)
    with pytest.raises(Suspend):
        view.read(X)
    assert view.reads == {}


def test_results_agree_if_values_writers_and_effects_do() -> None:
    effects = (Effects({X: 1}),)
    result = Result({X: (1, Version(0, 0))}, effects)
    assert agree(result, Result({X: (1, Version(0, 9))}, effects))
    assert not agree(result, Result({X: (2, Version(0, 0))}, effects))
    assert not agree(result, Result({X: (1, Version(1, 0))}, effects))
    assert not agree(result, Result({Y: (1, Version(0, 0))}, effects))
    assert not agree(result, Result({}, effects))
    assert not agree(result, Result(result.memory, (Effects({X: 1}, outcome="other"),)))
    assert not agree(result, Result(result.memory, (Effects({X: 1}, fault="broken"),)))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([X, Y]), st.integers(-5, 5)), max_size=8))
def test_the_fold_is_sequential_execution(steps: list[tuple[Location, int]]) -> None:
    memory: dict[Location, int] = {}
    found = []
    for location, amount in steps:
        found.append(memory.get(location, 0))
        memory[location] = memory.get(location, 0) + amount
    result, history = fold(Block(tuple(add(location, amount) for location, amount in steps)))
    assert {at: value for at, (value, _) in result.memory.items()} == memory
    assert [effects.outcome for effects in result.effects] == found
    assert check_preset(history) is None

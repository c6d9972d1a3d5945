"""Partial orders and overlap, on traces made by hand."""

import pytest

from pel_parallel.overlap import Execution, executions, overlapping_executions
from pel_parallel.trace import linearize
from pel_spec.sync import Step


def step(worker: int, own: int, name: str, sequence: int) -> Step:
    return Step(worker, own, "leave", (), (name,), sequence, None)


def test_a_linear_order_respects_workers_and_objects() -> None:
    one = [step(0, 0, "a", 1), step(0, 1, "b", 0)]
    two = [step(1, 0, "a", 0), step(1, 1, "b", 1), step(1, 2, "a", 2)]
    assert linearize([one, two]) == (two[0], one[0], one[1], two[1], two[2])
    assert linearize([]) == ()


@pytest.mark.parametrize(
    "logs",
    [
        [[step(0, 0, "a", 1)]],
        [[step(0, 0, "a", 0)], [step(1, 0, "a", 0)]],
        [[step(0, 0, "a", 1), step(0, 1, "b", 0)], [step(1, 0, "b", 1), step(1, 1, "a", 0)]],
    ],
)
def test_contradictions_are_refused(logs: list[list[Step]]) -> None:
    with pytest.raises(ValueError, match="contradict"):
        linearize(logs)


def event(worker: int, action: str, position: int, observed: object = None) -> Step:
    return Step(worker, 0, action, (position,), ("status", position), 0, observed)


def test_overlapping_executions_are_pairs_of_workers() -> None:
    trace = [
        event(0, "try_incarnate", 0, 0),
        event(1, "try_incarnate", 1, 0),
        event(2, "try_incarnate", 9, None),
        event(1, "record_done", 1),
        event(1, "try_incarnate", 2, 0),
        event(0, "suspend", 0),
        event(0, "try_incarnate", 3, 0),
        event(1, "record_done", 2),
        event(0, "record_done", 3),
        event(2, "try_incarnate", 4, 0),
        event(2, "record_done", 4),
    ]
    assert overlapping_executions(trace) == 3
    assert next(iter(executions(trace))) == Execution(1, 1, 1, 3)
    assert len(list(executions(trace))) == 5


def test_serial_executions_do_not_overlap() -> None:
    trace = [
        event(0, "try_incarnate", 0, 0),
        event(0, "record_done", 0),
        event(1, "try_incarnate", 1, 0),
        event(1, "record_done", 1),
    ]
    assert overlapping_executions(trace) == 0
    assert overlapping_executions([]) == 0


def test_an_execution_that_never_ends_overlaps_to_the_end() -> None:
    trace = [event(0, "try_incarnate", 0, 0), event(1, "try_incarnate", 1, 0)]
    assert overlapping_executions(trace) == 1

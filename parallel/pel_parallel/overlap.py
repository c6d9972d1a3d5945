"""Did executions really overlap? Judged on the trace, not on a clock."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pel_spec.sync import Step

ENDS = frozenset(("record_done", "suspend"))
"""The steps with which an execution ends: its effects are recorded, or it waits for another."""


class Execution(NamedTuple):
    """One incarnation being executed by `worker`, from step `first` to step `last` of the trace
    (indices into it; `last` is past its end where the run stopped before)."""

    worker: int
    position: int
    first: int
    last: int


def executions(trace: Iterable[Step]) -> Iterator[Execution]:
    """The executions in a trace, in the order of their ends."""
    begun: dict[int, tuple[int, int]] = {}
    index = -1
    for index, step in enumerate(trace):
        if step.action == "try_incarnate" and step.observed is not None:
            begun[step.worker] = (step.args[0], index)
        elif step.action in ENDS and step.worker in begun:
            position, first = begun.pop(step.worker)
            yield Execution(step.worker, position, first, index)
    for worker, (position, first) in begun.items():
        yield Execution(worker, position, first, index + 1)


def overlapping_executions(trace: Iterable[Step]) -> int:
    """How many pairs of executions by different workers overlap in `trace`.

    A recorded trace of plain threads is one of the orders that its log allows: two executions that
    overlap in it are not ordered by any chain of steps, so they went on side by side.
    """
    pairs = 0
    open_until: dict[int, Execution] = {}
    for execution in sorted(executions(trace), key=lambda each: each.first):
        pairs += sum(other.last > execution.first for other in open_until.values())
        open_until[execution.worker] = execution
    return pairs

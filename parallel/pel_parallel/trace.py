"""Traces as partial orders: each worker numbers its steps, each object numbers the steps on it."""

from collections.abc import Sequence
from typing import Any

from pel_spec.sync import Step


def linearize(by_worker: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """One order of the steps that keeps each worker's order and each object's.

    It exists for every log of a real run: each step touched one object, at one moment.

    Raises: `ValueError`: the numbers contradict each other, so this is not such a log.
    """
    reached = [0] * len(by_worker)
    due: dict[tuple[Any, ...], int] = {}
    blocked: dict[tuple[tuple[Any, ...], int], int] = {}
    order: list[Step] = []
    ready = list(range(len(by_worker)))[::-1]
    while ready:
        worker = ready.pop()
        while reached[worker] < len(by_worker[worker]):
            step = by_worker[worker][reached[worker]]
            if step.sequence != due.get(step.object, 0):
                blocked[step.object, step.sequence] = worker
                break
            order.append(step)
            reached[worker] += 1
            due[step.object] = step.sequence + 1
            follower = blocked.pop((step.object, step.sequence + 1), None)
            if follower is not None:
                ready.append(follower)
    if len(order) != sum(map(len, by_worker)):
        raise ValueError("the steps' numbers by worker and by object contradict each other")
    return tuple(order)

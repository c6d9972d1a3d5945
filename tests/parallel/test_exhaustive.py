"""Exhaustive search: it explores all there is, no more often than it must, and finds what hides."""

from collections.abc import Iterator
from itertools import pairwise
from math import comb

import pytest

from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.choices import Recorded
from pel_parallel.conflicts import LOOKS_AT
from pel_parallel.control import Controller
from pel_parallel.errors import Deadlock, ExecutionError, Explored, Livelock
from pel_parallel.executor import Run, run_block
from pel_parallel.exhaustive import Exhaustive
from pel_parallel.greenlets import GreenletController
from pel_parallel.shared import Dependents, Number
from pel_spec.fold import agree, fold
from pel_spec.sync import Step

Program = list[tuple[str, str]]

WRITE, LOOK, ELSEWHERE = ("leave", "x"), ("load_done", "x"), ("leave", "y")
MODIFY = (("get", 0), ("put", 0))


def orders(programs: list[Program], search: Exhaustive) -> Iterator[tuple[Step, ...]]:
    """The traces of all runs that come to their end, of workers that touch numbers by name."""
    while search.more():
        runtime = GreenletController(search, step_limit=1000)
        numbers = {name: Number(name) for program in programs for _, name in program}

        def body(
            worker: int,
            runtime: Controller = runtime,
            numbers: dict[str, Number] = numbers,
        ) -> None:
            for action, name in programs[worker]:
                number = numbers[name]
                touch = number.load if action in LOOKS_AT else number.increment
                runtime.step(worker, action, (), number, touch)

        try:
            runtime.run(len(programs), body)
        except Explored:
            continue
        yield runtime.trace() or ()


def up_to_commutation(steps: tuple[Step, ...]) -> frozenset[tuple[object, ...]]:
    """What two runs have in common that are the same trace: each step, and how often its object
    was changed before."""
    changes: dict[object, int] = {}
    seen = set()
    for step in steps:
        seen.add((step.worker, step.own, changes.get(step.object, 0)))
        if step.action not in LOOKS_AT:
            changes[step.object] = changes.get(step.object, 0) + 1
    return frozenset(seen)


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_without_pruning_every_interleaving_is_run_once(length: int) -> None:
    traces = list(orders([[WRITE] * length] * 2, Exhaustive(None, prune=False)))
    taken = [tuple(step.worker for step in trace) for trace in traces]
    assert len(taken) == len(set(taken)) == comb(2 * length + 4, length + 2)


@pytest.mark.parametrize(
    ("programs", "traces"),
    [
        ([[WRITE]] * 2, 2),
        ([[WRITE] * 2] * 2, comb(4, 2)),
        ([[WRITE] * 3] * 2, comb(6, 3)),
        ([[WRITE] * 4] * 2, comb(8, 4)),
        ([[WRITE]] * 3, 6),
        ([[LOOK] * 3, [LOOK] * 3], 1),
        ([[WRITE, ELSEWHERE], [LOOK, ELSEWHERE]], 4),
        ([[WRITE], [ELSEWHERE], [LOOK]], 2),
    ],
)
def test_pruning_leaves_every_trace(programs: list[Program], traces: int) -> None:
    search = Exhaustive(None)
    pruned = list(orders(programs, search))
    whole = {up_to_commutation(t) for t in orders(programs, Exhaustive(None, prune=False))}
    assert {up_to_commutation(trace) for trace in pruned} == whole
    assert len(whole) == traces
    assert not search.more()


@pytest.mark.parametrize("bound", range(5))
def test_a_bound_counts_preemptions(bound: int) -> None:
    programs = [[WRITE] * 3] * 2
    search, brute = Exhaustive(bound), Exhaustive(bound, prune=False)
    pruned = {up_to_commutation(trace) for trace in orders(programs, search)}
    taken = [[step.worker for step in trace] for trace in orders(programs, brute)]
    # Of the changes from worker to worker one is no preemption: that at the end of the first.
    changes = [sum(a != b for a, b in pairwise(each)) for each in taken]
    assert max(changes) == bound + 1
    expected = sum(
        2 * comb(4, (k - 1) // 2) * comb(4, k // 2 if k % 2 == 0 else (k - 1) // 2)
        for k in range(1, bound + 2)
    )
    assert len(taken) == expected
    again = orders(programs, Exhaustive(bound, prune=False))
    assert pruned == {up_to_commutation(trace) for trace in again}
    assert search.complete == brute.complete == bound


def runs(
    block: TinyBlock, workers: int, search: Exhaustive, most_runs: int
) -> Iterator[Run | ExecutionError]:
    """How the runs of a search end that are not cut short."""
    while search.runs < most_runs and search.more():
        runtime = GreenletController(search, step_limit=20_000)
        try:
            yield run_block(block, workers=workers, runtime=runtime)
        except Explored:
            pass
        except ExecutionError as error:
            yield error


def looks_forgotten(run: Run) -> tuple[object, ...]:
    """A run up to commutation, without what a worker looked at before it idled."""
    changes: dict[object, int] = {}
    kept: dict[int, list[tuple[object, ...]]] = {}
    for step in run.trace or ():
        mine = kept.setdefault(step.worker, [])
        if step.action == "idle":
            while mine and mine[-1][0] in LOOKS_AT:
                mine.pop()
            continue
        mine.append((step.action, step.object, changes.get(step.object, 0)))
        if step.action not in LOOKS_AT:
            changes[step.object] = changes.get(step.object, 0) + 1
    return tuple(sorted((worker, tuple(mine)) for worker, mine in kept.items()))


@pytest.mark.parametrize(
    ("programs", "workers", "bound", "fewest"), [(1, 2, 1, 30), (2, 2, 1, 70), (2, 3, 0, 3)]
)
def test_pruning_leaves_every_run_of_the_executor(
    programs: int, workers: int, bound: int, fewest: int
) -> None:
    block, seen = TinyBlock((MODIFY,) * programs), []
    for prune in (True, False):
        search = Exhaustive(bound, prune=prune)
        ends = list(runs(block, workers, search, 10_000))
        assert all(isinstance(end, Run) for end in ends)
        assert search.complete == bound
        seen.append({looks_forgotten(end) for end in ends if isinstance(end, Run)})
    assert seen[0] == seen[1]
    assert len(seen[0]) >= fewest


def test_a_healthy_executor_never_differs() -> None:
    block = TinyBlock((MODIFY,) * 2)
    right, search = fold(block)[0], Exhaustive(2)
    for end in runs(block, 2, search, 600):
        assert isinstance(end, Run) and agree(right, end.result)
    assert search.runs == 600
    assert search.complete == 1  # it says how far it came


@pytest.mark.parametrize(
    ("name", "preemptions"),
    [
        ("new-location-unnoticed", 1),
        ("abort-keeps-incarnation", 1),
        ("no-estimate", 2),
        ("resumed-not-handed-out", 2),
        ("counted-after-fetch", 2),
        ("published-before-recorded", 2),
    ],
)
def test_it_finds_bugs_with_the_fewest_preemptions(name: str, preemptions: int) -> None:
    block = TinyBlock((MODIFY,) * 3)
    right, search = fold(block)[0], Exhaustive(3)

    def is_wrong(end: Run | ExecutionError) -> bool:
        return isinstance(end, ExecutionError) or not agree(right, end.result)

    with BUGS[name].plant():
        assert any(is_wrong(end) for end in runs(block, 2, search, 10_000))
        assert search.level == preemptions
        runtime = BatonController(Recorded(search.schedule()))
        try:
            assert not agree(right, run_block(block, workers=2, runtime=runtime).result)
        except ExecutionError as error:
            assert not isinstance(error, Explored)


def test_a_search_is_the_same_every_time() -> None:
    block = TinyBlock((MODIFY,) * 2)

    def made() -> list[object]:
        search = Exhaustive(2)
        return [end.schedule for end in runs(block, 2, search, 600) if isinstance(end, Run)]

    assert made() == made()


def test_a_livelock_is_still_found() -> None:
    search = Exhaustive(2)
    found = 0
    while search.more():
        runtime = GreenletController(search, step_limit=1000)

        def body(worker: int, runtime: Controller = runtime) -> None:
            while True:
                runtime.idle(worker)

        try:
            runtime.run(3, body)
        except Explored:
            continue
        except Livelock:
            found += 1
    assert found


def test_a_deadlock_is_still_found() -> None:
    """Two workers take two locks in opposite orders: one preemption, and it hangs."""
    ends = []
    search = Exhaustive(1)
    while search.more():
        runtime = GreenletController(search, step_limit=1000)
        locks = [Dependents(0), Dependents(1)]

        def body(
            worker: int, runtime: Controller = runtime, locks: list[Dependents] = locks
        ) -> None:
            mine = locks if worker else locks[::-1]
            for lock in mine:
                runtime.step(worker, "read_estimate", (), lock, lock.lock_list, lock.is_free)
            for lock in mine:
                runtime.step(worker, "stay", (), lock, lock.unlock)

        try:
            runtime.run(2, body)
            ends.append("ended")
        except ExecutionError as error:
            ends.append(type(error).__name__)
    assert {"ended", Deadlock.__name__} <= set(ends)

"""Seeded strategies: functions of their seeds, harmless to a healthy executor, never stuck."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.choices import Choices
from pel_parallel.control import Controller
from pel_parallel.errors import Livelock
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.priorities import PartialOrderSampling, PriorityWalk
from pel_parallel.shared import Number
from pel_parallel.strategies import DelayWalk, SelectiveWalk, UniformWalk
from pel_spec.fold import agree, fold

Make = Callable[[int], Choices]

STRATEGIES: dict[str, Make] = {
    "urw": UniformWalk,
    "surw": SelectiveWalk,
    "pos": PartialOrderSampling,
    "pct": PriorityWalk,
    "delay": DelayWalk,
}


@pytest.fixture(params=STRATEGIES)
def make(request: pytest.FixtureRequest) -> Make:
    return STRATEGIES[request.param]


def interleave(choices: Choices, programs: dict[int, list[str]]) -> str:
    """Run workers that touch numbers by name; the order in which they did."""
    runtime = GreenletController(choices)
    numbers = {name: Number(name) for program in programs.values() for name in program}
    order: list[str] = []

    def body(worker: int) -> None:
        for name in programs[worker]:
            number = numbers[name]
            runtime.step(worker, "leave", (), number, number.increment)
            order.append(str(worker))

    runtime.run(len(programs), body)
    return "".join(order)


def test_both_controllers_make_identical_traces(
    drawn_blocks: tuple[TinyBlock, ...], make: Make
) -> None:
    for seed, block in enumerate(drawn_blocks[:60]):
        choices, workers = make(seed), 1 + seed % 4
        one = run_block(block, workers=workers, runtime=GreenletController(choices))
        two = run_block(block, workers=workers, runtime=BatonController(choices))
        again = run_block(block, workers=workers, runtime=GreenletController(make(seed)))
        assert one == two == again


def test_another_seed_is_another_run(chain: TinyBlock, make: Make) -> None:
    traces = {
        run_block(chain, workers=3, runtime=GreenletController(make(seed))).trace
        for seed in range(20)
    }
    assert len(traces) > 15


def test_a_healthy_executor_never_differs(drawn_blocks: tuple[TinyBlock, ...], make: Make) -> None:
    for seed, block in enumerate(drawn_blocks):
        choices = make(seed)
        run = run_block(block, workers=2 + seed % 3, runtime=GreenletController(choices))
        assert agree(fold(block)[0], run.result)


def test_a_worker_that_spins_keeps_nobody_from_work(
    make: Make, controller: type[Controller]
) -> None:
    """Worker 0 has all the work; whatever the priorities, the others must not idle for ever."""
    for seed in range(10):
        runtime = controller(make(seed), step_limit=20_000)
        number = Number("n")

        def body(worker: int, runtime: Controller = runtime, number: Number = number) -> None:
            if worker == 0:
                for _ in range(100):
                    runtime.step(worker, "leave", (), number, number.increment)
            while number.value < 100:
                runtime.idle(worker)

        runtime.run(3, body)
        assert number.value == 100


def test_a_livelock_is_still_found(make: Make, controller: type[Controller]) -> None:
    runtime = controller(make(1), step_limit=20_000)

    def body(worker: int) -> None:
        while True:
            runtime.idle(worker)

    with pytest.raises(Livelock):
        runtime.run(3, body)


def test_the_uniform_walk_is_uniform() -> None:
    """Of two workers with two steps each (their first and last steps are not noted), every order
    of the noted ones occurs, none much more often than another; equal chances would prefer some."""
    seen = Counter(
        interleave(UniformWalk(seed, steps=8), {0: ["x"] * 2, 1: ["x"] * 2}) for seed in range(3000)
    )
    assert len(seen) == len(list(combinations(range(4), 2)))
    assert max(seen.values()) < 2 * min(seen.values())


def test_what_is_of_interest_is_not_lost_in_the_rest() -> None:
    """One step of worker 0 against many of worker 1: a selective walk puts it anywhere among those
    on the same object, where only that object is of interest."""
    programs = {0: ["x"], 1: ["x", *["y"] * 30, "x", *["y"] * 30, "x"]}

    def between(choices: Choices) -> bool:
        order = interleave(choices, programs)
        return "0" in order[2:-1]

    walks = sum(between(SelectiveWalk(seed, 0.3, 80)) for seed in range(300))
    assert 60 < walks < 280


def test_priorities_change_as_often_as_the_depth_says(chain: TinyBlock) -> None:
    """Without idle workers, a walk of depth 1 lets each worker run to its end."""
    programs = {worker: ["x"] * 5 for worker in range(3)}
    orders = {interleave(PriorityWalk(seed, 1), programs) for seed in range(60)}
    assert len(orders) == 6
    assert all(sum(map(str.__ne__, order, order[1:])) == 2 for order in orders)
    deeper = [interleave(PriorityWalk(seed, 4, steps=20), programs) for seed in range(60)]
    breaks = [sum(map(str.__ne__, order, order[1:])) for order in deeper]
    assert 2 < max(breaks) <= 5


def test_sampling_partial_orders_finds_every_order_of_conflicts() -> None:
    seen = {
        interleave(PartialOrderSampling(seed), {0: ["x", "x"], 1: ["x", "x"]})
        for seed in range(300)
    }
    assert len(seen) == 6


def test_who_sleeps_lets_all_others_go_all_the_way_round() -> None:
    """Walks that switch now and then all but never let a worker stop once for twenty steps."""
    runtime, number, order = GreenletController(), Number("n"), list[str]()
    actions = {0: ["first", "second"], 1: [f"step {n}" for n in range(20)]}

    def body(worker: int) -> None:
        for action in actions[worker]:
            runtime.step(worker, action, (), number, number.increment)
            order.append(action)

    seen = set()
    for seed in range(100):
        order.clear()
        runtime.choices = DelayWalk(seed, 0.1, 1.0, 0.0)
        runtime.run(2, body)
        seen.add(tuple(order))
    assert ("first", *actions[1], "second") in seen
    assert len(seen) > 10


def test_without_delays_it_is_a_walk() -> None:
    never = DelayWalk(1, share=0.0, switch_probability=0.0)
    assert interleave(never, {0: ["x", "x"], 1: ["x", "x"]}) == "0011"


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_any_number_of_workers(chain: TinyBlock, make: Make, workers: int) -> None:
    expected: Any = fold(chain)[0]
    for choices in (make(3),):
        for _ in range(2):
            run = run_block(chain, workers=workers, runtime=GreenletController(choices))
            assert agree(expected, run.result)


def test_of_workers_that_spin_none_is_passed_over_for_long() -> None:
    """A worker that waits at an idle step may own the only work there is."""
    pending = [("idle", (), ("worker", worker)) for worker in range(4)]
    for seed in range(50):
        walk, worker, taken = PartialOrderSampling(seed), -1, list[int]()
        walk.begin(4)
        for own in range(80):
            worker = walk.choose(worker, own, range(4), 0, pending)
            taken.append(worker)
        assert all(set(taken[at : at + 8]) == {0, 1, 2, 3} for at in range(72)), seed

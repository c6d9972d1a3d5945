"""Our executor as the harness runs it: what bounds a run."""

from pel_fuzz.executors import for_workers, run_controlled, step_limit
from pel_fuzz.interleavings import Seeded
from pel_fuzz.tiny import TinyBlock
from pel_spec.fold import agree, fold

CHAIN = TinyBlock(((("get", 0), ("put", 0), ("get", 1), ("put", 1)),) * 3, (1, 2))


def test_the_bound_on_steps_grows_with_the_workers() -> None:
    assert [for_workers(100, workers) for workers in (1, 3, 7, 8, 64)] == [100, 100, 100, 200, 1600]


def test_many_workers_take_more_steps_than_few_may() -> None:
    """While one sleeps, sixty others look for work in vain, which is no livelock."""
    expected, history = fold(CHAIN)
    most = 0
    for seed in range(12):
        walk = Seeded("delay", seed, 0.4)
        run = run_controlled(CHAIN, 64, walk, step_limit(history, 64))
        assert agree(expected, run.result)
        most = max(most, len(run.trace or ()))
    assert most > step_limit(history, 3)

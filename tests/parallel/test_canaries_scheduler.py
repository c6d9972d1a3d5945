"""Each seeded bug of scheduler and memory is found by seeded random walks on the tiny machine."""

from random import Random

import pytest

from pel_fuzz.canaries.scheduler import RARE_SCHEDULER_BUGS, SCHEDULER_BUGS
from pel_fuzz.tiny import TinyBlock
from pel_parallel.actions import Actions
from pel_parallel.choices import RandomWalk
from pel_parallel.errors import ExecutionError
from pel_parallel.executor import Executor, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.memory import Memory
from pel_parallel.scheduler import Scheduler
from pel_spec.fold import agree, fold

MOST_RUNS = 1500
"""Within so many runs each bug must show. Most do within a hundred."""
MOST_RUNS_RARE = 12_000
ALL_BUGS = {**SCHEDULER_BUGS, **RARE_SCHEDULER_BUGS}


def shows(block: TinyBlock, workers: int, seed: int, probability: float) -> str | None:
    """What goes wrong in one run, if anything does."""
    runtime = GreenletController(RandomWalk(seed, probability), step_limit=20_000)
    try:
        run = run_block(block, workers=workers, runtime=runtime)
    except (ExecutionError, LookupError) as error:
        return type(error).__name__
    return None if agree(fold(block)[0], run.result) else "wrong result"


def hunt(blocks: tuple[TinyBlock, ...], most_runs: int) -> tuple[int, str] | None:
    """The first run in which something goes wrong; the runs are the same for every bug."""
    plan = Random(0)
    for run in range(most_runs):
        workers, probability = plan.choice((2, 3, 3, 4)), plan.choice((0.02, 0.1, 0.3, 0.6))
        found = shows(blocks[run % len(blocks)], workers, run, probability)
        if found is not None:
            return run, found
    return None


def test_nothing_goes_wrong_without_a_bug(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    assert hunt(drawn_blocks, MOST_RUNS) is None


@pytest.mark.parametrize("name", ALL_BUGS)
def test_bug_is_found(drawn_blocks: tuple[TinyBlock, ...], name: str) -> None:
    with ALL_BUGS[name].plant():
        most_runs = MOST_RUNS if name in SCHEDULER_BUGS else MOST_RUNS_RARE
        assert hunt(drawn_blocks, most_runs) is not None


def test_bugs_show_in_different_ways(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    ways = set()
    for bug in SCHEDULER_BUGS.values():
        with bug.plant():
            found = hunt(drawn_blocks, MOST_RUNS)
            assert found is not None
            ways.add(found[1])
    assert {"wrong result", "Incomplete", "Deadlock"} <= ways


@pytest.mark.parametrize("name", ALL_BUGS)
def test_a_planted_bug_is_gone_afterwards(name: str) -> None:
    owners = (Actions, Scheduler, Memory, Executor)
    before = [dict(vars(owner)) for owner in owners]
    bug = ALL_BUGS[name]
    assert bug.name == name
    assert bug.story.endswith(".")
    with pytest.raises(KeyError), bug.plant():
        assert [dict(vars(owner)) for owner in owners] != before
        raise KeyError
    assert [dict(vars(owner)) for owner in owners] == before

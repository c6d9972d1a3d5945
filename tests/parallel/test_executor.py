"""The executor against the fold, its history, its counters, and what it does when code fails."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_parallel.choices import RandomWalk
from pel_parallel.errors import Incomplete, Livelock
from pel_parallel.executor import Executor, Run, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.memory import Memory
from pel_parallel.scheduler import Scheduler
from pel_parallel.stress import switch_interval
from pel_parallel.sync import RecordingRuntime, ThreadRuntime
from pel_spec.fold import agree, fold
from pel_spec.history import End
from pel_spec.kernel import methods
from pel_spec.scheduler.blockstm import ACTIONS
from pel_spec.scheduler.validation import Commit
from pel_spec.serializability import check_preset
from pel_spec.transition import Effects, View
from pel_spec.vocabulary import PRE_STATE, Version

PROBABILITIES = (0.02, 0.1, 0.3, 0.7, 1.0)


def controlled(block: Any, workers: int, seed: int, probability: float = 0.3, **more: Any) -> Run:
    runtime = GreenletController(RandomWalk(seed, probability))
    return run_block(block, workers=workers, runtime=runtime, **more)


@settings(max_examples=150, deadline=None)
@given(
    tiny_blocks(),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.sampled_from(PROBABILITIES),
    st.booleans(),
)
def test_every_interleaving_gives_the_fold(
    block: TinyBlock, workers: int, seed: int, probability: float, fresh: bool
) -> None:
    expected, _ = fold(block)
    run = controlled(block, workers, seed, probability, fresh_workspaces=fresh)
    assert agree(expected, run.result)
    check_history(run, len(block.transitions))


def check_history(run: Run, transitions: int) -> None:
    """What a history must be, whatever the block: whole, consistent, and as counted."""
    history, counters = run.history, run.counters
    assert check_preset(history) is None
    by_version = {each.version: each for each in history.incarnations}
    assert len(by_version) == len(history.incarnations) == counters.incarnations
    assert [commit.position for commit in history.commits] == list(range(transitions))
    for position, commit in enumerate(history.commits):
        earlier = [by_version[Version(position, i)] for i in range(commit.incarnation + 1)]
        assert len(earlier) == sum(version.position == position for version in by_version)
        assert earlier[-1].end is End.EXECUTED
    for incarnation in history.incarnations:
        for read in incarnation.reads:
            assert read.version is not None
            assert read.version.position < incarnation.version.position
            if read.version != PRE_STATE:
                writer = by_version[read.version]
                assert (read.location, read.value) in writer.writes
        if incarnation.end is End.SUSPENDED:
            assert not incarnation.writes
    ends = Counter(each.end for each in history.incarnations)
    assert (ends[End.EXECUTED], ends[End.SUSPENDED]) == (counters.executions, counters.suspensions)
    verdicts = Counter(each.passed for each in history.validations)
    assert counters.validations == verdicts[True] + verdicts[False]
    assert counters.failures == verdicts[False] >= counters.aborts
    assert set(history.commits) <= {each.version for each in history.validations if each.passed}
    assert counters.incarnations == transitions + counters.aborts + counters.suspensions


def test_the_sample_really_is_optimistic(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    totals: Counter[str] = Counter()
    actions: set[str] = set()
    for seed, block in enumerate(drawn_blocks):
        run = controlled(block, 3, seed)
        assert run.trace is not None
        actions |= {step.action for step in run.trace}
        for name in ("aborts", "suspensions", "restarts", "failures", "executions"):
            totals[name] += getattr(run.counters, name)
    assert totals["aborts"] >= 100
    assert totals["suspensions"] >= 20
    assert totals["restarts"] >= 1
    assert totals["executions"] >= 1000
    assert actions == set(ACTIONS) - set(methods(Commit)), "the rolling commit is not ours"


def test_work_is_shared_and_counted_by_worker(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    block = max(drawn_blocks, key=lambda each: len(each.programs))
    run = controlled(block, 3, 1)
    each = run.counters.by_worker
    assert len(each) == 3
    assert sum(worker.executions > 0 for worker in each) >= 2
    assert run.counters.validations == sum(worker.validations for worker in each)


def test_one_worker_needs_one_incarnation_each(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    for block in drawn_blocks[:50]:
        run = controlled(block, 1, 0)
        assert run.counters.incarnations == len(block.transitions)
        assert run.counters.aborts == 0


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_empty_block(workers: int) -> None:
    run = controlled(TinyBlock(()), workers, 0)
    assert run.result.memory == {}
    assert run.result.effects == ()
    assert run.history.commits == ()
    assert run_block(TinyBlock(()), workers=workers).result == run.result


def test_more_workers_than_transitions(chain: TinyBlock) -> None:
    expected, _ = fold(chain)
    for seed in range(20):
        assert agree(expected, controlled(chain, 9, seed).result)


def test_no_workers_is_refused(chain: TinyBlock) -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        run_block(chain, workers=0)


@pytest.mark.parametrize("runtime", [ThreadRuntime, RecordingRuntime])
def test_threads_give_the_fold(
    drawn_blocks: tuple[TinyBlock, ...], runtime: type[ThreadRuntime]
) -> None:
    with switch_interval(1e-5):
        for index, block in enumerate(drawn_blocks[:120]):
            run = run_block(block, workers=2 + index % 3, runtime=runtime())
            assert agree(fold(block)[0], run.result)
            check_history(run, len(block.transitions))


def test_speculative_faults_vanish(block_of: Callable[..., Any]) -> None:
    failures = []

    def writes(view: View) -> Effects:
        value = view.read(("x",))[0]
        assert isinstance(value, int)
        return Effects({("left",): value + 1, ("right",): value + 1})

    def checks(view: View) -> Effects:
        left, right = view.read(("left",))[0], view.read(("right",))[0]
        if left != right:
            failures.append((left, right))
            raise ValueError("torn")
        return Effects({("x",): left}, outcome=left)

    block = block_of([writes, checks, writes, checks])
    expected, _ = fold(block)
    for seed in range(200):
        run = controlled(block, 3, seed, 0.5)
        assert agree(expected, run.result)
        assert run.result.faults == ()
    assert failures


def test_a_fault_that_survives_is_in_the_result(
    block_of: Callable[..., Any], chain: TinyBlock
) -> None:
    def fails(view: View) -> Effects:
        raise ZeroDivisionError("always")

    def works(view: View) -> Effects:
        return Effects({("x",): 1})

    run = controlled(block_of([works, fails, works]), 3, 4)
    assert run.result.faults == ((1, "ZeroDivisionError: always"),)
    assert controlled(chain, 3, 4).result.faults == ()


def test_an_exception_below_the_contract_ends_the_run(block_of: Callable[..., Any]) -> None:
    class Leak(BaseException):
        pass

    def leaks(view: View) -> Effects:
        raise Leak

    def reads(view: View) -> Effects:
        return Effects({("x",): view.read(("y",))[0]})

    for seed in range(20):
        with pytest.raises(Leak):
            controlled(block_of([reads, leaks, reads, reads]), 3, seed)
    with pytest.raises(Leak):
        run_block(block_of([reads, leaks, reads, reads]), workers=3)


def test_fresh_workspaces(block_of: Callable[..., Any]) -> None:
    def function(view: View) -> Effects:
        return Effects({("x",): view.read(("x",))[0]})

    block = block_of([function] * 5)
    kept = controlled(block, 3, 1)
    assert len(block.workspaces) == 3
    block = block_of([function] * 5)
    fresh = controlled(block, 3, 1, fresh_workspaces=True)
    attempts = fresh.counters.incarnations + fresh.counters.restarts
    assert len(block.workspaces) == attempts
    assert kept.result == fresh.result


def test_a_block_declared_done_too_early_is_no_result(
    chain: TinyBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hasty(self: Scheduler, worker: int) -> bool:
        self.set_done(worker)
        return True

    monkeypatch.setattr(Scheduler, "without_work", hasty)
    monkeypatch.setattr(Scheduler, "choose_execution", lambda self, worker: False)
    with pytest.raises(Incomplete, match="position 3 is ready in incarnation 0"):
        controlled(chain, 2, 0)


@pytest.mark.parametrize("runtime", [GreenletController, RecordingRuntime, ThreadRuntime])
def test_executing_for_ever_is_found(
    chain: TinyBlock, monkeypatch: pytest.MonkeyPatch, runtime: type[ThreadRuntime]
) -> None:
    monkeypatch.setattr(Memory, "read_holds", lambda *_: False)
    with pytest.raises(Livelock, match="is executed again and again, now in incarnation 140"):
        run_block(chain, workers=2, runtime=runtime())


def test_left_over_estimates_are_no_result(
    chain: TinyBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Executor.result

    def spoiled(self: Executor) -> Any:
        cell = next(iter(self.memory.cells.values()))
        cell.mark_estimate(cell.positions[0])
        return original(self)

    monkeypatch.setattr(Executor, "result", spoiled)
    with pytest.raises(Incomplete, match="ESTIMATE"):
        controlled(chain, 2, 0)

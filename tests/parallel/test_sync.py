"""The runtimes on real threads: waiting, failing, interruption, the pool, the log."""

import os
import signal
import sys
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_parallel.errors import Deadlock, ExecutionError, Livelock, StepLimit, WorkerStopped
from pel_parallel.executor import run_block
from pel_parallel.shared import Dependents, Number
from pel_parallel.stress import OpcodeStress, switch_interval
from pel_parallel.sync import POOL, RecordingRuntime, ThreadRuntime
from pel_spec.fold import agree, fold
from pel_spec.transition import Effects, View

MANY_READS = 100_000
"""More than anybody makes before an interruption arrives; if none does, there is an end all the
same."""


@pytest.fixture(params=[ThreadRuntime, RecordingRuntime])
def runtime(request: pytest.FixtureRequest) -> ThreadRuntime:
    made: ThreadRuntime = request.param()
    return made


def test_steps_on_one_object_exclude_each_other(runtime: ThreadRuntime) -> None:
    number = Number("n")

    def body(worker: int) -> None:
        for _ in range(300):
            runtime.step(worker, "leave", (), number, number.increment)

    with switch_interval(1e-6):
        runtime.run(4, body)
    assert number.value == 1200


def test_a_step_waits_until_it_is_enabled(runtime: ThreadRuntime) -> None:
    for _ in range(30):
        listed = Dependents(0)
        listed.lock_list()

        def body(worker: int, listed: Dependents = listed) -> None:
            if worker == 0:
                taken = runtime.step(0, "swap_deps", (), listed, listed.take, listed.is_free)
                assert taken == (7,)
            else:
                runtime.step(1, "suspend", (), listed, lambda: listed.add_and_unlock(7))

        runtime.run(2, body)
        assert listed.waiting == []


def test_a_failure_ends_waiting_and_running_workers(runtime: ThreadRuntime) -> None:
    listed, number = Dependents(0), Number("n")
    listed.lock_list()
    ends = []

    def body(worker: int) -> None:
        try:
            if worker == 0:
                runtime.step(0, "swap_deps", (), listed, listed.take, listed.is_free)
            if worker == 1:
                raise KeyError("the reason")
            while True:
                runtime.step(worker, "leave", (), number, number.increment)
                runtime.idle(worker)
        except BaseException as error:
            ends.append(type(error))
            raise

    with pytest.raises(KeyError, match="the reason"):
        runtime.run(3, body)
    assert ends.count(KeyError) == 1
    assert len(ends) == ends.count(WorkerStopped) + 1


def test_deadlock_on_threads_is_found(runtime: ThreadRuntime) -> None:
    listed = Dependents(3)

    def body(worker: int) -> None:
        runtime.step(worker, "read_estimate", (), listed, listed.lock_list, listed.is_free)

    with pytest.raises(Deadlock, match="read_estimate of dependents/3"):
        runtime.run(3, body)


def test_deadlock_beside_idle_threads_is_found() -> None:
    runtime = RecordingRuntime()
    listed = Dependents(3)
    listed.lock_list()

    def body(worker: int) -> None:
        if worker == 0:
            runtime.step(worker, "swap_deps", (), listed, listed.take, listed.is_free)
        while True:
            runtime.idle(worker)

    with pytest.raises(Deadlock, match="worker 0 at swap_deps"):
        runtime.run(3, body)


def test_livelock_on_threads_is_found() -> None:
    runtime = RecordingRuntime()

    def body(worker: int) -> None:
        while worker != 1:
            runtime.idle(worker)

    with pytest.raises(Livelock, match="workers 0, 2 look for work"):
        runtime.run(3, body)


@pytest.mark.parametrize("kind", [RecordingRuntime, partial(OpcodeStress, 1)])
def test_endless_work_on_threads_is_given_up(kind: Callable[..., RecordingRuntime]) -> None:
    runtime = kind(step_limit=500)
    number = Number("n")

    def body(worker: int) -> None:
        while True:
            with suppress(ExecutionError):  # as a transition would take it for its own outcome
                runtime.step(worker, "val_enter", (), number, number.increment)
            runtime.step(worker, "val_enter", (), number, number.increment)

    with pytest.raises(StepLimit, match=r"no end after 500 steps: worker . at val_enter of n"):
        runtime.run(2, body)


def test_a_long_step_is_neither_a_livelock_nor_endless_work() -> None:
    runtime = RecordingRuntime(step_limit=100)  # how often the other one looks is up to the clock
    number, looks = Number("n"), Number("looks")

    def body(worker: int) -> None:
        if worker == 0:
            while looks.value < 500:
                pass  # works, without a step, while the other one idles
            runtime.step(0, "publish", (), number, number.increment)
        while number.value == 0:
            looks.value += 1
            runtime.idle(worker)

    with switch_interval(1e-5):
        runtime.run(2, body)
    assert number.value == 1


def test_threads_are_kept_between_runs(chain: TinyBlock) -> None:
    run_block(chain, workers=4)
    before = POOL.started
    for _ in range(20):
        run_block(chain, workers=4)
        run_block(chain, workers=2, runtime=RecordingRuntime())
    assert POOL.started == before
    assert before >= 4


def test_the_pool_serves_nested_and_simultaneous_runs(
    block_of: Callable[..., Any], chain: TinyBlock
) -> None:
    expected, _ = fold(chain)

    def nested(view: View) -> Effects:
        return Effects({}, agree(expected, run_block(chain, workers=3).result))

    outer = run_block(block_of([nested] * 4), workers=3)
    assert [effects.outcome for effects in outer.result.effects] == [True] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_threads_of_its_own(chain: TinyBlock) -> None:
    run_block(chain, workers=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if agree(fold(chain)[0], run_block(chain, workers=3).result) else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_interruption_ends_all_threads(
    block_of: Callable[..., Any], runtime: ThreadRuntime, chain: TinyBlock
) -> None:
    ended = []

    def interrupted(view: View) -> Effects:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        at = 0
        try:
            while at < MANY_READS:
                view.read(("x", at))
                at += 1
            return Effects({})
        finally:
            ended.append(at)

    with pytest.raises(KeyboardInterrupt):
        run_block(block_of([interrupted]), workers=3, runtime=runtime)
    assert len(ended) == 1
    assert agree(fold(chain)[0], run_block(chain, workers=3, runtime=runtime).result)


def test_the_log_is_a_partial_order(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    with switch_interval(1e-5):
        for block in drawn_blocks[:40]:
            runtime = RecordingRuntime()
            run = run_block(block, workers=3, runtime=runtime)
            assert run.trace is not None
            assert run.schedule is None
            due: dict[Any, int] = defaultdict(int)
            for step in run.trace:
                assert step.own == due["worker", step.worker]
                assert step.sequence == due["object", step.object]
                due["worker", step.worker] += 1
                due["object", step.object] += 1


def test_production_records_nothing(chain: TinyBlock) -> None:
    run = run_block(chain, workers=3)
    assert run.trace is None
    assert run.schedule is None


def test_the_switch_interval_is_restored() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), switch_interval(1e-6):
        assert sys.getswitchinterval() == pytest.approx(1e-6)
        raise KeyError
    assert sys.getswitchinterval() == before

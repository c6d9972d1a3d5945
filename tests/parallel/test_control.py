"""Controlled runs: deterministic, replayable, and never silent about being stuck."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, write_trace
from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.choices import Choices, Default, RandomWalk, Recorded
from pel_parallel.control import Controller
from pel_parallel.errors import (
    ChoiceFailed,
    Deadlock,
    Drift,
    ExecutionError,
    Livelock,
    StepLimit,
    WorkerStopped,
)
from pel_parallel.executor import Run, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.shared import Dependents, Number
from pel_spec.transition import Effects, View

MANY_READS = 100_000
"""More than anybody makes before an interruption arrives; if none does, there is an end all the
same."""

TRACE_OF_A_FIXED_RUN = """
import hashlib, io, sys
from pel_fuzz.formats.trace_jsonl import LineOrder, Trace, write_trace
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
link = (("get", 0), ("put", 1), ("get", 1), ("pair", 0), ("put", 0), ("branch", 0, 1))
digest = hashlib.sha256()
for seed in range(50):
    runtime = GreenletController(RandomWalk(seed, 0.3))
    run = run_block(TinyBlock((link,) * 4), workers=3, runtime=runtime)
    stream = io.StringIO()
    write_trace(stream, Trace(3, 4, LineOrder.TAKEN, run.trace))
    digest.update(stream.getvalue().encode())
    digest.update(repr((run.history, run.schedule)).encode())
print(digest.hexdigest())
"""


def text_of(run: Run) -> str:
    """The trace as a file holds it."""
    assert run.trace is not None
    stream = StringIO()
    workers = len(run.counters.by_worker)
    write_trace(stream, Trace(workers, run.history.transitions, LineOrder.TAKEN, run.trace))
    return stream.getvalue()


def test_both_controllers_make_identical_traces(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    for seed, block in enumerate(drawn_blocks):
        walk = RandomWalk(seed, (0.05, 0.3, 1.0)[seed % 3])
        workers = 1 + seed % 4
        one = run_block(block, workers=workers, runtime=GreenletController(walk))
        two = run_block(block, workers=workers, runtime=BatonController(walk))
        assert one == two
        assert text_of(one) == text_of(two)


def test_a_recorded_schedule_replays_exactly(
    drawn_blocks: tuple[TinyBlock, ...], controller: type[Controller]
) -> None:
    for seed, block in enumerate(drawn_blocks[:100]):
        run = run_block(block, workers=3, runtime=GreenletController(RandomWalk(seed, 0.3)))
        assert run.schedule is not None
        replayed = run_block(block, workers=3, runtime=controller(Recorded(run.schedule)))
        assert replayed == run


def test_a_schedule_is_small_and_empty_without_deviations(chain: TinyBlock) -> None:
    run = run_block(chain, workers=3, runtime=GreenletController())
    assert run.schedule == ()
    walked = run_block(chain, workers=3, runtime=GreenletController(RandomWalk(3, 0.05)))
    assert walked.schedule is not None
    assert walked.trace is not None
    assert 0 < len(walked.schedule) < len(walked.trace) / 10


def test_one_runtime_serves_many_runs(chain: TinyBlock, controller: type[Controller]) -> None:
    runtime = controller(RandomWalk(5, 0.3))
    runs = [run_block(chain, workers=3, runtime=runtime) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]


def test_runs_do_not_depend_on_the_hash_seed() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4242"):
        finished = subprocess.run(
            [sys.executable, "-c", TRACE_OF_A_FIXED_RUN],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(finished.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_a_chosen_worker_goes_first(chain: TinyBlock, controller: type[Controller]) -> None:
    run = run_block(chain, workers=3, runtime=controller(Recorded([(-1, 0, 2)])))
    assert run.trace is not None
    assert run.trace[0].worker == 2
    assert run.schedule == ((-1, 0, 2),)


@pytest.mark.parametrize("schedule", [[(0, 5, 0), (0, 99_999, 1)], [(7, 0, 1)], [(0, 3, 9)]])
def test_drift_fails_a_strict_replay_only(
    chain: TinyBlock, controller: type[Controller], schedule: list[tuple[int, int, int]]
) -> None:
    with pytest.raises(Drift, match="worker"):
        run_block(chain, workers=3, runtime=controller(Recorded(schedule)))
    lenient = run_block(chain, workers=3, runtime=controller(Recorded(schedule, strict=False)))
    assert lenient.schedule == ()


def test_drift_passes_through_a_transition_unswallowed(
    block_of: Callable[..., Any], controller: type[Controller]
) -> None:
    """The choice fails inside a read, and a transition's exceptions are outcomes."""

    def reads(view: View) -> Effects:
        return Effects({("x",): view.read(("x",))[0]})

    block = block_of([reads, reads])
    run = run_block(block, workers=2, runtime=controller())
    assert run.trace is not None
    at = next(step for step in run.trace if step.action == "read_cell")
    with pytest.raises(Drift):
        run_block(block, workers=2, runtime=controller(Recorded([(at.worker, at.own, 9)])))


@pytest.mark.parametrize(
    ("fault", "message"), [(OSError("no choice"), "no choice"), (77, "worker 77 was chosen")]
)
def test_a_broken_strategy_fails_the_run(
    chain: TinyBlock, controller: type[Controller], fault: OSError | int, message: str
) -> None:
    class Broken(Default):
        def choose(self, worker: int, own: int, *_: Any) -> int:
            if isinstance(fault, OSError):
                raise fault
            return fault

    with pytest.raises(ChoiceFailed, match=message):
        run_block(chain, workers=3, runtime=controller(Broken()))


def test_deadlock_is_found_and_explained(controller: type[Controller]) -> None:
    runtime = controller()
    listed = Dependents(4)

    def body(worker: int) -> None:
        runtime.step(worker, "read_estimate", (), listed, listed.lock_list, listed.is_free)

    with pytest.raises(Deadlock, match="worker 1 at read_estimate of dependents/4") as caught:
        runtime.run(3, body)
    assert set(caught.value.waits) == {1, 2}


def test_deadlock_beside_an_idle_worker_is_found(controller: type[Controller]) -> None:
    runtime = controller()
    listed = Dependents(4)
    listed.lock_list()

    def body(worker: int) -> None:
        if worker == 0:
            runtime.step(worker, "swap_deps", (), listed, listed.take, listed.is_free)
        while True:
            runtime.idle(worker)

    with pytest.raises(Deadlock) as caught:
        runtime.run(3, body)
    assert caught.value.waits == {0: ("swap_deps", ("dependents", 4))}


def test_livelock_is_found_without_a_clock(controller: type[Controller]) -> None:
    runtime = controller(RandomWalk(1, 0.5))

    def body(worker: int) -> None:
        while True:
            runtime.idle(worker)

    with pytest.raises(Livelock, match="workers 0, 1, 2 look for work for ever"):
        runtime.run(3, body)
    assert len(runtime.trace() or ()) < 100


def test_a_worker_that_still_works_is_no_livelock(controller: type[Controller]) -> None:
    runtime = controller()
    number = Number("n")

    def body(worker: int) -> None:
        if worker == 0:
            for _ in range(100):
                runtime.step(worker, "leave", (), number, number.increment)
                runtime.idle(worker)
        while number.value < 100:
            runtime.idle(worker)

    runtime.run(3, body)
    assert number.value == 100


def test_step_limit(controller: type[Controller]) -> None:
    runtime = controller(step_limit=500)
    number = Number("n")

    def body(worker: int) -> None:
        while True:
            runtime.step(worker, "leave", (), number, number.increment)

    with pytest.raises(StepLimit, match="no end after 500 steps: worker 0 at leave of n"):
        runtime.run(2, body)
    assert len(runtime.trace() or ()) == 500


def test_a_trace_need_not_be_kept(chain: TinyBlock, controller: type[Controller]) -> None:
    kept = run_block(chain, workers=3, runtime=controller(RandomWalk(2, 0.3)))
    lost = run_block(chain, workers=3, runtime=controller(RandomWalk(2, 0.3), keep_trace=False))
    assert lost.trace is None
    assert (lost.history, lost.schedule) == (kept.history, kept.schedule)
    with pytest.raises(StepLimit):
        limited = controller(RandomWalk(2, 0.3), keep_trace=False, step_limit=60)
        run_block(chain, workers=3, runtime=limited)


def test_a_stuck_run_tells_what_is_not_executed(
    chain: TinyBlock, controller: type[Controller]
) -> None:
    with pytest.raises(ExecutionError, match="position 3 is ready in incarnation 0"):
        run_block(chain, workers=2, runtime=controller(step_limit=10))


def test_a_failure_ends_the_other_workers(controller: type[Controller]) -> None:
    runtime = controller(RandomWalk(3, 0.5))
    number = Number("n")
    ends = []

    def body(worker: int) -> None:
        try:
            for _ in range(50):
                runtime.step(worker, "leave", (), number, number.increment)
            if worker == 1:
                raise KeyError("the reason")
            while True:
                runtime.step(worker, "leave", (), number, number.increment)
        except BaseException as error:
            ends.append(type(error))
            raise

    with pytest.raises(KeyError, match="the reason"):
        runtime.run(4, body)
    assert ends.count(KeyError) == 1
    assert ends.count(WorkerStopped) == 3


def test_an_interruption_ends_all_workers(
    block_of: Callable[..., Any], controller: type[Controller]
) -> None:
    begun = []

    def interrupted(view: View) -> Effects:
        begun.append(view)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        for at in range(MANY_READS):
            view.read(("x", at))
        return Effects({})

    runtime = controller(RandomWalk(3, 0.5))
    with pytest.raises(KeyboardInterrupt):
        run_block(block_of([interrupted] * 3), workers=3, runtime=runtime)
    assert begun
    again = run_block(block_of([]), workers=3, runtime=runtime)
    assert again.result.effects == ()


def test_the_choice_interface_sees_what_each_worker_is_about_to_do(chain: TinyBlock) -> None:
    seen: set[str] = set()

    class Watching(RandomWalk):
        def choose(self, worker: int, own: int, *rest: Any) -> int:
            runnable, default, pending = rest
            assert default in runnable
            assert list(runnable) == sorted(runnable)
            assert len(runnable) >= 2
            seen.update(pending[each][0] for each in runnable)
            return super().choose(worker, own, runnable, default, pending)

    watching: Choices = Watching(1, 0.3)
    run_block(chain, workers=3, runtime=GreenletController(watching))
    assert {"start_worker", "read_cell", "val_look", "idle", "swap_deps"} <= seen

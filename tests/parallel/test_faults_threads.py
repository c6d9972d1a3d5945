"""Faults on plain threads: production ends cleanly too, in bounded time. Its threads are given
back, those who wait are woken, and the same runtime runs again."""

import signal
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.executor import Run, run_block
from pel_parallel.faults import DeadWorker, Fault, FaultKind, Faulty, Interrupted
from pel_parallel.sync import POOL, Pool, RecordingRuntime, SharedObject, ThreadRuntime
from pel_spec.fold import agree, fold

WORKERS = 3


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """A hang fails the test; how long anything takes decides nothing else."""

    def hangs(*_: object) -> None:
        raise AssertionError("the run hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=[ThreadRuntime, RecordingRuntime])
def on_threads(request: pytest.FixtureRequest) -> type[ThreadRuntime]:
    found: type[ThreadRuntime] = request.param
    return found


@pytest.mark.parametrize("kind", FaultKind)
def test_threads_end_cleanly_at_every_step(
    drawn_blocks: tuple[TinyBlock, ...], on_threads: type[ThreadRuntime], kind: FaultKind
) -> None:
    struck = 0
    with at_most(60):
        for own, worker in product(range(60), range(WORKERS)):
            block = drawn_blocks[own % 40]
            steps = 3 if kind is FaultKind.STALL else 0
            seam = Faulty(on_threads(), [Fault(kind, worker, own, steps)])
            right, trace = fold(block)[0], None
            try:
                run: Run | None = run_block(block, workers=WORKERS, runtime=seam)
            except (DeadWorker, Interrupted) as failure:
                run, trace = None, seam.trace()
                assert failure.strike == seam.strikes[0]
            struck += len(seam.strikes)
            assert (run is None) == bool(seam.strikes and kind not in _GO_ON)
            if run is not None and not (seam.strikes and kind is FaultKind.EXCEPTION):
                assert agree(run.result, right)
            assert len(POOL.free) == POOL.started
            assert trace is None or len({(s.worker, s.own) for s in trace}) == len(trace)
            again = run_block(block, workers=WORKERS, runtime=seam.seam)
            assert agree(again.result, right)
    assert struck > 30


_GO_ON = (FaultKind.STALL, FaultKind.EXCEPTION)


@pytest.mark.parametrize("after", [False, True])
def test_a_death_wakes_those_who_wait(on_threads: type[ThreadRuntime], after: bool) -> None:
    """Worker 0 dies with a lock in its hands that the others wait for."""
    seam = Faulty(on_threads(), [Fault(FaultKind.DEATH, 0, 2, after=after)])
    place, opened = SharedObject(("place",)), SharedObject(("opened",))
    waiting = [False] * 3

    def body(worker: int) -> None:
        if worker == 0:
            while not all(waiting[1:]):
                pass
            seam.step(0, "hold", (), place, lambda: None)
            seam.step(0, "open", (), opened, lambda: None)
            return
        waiting[worker] = True
        seam.step(worker, "enter", (), place, lambda: None, lambda: False)

    with at_most(60), pytest.raises(DeadWorker, match="step 2, open of opened"):
        seam.run(3, body)
    assert len(POOL.free) == POOL.started


@pytest.mark.parametrize("runtime", [ThreadRuntime, RecordingRuntime, BatonController])
@pytest.mark.parametrize("threads", [0, 1, 2])
def test_no_more_threads_to_be_had(
    chain: TinyBlock,
    monkeypatch: pytest.MonkeyPatch,
    runtime: Callable[[], Any],
    threads: int,
) -> None:
    pool, new = POOL, Pool._new
    taken = pool.take(len(pool.free))

    def refuses(self: Pool) -> Any:
        if self.started >= before + threads:
            raise RuntimeError("can't start new thread")
        return new(self)

    before = pool.started
    monkeypatch.setattr(Pool, "_new", refuses)
    try:
        with at_most(60), pytest.raises(RuntimeError, match="can't start new thread"):
            run_block(chain, workers=WORKERS, runtime=runtime())
        assert len(pool.free) == threads
    finally:
        pool.free += taken
    assert agree(run_block(chain, workers=WORKERS, runtime=runtime()).result, fold(chain)[0])


@pytest.mark.parametrize("runtime", [ThreadRuntime, RecordingRuntime, BatonController])
def test_ctrl_c_at_every_step_of_threads(chain: TinyBlock, runtime: Callable[[], Any]) -> None:
    """As a person presses it: the main thread is interrupted while a worker is in a step."""
    for own in range(1, 30, 4):
        seam = runtime()
        step, taken = seam.step, [0]

        def interrupting(
            *args: Any, step: Any = step, taken: list[int] = taken, own: int = own
        ) -> Any:
            taken[0] += 1
            if taken[0] == own:
                interrupt_main()
            return step(*args)

        seam.step = interrupting
        with at_most(60), pytest.raises(KeyboardInterrupt) as caught:
            run_block(chain, workers=WORKERS, runtime=seam)
            while True:  # it comes soon, though perhaps only now
                pass
        assert not isinstance(caught.value, Interrupted)
        seam.step = step
        assert agree(run_block(chain, workers=WORKERS, runtime=seam).result, fold(chain)[0])
        assert len(POOL.free) == POOL.started

"""The synchronisation seam on real threads: the only file that knows about them.

`ThreadRuntime` is production: each step runs under the lock of the one object that it touches,
there is no global lock and nothing is recorded. `RecordingRuntime` adds a log: each worker keeps
its own list, and an object's steps are numbered under that object's lock, so the log is a partial
order taken without a global lock. Controlled runs are in `control`.
"""

import os
import sys
from _thread import LockType, allocate_lock
from collections.abc import Callable, Sequence
from functools import partial
from threading import Condition, Thread, stack_size
from time import sleep
from typing import Any, Protocol, TypeAlias, TypeVar

from pel_parallel.errors import Deadlock, Livelock, StepLimit, WorkerStopped
from pel_parallel.trace import linearize
from pel_parallel.watch import Watch
from pel_spec.sync import Runtime, Step

T = TypeVar("T")

Schedule: TypeAlias = tuple[tuple[int, int, int], ...]
"""The recorded choices of a controlled run: `(worker, own step, target)` wherever the default was
not followed. Worker -1 stands for the beginning of the run, when no worker has gone yet."""

STACK_BYTES = 64 << 20
"""Address space for a worker's stack: 1,024 nested calls of an interpreter in Python fit."""


INTERRUPT_SECONDS = 0.1
"""How often a waiting caller looks up: a signal that comes in the moment before it begins to wait
does not wake it, and on some systems none does."""


class SharedObject:
    """A shared object with what the runtimes need of it.

    `lock` guards it on threads, `condition` exists once somebody has waited for it, `sequence`
    counts its steps where they are recorded.
    """

    __slots__ = ("condition", "lock", "name", "sequence")

    def __init__(self, name: tuple[Any, ...]) -> None:
        self.name = name
        self.lock: LockType = allocate_lock()
        self.condition: Condition | None = None
        self.sequence = 0


class Seam(Runtime[SharedObject], Protocol):
    """A runtime that this executor runs on. One object serves one run at a time, any number in
    succession; after a run, failed ones too, it tells what it recorded."""

    def trace(self) -> tuple[Step, ...] | None:
        """The steps of the last run, in an order in which they can have happened, or `None`."""
        ...

    def schedule(self) -> Schedule | None:
        """The choices of the last run; `None` where nobody chose."""
        ...


class ThreadRuntime:
    """Production: plain threads, a lock for each shared object, nothing recorded."""

    def __init__(self) -> None:
        self._guard = allocate_lock()
        self._begin(0)

    def _begin(self, workers: int) -> None:
        self._places = [SharedObject(("worker", worker)) for worker in range(workers)]
        self._error: BaseException | None = None
        self._stopping = False
        self._live = set(range(workers))
        self._waiting: dict[int, tuple[str, SharedObject]] = {}

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """Run `body` under the lock of `obj`."""
        if self._stopping:
            raise WorkerStopped
        with obj.lock:
            if enabled is not None and not enabled():
                self._wait(worker, action, obj, enabled)
            result = body()
            if obj.condition is not None:
                self._wake(obj, obj.condition)
        return result

    def idle(self, worker: int) -> None:
        """Give the processor away."""
        if self._stopping:
            raise WorkerStopped
        sleep(0)

    def run(self, workers: int, body: Callable[[int], None]) -> None:
        """Run the workers on pooled threads, to the end of the last.

        Raises: what a worker raised first; what interrupted the caller.
        """
        self._begin(workers)
        run_on_threads([partial(self._work, worker, body) for worker in range(workers)], self._stop)
        if self._error is not None:
            raise self._error

    def trace(self) -> tuple[Step, ...] | None:
        """Nothing is recorded."""
        return None

    def schedule(self) -> Schedule | None:
        """Nobody chose."""
        return None

    def _work(self, worker: int, body: Callable[[int], None]) -> None:
        place = self._places[worker]
        try:
            self.step(worker, "start_worker", (), place, _nothing)
            body(worker)
            self.step(worker, "end_worker", (), place, _nothing)
            self._retire(worker)
        except WorkerStopped:
            pass
        except BaseException as error:
            self._fail(error)

    def _wait(
        self, worker: int, action: str, obj: SharedObject, enabled: Callable[[], bool]
    ) -> None:
        """Wait on `obj`, whose lock is held, until the step is enabled."""
        condition = obj.condition
        if condition is None:
            condition = obj.condition = Condition(obj.lock)
        while not enabled():
            with self._guard:
                if self._stopping:
                    raise WorkerStopped
                self._waiting[worker] = (action, obj)
                self._check_deadlock()
            condition.wait()
            with self._guard:
                self._waiting.pop(worker, None)
        if self._stopping:
            raise WorkerStopped

    def _wake(self, obj: SharedObject, condition: Condition) -> None:
        """Let everybody who waits on `obj`, whose lock is held, look again."""
        with self._guard:
            for worker in [w for w, (_, awaited) in self._waiting.items() if awaited is obj]:
                del self._waiting[worker]
        condition.notify_all()

    def _retire(self, worker: int) -> None:
        with self._guard:
            self._live.discard(worker)
            self._check_deadlock()

    def _check_deadlock(self) -> None:
        if self._waiting and self._live == self._waiting.keys():
            raise Deadlock(self._waits())

    def _waits(self) -> dict[int, tuple[str, tuple[Any, ...]]]:
        return {worker: (action, obj.name) for worker, (action, obj) in self._waiting.items()}

    def _fail(self, error: BaseException) -> None:
        with self._guard:
            if self._error is None:
                self._error = error
        self._stop()

    def _stop(self) -> None:
        """Make every worker end at its next step, and those who wait at once."""
        with self._guard:
            self._stopping = True
            awaited = [obj.condition for _, obj in self._waiting.values()]
        for condition in awaited:
            if condition is not None:
                with condition:
                    condition.notify_all()


class RecordingRuntime(ThreadRuntime):
    """Plain threads that log their steps, and notice when nothing can happen any more. No worker
    takes more than `step_limit` steps, if one is given, beside rounds that end idle.

    Raises, from `run`, in addition: `Deadlock`, `Livelock` (found by counting, without a clock),
    `StepLimit`.
    """

    def __init__(self, *, step_limit: int | None = None) -> None:
        self.step_limit = sys.maxsize if step_limit is None else step_limit
        super().__init__()

    def _begin(self, workers: int) -> None:
        super()._begin(workers)
        self._steps: list[list[Step]] = [[] for _ in range(workers)]
        self._watch = Watch(workers)

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """Run `body` under the lock of `obj`, and log the step."""
        if self._stopping:
            raise WorkerStopped
        if self._watch.work_of(worker) >= self.step_limit:  # again, if a transition contains it
            raise StepLimit(self.step_limit, {worker: (action, obj.name)})
        with obj.lock:
            if enabled is not None and not enabled():
                self._wait(worker, action, obj, enabled)
            result = body()
            sequence = obj.sequence
            obj.sequence = sequence + 1
            if obj.condition is not None:
                self._wake(obj, obj.condition)
        mine = self._steps[worker]
        mine.append(Step(worker, len(mine), action, args, obj.name, sequence, result))
        self._watch.stepped(worker, action)
        return result

    def idle(self, worker: int) -> None:
        """Give the processor away, and look whether anybody still works."""
        self.step(worker, "idle", (), self._places[worker], _nothing)
        with self._guard:
            still = self._waiting.keys() | (set(range(len(self._steps))) - self._live)
            waits = self._waits()
        if self._watch.hopeless(worker, still):
            raise Deadlock(waits) if waits else Livelock.idle(sorted(self._live))
        sleep(0)

    def trace(self) -> tuple[Step, ...] | None:
        """The steps, in one of the orders that the log allows."""
        return linearize(self._steps)


def closed_gate() -> LockType:
    """A gate that one thread waits at (`acquire`) until another opens it (`release`)."""
    gate = allocate_lock()
    gate.acquire()
    return gate


class _PooledThread:
    """A thread that does one job after the other, and is never ended while the process lives."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._gate = closed_gate()
        self._job: Callable[[], None] = _nothing
        Thread(target=self._serve, name="pel-worker", daemon=True).start()

    def do(self, job: Callable[[Callable[[], None]], None]) -> None:
        self._job = partial(job, partial(self._pool.free.append, self))
        self._gate.release()

    def _serve(self) -> None:
        while True:
            self._gate.acquire()
            job, self._job = self._job, _nothing
            job()
            del job  # a kept job would keep its whole run alive


class Pool:
    """Threads that are kept between runs, because starting one costs more than a small block.

    A job must not raise, and ends by calling what it is given, which gives its thread back.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know no threads, as in a child process after a fork, where none of them lives on."""
        self._lock = allocate_lock()
        self.free: list[_PooledThread] = []
        self.started = 0

    def take(self, count: int) -> list[_PooledThread]:
        """So many free threads, new ones where there are too few; or none at all.

        Raises: `RuntimeError`, where the system has no more threads to give.
        """
        taken: list[_PooledThread] = []
        with self._lock:
            try:
                while len(taken) < count:
                    taken.append(self.free.pop() if self.free else self._new())
            except BaseException:
                self.free += taken
                raise
        return taken

    def _new(self) -> _PooledThread:
        before = stack_size(STACK_BYTES)
        try:
            thread = _PooledThread(self)
            self.started += 1
            return thread
        finally:
            stack_size(before)


POOL = Pool()
"""The process's worker threads."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)


def run_on_threads(jobs: Sequence[Callable[[], None]], stop: Callable[[], None]) -> None:
    """Run each job, which must not raise, on a thread of its own; return when all have ended.

    Where the caller is interrupted, `stop` is called, which must make the jobs end soon; they are
    still waited for, so that nothing goes on in the background.

    Raises: what interrupted the caller.
    """
    if not jobs:
        return
    crew = _Crew(jobs)
    interruption: BaseException | None = None
    started = False
    while True:
        try:
            if not started:
                POOL.take(1)[0].do(crew.lead)
                started = True
            # An interruption may come when the gate has been passed and nobody knows of it yet.
            while crew.left:
                crew.ended.acquire(timeout=INTERRUPT_SECONDS)
            break
        except BaseException as error:
            stop()
            if not started and crew.claim():
                raise  # the job that would start the others, if it is handed out, does nothing
            started = True
            interruption = interruption or error
    failure = interruption or crew.failure
    if failure is not None:
        raise failure


class _Crew:
    """The jobs of one run. The first one's thread starts the others, so that an interruption of
    the caller, which reaches the main thread only, can find all of them started or none."""

    def __init__(self, jobs: Sequence[Callable[[], None]]) -> None:
        self._jobs = jobs
        self._lock, self._claimed = allocate_lock(), allocate_lock()
        self.left = len(jobs)
        self.ended = closed_gate()
        self.failure: BaseException | None = None
        """Why no job was started."""

    def claim(self) -> bool:
        """Whether it is up to the caller, the first to ask, that the jobs are started or not."""
        return self._claimed.acquire(blocking=False)

    def lead(self, give_back: Callable[[], None]) -> None:
        if not self.claim():
            give_back()
            return
        try:
            threads = POOL.take(len(self._jobs) - 1)
        except BaseException as error:
            self.failure, self.left = error, 0
            give_back()
            self.ended.release()
            return
        for thread, job in zip(threads, self._jobs[1:], strict=True):
            thread.do(partial(self._follow, job))
        self._follow(self._jobs[0], give_back)

    def _follow(self, job: Callable[[], None], give_back: Callable[[], None]) -> None:
        job()
        give_back()
        with self._lock:
            self.left -= 1
            last = self.left == 0
        if last:
            self.ended.release()


def _nothing() -> None:
    """The body of a step that touches nothing but the worker itself."""

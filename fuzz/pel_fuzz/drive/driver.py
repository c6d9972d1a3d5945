"""One run of an executor that is driven from outside: who goes next, step by step.

The rules are those of controlled runs in this process (`pel_parallel.deciding`). Only what a step
is differs: there it is a body to be run, here an announcement, and the step is over when the same
worker announces its next one. Meanwhile every other worker waits, so exactly one is in motion.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

from pel_fuzz.drive.client import Client
from pel_fuzz.drive.messages import (
    END,
    IDLE,
    Announcement,
    Answer,
    announcement,
    answer,
    go_order,
    run_order,
)
from pel_fuzz.formats.header import FormatError
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import Choices
from pel_parallel.deciding import Decider
from pel_parallel.errors import StepLimit


class Taken(NamedTuple):
    """A step that was taken, or tried in vain (`what.blocked`); `own` is its worker's number."""

    own: int
    what: Announcement


class Driver(Decider):
    """Drives one run.

    Raises, from `run`: `Deadlock`, `Livelock`, `StepLimit`, `Drift`; a `ClientFailure`. The client
    is of no use then. What was done until then can be asked for.
    """

    def __init__(self, client: Client, choices: Choices, step_limit: int) -> None:
        super().__init__(choices)
        self._client, self._limit = client, step_limit
        self.story: list[Taken] = []
        self.preemptions = 0

    def run(self, number: int, workers: int, block: TinyBlock) -> Answer:
        """Run `block` to its end."""
        self._workers = workers
        self._client.begin_run()
        self._client.send(run_order(number, workers, block))
        self._at: list[Announcement] = self._everybody()
        self._begin_deciding([self._pending_of(what) for what in self._at])
        self._steps_on: Counter[tuple[Any, ...]] = Counter()
        self._alive = [what.worker for what in self._at if what.step != END]
        self.choices.begin(workers)
        target = self._next(-1, 0, None) if self._alive else None
        while target is not None:
            target = self._step(target)
        self.choices.end()
        return self._result(block)

    # ---- steps --------------------------------------------------------------------------

    def _step(self, worker: int) -> int | None:
        """Let a worker take its step; who is next, `None` once all have ended."""
        if len(self.story) >= self._limit:
            self._fail(StepLimit(self._limit, self._waits()))
        self._guards.pop(worker, None)
        before = self._at[worker]
        self._client.nothing_more()
        self._client.send(go_order(worker))
        now = self._announced()
        if now.worker != worker:
            self._client.babble(f"worker {now.worker} moved, but it was worker {worker}'s turn")
        self.story.append(Taken(self._own[worker], before._replace(blocked=now.blocked)))
        self._own[worker] += 1
        if now.blocked:
            self._block(worker, before, now)
            return self._next(worker, self._own[worker], None)
        self._at[worker] = now
        self._pending[worker] = self._pending_of(now)
        self._count(worker, before)
        if now.step == END:
            self._alive.remove(worker)
            if not self._alive:
                return None
        if now.step in (IDLE, END):
            return self._next(worker, self._own[worker], None)
        target = self._next(worker, self._own[worker], worker)
        self.preemptions += target != worker
        return target

    def _count(self, worker: int, done: Announcement) -> None:
        """A step was taken: has anything changed?"""
        if done.step == IDLE:
            self._idled[worker] = self._idled.get(worker, 0) + 1
            self._check_progress()
        elif not done.look:
            self._idled.clear()
            self._steps_on[done.object] += 1
            self._steps_on[()] += 1

    def _block(self, worker: int, tried: Announcement, now: Announcement) -> None:
        """It could not have the lock: it waits until another has taken a step on that object."""
        if (now.step, now.object) != (tried.step, tried.object) or tried.step == IDLE:
            self._client.babble("blocked: only the step that it was told to take can be")
        self._guards[worker] = self._freed(tried.object)

    def _freed(self, place: tuple[Any, ...]) -> Callable[[], bool]:
        return partial(self._changed_since, place, self._steps_on[place])

    def _changed_since(self, place: tuple[Any, ...], seen: int) -> bool:
        return self._steps_on[place] != seen

    # ---- lines --------------------------------------------------------------------------

    def _everybody(self) -> list[Announcement]:
        """The first step of each worker; they come in any order."""
        found: dict[int, Announcement] = {}
        while len(found) < self._workers:
            first = self._announced()
            if first.blocked:
                self._client.babble("blocked: the worker has not been told to go")
            if first.worker in found:
                self._client.babble(f"worker {first.worker} announces a second step")
            found[first.worker] = first
        return [found[worker] for worker in range(self._workers)]

    def _announced(self) -> Announcement:
        line = self._client.receive()
        try:
            return announcement(line, self._workers)
        except FormatError as error:
            self._client.babble(str(error))

    def _result(self, block: TinyBlock) -> Answer:
        line = self._client.receive()
        try:
            found = answer(line, block)
        except FormatError as error:
            self._client.babble(str(error))
        self._client.nothing_more()
        return found

    def _pending_of(self, what: Announcement) -> tuple[str, tuple[Any, ...], tuple[Any, ...]]:
        return what.step, what.args, what.object or ("worker", what.worker)

    def _fail(self, error: Exception) -> NoReturn:
        raise error

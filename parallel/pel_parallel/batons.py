"""Controlled runs on real threads: the same choices, with the stacks and thread-locals that
production has. Exactly one thread holds the baton, and hands it to the next one directly."""

from collections.abc import Callable
from functools import partial

from pel_parallel.control import Controller
from pel_parallel.errors import WorkerStopped
from pel_parallel.sync import closed_gate, run_on_threads


class BatonController(Controller):
    """Passes control by opening the next thread's gate and waiting at one's own."""

    def _carry_out(self, workers: int, body: Callable[[int], None], first: int) -> None:
        self._gates = [closed_gate() for _ in range(workers)]
        self._gates[first].release()
        run_on_threads(
            [partial(self._serve, worker, body) for worker in range(workers)], self._interrupt
        )

    def _serve(self, worker: int, body: Callable[[int], None]) -> None:
        """A thread's part in a run. Once the run has failed, those who are left get the baton one
        after the other, to end."""
        self._gates[worker].acquire()
        self._live_through(worker, body)
        following = self._retire(worker)
        if following is None and self._alive:
            following = self._alive[0]
        if following is not None:
            self._gates[following].release()

    def _switch(self, worker: int, target: int) -> None:
        self._gates[target].release()
        self._gates[worker].acquire()
        if self._stopping:
            raise WorkerStopped

    def _interrupt(self) -> None:
        self._stopping = True

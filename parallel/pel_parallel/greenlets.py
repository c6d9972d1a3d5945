"""Controlled runs on greenlets: one thread, direct switches, the fast way to explore."""

from collections.abc import Callable
from functools import partial

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from pel_parallel.control import Controller
from pel_parallel.errors import WorkerStopped


class GreenletController(Controller):
    """Passes control by switching greenlets on the caller's thread."""

    def _carry_out(self, workers: int, body: Callable[[int], None], first: int) -> None:
        hub = getcurrent()
        self._on_turn: int | None = first
        self._greenlets = [
            greenlet(partial(self._serve, worker, body), hub) for worker in range(workers)
        ]
        try:
            while self._on_turn is not None:
                self._greenlets[self._on_turn].switch()
        finally:
            self._stopping = True
            for worker in self._greenlets:
                if worker:
                    worker.throw(WorkerStopped)
            self._greenlets = []

    def _serve(self, worker: int, body: Callable[[int], None]) -> None:
        """A greenlet's whole life; when it ends, control returns to the hub."""
        self._live_through(worker, body)
        self._on_turn = self._retire(worker)

    def _switch(self, worker: int, target: int) -> None:
        self._greenlets[target].switch()

"""The executor follows a run of the scheduler's text, step by step of the same name.

Each of the text's actions is one step of the executor. Where the two part (one looks up the reads
of a version in another order, say) the executor goes its own way for as long as it must, and is
back in step as soon as a worker's next step is one of its next actions.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pel_fuzz.executors import STUCK, run_to_its_end
from pel_parallel.choices import Default, Pending
from pel_parallel.errors import ExecutionError
from pel_parallel.executor import Run
from pel_parallel.greenlets import GreenletController
from pel_parallel.sync import Schedule, SharedObject
from pel_proof.finite.explore import Move
from pel_proof.runs.badrun import LONGEST, BadRun
from pel_proof.runs.interpreter import Interpreter
from pel_proof.runs.text import Text
from pel_spec.transition import TransitionBlock

T = TypeVar("T")

Moves: TypeAlias = tuple[tuple[int, str], ...]
"""Who took which action, in the order of the run."""

IN_SIGHT = 4
"""So many of a worker's next actions are looked at: steps that it has not may lie between."""

MOST_BETWEEN = 20
"""A worker that takes more steps than this without a move does something else: it is let go."""


@dataclass(slots=True)
class _Noting(Interpreter):
    """A run of the text that notes its moves."""

    noted: list[tuple[int, str]] = field(init=False, default_factory=list)

    def take(self, move: Move) -> None:
        Interpreter.take(self, move)
        self.noted.append((move.arguments[0], move.action))


def moves_of(text: Text, run: BadRun) -> Moves:
    """All that is done in a run of the text, from the first step to the end that it comes to by
    default."""
    noting = _Noting(text, run.block, run.workers)
    noting.run(run.turns, 4 * LONGEST)
    return tuple(noting.noted)


class Followed(NamedTuple):
    """What the executor did: its schedule, how many steps it took, and how many of the moves it
    could make. `run` is `None` where it did not end well: `stuck` says why."""

    schedule: Schedule
    steps: int
    made: int
    run: Run | None
    stuck: ExecutionError | None


def follow(block: TransitionBlock, workers: int, moves: Moves, limit: int) -> Followed:
    """Run the executor as `moves` say, and by default after the last; `limit` is a number of steps.
    Nothing is wanted that cannot be done, so nothing drifts."""
    follower = Follower(workers, moves)
    runtime = _Told(follower, step_limit=limit)
    run, stuck = None, None
    try:
        run = run_to_its_end(block, workers, runtime)
    except STUCK as error:
        stuck = error
    return Followed(runtime.schedule(), len(runtime.trace() or ()), follower.made, run, stuck)


class Follower(Default):
    """Lets the worker go whose move is next, and take steps that are no moves on the way."""

    def __init__(self, workers: int, moves: Moves) -> None:
        self.made = 0
        self._between = [0] * workers
        self._left: list[deque[tuple[int, str]]] = [deque() for _ in range(workers)]
        for number, (worker, action) in enumerate(moves):
            self._left[worker].append((number, action))

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """Who is between two moves goes on at once; otherwise the worker with the next move does,
        or with the next one after it that can be made."""
        if worker in runnable and own and self._is_between(worker, pending[worker][0]):
            return worker
        waiting = [(self._left[w][0][0], w) for w in runnable if self._left[w]]
        return min(waiting)[1] if waiting else default

    def _is_between(self, worker: int, action: str) -> bool:
        """Whether the text has no step like this one there: it is part of the step before it."""
        return bool(self._left[worker]) and self._distance(worker, action) is None

    def _distance(self, worker: int, action: str) -> int | None:
        near = [self._left[worker][i][1] for i in range(min(IN_SIGHT, len(self._left[worker])))]
        return near.index(action) if action in near else None

    def took(self, worker: int, action: str) -> None:
        """A worker has taken a step: a move is made, and what lay before it is left out."""
        distance = self._distance(worker, action)
        if distance is None:
            self._between[worker] += 1
            if self._between[worker] > MOST_BETWEEN:
                self._left[worker].clear()
            return
        self.made += 1
        self._between[worker] = 0
        for _ in range(distance + 1):
            self._left[worker].popleft()


class _Told(GreenletController):
    """A controller that tells the follower of every step, also of those that needed no choice."""

    choices: Follower

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        result = super().step(worker, action, args, obj, body, enabled)
        self.choices.took(worker, action)
        return result

    def _log_own(self, worker: int, action: str) -> None:
        super()._log_own(worker, action)
        self.choices.took(worker, action)

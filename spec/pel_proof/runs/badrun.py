"""A run that really goes wrong: searched for from the initial state, and made short.

That an invariant is not inductive does not say that anything ever goes wrong. Here a machine runs
small blocks (`interpreter`), in random turns with long preemptions, from a fixed seed and for a
bounded number of steps. A run that breaks the promise is made short, and is kept as its turns;
where none is found, that is all that is known.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any

from pel_proof.runs.interpreter import Interpreter, NoSuchPosition, Outcome, Turn
from pel_proof.runs.text import Text
from pel_spec.scheduler.state import At
from pel_spec.transition import TransitionBlock

MOST_STEPS = 1_000_000
"""Of all runs of a search together: about half a minute."""

SHRINKING_STEPS = 300_000
"""What may be spent on making a run shorter."""

LONGEST = 600
"""Steps in random turns of one run; it has as many again, and more, to come to its end."""

Smaller = Callable[[Any], Iterable[TransitionBlock]]
"""Blocks that are a little smaller than one, the smallest first."""


@dataclass(frozen=True, slots=True)
class BadRun:
    """A run that ends badly: the block, how many workers, and who goes when."""

    block: TransitionBlock
    workers: int
    turns: tuple[Turn, ...]
    outcome: Outcome


Wanted = Callable[[BadRun], BadRun | None]
"""Of a run that goes wrong, what is looked for: itself, another one that was made of it, or no."""


def _any(run: BadRun) -> BadRun:
    """Every run that goes wrong is looked for."""
    return run


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to. `steps` and `runs` is how much was tried."""

    run: BadRun | None
    steps: int
    runs: int

    def explain(self) -> str:
        """The same in words."""
        tried = f"{self.runs} runs, {self.steps} steps"
        if self.run is None:
            return f"no run from the initial state that goes wrong was found in {tried}"
        many = f"{len(self.run.block.transitions)} transitions, {self.run.workers} workers"
        return f"a run that ends in {self.run.outcome} was found ({many}) after {tried}"


def search(
    text: Text,
    blocks: Sequence[TransitionBlock],
    *,
    near: Collection[str] = (),
    seed: int = 0,
    most_steps: int = MOST_STEPS,
    smaller: Smaller | None = None,
    wanted: Wanted = _any,
) -> Found:
    """The first bad run that is found and `wanted`, made short for as long as it is. `near` are
    actions before which workers are let sleep more often than elsewhere."""
    points = [at for at in At if set(near).intersection(text.standing[at])]
    steps = 0
    for number in count():
        random = Random(f"{seed}/{number}")
        block = blocks[number % len(blocks)]
        walk = _Walk(text, block, random.choice((2, 2, 3, 3, 4)), points, random)
        outcome = walk.run()
        steps += walk.interpreter.steps
        if outcome.is_bad:
            run = BadRun(block, walk.workers, tuple(walk.turns), outcome)
            found = wanted(run)
            if found is not None:
                return Found(shorten(text, found, smaller, wanted), steps, number + 1)
        if steps >= most_steps:
            return Found(None, steps, number + 1)
    raise AssertionError("a count has no end")


class _Walk:
    """A run in random turns. A worker goes on until it idles, or comes to one of a few points that
    are drawn for the run: there it may fall asleep, and the others overtake it far."""

    def __init__(
        self, text: Text, block: TransitionBlock, workers: int, near: Sequence[At], random: Random
    ) -> None:
        self.interpreter = Interpreter(text, block, workers)
        self.workers, self.random = workers, random
        self.turns: list[Turn] = []
        anywhere = random.sample(sorted(At), random.choice((2, 4, 8)))
        self.points = {At.EXECUTE, *anywhere, *(at for at in near if random.random() < 0.7)}
        self.sleep = random.choice((5, 30, 100))
        self.commits = random.choice((0.0, 0.0, 0.2))
        self.restless = random.choice((0.0, 0.0, 0.02, 0.1, 0.3))
        self.asleep = [0] * workers
        self.worker = random.randrange(workers)

    def run(self) -> Outcome:
        """To the end: where nobody is found who can move, or all have ended, by default."""
        rests = 0
        try:
            while self.interpreter.steps < LONGEST and rests < 4 * self.workers:
                pick = self._pick()
                move = self.interpreter.step(self.worker, pick)
                rests = 0 if move else rests + 1
                if move is not None:
                    self._note(pick)
                if move is None or self._pauses(move.action):
                    self._switch()
        except NoSuchPosition:
            return Outcome.BROKEN
        return self.interpreter.run((), 4 * LONGEST)

    def _pick(self) -> int:
        at = self.interpreter.state.pc[self.worker]
        if at == At.LOAD_DONE:
            return int(self.random.random() < self.commits)
        return self.random.randrange(6) if at in _OPEN and self.random.random() < 0.5 else 0

    def _note(self, pick: int) -> None:
        last = self.turns[-1] if self.turns else None
        if last is None or last.worker != self.worker or pick:
            self.turns.append(Turn(self.worker, 1, pick))
        else:
            self.turns[-1] = last._replace(steps=last.steps + 1)

    def _pauses(self, action: str) -> bool:
        now, at = self.interpreter.steps, self.interpreter.state.pc[self.worker]
        if at in self.points and self.random.random() < 0.5:
            self.asleep[self.worker] = now + self.random.randrange(1, self.sleep)
            return True
        return action == "idle" or self.random.random() < self.restless

    def _switch(self) -> None:
        now = self.interpreter.steps
        awake = [w for w in range(self.workers) if self.asleep[w] <= now]
        self.worker = self.random.choice(awake or range(self.workers))


_OPEN = (At.RECORD, At.RESUME, At.VALIDATE, At.MARK, At.COMMIT_CHECK)
"""Where a worker may have several moves."""


# ---- making it short -----------------------------------------------------------------------------


def shorten(
    text: Text, run: BadRun, smaller: Smaller | None = None, wanted: Wanted = _any
) -> BadRun:
    """A run that still goes wrong and is `wanted`, with fewer turns, and of a smaller block if
    `smaller` knows any."""
    shorter = _Shorter(text, run, wanted)
    while shorter.left > 0:
        before = shorter.run
        shorter.drop_turns()
        shorter.drop_picks()
        shorter.drop_worker()
        if smaller is not None:
            shorter.shrink_block(smaller)
        if shorter.run == before:
            break
    return shorter.run


class _Shorter:
    """The shortest run so far, and how many steps may still be spent on others."""

    def __init__(self, text: Text, run: BadRun, wanted: Wanted) -> None:
        self.text, self.run, self.left = text, run, SHRINKING_STEPS
        self.wanted = wanted

    def tried(self, run: BadRun) -> bool:
        """Take the run, if it still goes wrong and is wanted."""
        if self.left <= 0:
            return False
        interpreter = Interpreter(self.text, run.block, run.workers)
        outcome = interpreter.run(run.turns, 4 * LONGEST)
        self.left -= interpreter.steps
        found = self.wanted(replace(run, outcome=outcome)) if outcome.is_bad else None
        if found is not None:
            self.run = found
        return found is not None

    def drop_turns(self) -> None:
        """Many at once first, then fewer."""
        size = len(self.run.turns)
        while size > 0:
            start = 0
            while start < len(self.run.turns):
                turns = self.run.turns
                less = _joined((*turns[:start], *turns[start + size :]))
                if not self.tried(replace(self.run, turns=less)):
                    start += size
            size //= 2

    def drop_picks(self) -> None:
        """Moves other than the first where the first will do."""
        for number, turn in enumerate(self.run.turns):
            if turn.pick:
                turns = self.run.turns
                plain = (*turns[:number], turn._replace(pick=0), *turns[number + 1 :])
                self.tried(replace(self.run, turns=plain))

    def drop_worker(self) -> None:
        """The last one, and what it did."""
        last = self.run.workers - 1
        fewer = _joined(turn for turn in self.run.turns if turn.worker < last)
        if last > 1:
            self.tried(replace(self.run, workers=last, turns=fewer))

    def shrink_block(self, smaller: Smaller) -> None:
        """By one thing after the other."""
        while any(self.tried(replace(self.run, block=b)) for b in smaller(self.run.block)):
            pass


def _joined(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The same, without turns that one turn can say."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].worker == turn.worker and not turn.pick:
            found[-1] = found[-1]._replace(steps=found[-1].steps + turn.steps)
        else:
            found.append(turn)
    return tuple(found)

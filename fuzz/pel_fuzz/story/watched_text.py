"""A run of the scheduler's text that is watched, as a run of the executor is.

The text's moves become the steps that an executor would have logged, so one story fits both.
"""

from collections.abc import Iterable
from typing import Any

from pel_fuzz.conformance.forms import FORMS
from pel_fuzz.story.watched import Key, Name, Seen, Watched
from pel_proof.finite.explore import Move
from pel_proof.finite.picture import name_of
from pel_proof.runs.interpreter import Interpreter, Outcome, Turn
from pel_proof.runs.text import Text, block_stm_text
from pel_spec.scheduler.state import ABSENT, ESTIMATE, Status
from pel_spec.sync import Step
from pel_spec.transition import TransitionBlock

ENDINGS = {
    Outcome.UNFINISHED: "declared done, but a position is not executed, or an ESTIMATE is left",
    Outcome.BROKEN: "a worker was given a position that is not in the block",
    Outcome.STUCK: "stuck: nobody can move, or all go round in circles",
    Outcome.ENDLESS: "given up: too many steps",
}
"""What is said of runs that have not ended as a run should."""

OTHERS = (None, None)
"""The object and arguments of an action that the executor does not have."""

NUMBERS = ("exec_idx", "val_idx", "num_active", "dec_cnt")


def watch_text(text: Text, block: TransitionBlock, workers: int, turns: Iterable[Turn]) -> Watched:
    """Run `block` by the text, in these turns, and look on."""
    watching = _Watching(text, block, workers)
    outcome = watching.run(turns)
    executed = outcome in (Outcome.RIGHT, Outcome.WRONG)
    return Watched(
        block=block,
        workers=workers,
        steps=tuple(watching.log),
        values=watching.seen.values,
        after=watching.seen.after,
        preempted=frozenset(watching.preempted),
        ended=ENDINGS.get(outcome, ""),
        history=watching.history() if executed else None,
    )


class _Watching(Interpreter):
    """An interpreter that logs what it takes, and looks at the state after it."""

    def __init__(self, text: Text, block: TransitionBlock, workers: int) -> None:
        super().__init__(text, block, workers)
        self.log: list[Step] = []
        self.seen = Seen()
        self.preempted: list[Key] = []
        self._own = [0] * workers
        self._numbers: dict[Name, int] = {}
        self._before = self._picture()

    def take(self, move: Move) -> None:
        """One step, then the look."""
        worker = move.arguments[0]
        step = self._step(move)
        last = self.log[-1].worker if self.log else worker
        if last != worker and self._could_go_on(last):
            self.preempted.append((last, self._own[last]))
        super().take(move)
        self.log.append(step)
        self._own[worker] += 1
        self._numbers[step.object] = step.sequence + 1
        key = worker, step.own
        now = self._picture()
        touched = {name: now[name] for name in (step.object,) if name in now}
        self.seen.after[key] = touched | {k: v for k, v in now.items() if self._before.get(k) != v}
        self._before = now
        found = step.observed if step.action in ("read_cell", "check_read") else None
        if isinstance(found, tuple) and found[0] != "estimate":
            self.seen.values[key] = self._cells.get((found[0], step.object[1]))
        elif step.action == "write_cell":
            self.seen.values[key] = self._cells[step.args[0], step.object[1]]

    def _step(self, move: Move) -> Step:
        """The move as a step of a trace. An action that only a bug has touches nothing that a trace
        could name.

        Raises: `Disabled`.
        """
        worker, *parameters = move.arguments
        names = FORMS[move.action].names(self.state, worker) if self._is_ours(move) else OTHERS
        after = self.state.copy()
        given = self.text.actions[move.action](after, *move.arguments)
        obj, args, observed = names[0], names[1], None
        if self._is_ours(move):
            form = FORMS[move.action]
            if form.wakes:
                given = frozenset(k for k in after.positions if after.woken[worker, k])
            observed = form.write(tuple(parameters), given)
            obj = (form.object[0], parameters[0]) if obj is None else obj
        if args is None and move.action == "load_written":
            args = (self.state.held[worker], tuple(sorted(parameters[0], key=repr)))
        return Step(
            worker=worker,
            own=self._own[worker],
            action=move.action,
            args=tuple(parameters) if args is None else args,
            object=("text",) if obj is None else obj,
            sequence=self._numbers.get(obj or ("text",), 0),
            observed=observed,
        )

    def _is_ours(self, move: Move) -> bool:
        """Is it an action of Block-STM, with the parameters that it has there?"""
        domains = block_stm_text().domains.get(move.action)
        return domains is not None and domains == self.text.domains[move.action]

    def _could_go_on(self, worker: int) -> bool:
        if self.log[-1].action in ("idle", "end_worker"):
            return False
        return any(self.is_enabled(move) for move in self.candidates(worker))

    def _picture(self) -> dict[Name, str]:
        """All shared objects, as those of the executor are shown."""
        state = self.state
        shown: dict[Name, str] = {(name,): str(getattr(state, name)) for name in NUMBERS}
        shown["done",] = "yes" if state.done else "no"
        for i in state.positions:
            shown["status", i] = f"{Status(state.status[i]).name.lower()} {state.inc[i]}"
            waiting = ", ".join(str(j) for j in state.positions if state.waits[i, j]) or "nobody"
            shown["dependents", i] = f"{waiting}, locked" if state.locked[i] else waiting
            record = state.record_inc[i]
            shown["record", i] = "nothing" if record < 0 else f"incarnation {record}"
        for x in self._locations:
            found = (self._entry(i, x) for i in state.positions if state.mem[i, x] != ABSENT)
            shown["cell", x] = ", ".join(found) or "nothing"
        return shown

    def _entry(self, position: int, location: Any) -> str:
        incarnation = self.state.mem[position, location]
        if incarnation == ESTIMATE:
            return f"ESTIMATE of {position}"
        value = self._cells.get((position, location))
        return f"{name_of(value)} of {position}.{incarnation}"

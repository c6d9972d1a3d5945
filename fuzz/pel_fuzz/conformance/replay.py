"""A trace replayed through the text: each step is the action of its name, and nothing else.

The steps come in an order in which they can have happened. The action of each is performed on a
state of `pel_spec.scheduler.blockstm.BlockStm`; the first step that the text does not allow there,
or that has observed something else than the text gives, is a violation.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pel_fuzz.conformance.forms import FORMS, Form, Unreadable
from pel_fuzz.conformance.sparse import sparse_state
from pel_fuzz.conformance.violation import Kind, Problem, in_words
from pel_spec.kernel import BEFORE, Disabled
from pel_spec.sync import Step

CELL_ACTIONS = frozenset(action for action, form in FORMS.items() if form.object[0] == "cell")


def locations_of(steps: Iterable[Step]) -> tuple[Any, ...]:
    """The locations that occur in a trace. No others are needed, and the text's quantifiers cost
    as much as there are."""
    found: dict[Any, None] = {}
    for step in steps:
        if step.action in CELL_ACTIONS and len(step.object) == 2:
            found[step.object[1]] = None
        elif step.action == "load_written" and len(step.args) == 2:
            writes = step.args[1]
            found.update(dict.fromkeys(writes if isinstance(writes, tuple) else ()))
    return tuple(found)


class Replay:
    """A state of the text, led on step by step; `ghosts` are for those who evaluate invariants."""

    def __init__(
        self, transitions: int, workers: int, locations: tuple[Any, ...], *, ghosts: bool = False
    ) -> None:
        self.state = sparse_state(transitions, workers, locations, ghosts=ghosts)

    def advance(self, steps: Sequence[Step]) -> tuple[int, Problem | None]:
        """Perform the actions of `steps`: how many were right, and what is wrong with the next.

        A step that is not enabled changes nothing; after any other problem the state is of no use.
        """
        state, workers = self.state, self.state.workers
        for index, step in enumerate(steps):
            worker, _, action, args, obj, _, observed = step
            try:
                form, perform, plain, names = _QUICK[action]
            except KeyError:
                return index, Problem(Kind.UNKNOWN, f"the text has no action {in_words(action)}")
            if worker not in workers:
                return index, Problem(Kind.UNREADABLE, f"there is no worker {worker}")
            right_object, right_args = names(state, worker)
            if plain:
                try:
                    given = perform(state, worker)
                except Disabled:
                    return index, Problem(Kind.NOT_ENABLED, "")
                if given != observed:
                    return index, _observed(step, given)
            else:
                problem = self._take(form, step)
                if problem is not None:
                    return index, problem
            if (obj != right_object and right_object is not None) or (
                args != right_args and right_args is not None
            ):
                return index, _about(step, right_object, right_args)
        return len(steps), None

    def _take(self, form: Form, step: Step) -> Problem | None:
        """Perform the action of a step that has to be read first."""
        state, worker = self.state, step.worker
        try:
            parameters, told = form.read(step)
            given = form.perform(state, worker, *parameters)
        except Unreadable as unreadable:
            return Problem(Kind.UNREADABLE, str(unreadable))
        except Disabled:
            return self._disabled(form, step, parameters)
        if form.wakes:
            given = frozenset(k for k in state.positions if state.woken[worker, k])
        return None if given == told else _observed(step, form.write(parameters, given))

    def _disabled(self, form: Form, step: Step, parameters: tuple[Any, ...]) -> Problem:
        """A look at a cell that says who wrote there may only be wrong in that."""
        if len(parameters) == 2:
            for writer in range(BEFORE, self.state.n):
                right = (parameters[0], writer)
                try:
                    given = form.perform(self.state, step.worker, *right)
                except Disabled:
                    continue
                return _observed(step, form.write(right, given))
        return Problem(Kind.NOT_ENABLED, "")


_QUICK = {action: (form, form.perform, form.plain, form.names) for action, form in FORMS.items()}


def _observed(step: Step, right: Any) -> Problem:
    seen, given = in_words(step.observed), in_words(right)
    return Problem(Kind.OBSERVED, f"it has observed {seen}, but the text gives {given}")


def _about(step: Step, obj: Any, arguments: Any) -> Problem:
    where = in_words(step.object if obj is None else obj)
    what = in_words(step.args if arguments is None else arguments)
    return Problem(Kind.ABOUT, f"in the text it is about {where}, with {what}")

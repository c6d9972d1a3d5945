"""How a step of a trace is read: which object and arguments it names, and what it has observed.

This is the table of `docs/formats/trace.md`, and all there is between an executor and the text: a
step is the action of its name, on the same object. Names such as `held` are local variables of the
worker in the text, before the action; `worker` is its number, and `*` what the step itself decides:
a parameter of the action, found by the parameter's type.
"""

import inspect
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from pel_spec.kernel import BEFORE
from pel_spec.scheduler.blockstm import ACTIONS
from pel_spec.scheduler.state import ABSENT, ESTIMATE
from pel_spec.sync import Step

ANYTHING: Final = "*"

OBJECTS_AND_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "start_worker": ("worker worker", ""),
    "end_worker": ("worker worker", ""),
    "idle": ("worker worker", ""),
    "load_done": ("done", ""),
    "set_done": ("done", ""),
    "prefer_val_idx": ("val_idx", ""),
    "prefer_exec_idx": ("exec_idx", ""),
    "choose_validation": ("val_idx", ""),
    "choose_execution": ("exec_idx", ""),
    "val_enter": ("num_active", ""),
    "exec_enter": ("num_active", ""),
    "leave": ("num_active", ""),
    "val_fetch": ("val_idx", ""),
    "exec_fetch": ("exec_idx", ""),
    "val_look": ("status held", "held"),
    "try_incarnate": ("status held", "held"),
    "cd_observe": ("dec_cnt", ""),
    "cd_exec_idx": ("exec_idx", ""),
    "cd_val_idx": ("val_idx", ""),
    "cd_num_active": ("num_active", ""),
    "cd_observe_again": ("dec_cnt", ""),
    "read_cell": ("cell *", "held"),
    "read_estimate": ("dependents blocking", "held blocking"),
    "look_blocking": ("status blocking", "blocking"),
    "stay": ("dependents blocking", "held blocking"),
    "mark_suspended": ("status held", "held"),
    "suspend": ("dependents blocking", "held blocking"),
    "load_written": ("record held", "*"),
    "write_cell": ("cell *", "held held_inc"),
    "remove_cell": ("cell *", "held held_inc"),
    "record_done": ("record held", "held held_inc"),
    "publish": ("status held", "held held_inc"),
    "swap_deps": ("dependents held", "held"),
    "resume_one": ("status *", "*"),
    "resume_done": ("exec_idx", "lowest"),
    "resume_count": ("dec_cnt", ""),
    "finish_execution": ("val_idx", "held held_inc"),
    "lower_val_idx": ("val_idx", "held"),
    "lower_val_count": ("dec_cnt", ""),
    "load_reads": ("record held", "held held_inc"),
    "check_read": ("cell *", "held held_inc"),
    "try_validation_abort": ("status held", "held held_inc"),
    "load_aborted": ("record held", "held held_inc"),
    "mark_estimate": ("cell *", "held held_inc"),
    "set_ready": ("status held", "held held_inc"),
    "lower_after_abort": ("val_idx", "held"),
    "lower_abort_count": ("dec_cnt", ""),
    "retry": ("exec_idx", "held"),
    "commit_next": ("committed", ""),
    "commit_look": ("status held", "held"),
    "commit_load": ("record held", "held held_inc"),
    "commit_check": ("cell *", "held held_inc"),
    "commit": ("status held", "held held_inc"),
    "commit_advance": ("committed", ""),
}
"""For each action of the text, the object that it touches, and its arguments."""


NOTHING_RECORDED: Final = -1
"""What the text calls a record with nothing in it, where a trace says `null`."""


class Unreadable(Exception):
    """A step does not say what a step of its action has to say."""


Names: TypeAlias = tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]
"""An object and arguments; `None` for what the step itself decides."""

Told: TypeAlias = tuple[tuple[Any, ...], Any]
"""The arguments of an action after the worker, and what it gives, as a step tells them."""


class Form(NamedTuple):
    """The form of the steps of one action.

    `read` takes from a step what the step decides, `write` says what the action has given in the
    words of a trace. `plain`: the step decides nothing, and `observed` is what the action gives.
    `wakes`: what it gives is in the worker's row `woken`. `names` are the object and the arguments
    that a step must name, in a state and for a worker; `None` where the step decides.
    """

    perform: Callable[..., Any]
    object: tuple[str, ...]
    arguments: tuple[str, ...]
    names: Callable[[Any, int], Names]
    read: Callable[[Step], Told]
    write: Callable[[tuple[Any, ...], Any], Any]
    plain: bool
    wakes: bool


def _form(action: str) -> Form:
    perform = ACTIONS[action]
    obj, arguments = (tuple(words.split()) for words in OBJECTS_AND_ARGUMENTS[action])
    signature = inspect.signature(perform)
    parameters = tuple(signature.parameters)[2:]
    read, write = _BY_PARAMETERS[parameters]
    wakes = action == "swap_deps"
    if wakes:
        read, write = _read_positions, _write_positions
    elif obj[0] == "record" and signature.return_annotation is int and not parameters:
        read, write = _read_record, _write_record
    names = _names(obj, arguments)
    return Form(perform, obj, arguments, names, read, write, read is _read_plain, wakes)


def _names(obj: tuple[str, ...], arguments: tuple[str, ...]) -> Callable[[Any, int], Names]:
    """How the words of the table are looked up in a state."""
    kind, local = obj[0], "".join(obj[1:])
    if not local and not arguments:
        constant = ((kind,), ())
        return lambda state, worker: constant
    if local == "worker":
        return lambda state, worker: ((kind, worker), ())
    if len(arguments) == 1 and local == arguments[0] != ANYTHING:
        both = attrgetter(local)

        def same(state: Any, worker: int) -> Names:
            number = both(state)[worker]
            return (kind, number), (number,)

        return same
    looked_up = [_values(words) for words in ((local,) if local else (), arguments)]

    def each(state: Any, worker: int) -> Names:
        numbers, values = (look(state, worker) for look in looked_up)
        return None if numbers is None else (kind, *numbers), values

    return each


def _values(names: tuple[str, ...]) -> Callable[[Any, int], tuple[Any, ...] | None]:
    if ANYTHING in names:
        return lambda state, worker: None
    if not names:
        return lambda state, worker: ()
    maps = [attrgetter(name) for name in names]
    return lambda state, worker: tuple([field(state)[worker] for field in maps])


def _read_plain(step: Step) -> Told:
    return (), step.observed


def _read_record(step: Step) -> Told:
    return (), NOTHING_RECORDED if step.observed is None else step.observed


def _read_written(step: Step) -> Told:
    writes = step.args[1] if len(step.args) == 2 else None
    if not isinstance(writes, tuple) or step.object != ("record", step.args[0]):
        raise Unreadable("its arguments must be its position and the list of locations to write")
    return (frozenset(writes),), _read_record(step)[1]


def _read_positions(step: Step) -> Told:
    seen = step.observed
    if not isinstance(seen, tuple) or len(set(seen)) != len(seen):
        raise Unreadable(f"observed {seen!r}, which is no list of positions, each once")
    return (), frozenset(seen)


def _read_resumed(step: Step) -> Told:
    if len(step.args) != 1 or step.object != ("status", step.args[0]):
        raise Unreadable("its argument and its object must name the position that is resumed")
    return step.args, step.observed


def _location(step: Step) -> Any:
    if len(step.object) != 2 or step.object[0] != "cell":
        raise Unreadable(f"touched {step.object!r}, which is no cell")
    return step.object[1]


def _read_cell(step: Step) -> Told:
    return (_location(step),), step.observed


def _read_lookup(step: Step) -> Told:
    """The writer found is an argument in the text, its incarnation is what the action gives."""
    location, seen = _location(step), step.observed
    if seen is None:
        return (location, BEFORE), ABSENT
    if isinstance(seen, tuple) and len(seen) == 2 and type(seen[1]) is int:
        if seen[0] == "estimate":
            return (location, seen[1]), ESTIMATE
        if type(seen[0]) is int:
            return (location, seen[0]), seen[1]
    raise Unreadable(f"observed {seen!r}, which is neither a version nor an ESTIMATE nor null")


def _write_plain(_: tuple[Any, ...], given: Any) -> Any:
    return given


def _write_record(_: tuple[Any, ...], given: Any) -> Any:
    return None if given == NOTHING_RECORDED else given


def _write_positions(_: tuple[Any, ...], given: Any) -> Any:
    return tuple(sorted(given))


def _write_lookup(parameters: tuple[Any, ...], given: Any) -> Any:
    writer = parameters[1]
    if writer == BEFORE:
        return None
    return ("estimate", writer) if given == ESTIMATE else (writer, given)


_BY_PARAMETERS: Final[Mapping[tuple[str, ...], tuple[Any, Any]]] = {
    (): (_read_plain, _write_plain),
    ("x",): (_read_cell, _write_plain),
    ("x", "k"): (_read_lookup, _write_lookup),
    ("k",): (_read_resumed, _write_plain),
    ("writes",): (_read_written, _write_record),
}
"""By the action's parameters after the worker."""

FORMS: Final[Mapping[str, Form]] = {action: _form(action) for action in OBJECTS_AND_ARGUMENTS}
"""The form of each action's steps."""

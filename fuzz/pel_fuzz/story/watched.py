"""A run that is watched: its steps, and after each the state of the object that it touched.

What is shown of a state is taken from the executor's own objects, not computed from the steps, so
it is right for an executor with a bug, too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar

from pel_fuzz.executors import run_to_its_end, step_limit
from pel_fuzz.fault_runs import CLEAN
from pel_fuzz.interleavings import Faulted, Interleaving, Switches
from pel_fuzz.recording import Noted
from pel_parallel.errors import Drift, ExecutionError
from pel_parallel.executor import Run, plain
from pel_parallel.faults import Fault, under_control
from pel_parallel.greenlets import GreenletController
from pel_parallel.memory import Cell, Entry, Record
from pel_parallel.shared import Dependents, Flag, Number, Status
from pel_parallel.sync import Seam, SharedObject
from pel_proof.finite.picture import name_of
from pel_spec.fold import fold
from pel_spec.history import History
from pel_spec.sync import Step
from pel_spec.transition import TransitionBlock
from pel_spec.vocabulary import Value

T = TypeVar("T")
Key: TypeAlias = tuple[int, int]
"""A step: its worker, and the worker's own number of it."""
Name: TypeAlias = tuple[Any, ...]
"""Of a shared object."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A run: `values` are those read or written, `after` what the objects that a step changed look
    like after it. `preempted`: the steps before which another worker was preferred. `ended` says
    how the run ended, where it did not end well; then there may be no `history`."""

    block: TransitionBlock
    workers: int
    steps: tuple[Step, ...]
    values: Mapping[Key, Value] = field(repr=False)
    after: Mapping[Key, Mapping[Name, str]] = field(repr=False)
    preempted: frozenset[Key]
    ended: str
    history: History | None
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Seen:
    """What was seen while a run went on."""

    values: dict[Key, Value] = field(default_factory=dict)
    after: dict[Key, Mapping[Name, str]] = field(default_factory=dict)


def watch_controlled(block: TransitionBlock, workers: int, interleaving: Interleaving) -> Watched:
    """Run `block` under control, with its faults if there are any, and look on.

    Raises: `Drift`, where a schedule that must fit does not.
    """
    seen, noted = Seen(), Noted(interleaving)
    seam = _seam(seen, noted, interleaving, step_limit(fold(block)[1], workers))
    run: Run | None = None
    ended = ""
    try:
        run = run_to_its_end(block, workers, seam)
    except Drift:
        raise
    except (*CLEAN, ExecutionError) as failure:
        ended = str(failure)
    return Watched(
        block=block,
        workers=workers,
        steps=plain(seam.trace() or ()),
        values=seen.values,
        after=seen.after,
        preempted=frozenset(noted.preempted),
        ended=ended,
        history=None if run is None else run.history,
        faults=interleaving.faults if isinstance(interleaving, Faulted) else (),
    )


def _seam(seen: Seen, noted: Noted, interleaving: Interleaving, limit: int) -> Seam:
    """The controller that looks on, and in front of it the faults."""
    if not isinstance(interleaving, Faulted):
        return _Watching(seen, noted.steering(), step_limit=limit)
    inner = interleaving.inner
    return under_control(
        partial(_Watching, seen, step_limit=limit + sum(f.steps for f in interleaving.faults)),
        noted.steering(),
        interleaving.faults,
        strict=isinstance(inner, Switches) and inner.strict,
    )


class _Watching(GreenletController):
    """A controller that looks at the object of each step, right after it."""

    def __init__(self, seen: Seen, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._seen = seen

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """A step, then the look."""
        result = super().step(worker, action, args, obj, body, enabled)
        key = worker, self._own[worker] - 1
        self._seen.after[key] = {obj.name: shown(obj)}
        if isinstance(result, Entry):
            self._seen.values[key] = result.value
        elif action == "write_cell" and isinstance(obj, Cell):
            entry = obj.entries.get(args[0])
            self._seen.values[key] = None if entry is None else entry.value
        return result


def shown(obj: SharedObject) -> str:
    """A shared object's state in a few words."""
    match obj:
        case Number():
            return str(obj.value)
        case Flag():
            return "yes" if obj.raised else "no"
        case Status():
            return f"{obj.state} {obj.incarnation}"
        case Dependents():
            return _dependents(obj.locked, obj.waiting)
        case Record():
            recorded = obj.content
            return "nothing" if recorded is None else f"incarnation {recorded.incarnation}"
        case Cell():
            return ", ".join(_entry(obj.entries[p]) for p in obj.positions) or "nothing"
        case _:
            return ""


def _dependents(locked: bool, waiting: list[int]) -> str:
    names = ", ".join(map(str, waiting)) or "nobody"
    return f"{names}, locked" if locked else names


def _entry(entry: Entry) -> str:
    position, incarnation = entry.version
    if entry.estimate:
        return f"ESTIMATE of {position}"
    return f"{name_of(entry.value)} of {position}.{incarnation}"

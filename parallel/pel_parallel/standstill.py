"""Why a run stands still: who waits for whom, and what is left that nobody will do.

A picture of the scheduler's state after the workers have stopped, in sentences. What the trace
remembers (who took a lock, who has a task) is told where there is a trace.
"""

from collections.abc import Iterator, Sequence

from pel_parallel.errors import Deadlock, ExecutionError, Livelock
from pel_parallel.scheduler import Scheduler
from pel_parallel.shared import State
from pel_spec.sync import Step


def explain_standstill(
    scheduler: Scheduler, error: ExecutionError, trace: Sequence[Step]
) -> Iterator[str]:
    """The explanation of `error`, a line for each thing that is not as it should be."""
    if isinstance(error, Deadlock):
        yield from _waits(scheduler, error, trace)
    if isinstance(error, Livelock) and error.position is not None:
        yield from _repetition(error.position, trace)
    yield from _unfinished(scheduler, trace)
    yield from _counts(scheduler, trace)


def _waits(scheduler: Scheduler, deadlock: Deadlock, trace: Sequence[Step]) -> Iterator[str]:
    """Who waits for a list, and who has locked it."""
    for worker, (action, name) in sorted(deadlock.waits.items()):
        if name[0] != "dependents":
            continue
        position = name[1]
        what = f"worker {worker} is at {action} and waits for the list of those who wait for"
        if not scheduler.dependents[position].locked:
            yield f"{what} position {position}, which is not locked"
            continue
        lock = next(
            (s for s in reversed(trace) if s.action == "read_estimate" and s.object == name), None
        )
        yield f"{what} position {position}, which {_holder(lock, deadlock, trace)}"


def _holder(lock: Step | None, deadlock: Deadlock, trace: Sequence[Step]) -> str:
    if lock is None:
        return "is locked"
    held = f"worker {lock.worker} locked at its step {lock.own} for position {lock.args[0]}"
    last = next(step for step in reversed(trace) if step.worker == lock.worker)
    if last.action == "end_worker":
        return f"{held} and, having ended, will never unlock"
    if lock.worker in deadlock.waits:
        return f"{held} and does not unlock: it waits at {deadlock.waits[lock.worker][0]}"
    return f"{held} and does not unlock: its last step was {last.own}, {last.action}"


def _unfinished(scheduler: Scheduler, trace: Sequence[Step]) -> Iterator[str]:
    """The positions that are not executed, and what is missing to each."""
    for position, status in enumerate(scheduler.status):
        if status.state is State.EXECUTED:
            continue
        told = f"position {position} is {status.state} in incarnation {status.incarnation}"
        match status.state:
            case State.READY:
                yield told + _not_handed_out(scheduler, position)
            case State.ABORTING:
                yield told + _not_woken(scheduler, position)
            case _:
                yield told + _not_ended(position, trace)


def _not_handed_out(scheduler: Scheduler, position: int) -> str:
    index = scheduler.exec_idx.value
    if index > position:
        return f": nobody will be given it, as the execution index is past it, at {index}"
    return f", and the execution index is at {index}"


def _not_woken(scheduler: Scheduler, position: int) -> str:
    waiting = [b for b, each in enumerate(scheduler.dependents) if position in each.waiting]
    if not waiting:
        return ": it waits in no list, so nobody will make it ready"
    told = [_blocking(scheduler, blocking) for blocking in waiting]
    return f", waits for {', and for '.join(told)}"


def _blocking(scheduler: Scheduler, blocking: int) -> str:
    status = scheduler.status[blocking]
    if status.state is State.EXECUTED:
        return f"{blocking}, which is executed: the wake-up was lost"
    return f"{blocking}, which is {status.state}"


def _not_ended(position: int, trace: Sequence[Step]) -> str:
    """Who executes it, and how far that has come."""
    begun = _last_begun(position, trace)
    if begun is None:
        return ""
    last = next(step for step in reversed(trace) if step.worker == begun.worker)
    return (
        f" by worker {begun.worker}, since its step {begun.own}; "
        f"its last step is {last.own}, {last.action}"
    )


def _last_begun(position: int, trace: Sequence[Step]) -> Step | None:
    return next(
        (
            step
            for step in reversed(trace)
            if step.action == "try_incarnate"
            and step.args == (position,)
            and step.observed is not None
        ),
        None,
    )


def _counts(scheduler: Scheduler, trace: Sequence[Step]) -> Iterator[str]:
    """What the done check looks at, and who counts as active."""
    if scheduler.done.raised:
        yield "the block was declared done"
        return
    exec_idx, val_idx = scheduler.exec_idx.value, scheduler.val_idx.value
    active = scheduler.num_active.value
    told = (
        f"not done: of {scheduler.transitions} positions the execution index is at {exec_idx}, "
        f"the validation index at {val_idx}, and {active} task(s) count as under way"
    )
    counted = _active_by_worker(trace)
    if active and counted:
        told += ": " + ", ".join(f"{count} of worker {w}" for w, count in counted.items())
    yield told


def _active_by_worker(trace: Sequence[Step]) -> dict[int, int]:
    """Tasks begun and not left, by worker."""
    counted: dict[int, int] = {}
    for step in trace:
        if step.action in ("val_enter", "exec_enter"):
            counted[step.worker] = counted.get(step.worker, 0) + 1
        elif step.action == "leave":
            counted[step.worker] = counted.get(step.worker, 0) - 1
    return {worker: count for worker, count in sorted(counted.items()) if count}


def _repetition(position: int, trace: Sequence[Step]) -> Iterator[str]:
    """Why a position is executed again and again: what came of its last incarnations."""
    about = [step for step in trace if step.args[:1] == (position,)]
    estimates = [s for s in about if s.action == "read_cell" and _is_estimate(s.observed)]
    aborts = [s for s in about if s.action == "try_validation_abort" and s.observed is True]
    if estimates:
        last = estimates[-1]
        name = "/".join(map(str, last.object))
        yield (
            f"{len(estimates)} of its reads met an ESTIMATE, the last one at {name} "
            f"of position {last.observed[1]}"
        )
    if aborts:
        last = aborts[-1]
        yield f"it was aborted {len(aborts)} times, the last time by worker {last.worker}"


def _is_estimate(observed: object) -> bool:
    return isinstance(observed, tuple) and len(observed) == 2 and observed[0] == "estimate"

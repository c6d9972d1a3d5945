"""Bugs after an execution: who has to know of it, and who is woken. How a bug is written:
`planting`."""

from collections.abc import Iterable
from functools import partial

from pel_fuzz.canaries.planting import bug
from pel_parallel.executor import Executor
from pel_parallel.memory import Memory
from pel_parallel.scheduler import Scheduler, Task
from pel_parallel.shared import Dependents, State, Status
from pel_parallel.sync import Seam
from pel_spec.transition import RecordedView
from pel_spec.vocabulary import Location, Version


@bug("A")
class NewLocationUnnoticed(Memory):
    """A write where the last incarnation did not write validates only itself: those above who read
    past it stay as they are."""

    def wrote_new_location(self, before: Iterable[Location], now: Iterable[Location]) -> bool:
        return False


@bug("G53")
class NotValidatedItself(Scheduler):
    """Where nothing new was written, the next incarnation is not validated at all."""

    def finish_execution(self, worker: int, version: Version, wrote_new: bool) -> Task | None:
        if super().finish_execution(worker, version, wrote_new) is not None:
            self.leave(worker)
        return None


@bug("G")
class LowersPastItself(Scheduler):
    """A new location lowers the validation index to the position above: it is itself forgotten."""

    def lower_val_idx(self, worker: int, position: int) -> None:
        body = partial(self.val_idx.lower, position + 1)
        self.seam.step(worker, "lower_val_idx", (position,), self.val_idx, body)


@bug("G49")
class CountedBeforeLowering(Scheduler):
    """The decrease is counted, and then done: the done check looks in between, and sees neither."""

    def lower_val_idx(self, worker: int, position: int) -> None:
        self.seam.step(worker, "lower_val_idx", (position,), self.dec_cnt, self.dec_cnt.increment)
        body = partial(self.val_idx.lower, position)
        self.seam.step(worker, "lower_val_count", (), self.val_idx, body)

    def lower_val_count(self, worker: int) -> None:
        """It is counted already."""


@bug("G49")
class CountedBeforeResuming(Scheduler):
    """As `counted-before-lowering`, of the execution index."""

    def resume_done(self, worker: int, lowest: int) -> None:
        self.seam.step(worker, "resume_done", (lowest,), self.dec_cnt, self.dec_cnt.increment)
        body = partial(self.exec_idx.lower, lowest)
        self.seam.step(worker, "resume_count", (), self.exec_idx, body)

    def resume_count(self, worker: int) -> None:
        """It is counted already."""


@bug("G53")
class FinishLookedBeforePublish(Scheduler):
    """Whether validation has gone past is seen before the status says executed: a validator that
    comes between the two finds nothing to validate, and nobody comes again."""

    def __init__(self, seam: Seam, transitions: int) -> None:
        super().__init__(seam, transitions)
        self.seen: dict[int, int] = {}

    def publish(self, worker: int, version: Version) -> None:
        load = self.val_idx.load
        self.seen[worker] = self.seam.step(worker, "look_early", (), self.val_idx, load)
        super().publish(worker, version)

    def load_finish_execution(self, worker: int, version: Version) -> int:
        seen = self.seen[worker]
        return self.seam.step(
            worker, "finish_execution", tuple(version), self.val_idx, lambda: seen
        )


@bug("G54")
class DependentsUnlocked(Scheduler):
    """The list of those who wait is taken without its lock: who has looked, and is not listed yet,
    is missed."""

    def swap_deps(self, worker: int, position: int) -> tuple[int, ...]:
        dependents = self.dependents[position]
        return self.seam.step(worker, "swap_deps", (position,), dependents, dependents.take)


@bug("G53")
class WaitersTakenBeforePublish(Scheduler):
    """The list is taken before the status says executed: who comes later still sees it executing,
    is listed, and waits for ever."""

    def publish(self, worker: int, version: Version) -> None:
        """Not yet."""

    def load_finish_execution(self, worker: int, version: Version) -> int:
        super().publish(worker, version)
        return super().load_finish_execution(worker, version)


@bug("G51")
class WakesAgain(Scheduler):
    """The list is read, and not emptied: the next incarnation wakes those once more who have gone
    on long since."""

    def swap_deps(self, worker: int, position: int) -> tuple[int, ...]:
        dependents = self.dependents[position]
        body = partial(_listed, dependents)
        return self.seam.step(
            worker, "swap_deps", (position,), dependents, body, dependents.is_free
        )


def _listed(dependents: Dependents) -> tuple[int, ...]:
    return tuple(dict.fromkeys(dependents.waiting))


@bug("G53")
class ResumedNotHandedOut(Scheduler):
    """Resumed positions are ready, but the execution index is not lowered to them."""

    def resume_done(self, worker: int, lowest: int) -> None:
        self.seam.step(worker, "resume_done", (lowest,), self.exec_idx, lambda: None)


class _TellsOnce(Executor):
    """In a history a version is told once: the suspended part of it is left out."""

    def suspended(self, worker: int, version: Version, view: RecordedView, blocking: int) -> bool:
        gave_up = super().suspended(worker, version, view, blocking)
        if gave_up:
            self.logs[worker].incarnations.pop()
        return gave_up


@bug("E8", _TellsOnce)
class ResumeKeepsIncarnation(Scheduler):
    """Who is resumed begins the same incarnation again, instead of the next one.

    Benign: A suspended incarnation has published nothing, so no other position knows its number;
    and its read set is emptied before it begins again."""

    def resume_one(self, worker: int, position: int) -> None:
        status = self.status[position]
        body = partial(_make_ready_again, status)
        self.seam.step(worker, "resume_one", (position,), status, body)


def _make_ready_again(status: Status) -> None:
    status.state = State.READY

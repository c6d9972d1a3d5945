"""Faults as choices: stalls, deaths, exceptions and interruptions at a worker's own step.

A fault is data, as a choice is: `Faulty` injects faults through the seam, so the executor's code
runs as it is, and a run without faults pays nothing. What is injected is what happens to real
workers: they are not scheduled for long, their thread is killed, something fails inside of what
they execute, somebody presses Ctrl-C. Each ends in the right result, or the block fails cleanly.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial
from time import sleep
from typing import Any, NamedTuple, NoReturn, TypeVar

from pel_parallel.choices import Choices
from pel_parallel.errors import Drift, ExecutionError
from pel_parallel.stalls import Stall, Stalling
from pel_parallel.sync import Schedule, Seam, SharedObject
from pel_spec.sync import Step

T = TypeVar("T")

READ = "read_cell"
"""The step that a transition takes: here an exception comes out of a read."""


class FaultKind(StrEnum):
    """What happens to a worker."""

    STALL = "stall"
    """It is passed over until others have gone so many times, unless nobody else can go."""
    DEATH = "death"
    """It dies: `WorkerDied` is raised in it, which is nothing that a transition contains."""
    EXCEPTION = "exception"
    """Its next read fails, inside the transition: an outcome, provisional like any other."""
    INTERRUPTION = "interruption"
    """The run is interrupted, as by Ctrl-C."""


class Fault(NamedTuple):
    """One fault: what happens to `worker` when it is about to take its own step number `own`.

    `steps`: how many times others go first (stalls only, at least 1). `after`: deaths and
    interruptions strike when the step is done, instead of before. An exception waits for the next
    read of the worker. The first step of a worker is `start_worker`, before which nothing happens.
    """

    kind: FaultKind
    worker: int
    own: int
    steps: int = 0
    after: bool = False

    def words(self) -> str:
        """The fault for people."""
        step = f"its step {self.own}"
        match self.kind:
            case FaultKind.STALL:
                return f"worker {self.worker} stalls at {step} while others go {self.steps} times"
            case FaultKind.EXCEPTION:
                return f"the next read of worker {self.worker} from {step} on fails"
            case FaultKind.DEATH:
                what = "dies"
            case FaultKind.INTERRUPTION:
                what = "is interrupted"
        return f"worker {self.worker} {what} {'after' if self.after else 'before'} {step}"


def faults_of(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults in the order of worker and step, made sure of.

    Raises: `ValueError`: two for one step, numbers out of range, or what the kind does not have.
    """
    found = tuple(sorted(faults, key=lambda fault: (fault.worker, fault.own)))
    for fault in found:
        if fault.worker < 0 or fault.own < 0:
            raise ValueError("worker and step are counted from 0")
        if (fault.steps > 0) != (fault.kind is FaultKind.STALL) or fault.steps < 0:
            raise ValueError("a stall lasts at least one step, and nothing else lasts")
        if fault.after and fault.kind in (FaultKind.STALL, FaultKind.EXCEPTION):
            raise ValueError(f"a fault of kind {fault.kind} has no after")
    if len({(fault.worker, fault.own) for fault in found}) != len(found):
        raise ValueError("two faults at the same step of the same worker")
    return found


class Strike(NamedTuple):
    """A fault that struck: the own step of its worker, and what that step was."""

    fault: Fault
    own: int
    action: str
    args: tuple[Any, ...]
    object: tuple[Any, ...]

    def words(self) -> str:
        """What happened, for people: it names worker, step and action."""
        about = "/".join(map(str, self.object))
        where = f"step {self.own}, {self.action} of {about}"
        when = "after" if self.fault.after else "before"
        match self.fault.kind:
            case FaultKind.STALL:
                what = f"stalled at {where}, while others went {self.fault.steps} times"
            case FaultKind.EXCEPTION:
                what = f"failed at {where}"
            case FaultKind.DEATH:
                what = f"died {when} {where}"
            case FaultKind.INTERRUPTION:
                what = f"was interrupted {when} {where}"
        return f"injected: worker {self.fault.worker} {what}"


class InjectedError(Exception):
    """What an injected exception raises out of a read."""

    def __init__(self, strike: Strike) -> None:
        super().__init__(strike.words())
        self.strike = strike

    @staticmethod
    def text(strike: Strike) -> str:
        """What the outcome of a transition says that it ended."""
        return f"{InjectedError.__name__}: {strike.words()}"


class WorkerDied(BaseException):
    """Raised in a worker that dies. Not an `Exception`: no transition may take it for an outcome
    of its own, and the worker does nothing more."""

    def __init__(self, strike: Strike) -> None:
        super().__init__(strike.words())
        self.strike = strike


class DeadWorker(ExecutionError):
    """A block has failed, because a worker died."""

    def __init__(self, strike: Strike) -> None:
        super().__init__(strike.words())
        self.strike = strike


class Interrupted(KeyboardInterrupt):
    """An injected interruption. A Ctrl-C by a person is a plain `KeyboardInterrupt`, and stays
    one."""

    def __init__(self, strike: Strike) -> None:
        super().__init__(strike.words())
        self.strike = strike


class Faulty:
    """A seam in which faults strike; for the executor it is a seam like any other.

    Under control stalls are a matter of the choices: see `under_control`. On plain threads, which
    nobody steers, a worker that stalls gives the processor away so many times.

    `strict`: faults that are not reached fail a run that has ended well, as a schedule that does
    not fit does.

    Raises, from `run`, in addition: `DeadWorker`, `Interrupted`; `Drift`.
    """

    def __init__(
        self,
        seam: Seam,
        faults: Iterable[Fault],
        *,
        strict: bool = False,
        stalling: Stalling | None = None,
    ) -> None:
        self.seam, self.faults, self.strict = seam, faults_of(faults), strict
        self._stalling = stalling
        self._begin(0)

    @property
    def strikes(self) -> tuple[Strike, ...]:
        """The faults that struck in the last run, by worker and step."""
        struck = list(self._struck)
        if self._stalling is not None:
            by_step = {(f.worker, f.own): f for f in self.faults if f.kind is FaultKind.STALL}
            struck += [
                Strike(by_step[stall.worker, stall.own], stall.own, *what)
                for stall, what in self._stalling.struck.items()
            ]
        return tuple(sorted(struck, key=lambda strike: (strike.fault.worker, strike.own)))

    @property
    def unreached(self) -> tuple[Fault, ...]:
        """The faults that did not strike in the last run: it ended before, or went elsewhere."""
        struck = {strike.fault for strike in self.strikes}
        return tuple(fault for fault in self.faults if fault not in struck)

    def run(self, workers: int, body: Callable[[int], None]) -> None:
        """Run the workers, and let the faults strike."""
        self._begin(workers)
        try:
            self.seam.run(workers, partial(self._live, body))
        except WorkerDied as death:
            raise DeadWorker(death.strike) from death
        if self.strict and self.unreached:
            words = "; ".join(fault.words() for fault in self.unreached)
            raise Drift(f"{len(self.unreached)} fault(s) were never reached: {words}")

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """A step, unless a fault strikes. A death before it strikes in its place, when it is the
        worker's turn; one after it when it is done, for others too."""
        own = self._own[worker]
        if action == READ:
            self._fail_read(worker, own, args, obj)
        fault = self._sudden.pop((worker, own), None)
        if fault is None:
            result = self.seam.step(worker, action, args, obj, body, enabled)
        else:
            strike = Strike(fault, own, action, args, obj.name)
            if fault.kind is FaultKind.STALL:
                self._give_way(strike)
            elif not fault.after:
                self.seam.step(worker, action, args, obj, partial(self._end, strike), enabled)
            result = self.seam.step(worker, action, args, obj, body, enabled)
            if fault.kind is not FaultKind.STALL:
                self._end(strike)
        self._own[worker] = own + 1
        return result

    def idle(self, worker: int) -> None:
        """The worker found nothing to do; a fault may strike it there, too."""
        own = self._own[worker]
        fault = self._sudden.pop((worker, own), None)
        strike = None if fault is None else Strike(fault, own, "idle", (), ("worker", worker))
        if strike is not None and not strike.fault.after:
            self._strike_alone(strike)
        self.seam.idle(worker)
        self._own[worker] = own + 1
        if strike is not None and strike.fault.after:
            self._end(strike)

    def trace(self) -> tuple[Step, ...] | None:
        """The steps of the last run. A step in whose place a fault struck is none."""
        return self.seam.trace()

    def schedule(self) -> Schedule | None:
        """The choices of the last run. Together with the same faults they replay it."""
        return self.seam.schedule() if self._stalling is None else self._stalling.schedule()

    # ---- what happens -------------------------------------------------------------------

    def _begin(self, workers: int) -> None:
        self._own = [0] * workers
        self._struck: list[Strike] = []
        steered = self._stalling is not None
        self._sudden = {
            (fault.worker, fault.own): fault
            for fault in self.faults
            if fault.kind is not FaultKind.EXCEPTION
            and not (steered and fault.kind is FaultKind.STALL)
        }
        self._failing: dict[int, list[Fault]] = {}
        for fault in reversed(self.faults):
            if fault.kind is FaultKind.EXCEPTION:
                self._failing.setdefault(fault.worker, []).append(fault)

    def _live(self, body: Callable[[int], None], worker: int) -> None:
        """A worker's life. Starting and ending touch nothing but the worker itself, so what
        strikes there strikes after the one and before the other."""
        self._strike_at(worker, "start_worker")
        self._own[worker] = 1
        body(worker)
        self._strike_at(worker, "end_worker")

    def _strike_at(self, worker: int, action: str) -> None:
        own = self._own[worker]
        fault = self._sudden.pop((worker, own), None)
        if fault is not None:
            self._strike_alone(Strike(fault, own, action, (), ("worker", worker)))

    def _strike_alone(self, strike: Strike) -> None:
        """Where there is no step of the seam to strike in."""
        if strike.fault.kind is FaultKind.STALL:
            self._give_way(strike)
        else:
            self._end(strike)

    def _give_way(self, strike: Strike) -> None:
        """A stall of a worker that nobody steers."""
        self._struck.append(strike)
        for _ in range(strike.fault.steps):
            sleep(0)

    def _end(self, strike: Strike) -> NoReturn:
        """The worker goes no further."""
        self._struck.append(strike)
        if strike.fault.kind is FaultKind.DEATH:
            raise WorkerDied(strike)
        raise Interrupted(strike)

    def _fail_read(self, worker: int, own: int, args: tuple[Any, ...], obj: SharedObject) -> None:
        """Fail instead of reading, if that is due: no step is taken, and nothing was read."""
        failing = self._failing.get(worker)
        if failing and failing[-1].own <= own:
            strike = Strike(failing.pop(), own, READ, args, obj.name)
            self._struck.append(strike)
            raise InjectedError(strike)


def stalling(choices: Choices, faults: Iterable[Fault]) -> Stalling:
    """Choices under which the stalls among the faults strike."""
    stalls = (Stall(f.worker, f.own, f.steps) for f in faults if f.kind is FaultKind.STALL)
    return Stalling(choices, stalls)


def under_control(
    controller: Callable[[Choices], Seam],
    choices: Choices,
    faults: Sequence[Fault],
    *,
    strict: bool = False,
) -> Faulty:
    """A controlled seam, made by `controller`, in which faults strike; what is not decided by the
    stalls is left to `choices`."""
    steered = stalling(choices, faults)
    return Faulty(controller(steered), faults, strict=strict, stalling=steered)

"""Runs in which faults strike, and what they may do.

The right result, in spite of the fault; or the clean failure: the run ends with the injected
reason, and the same runtime runs the same block again with the right result. An exception fails
one incarnation. If that is aborted the result is right; if it is committed, the result is that of
the block in which this transition fails so, after the reads that were recorded. Nothing else.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from pel_fuzz.executors import Crash, run_to_its_end
from pel_fuzz.interleavings import Faulted, Switches
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_parallel.choices import Choices, Default
from pel_parallel.errors import ChoiceFailed, ExecutionError
from pel_parallel.executor import Run, plain, run_block
from pel_parallel.faults import (
    DeadWorker,
    Fault,
    FaultKind,
    Faulty,
    InjectedError,
    Interrupted,
    Strike,
    under_control,
)
from pel_parallel.greenlets import GreenletController
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History
from pel_spec.sync import Step
from pel_spec.transition import Effects, Kind, Transition, TransitionBlock, View
from pel_spec.vocabulary import Location, Value, Version

CleanFailure: TypeAlias = DeadWorker | Interrupted
CLEAN: Final = (DeadWorker, Interrupted)
"""How a run fails that fails cleanly: each names the fault."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run in which faults could strike: it has ended (`run`) or failed (`failure`).

    `again` is what came of the same block on the same runtime after a failure, without faults.
    """

    run: Run | None
    failure: CleanFailure | None
    strikes: tuple[Strike, ...]
    unreached: tuple[Fault, ...]
    trace: tuple[Step, ...]
    again: Run | ExecutionError | None = None

    def counts(self) -> Counter[str]:
        """How each fault ended."""
        counts = Counter(f"{fault.kind}: not reached" for fault in self.unreached)
        kept = {text for _, text in self.run.result.faults} if self.run is not None else set()
        for strike in self.strikes:
            counts[f"{strike.fault.kind}: {self._ending(strike, kept)}"] += 1
        return counts

    def _ending(self, strike: Strike, kept: set[str]) -> str:
        if self.run is None:
            return "the run failed"
        if strike.fault.kind is FaultKind.EXCEPTION:
            return "in the result" if InjectedError.text(strike) in kept else "aborted"
        return "the run ended"


def seam_with(choices: Choices, faults: Sequence[Fault], limit: int, *, strict: bool) -> Faulty:
    """A controlled seam in which the faults strike. `limit` is a number of steps: those that others
    take while a worker stalls are not counted in."""
    longer = limit + sum(fault.steps for fault in faults)
    return under_control(
        partial(GreenletController, step_limit=longer), choices, faults, strict=strict
    )


def attempt(block: TransitionBlock, workers: int, faulted: Faulted, limit: int) -> Attempt:
    """Run `block` under an interleaving with faults.

    Raises: one of `STUCK`; `Drift` where a recorded schedule does not fit, or faults
    that were recorded with it are not reached.
    """
    strict = isinstance(faulted.inner, Switches) and faulted.inner.strict
    seam = seam_with(faulted.inner.steering(), faulted.faults, limit, strict=strict)
    try:
        run = run_block(block, workers=workers, runtime=seam)
    except CLEAN as failure:
        return _failed(block, workers, seam, failure)
    except (ExecutionError, ChoiceFailed):
        raise
    except Exception as error:
        raise Crash.of(error, seam.trace() or ()) from error
    return Attempt(run, None, seam.strikes, seam.unreached, run.trace or ())


def _failed(block: TransitionBlock, workers: int, seam: Faulty, failure: CleanFailure) -> Attempt:
    """A run that a fault has ended, and the same once more without: by default, as a schedule that
    was made for the one need not fit the other."""
    trace = plain(seam.trace() or ())
    failed = Attempt(None, failure, seam.strikes, seam.unreached, trace)
    controller = seam.seam
    assert isinstance(controller, GreenletController)
    controller.choices = Default()
    again: Run | ExecutionError
    try:
        again = run_to_its_end(block, workers, controller)
    except ExecutionError as error:  # a crash, too
        again = error
    return replace(failed, again=again)


# ---- what it may do ---------------------------------------------------------------------


def failure_differences(attempt: Attempt, expected: Result) -> Iterator[Difference]:
    """What is wrong with a run that a fault has ended, apart from its steps."""
    again = attempt.again
    right = isinstance(again, Run) and agree(expected, again.result)
    if not right:
        headline = str(again).partition("\n")[0] if isinstance(again, ExecutionError) else "another"
        yield Difference(
            Oracle.FAULT,
            "again",
            "the same block on the same runtime, after a run that failed",
            "the right result",
            shorten(headline),
            words="\n".join(strike.words() for strike in attempt.strikes),
        )


class Meaning(NamedTuple):
    """What a run ought to leave. `injected` are the internal errors that belong there, as
    (position, message)."""

    block: TransitionBlock
    result: Result
    history: History
    injected: frozenset[tuple[int, str]] = frozenset()


def meaning_of(attempt: Attempt, healthy: Meaning) -> Meaning:
    """What a run that has ended ought to leave: the meaning of the block, with the transitions
    replaced whose last incarnation an exception has struck."""
    run = attempt.run
    assert run is not None, "a run that has ended"
    committed = {each.version for each in run.history.committed()}
    failing: dict[int, Transition] = {}
    injected: set[tuple[int, str]] = set()
    for strike in attempt.strikes:
        version = _struck_version(strike, attempt.trace)
        fault = (strike.args[0], InjectedError.text(strike)) if strike.args else None
        if version in committed and fault in run.result.faults:
            inner = healthy.block.transitions[version.position]
            failing[version.position] = _Failing(inner, strike)
            injected.add(fault)
    if not failing:
        return healthy
    transitions = tuple(
        failing.get(position, each) for position, each in enumerate(healthy.block.transitions)
    )
    block = _Replaced(healthy.block, transitions)
    return Meaning(block, *fold(block), frozenset(injected))


def _struck_version(strike: Strike, trace: Sequence[Step]) -> Version | None:
    """The incarnation that an exception has struck: the one that its worker began last."""
    if strike.fault.kind is not FaultKind.EXCEPTION:
        return None
    begun = None
    for step in trace:
        if (
            step.action == "try_incarnate"
            and step.observed is not None
            and step.worker == strike.fault.worker
            and step.own < strike.own
        ):
            begun = Version(step.args[0], step.observed)
    return begun


@dataclass(slots=True)
class _FailingView:
    """A view in which the struck read fails, once."""

    view: View
    strike: Strike
    struck: bool = False

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        if not self.struck and self.strike.object == ("cell", location):
            self.struck = True
            raise InjectedError(self.strike)
        return self.view.read(location, predicate)


@dataclass(frozen=True, slots=True)
class _Failing:
    """A transition that fails where the struck incarnation did."""

    inner: Transition
    strike: Strike

    @property
    def kind(self) -> Kind:
        return self.inner.kind

    @property
    def tx_index(self) -> int | None:
        return self.inner.tx_index

    def run(self, view: View, workspace: Any) -> Effects:
        return self.inner.run(_FailingView(view, self.strike), workspace)


@dataclass(frozen=True, slots=True)
class _Replaced:
    """A block with other transitions."""

    block: TransitionBlock
    transitions: Sequence[Transition]

    def initial(self, location: Location) -> Value:
        return self.block.initial(location)

    def workspace(self) -> Any:
        return self.block.workspace()

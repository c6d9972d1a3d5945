"""What the runs of one case have covered."""

from dataclasses import dataclass, field

from pel_fuzz.cases import Case
from pel_fuzz.coverage import states
from pel_fuzz.coverage.pairs import Meetings, Pair
from pel_fuzz.coverage.traces import Traces
from pel_parallel.executor import Run


@dataclass(frozen=True, slots=True)
class CaseCoverage:
    """Small enough to travel between processes.

    `runs` were recorded, with `traces` different ones among them up to commutation, `once` of
    these seen exactly once. The states of `looked_at` runs were asked for antecedents, by name.
    """

    runs: int = 0
    traces: int = 0
    once: int = 0
    looked_at: int = 0
    actions: frozenset[str] = frozenset()
    pairs: frozenset[Pair] = frozenset()
    antecedents: frozenset[str] = frozenset()


@dataclass(slots=True)
class Watch:
    """Watches the runs of one case."""

    case: Case
    _traces: Traces = field(default_factory=Traces)
    _meetings: Meetings = field(default_factory=Meetings)
    _antecedents: set[str] = field(default_factory=set)
    _looked_at: int = 0

    def see(self, run: Run) -> None:
        """A run has ended; without a trace nothing is seen of it."""
        if run.trace is None:
            return
        before = self._meetings.actions
        self._traces.add(run.trace)
        self._meetings.add(run.trace)
        is_new = self._meetings.actions > before
        if is_new and self._looked_at < states.RUNS and states.is_looked_at(self.case):
            self._looked_at += 1
            self._antecedents |= states.reached(run, self._antecedents)

    def covered(self) -> CaseCoverage:
        """What was seen."""
        return CaseCoverage(
            runs=self._traces.runs,
            traces=len(self._traces.seen),
            once=self._traces.once,
            looked_at=self._looked_at,
            actions=self._meetings.actions,
            pairs=self._meetings.pairs(),
            antecedents=frozenset(self._antecedents),
        )

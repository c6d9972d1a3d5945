"""One block on so many workers: does a run of it still show the difference?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pel_fuzz.cases import Case
from pel_fuzz.conformance.check import TooLarge, check_run
from pel_fuzz.examine import judge, leak_difference, stuck_difference
from pel_fuzz.executors import expected_steps, step_limit
from pel_fuzz.interleavings import Seeded, Steered, sized
from pel_fuzz.recording import RecordedRun, record
from pel_fuzz.twins import Leak, twin
from pel_fuzz.verdict import Oracle
from pel_parallel.errors import Drift
from pel_spec.fold import fold


class Measure(NamedTuple):
    """How simple an interleaving is: the smaller, the simpler, field by field.

    `switches` are the choices that are no preemptions; `turns` those of the whole run.
    """

    preemptions: int
    switches: int
    turns: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A run that showed the difference."""

    recording: RecordedRun

    @property
    def measure(self) -> Measure:
        """How simple its interleaving is."""
        found = self.recording
        others = len(found.schedule) - found.preemptions
        return Measure(found.preemptions, others, len(found.turns))


class Trial:
    """Looks for one signature in runs of one block. What does not depend on the interleaving is
    computed once, and of a run only what the signature needs."""

    def __init__(self, case: Case, signature: str) -> None:
        self.case, self.signature = case, signature
        self.workers = case.workers
        self._oracle = signature.partition(":")[0]
        self._block = case.compile()
        self._expected, self._history = fold(self._block)
        self._limit = step_limit(self._history, case.workers)
        self._steps = expected_steps(self._history, case.workers)

    def shown(self, steered: Steered) -> Shown | None:
        """The run that `steered` makes, if it shows the difference."""
        recording, shows = self.attempt(steered)
        return Shown(recording) if shows and recording is not None else None

    def attempt(self, steered: Steered) -> tuple[RecordedRun | None, bool]:
        """The run that `steered` makes, if it makes one, and whether that shows the difference."""
        block = twin(self._block) if self._oracle == Oracle.LEAK else self._block
        if isinstance(steered, Seeded):
            steered = sized(steered, self._steps)
        try:
            recording = record(block, self.workers, steered, self._limit)
        except Drift:  # a schedule of another block
            return None, False
        return recording, self.signature in self._signatures(recording)

    def _signatures(self, recording: RecordedRun) -> Iterator[str]:
        run, stuck = recording.run, recording.stuck
        if isinstance(stuck, Leak):
            yield leak_difference(self._block, stuck).signature
        elif stuck is not None:
            yield stuck_difference(stuck).signature
        elif run is not None and self._oracle not in (Oracle.LIVENESS, Oracle.LEAK):
            try:
                conformance = check_run(run) if self._oracle == Oracle.CONFORMANCE else None
            except TooLarge:
                return
            for found in judge(self._block, self._expected, self._history, run, conformance):
                yield found.signature

"""What a run took: counted by each worker for itself, added up at the end."""

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(slots=True)
class WorkerCounters:
    """What one worker did.

    `executions` are incarnations that executed, `suspensions` those that met an ESTIMATE and gave
    up, `restarts` those that met one which was gone when they looked again; `validations` are
    verdicts, of which `failures` found a changed read and `aborts` then aborted the version (of
    several failures of one version, one aborts).
    """

    executions: int = 0
    suspensions: int = 0
    restarts: int = 0
    validations: int = 0
    failures: int = 0
    aborts: int = 0


COUNTED = tuple(field.name for field in fields(WorkerCounters))


@dataclass(frozen=True, slots=True)
class Counters:
    """What all workers did, and `by_worker` what each of them did."""

    by_worker: tuple[WorkerCounters, ...]
    executions: int
    suspensions: int
    restarts: int
    validations: int
    failures: int
    aborts: int

    @property
    def incarnations(self) -> int:
        """Incarnations that were begun; as many as transitions where nothing was ever repeated."""
        return self.executions + self.suspensions

    @classmethod
    def of(cls, workers: Iterable[WorkerCounters]) -> "Counters":
        """Add up."""
        each = tuple(workers)
        totals = {name: sum([getattr(worker, name) for worker in each]) for name in COUNTED}
        return cls(by_worker=each, **totals)

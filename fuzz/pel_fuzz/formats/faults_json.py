"""The faults of a case: the list under `faults` in its file. Its page: docs/formats/case.md."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from pel_fuzz.interleavings import Faulted, Interleaving, Search
from pel_parallel.faults import Fault, FaultKind, faults_of
from pel_reference.json_input import Field

MAX_STALL: Final = 1_000_000
"""More steps than any stall needs."""

FIELDS: Final = {
    FaultKind.STALL: ("steps",),
    FaultKind.DEATH: ("after",),
    FaultKind.EXCEPTION: (),
    FaultKind.INTERRUPTION: ("after",),
}
"""What a fault of a kind has beside `run`, `kind`, `worker` and `own`."""


def faults_to_json(interleavings: Sequence[Interleaving]) -> list[dict[str, Any]]:
    """The faults of all runs, each with the number of its run."""
    return [
        {"run": run} | _to_json(fault)
        for run, interleaving in enumerate(interleavings)
        if isinstance(interleaving, Faulted)
        for fault in interleaving.faults
    ]


def _to_json(fault: Fault) -> dict[str, Any]:
    given = {"kind": str(fault.kind), "worker": fault.worker, "own": fault.own}
    return given | {name: getattr(fault, name) for name in FIELDS[fault.kind]}


def with_faults(
    interleavings: Sequence[Interleaving], faults: Field, workers: int
) -> tuple[Interleaving, ...]:
    """The interleavings, with the faults that strike in their runs.

    Raises: `InputError`, naming file and field.
    """
    by_run: defaultdict[int, list[Fault]] = defaultdict(list)
    for each in faults.elements():
        run = each.require("run").number(32)
        if run >= len(interleavings):
            raise each.error("there is no such run")
        if isinstance(interleavings[run], Search):
            raise each.error("that is a search, and not one run")
        by_run[run].append(_fault(each, workers))
    try:
        checked = {run: faults_of(found) for run, found in by_run.items()}
    except ValueError as error:
        raise faults.error(str(error)) from None
    return tuple(
        Faulted(each, checked[run]) if run in checked and not isinstance(each, Faulted) else each
        for run, each in enumerate(interleavings)
    )


def _fault(field: Field, workers: int) -> Fault:
    kind = _kind(field.require("kind"))
    known = {"run", "kind", "worker", "own", *FIELDS[kind]}
    unknown = {name for name, _ in field.entries()} - known
    if unknown:
        raise field.error(f"a fault of kind {kind} has no {min(unknown)}")
    worker = field.require("worker")
    if worker.number(32) >= workers:
        raise worker.error(f"there are {workers} workers")
    fault = Fault(kind, worker.number(32), field.require("own").number(32))
    if kind is FaultKind.STALL:
        steps = field.require("steps")
        if not 1 <= steps.number(32) <= MAX_STALL:
            raise steps.error(f"must be from 1 to {MAX_STALL}")
        return fault._replace(steps=steps.number(32))
    if "after" in FIELDS[kind]:
        return fault._replace(after=field.require("after").boolean())
    return fault


def _kind(field: Field) -> FaultKind:
    try:
        return FaultKind(field.text())
    except ValueError:
        raise field.error(f"must be one of {', '.join(FaultKind)}") from None

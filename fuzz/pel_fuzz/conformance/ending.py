"""How a run ends: as the text wants it, and as its history and its result say."""

from collections.abc import Iterator, Mapping

from pel_fuzz.conformance.violation import Kind, Problem, enabled_actions
from pel_parallel.executor import Run
from pel_proof.finite.picture import name_of
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import ABSENT, At


def end_problems(state: BlockStm, run: Run | None) -> Iterator[Problem]:
    """What is wrong with the state after the last step; with a `run`, against that too."""
    yield from (Problem(Kind.END, words) for words in _unfinished(state))
    if run is not None:
        yield from (Problem(Kind.END, words) for words in _against(state, run))


def vain_waits(state: BlockStm, waits: Mapping[int, str]) -> Iterator[Problem]:
    """Who waits for an action, by its name, that the text allows at once."""
    for worker, action in waits.items():
        if action in enabled_actions(state, worker):
            yield Problem(Kind.WAITS, f"worker {worker} waits to {action}, which it may do here")


def _unfinished(state: BlockStm) -> Iterator[str]:
    """What the text wants of a run that has ended."""
    for worker in state.workers:
        if state.pc[worker] != At.ENDED:
            yield f"worker {worker} has not ended"
    if not state.done:
        yield "the block is not done"
    for position in state.positions:
        if not state.finished(position):
            yield f"position {position} is not executed"


def _against(state: BlockStm, run: Run) -> Iterator[str]:
    """What the run's history and result say otherwise than the state at the end."""
    for version in run.history.commits:
        if state.inc[version.position] != version.incarnation:
            yield f"the history commits {tuple(version)}, not {state.inc[version.position]}"
    expected = {
        (each.version.position, write.location): each.version.incarnation
        for each in run.history.committed()
        for write in each.writes
    }
    entries = {key: value for key, value in state.mem.values.items() if value != ABSENT}
    for position, location in expected.keys() | entries.keys():
        wrote, entry = (found.get((position, location)) for found in (expected, entries))
        if wrote != entry:
            yield (
                f"position {position} has written {name_of(location)} in incarnation {wrote}, "
                f"but the entry there is {entry}"
            )
    for location, (_, version) in run.result.memory.items():
        if not state.newest_below(version.position, state.n, location):
            yield f"the result at {name_of(location)} is that of position {version.position}"

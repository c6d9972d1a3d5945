"""Runs that stand still say why: who waits for whom, and what is left that nobody will do."""

import pytest

from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import RandomWalk
from pel_parallel.errors import Deadlock, ExecutionError, Incomplete, Livelock
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController

LINK = (("get", 0), ("put", 1), ("get", 1), ("pair", 0), ("put", 0))
BLOCK = TinyBlock((LINK,) * 4)


def stuck(bug: str, kind: type[ExecutionError], *, keep_trace: bool = True) -> str:
    """What the first run that goes wrong in this way says."""
    with SCHEDULER_BUGS[bug].plant():
        for seed in range(600):
            walk = RandomWalk(seed, (0.1, 0.3)[seed % 2])
            runtime = GreenletController(walk, step_limit=20_000, keep_trace=keep_trace)
            try:
                run_block(BLOCK, workers=3, runtime=runtime)
            except kind as error:
                return str(error)
            except ExecutionError:
                continue
    pytest.fail(f"{bug} does not show as {kind.__name__}")


@pytest.mark.parametrize(
    ("bug", "kind", "parts"),
    [
        (
            "stays-locked",
            Deadlock,
            (
                "waits for the list of those who wait for position",
                "locked at its step",
                "does not unlock: its last step was",
            ),
        ),
        ("waits-unlocked", Incomplete, ("which is executed: the wake-up was lost",)),
        ("suspended-after-listing", Incomplete, ("it waits in no list",)),
        ("resumed-not-handed-out", Incomplete, ("nobody will be given it, as the execution",)),
        ("execution-never-chosen", Livelock, ("the execution index is at 0, the validation",)),
        ("first-versions-kept", Livelock, ("executed again and again", "it was aborted")),
    ],
)
def test_a_run_that_stands_still_says_why(
    bug: str, kind: type[ExecutionError], parts: tuple[str, ...]
) -> None:
    told = stuck(bug, kind)
    for part in parts:
        assert part in told


def test_without_a_trace_it_says_what_the_state_says() -> None:
    told = stuck("stays-locked", Deadlock, keep_trace=False)
    assert "which is locked" in told
    assert "at its step" not in told


def test_a_livelock_names_its_position() -> None:
    livelock = Livelock.repeating(3, 140)
    assert livelock.position == 3
    assert str(livelock) == (
        "livelock: position 3 is executed again and again, now in incarnation 140"
    )
    assert Livelock.idle([0, 2]).position is None

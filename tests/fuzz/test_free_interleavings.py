"""Interleavings drawn by Hypothesis: they find a seeded bug, and shrink to few switches."""

from hypothesis import Phase, find, settings

from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.free_interleavings import interleavings
from pel_fuzz.tiny import TinyBlock
from pel_parallel.errors import ExecutionError
from pel_parallel.executor import run_block
from pel_parallel.free import FreeChoice
from pel_parallel.greenlets import GreenletController
from pel_spec.fold import agree, fold

CHAIN = TinyBlock(((("get", 0), ("put", 0)),) * 3)


def test_a_bug_is_found_and_shrunk() -> None:
    right = fold(CHAIN)[0]

    def shows(free: FreeChoice) -> bool:
        runtime = GreenletController(free, step_limit=20_000)
        try:
            return not agree(right, run_block(CHAIN, workers=3, runtime=runtime).result)
        except ExecutionError:
            return True

    quick = settings(
        max_examples=300,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
    )
    with BUGS["new-location-unnoticed"].plant():
        found = find(interleavings(150), shows, settings=quick)
        runtime = GreenletController(found)
        run_block(CHAIN, workers=3, runtime=runtime)
    assert len(runtime.schedule()) <= 4

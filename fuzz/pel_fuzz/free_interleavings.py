"""Interleavings for property tests: drawn by Hypothesis, which shrinks them towards none at all.

    @given(block=tiny_blocks(), free=interleavings())
    def test_my_executor(block, free):
        run = run_block(block, workers=3, runtime=GreenletController(free))

A run is drawn as one string of a fixed length. One draw for each choice would cost more than the
run, and hardly shrinks. Campaigns do not use it: they shrink what their strategies have found.
"""

from hypothesis import strategies as st

from pel_parallel.free import FreeChoice


def interleavings(steps: int = 400) -> st.SearchStrategy[FreeChoice]:
    """Choices for about so many `steps` of all workers together; after them the default goes on."""
    return st.builds(FreeChoice, st.binary(min_size=steps, max_size=steps))

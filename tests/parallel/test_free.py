"""Free choice: bytes that mean a worker's own step, and nothing where they are small."""

from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.choices import Default
from pel_parallel.executor import run_block
from pel_parallel.free import FIRST_SWITCH, FreeChoice
from pel_parallel.greenlets import GreenletController

CHAIN = TinyBlock(((("get", 0), ("put", 0)),) * 3)


@given(st.binary(max_size=400), st.integers(1, 4))
def test_the_same_bytes_are_the_same_run(data: bytes, workers: int) -> None:
    one = run_block(CHAIN, workers=workers, runtime=GreenletController(FreeChoice(data)))
    assert one == run_block(CHAIN, workers=workers, runtime=BatonController(FreeChoice(data)))


@given(st.lists(st.integers(0, FIRST_SWITCH - 1), max_size=400))
def test_small_bytes_are_the_default(data: list[int]) -> None:
    free = run_block(CHAIN, workers=3, runtime=GreenletController(FreeChoice(bytes(data))))
    assert free == run_block(CHAIN, workers=3, runtime=GreenletController(Default()))


def test_a_byte_is_a_switch_at_a_workers_own_step() -> None:
    for switch, target in ((0, 2), (1, 0), (2, 2), (3, 0)):
        data = bytearray(30)
        data[7 * 3 + 1] = FIRST_SWITCH + switch
        free = FreeChoice(bytes(data))
        free.begin(3)
        assert free.choose(1, 7, [0, 1, 2], 1, []) == target
        assert free.choose(1, 7, [0, 1, 2], 2, []) == 2  # it idles: who follows is no choice
        assert free.choose(1, 6, [0, 1, 2], 1, []) == 1
        assert free.choose(1, 99, [0, 1, 2], 1, []) == 1

"""The ready-made tests of an executor, and one of our own with the strategies."""

from hypothesis import given
from my_executor import MyExecutor

from pel_fuzz.strategies import tiny_blocks
from pel_fuzz.testing import check, executor_tests
from pel_fuzz.tiny import TinyBlock

TestMyExecutor = executor_tests(MyExecutor)


@given(tiny_blocks(largest=3))
def test_an_executor_can_be_used_twice(block: TinyBlock) -> None:
    executor = MyExecutor()
    check(executor, block)
    check(executor, block)

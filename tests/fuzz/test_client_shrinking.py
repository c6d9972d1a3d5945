"""A difference of a client is made small, also one that shows only now and then."""

import json
from collections.abc import Callable

import pytest

from pel_fuzz.client.asking.answer import Answer, read_answer, read_document
from pel_fuzz.client.checking.blocks import ClientBlock
from pel_fuzz.client.checking.campaign import CheckPlan
from pel_fuzz.client.checking.examining import ClientSpec
from pel_fuzz.client.checking.shrinking import MOST_TRIES, Shrinker, replayed
from pel_fuzz.client.running.failures import Killed
from pel_fuzz.client.running.process import Stop, never
from pel_reference.block import Block
from pel_reference.sequential import run_block
from pel_reference.t8n_result import dump_transition

WRONG = "answer:gas_used:-"
PLAN = CheckPlan(
    seed=5, client=ClientSpec("command", "none"), max_cases=1, fork="Shanghai", small=True
)


class Fake:
    """A client in this process: wrong on blocks of a kind, when its turn has come."""

    log, errors, can_be_heard = b"", "", True

    def __init__(self, is_wrong: Callable[[Block], bool], turns: Callable[[int], bool]) -> None:
        self._is_wrong, self._turns, self.asked = is_wrong, turns, 0

    def __enter__(self) -> "Fake":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, block: Block, stop: Stop = never) -> Answer:
        """The right answer, or a wrong one."""
        self.asked += 1
        said = dump_transition(block, run_block(block))
        if self._is_wrong(block) and self._turns(self.asked):
            said["result"]["gasUsed"] = "0x7"
        document = read_document("fake", json.dumps(said).encode())
        return read_answer(
            document.require("result"), document.get("alloc"), len(block.transactions)
        )


def has_type_2(block: Block) -> bool:
    """Whether there is a transaction with a fee market."""
    return any(transaction.type == 2 for transaction in block.transactions)


@pytest.fixture(scope="module")
def found() -> ClientBlock:
    """A block with such transactions among others."""
    blocks = (PLAN.block_at(index) for index in range(50))
    return next(block for block in blocks if has_type_2(block.block))


def test_what_is_needed_is_left(found: ClientBlock) -> None:
    small = Shrinker(Fake(has_type_2, lambda _: True), WRONG, 120.0).shrink(PLAN, found)
    assert small.tries == 1 and small.examined is not None
    assert small.examined.difference is not None
    assert small.examined.difference.signature == WRONG
    (left,) = small.block.transactions
    assert left.type == 2
    assert len(small.block.alloc) <= 1 < len(found.block.alloc)
    assert len(small.block.env.block_hashes) == 1


def test_a_replay_that_shows_another_difference_says_so(found: ClientBlock) -> None:
    fake = Fake(has_type_2, lambda asked: asked == 1)
    difference, tried, shown = replayed(fake, found.block, 3, "answer:state_root:-")
    assert difference is not None and difference.signature == WRONG, "seen once is seen"
    assert tried == 3 and shown.difference == difference
    assert replayed(fake, found.block, 3, WRONG)[0] is None


def test_what_shows_every_second_time_only(found: ClientBlock) -> None:
    fake = Fake(has_type_2, lambda asked: asked % 2 == 0)
    small = Shrinker(fake, WRONG, 6.0).shrink(PLAN, found)
    assert small.tries == 2 and small.examined is not None
    assert len(small.block.transactions) < len(found.block.transactions)


def test_what_does_not_show_again_stays_as_it_was(found: ClientBlock) -> None:
    fake = Fake(has_type_2, lambda _: False)
    small = Shrinker(fake, WRONG, 6.0).shrink(PLAN, found)
    assert small.examined is None and small.block == found.block
    assert fake.asked == small.tries == MOST_TRIES


def test_another_difference_does_not_count(found: ClientBlock) -> None:
    """A block that makes the client crash is no smaller block that makes it wrong."""

    class Crashing(Fake):
        def execute(self, block: Block, stop: Stop = never) -> Answer:
            if 0 < len(block.transactions) < 5:
                raise Killed(11)
            return super().execute(block, stop)

    small = Shrinker(Crashing(has_type_2, lambda _: True), WRONG, 6.0).shrink(PLAN, found)
    assert len(small.block.transactions) >= 5


def test_without_time_the_block_stays(found: ClientBlock) -> None:
    fake = Fake(has_type_2, lambda _: True)
    small = Shrinker(fake, WRONG, 0.0).shrink(PLAN, found)
    assert small.block == found.block

"""What every way of asking a client has in common: a block goes in, an answer comes out."""

from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

from pel_fuzz.client.asking.answer import Answer, read_answer
from pel_fuzz.client.running.failures import Garbage, Refused
from pel_fuzz.client.running.process import Stop, never
from pel_reference.block import Block
from pel_reference.json_input import Field
from pel_reference.triple import NO_REWARD, dump_triple

MOST_TOLD: Final = 300
"""Characters of a client's own words that a failure tells."""


class BlockClient(Protocol):
    """A client that executes blocks. A context manager: with it ends all that it has started."""

    @property
    def log(self) -> bytes:
        """What its processes wrote, on both streams, while they had the last block."""

    @property
    def errors(self) -> str:
        """The same of its standard error, for people, and cut."""

    @property
    def can_be_heard(self) -> bool:
        """Whether what its processes write can be seen at all."""

    def execute(self, block: Block, stop: Stop = never) -> Answer:
        """What it answers.

        Raises: `ClientFailure`; `NoStart`, where it cannot be asked at all; `Stopped`.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Asked(NamedTuple):
    """A block as a transition tool takes it; `fork` under the tool's own name for it."""

    fork: str
    chain_id: int
    reward: int
    alloc: dict[str, Any]
    env: dict[str, Any]
    txs: list[dict[str, Any]]


def ask(block: Block, fork_names: dict[str, str]) -> Asked:
    """What a tool is asked. A block that pays no reward is given -1: at 0 tools touch the fee
    recipient, which shows in old forks. Keys of block hashes are hexadecimal."""
    triple = dump_triple(block)
    return Asked(
        fork=fork_names.get(block.fork, block.fork),
        chain_id=block.chain_id,
        reward=block.env.block_reward_wei or NO_REWARD,
        alloc=triple["alloc"],
        env=triple["env"],
        txs=triple["txs"],
    )


def answer_in(document: Field, transactions: int, errors: str) -> Answer:
    """The answer in one object with `result` and `alloc`, as servers and standard outputs have it.

    Raises: `Garbage`; `Refused`, for an error in the place of a result.
    """
    error, result = document.get("error"), document.get("result")
    if result is None:
        if error is not None:
            raise Refused(f"answered with an error: {str(error.value)[:MOST_TOLD]}", errors)
        raise Garbage(f"{document.source}: has no result", errors)
    if not isinstance(result.value, dict):
        raise Garbage(f"{document.source}: result must be an object", errors)
    return read_answer(result, document.get("alloc"), transactions, errors)

"""A campaign of blocks for a client: drawn by processes, asked by threads, collected in order.

As in `pel_fuzz.campaign`, the cases that were run are a prefix of the shard's, whatever the time
and the number of processes. Drawing and the reference take processor time, so processes do it; a
client is waited for, so a thread does that, and all clients belong to this process, which can end
them at once.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue

from pel_fuzz.client.asking.interface import BlockClient
from pel_fuzz.client.checking.blocks import (
    LEAST_GAS,
    LEAST_TRANSACTIONS,
    SMALLEST_TRANSACTIONS,
    ClientBlock,
    client_block_at,
)
from pel_fuzz.client.checking.drawing import Drawing
from pel_fuzz.client.checking.examining import ClientSpec, Examined, examine
from pel_fuzz.client.running.failures import Stopped
from pel_fuzz.client.running.process import Stop


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """Which blocks a campaign asks a client for: those with `index % of == shard`, from `start` on.

    `max_seconds` and `max_cases` end it; at least one is given. `small`: blocks need no least size.
    `leave_out` are features that no block may have. `proof` is what the client writes where it ran
    in parallel.
    """

    seed: int
    client: ClientSpec
    max_cases: int | None = None
    max_seconds: float | None = None
    fork: str | None = None
    shard: int = 0
    of: int = 1
    start: int = 0
    jobs: int = 1
    small: bool = False
    leave_out: frozenset[str] = field(default_factory=frozenset)
    proof: str | None = None

    def indices(self) -> Iterator[int]:
        """The shard's indices; endless where only time ends the campaign."""
        index, taken = self.start + (self.shard - self.start) % self.of, 0
        while self.max_cases is None or taken < self.max_cases:
            yield index
            index, taken = index + self.of, taken + 1

    def block_at(self, index: int) -> ClientBlock:
        """The block at an index: the one that `pel client fill` writes."""
        least = SMALLEST_TRANSACTIONS if self.small else LEAST_TRANSACTIONS
        return client_block_at(
            self.seed,
            index,
            self.fork,
            least_transactions=least,
            least_gas=0 if self.small else LEAST_GAS,
            leave_out=self.leave_out,
        )


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """One block, and what came of it. `seconds` is what the client took."""

    index: int
    block: ClientBlock
    examined: Examined
    seconds: float


def run_check(plan: CheckPlan, deadline: float | None = None) -> Generator[CheckedCase, None, None]:
    """Each case, in the order of index, until `deadline` (of the monotonic clock). A case that the
    deadline cuts off is none. Closing the iterator ends the campaign, and every client.

    Raises: `NoStart`.
    """
    ended = threading.Event()

    def stop() -> bool:
        return ended.is_set() or (deadline is not None and time.monotonic() >= deadline)

    if plan.jobs > 1:
        yield from _run_in_threads(plan, stop, ended)
        return
    with plan.client.make() as client:
        for index in plan.indices():
            if stop():
                return
            case = _check(plan, client, plan.block_at(index), stop)
            if case is None:
                return
            yield case


def _check(
    plan: CheckPlan, client: BlockClient, block: ClientBlock, stop: Stop
) -> CheckedCase | None:
    proof = None if plan.proof is None else re.compile(plan.proof)
    start = time.monotonic()
    try:
        examined = examine(client, block.block, block.expected, proof, stop)
    except Stopped:
        return None
    return CheckedCase(block.origin[1], block, examined, time.monotonic() - start)


def _run_in_threads(
    plan: CheckPlan, stop: Stop, ended: threading.Event
) -> Generator[CheckedCase, None, None]:
    """As many clients as jobs, and a few blocks drawn in advance."""
    with ExitStack() as stack:
        free: SimpleQueue[BlockClient] = SimpleQueue()
        for _ in range(plan.jobs):
            client: BlockClient = plan.client.make()
            free.put(stack.enter_context(client))
        drawing = stack.enter_context(Drawing(plan.block_at, plan.jobs))
        asking = ThreadPoolExecutor(plan.jobs)
        stack.callback(asking.shutdown, wait=True, cancel_futures=True)
        stack.callback(ended.set)  # called first of all: a client at work is given up

        def ask(index: int, begun: "Future[bytes] | None") -> CheckedCase | None:
            block = drawing.block(index, begun, stop)
            if block is None:
                return None
            client = free.get()
            try:
                return _check(plan, client, block, stop)
            finally:
                free.put(client)

        yield from _in_order(plan, stop, lambda i: asking.submit(ask, i, drawing.begin(i)))


def _in_order(
    plan: CheckPlan, stop: Stop, submit: "Callable[[int], Future[CheckedCase | None]]"
) -> Generator[CheckedCase, None, None]:
    waiting: deque[Future[CheckedCase | None]] = deque()
    indices = plan.indices()
    while True:
        while len(waiting) < 3 * plan.jobs and not stop():
            index = next(indices, None)
            if index is None:
                break
            waiting.append(submit(index))
        if not waiting:
            return
        case = waiting.popleft().result()
        if case is None:
            return
        yield case

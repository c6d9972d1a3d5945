"""One block for one client: asked, judged, and what there is to say of it.

A client that fails on a block is asked for a plain one of the same fork: if it fails there too, it
cannot be asked about this fork at all, and that is no difference.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from pel_fuzz.client.asking.interface import BlockClient
from pel_fuzz.client.asking.server import TransitionServer
from pel_fuzz.client.asking.t8n import TransitionTool
from pel_fuzz.client.checking.judge import Judgement, judge
from pel_fuzz.client.running.failures import ClientFailure, Garbage
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.process import Stop, never
from pel_fuzz.verdict import Difference, Oracle, printable, shorten
from pel_reference.block import Block, BlockResult

MOST_SEARCHED: Final = 1 << 20
"""Bytes of a client's words that the proof of parallelism is looked for in: the first of them."""
LONGEST_LINE: Final = 4_000
"""And characters of each line, so that no expression takes for ever."""

Way: TypeAlias = Literal["command", "server", "url"]


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """How a client is asked: a command for each block, one that starts a server, or an address."""

    way: Way
    text: str
    fork_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = field(default_factory=Limits)

    def make(self) -> TransitionTool | TransitionServer:
        """The client, not started yet.

        Raises: `NoStart`, for a command or an address that cannot be one.
        """
        if self.way == "command":
            return TransitionTool(self.text, self.limits, self.fork_names)
        if self.way == "server":
            return TransitionServer(self.text, self.limits, self.fork_names)
        return TransitionServer(None, self.limits, self.fork_names, url=self.text)


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one block.

    `failure` is the kind of failure, where the client gave no result. `unfit`: it fails on a plain
    block of this fork as well, and why. `proven`: whether the proof that it ran in parallel was
    seen, `None` where none was asked for.
    """

    difference: Difference | None = None
    failure: str | None = None
    unfit: str | None = None
    compared: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    gaps: bool = False
    proven: bool | None = None
    errors: str = ""

    @property
    def is_compared(self) -> bool:
        """Whether there was an answer to compare."""
        return self.failure is None and self.unfit is None


def examine(
    client: BlockClient,
    block: Block,
    expected: BlockResult,
    proof: "re.Pattern[str] | None" = None,
    stop: Stop = never,
) -> Examined:
    """Ask a client for a block, and judge its answer.

    Raises: `NoStart`, `Stopped`.
    """
    try:
        judgement = judge(block, expected, client.execute(block, stop))
        if judgement.is_empty:
            raise Garbage("gives nothing that comes of an execution", client.errors)
    except ClientFailure as failure:
        proven, errors = _proven(proof, client), failure.errors
        unfit = _unfit(client, block, stop) if failure.is_verdict else None
        difference = None if unfit is not None else failure_difference(failure)
        return Examined(difference, failure.kind, unfit, proven=proven, errors=errors)
    return _judged(client, judgement, proof)


def _judged(client: BlockClient, judgement: Judgement, proof: "re.Pattern[str] | None") -> Examined:
    return Examined(
        difference=judgement.difference,
        compared=judgement.compared,
        unseen=judgement.unseen,
        gaps=judgement.gaps,
        proven=_proven(proof, client),
        errors=client.errors if judgement.difference is not None else "",
    )


def failure_difference(failure: ClientFailure) -> Difference:
    """What is to be said of a client that gave no result. Its oracle says whether it is a verdict:
    the block is valid, so a client that ends or refuses is wrong; one that is late may be slow."""
    oracle = Oracle.FAULT if failure.is_verdict else Oracle.CLIENT
    rest = printable(failure.problem.partition("\n")[2])
    words = "\n".join(filter(None, (rest, failure.errors)))
    headline = shorten(failure.problem.partition("\n")[0], 400)
    return Difference(oracle, failure.kind, "the client", "a result", headline, words=words)


def plain(block: Block) -> Block:
    """The block of the same fork in which nothing happens."""
    env = block.env
    quiet = replace(env, ommers=(), withdrawals=None if env.withdrawals is None else ())
    return replace(block, transactions=(), env=quiet)


def _unfit(client: BlockClient, block: Block, stop: Stop) -> str | None:
    """Why a client cannot be asked about this fork; `None`, if it can, or if nobody knows."""
    try:
        _ = client.execute(plain(block), stop)
    except ClientFailure as failure:
        if failure.is_verdict:
            last = failure.errors.strip().splitlines()[-1:]
            return shorten(": ".join((failure.problem.splitlines()[0], *last)), 600)
    return None


def _proven(proof: "re.Pattern[str] | None", client: BlockClient) -> bool | None:
    """Whether what the client wrote shows that it ran in parallel."""
    if proof is None or not client.can_be_heard:
        return None
    text = client.log[:MOST_SEARCHED].decode(errors="replace")
    return any(proof.search(line[:LONGEST_LINE]) for line in text.splitlines())

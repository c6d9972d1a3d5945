"""A chain of blocks, each checked and executed on the state that its parent left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

from pel_reference.block import Alloc, Block, BlockResult, Environment, Ommer
from pel_reference.errors import InvalidBlock
from pel_reference.evm_context import ANCESTORS
from pel_reference.forks import Rules, rules_at
from pel_reference.header import Header, RawBlock, decode_block
from pel_reference.header_rules import MAX_OMMER_DEPTH
from pel_reference.header_validity import check_header, check_result

MAX_OMMERS = 2

RunBlock = Callable[[Block], BlockResult]


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A valid block of the chain: as we execute it, its header, and what it came to."""

    block: Block
    header: Header
    result: BlockResult


@dataclass(frozen=True, slots=True)
class _Link:
    """A block that is in the chain, with the state after it."""

    header: Header
    parent: "_Link | None"
    alloc: Alloc
    ommers: frozenset[bytes]
    total_difficulty: int

    def lineage(self) -> Iterator["_Link"]:
        """This block and its ancestors, nearest first."""
        link: _Link | None = self
        while link is not None:
            yield link
            link = link.parent


class Chain:
    """Blocks from a genesis block on, side chains included.

    `fork` may be a transition's name. `run` executes a block; it is the reference's, or another
    executor's to be judged by the headers.
    """

    def __init__(
        self, fork: str, chain_id: int, genesis: Header, alloc: Alloc, run: RunBlock
    ) -> None:
        self._fork, self._chain_id, self._run = fork, chain_id, run
        self._head = _Link(genesis, None, alloc, frozenset(), genesis.difficulty)
        self._links = {genesis.hash: self._head}

    @property
    def head_hash(self) -> bytes:
        """The hash of the block that the chain ends in."""
        return self._head.header.hash

    @property
    def head_alloc(self) -> Alloc:
        """The state that the chain ends in."""
        return self._head.alloc

    def add(self, encoded: bytes, source: str) -> ChainBlock:
        """Check and execute a block, and put it into the chain.

        Raises: `InvalidBlock` where it is not valid, bytes that are no block included;
        `UnsupportedFork` naming `source`.
        """
        try:
            raw = decode_block(encoded)
        except ValueError as error:
            raise InvalidBlock(f"not a block: {error}") from error
        header = raw.header
        parent = self._links.get(header.parent_hash)
        if parent is None:
            raise InvalidBlock("unknown parent")
        rules = rules_at(self._fork, header.number, header.timestamp, source)
        check_header(rules, header, parent.header)
        _check_body(rules, raw)
        self._check_ommers(raw, parent, source)
        block = self._block(rules, raw, parent)
        result = self._run(block)
        check_result(header, result)
        self._append(raw, parent, result)
        return ChainBlock(block, header, result)

    def _append(self, raw: RawBlock, parent: _Link, result: BlockResult) -> None:
        header = raw.header
        link = _Link(
            header,
            parent,
            result.alloc,
            frozenset(ommer.hash for ommer in raw.ommers),
            parent.total_difficulty + header.difficulty,
        )
        self._links[header.hash] = link
        if header.difficulty == 0 or link.total_difficulty > self._head.total_difficulty:
            self._head = link

    def _check_ommers(self, raw: RawBlock, parent: _Link, source: str) -> None:
        """Source: [YellowPaper], section 11.1."""
        if len(raw.ommers) > MAX_OMMERS:
            raise InvalidBlock("too many ommers")
        near = list(islice(parent.lineage(), MAX_OMMER_DEPTH + 1))
        ancestors = {link.header.hash: link for link in near}
        used = set(ancestors).union(*(link.ommers for link in near))
        for ommer in raw.ommers:
            if ommer.hash in used:
                raise InvalidBlock("ommer used before")
            used.add(ommer.hash)
            above = ancestors.get(ommer.parent_hash)
            if above is None or above is parent:
                raise InvalidBlock("ommer of a wrong depth")
            rules = rules_at(self._fork, ommer.number, ommer.timestamp, source)
            check_header(rules, ommer, above.header)

    def _block(self, rules: Rules, raw: RawBlock, parent: _Link) -> Block:
        header = raw.header
        hashes = {
            link.header.number: link.header.hash for link in islice(parent.lineage(), ANCESTORS)
        }
        ommers = tuple(Ommer(o.coinbase, header.number - o.number) for o in raw.ommers)
        env = Environment(
            coinbase=header.coinbase,
            gas_limit=header.gas_limit,
            number=header.number,
            timestamp=header.timestamp,
            difficulty=header.difficulty,
            prev_randao=header.mix_hash if rules.proof_of_stake else None,
            base_fee_wei=header.base_fee_wei,
            excess_blob_gas=header.excess_blob_gas,
            parent_hash=header.parent_hash,
            parent_beacon_block_root=header.parent_beacon_block_root,
            block_hashes=MappingProxyType(hashes),
            withdrawals=raw.withdrawals,
            ommers=ommers,
            block_reward_wei=rules.block_reward_wei,
        )
        return Block(rules.fork, self._chain_id, env, parent.alloc, raw.transactions)


def _check_body(rules: Rules, raw: RawBlock) -> None:
    """Whether the block has the parts that its fork has, and the ommers that its header means."""
    if (raw.withdrawals is not None) != rules.withdrawals:
        raise InvalidBlock("withdrawals of another fork")
    if raw.ommers_hash != raw.header.ommers_hash:
        raise InvalidBlock("wrong ommers hash")

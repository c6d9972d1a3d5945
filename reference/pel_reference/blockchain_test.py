"""Consensus tests in the `blockchain_test` format of execution-spec-tests: reading and running."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pel_reference.alloc_json import parse_alloc
from pel_reference.block import Alloc
from pel_reference.chain import Chain, ChainBlock, RunBlock
from pel_reference.compare import alloc_differences
from pel_reference.environment_json import MAX_EXCESS_BLOB_GAS
from pel_reference.errors import InvalidBlock, UnsupportedFork
from pel_reference.forks import RULES
from pel_reference.header import Header, decode_block
from pel_reference.json_input import Field, read_json_file
from pel_reference.roots import state_root
from pel_reference.sequential import run_block

DEFAULT_CHAIN_ID = 1


@dataclass(frozen=True, slots=True)
class GivenBlock:
    """A block of a test, as bytes; `expected_exception` says why it must be refused, or nothing."""

    encoded: bytes
    expected_exception: str | None


@dataclass(frozen=True, slots=True)
class ChainTest:
    """One `blockchain_test`: a chain from its genesis on, and the state that it must end in.

    `post` is `None` where the test gives only `post_root`. `unsupported` says why the test cannot
    be run at all, other than by a fork that is not known.
    """

    source: str
    name: str
    network: str
    chain_id: int
    genesis: Header
    genesis_encoded: bytes
    pre: Alloc
    blocks: tuple[GivenBlock, ...]
    last_block_hash: bytes
    post: Alloc | None
    post_root: bytes | None
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class ChainTestResult:
    """What running a test showed.

    `unsupported` says which fork stopped it, and then nothing after that block was looked at;
    `blocks_run` counts the valid blocks that were executed and found right.
    """

    name: str
    network: str
    blocks_run: int
    problems: tuple[str, ...]
    unsupported: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the whole test was run, and nothing was wrong."""
        return not self.problems and self.unsupported is None


def expected_exception(field: Field | None) -> str | None:
    """Why the block must be refused: one name, or several of which any will do; or nothing."""
    if field is None:
        return None
    if isinstance(field.value, list):
        return " or ".join(each.text() for each in field.elements()) or "refused"
    return field.text()


def _parse_block(field: Field) -> GivenBlock:
    return GivenBlock(
        encoded=field.require("rlp").data(),
        expected_exception=expected_exception(field.get("expectException", "expectExceptionALL")),
    )


def _parse_genesis(field: Field) -> tuple[Header, bytes]:
    encoded = field.data()
    try:
        header = decode_block(encoded).header
    except ValueError as error:
        raise field.error(f"not a block: {error}") from error
    if (header.excess_blob_gas or 0) > MAX_EXCESS_BLOB_GAS:
        raise field.error(f"excess blob gas above {MAX_EXCESS_BLOB_GAS}")
    return header, encoded


def _other_blob_schedule(config: Field | None) -> str | None:
    """Which schedule of blobs is not the fork's own, if any: rules here are those of mainnet."""
    schedule = config.get("blobSchedule") if config is not None else None
    if schedule is None:
        return None
    for name, field in schedule.entries():
        given = tuple(field.require(key).number(64) for key in ("target", "max"))
        fraction = field.require("baseFeeUpdateFraction").number(64)
        own = RULES[name].blobs if name in RULES else None
        if own is None:
            continue
        if (*given, fraction) != (own.target_blobs, own.max_blobs, own.base_fee_fraction):
            return f"not the blob schedule of mainnet: {name}"
    return None


def common_fields(name: str, field: Field) -> dict[str, Any]:
    """What tests of every format hold alike, by the names that `ChainTest` has for it.

    Raises: `InputError`.
    """
    config = field.get("config")
    chain_id = config.get("chainid", "chainId") if config else None
    post, post_root = field.get("postState"), field.get("postStateHash")
    return {
        "source": field.source,
        "name": name,
        "network": field.require("network").text(),
        "chain_id": chain_id.number(64) if chain_id else DEFAULT_CHAIN_ID,
        "pre": parse_alloc(field.require("pre")),
        "last_block_hash": field.require("lastblockhash").data(32),
        "post": parse_alloc(post) if post else None,
        "post_root": post_root.data(32) if post_root else None,
        "unsupported": _other_blob_schedule(config),
    }


def _parse_test(name: str, field: Field) -> ChainTest:
    genesis, genesis_encoded = _parse_genesis(field.require("genesisRLP"))
    return ChainTest(
        genesis=genesis,
        genesis_encoded=genesis_encoded,
        blocks=tuple(_parse_block(element) for element in field.require("blocks").elements()),
        **common_fields(name, field),
    )


def is_blockchain_test(document: Field) -> bool:
    """Whether this JSON document holds such tests: objects by name, each with its network."""
    value = document.value
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(test, dict) and "network" in test for test in value.values())
    )


def parse_chain_tests(document: Field) -> tuple[ChainTest, ...]:
    """All tests of a document, in its order.

    Raises: `InputError`.
    """
    return tuple(_parse_test(name, field) for name, field in document.entries())


def read_chain_tests(path: str | Path) -> tuple[ChainTest, ...]:
    """All tests of a file, plain or gzip.

    Raises: `InputError`.
    """
    return parse_chain_tests(read_json_file(path))


def _start(test: ChainTest, run: RunBlock) -> Chain:
    return Chain(test.network, test.chain_id, test.genesis, test.pre, run)


def iter_blocks(test: ChainTest, run: RunBlock = run_block) -> Iterator[ChainBlock]:
    """Each valid block of the test in turn, already executed by `run` and found right.

    Blocks that must be refused are passed over without being looked at.

    Raises: `InvalidBlock` for a block that should be valid; `UnsupportedFork`.
    """
    if test.unsupported is not None:
        raise UnsupportedFork(test.source, test.name, test.unsupported)
    chain = _start(test, run)
    for block in test.blocks:
        if block.expected_exception is None:
            yield chain.add(block.encoded, test.source)


def _end_problems(test: ChainTest, head_hash: bytes, alloc: Alloc) -> Iterator[str]:
    if head_hash != test.last_block_hash:
        yield f"the chain ends in block 0x{head_hash.hex()}"
    if test.post is not None:
        for difference in alloc_differences(alloc, test.post):
            yield f"post-state: {difference}"
    elif test.post_root is not None and state_root(alloc) != test.post_root:
        yield "post-state: wrong root"


def judge_chain_test(
    test: ChainTest, add: Callable[[bytes], str | None], end: Callable[[], tuple[bytes, Alloc]]
) -> ChainTestResult:
    """Let somebody run the test: valid blocks must be taken, the others refused, the end be right.

    `add` takes a block, or says why it does not; `end` gives the last block's hash and its state.
    A fork that it does not support ends the run.
    """
    problems: list[str] = []
    blocks_run = 0
    if test.unsupported is not None:
        return ChainTestResult(test.name, test.network, 0, (), test.unsupported)
    for index, block in enumerate(test.blocks):
        try:
            refused = add(block.encoded)
        except UnsupportedFork as error:
            return ChainTestResult(
                test.name, test.network, blocks_run, tuple(problems), error.problem
            )
        blocks_run += refused is None
        if refused is not None and block.expected_exception is None:
            problems.append(f"blocks[{index}]: refused: {refused}")
        if refused is None and block.expected_exception is not None:
            problems.append(f"blocks[{index}]: taken, but {block.expected_exception}")
    problems.extend(_end_problems(test, *end()))
    return ChainTestResult(test.name, test.network, blocks_run, tuple(problems))


def run_chain_test(test: ChainTest, run: RunBlock = run_block) -> ChainTestResult:
    """Run the whole test with the header checks that are our own, `run` executing each block."""
    chain = _start(test, run)

    def add(encoded: bytes) -> str | None:
        try:
            chain.add(encoded, test.source)
        except InvalidBlock as error:
            return error.reason
        return None

    if state_root(test.pre) != test.genesis.state_root:
        problem = "the genesis block has another state root"
        return ChainTestResult(test.name, test.network, 0, (problem,))
    return judge_chain_test(test, add, lambda: (chain.head_hash, chain.head_alloc))

"""The seam on real input: mainnet blocks and consensus fixtures."""

from pathlib import Path

import pytest

from pel_reference.block import Block, BlockResult
from pel_reference.blockchain_test import ChainTest, read_chain_tests, run_chain_test
from pel_reference.compare import differences
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.transitions import compile_block
from pel_reference.triple import read_block
from pel_spec.fold import fold
from pel_spec.serializability import check_preset

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAINNET = sorted((DATA / "mainnet").glob("*.json.gz"))
FIXTURES = DATA / "fixtures" / "blockchain_tests_multitx.json.gz"

needs_data = pytest.mark.skipif(not MAINNET, reason="the shared data folder is not there")


def by_seam(block: Block) -> BlockResult:
    evm_block = compile_block(block)
    result, _ = fold(evm_block)
    return settle(evm_block, result)


@needs_data
@pytest.mark.parametrize("path", MAINNET, ids=lambda path: path.name.split(".")[0])
def test_mainnet_blocks(path: Path) -> None:
    block = read_block(path)
    evm_block = compile_block(block)
    result, history = fold(evm_block)
    assert differences(run_block(block), settle(evm_block, result)) == []
    assert check_preset(history) is None


@needs_data
def test_reads_of_a_block_whose_fee_recipient_sends_nearly_everything() -> None:
    block = read_block(DATA / "mainnet" / "12300570.json.gz")
    _, history = fold(compile_block(block))
    kinds = [read.location[0] for each in history.incarnations for read in each.reads]
    assert len(block.transactions) == 687
    assert kinds.count("fee") < 2 * len(block.transactions)


def chain_tests() -> tuple[ChainTest, ...]:
    return read_chain_tests(FIXTURES) if FIXTURES.exists() else ()


@needs_data
def test_consensus_fixtures() -> None:
    """Every block of every fixture, judged by the fixture's own headers and post-states."""
    tests = chain_tests()
    results = [run_chain_test(test, by_seam) for test in tests]
    assert [problem for result in results for problem in result.problems] == []
    skipped = [result for result in results if result.unsupported]
    assert (len(tests), len(skipped)) == (95, 5)
    assert sum(result.blocks_run for result in results) > 90

"""The reference, and EELS beside it, on real blocks of mainnet."""

from pathlib import Path

import pytest

from pel_reference.block import Block
from pel_reference.compare import differences
from pel_reference.eels import run_block_eels
from pel_reference.eels_forks import is_installed
from pel_reference.fork_names import is_from, mainnet_fork
from pel_reference.json_input import Field, read_json_file
from pel_reference.roots import state_root
from pel_reference.sequential import run_block
from pel_reference.triple import parse_block

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MUCH_GAS = 20_000_000
FILES = sorted((DATA / "mainnet").glob("*.json.gz"))
needs_eels = pytest.mark.skipif(not is_installed(), reason="EELS is not installed")
needs_data = pytest.mark.skipif(not FILES, reason="the shared data folder is not there")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name.split(".")[0])
def document(request: pytest.FixtureRequest) -> Field:
    return read_json_file(request.param)


@pytest.fixture(scope="module")
def block(document: Field) -> Block:
    return parse_block(document)


@needs_data
def test_reference_gives_what_the_header_says(document: Field, block: Block) -> None:
    expected = document.require("expected")
    result = run_block(block)
    assert result.rejected == ()
    assert result.gas_used == expected.require("gasUsed").number()
    assert result.logs_bloom == expected.require("logsBloom").data(256)
    assert result.transactions_root == expected.require("transactionsRoot").data(32)
    # Before Byzantium receipts hold intermediate roots of the whole state, of which this is a part.
    if is_from(block.fork, "Byzantium"):
        assert result.receipts_root == expected.require("receiptsRoot").data(32)
    assert state_root(result.alloc) == result.state_root


@needs_data
def test_senders_are_who_they_were(document: Field, block: Block) -> None:
    given = [element.require("_from").address() for element in document.require("txs").elements()]
    assert [transaction.sender for transaction in block.transactions] == given


@needs_data
def test_the_block_is_of_the_fork_that_mainnet_had(block: Block) -> None:
    assert mainnet_fork(block.env.number, block.env.timestamp) == block.fork


@needs_data
@needs_eels
def test_eels_agrees(block: Block) -> None:
    result = run_block(block)
    if result.gas_used > MUCH_GAS:
        pytest.skip("takes EELS too long for a test")
    assert differences(result, run_block_eels(block), reasons=False) == []

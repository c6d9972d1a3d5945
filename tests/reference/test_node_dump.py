"""Blocks dumped from a node: real blocks, shown as a node's prestate tracer would show them."""

from pathlib import Path
from typing import Any

import pytest

from pel_reference.alloc_json import dump_alloc
from pel_reference.block import Account, Alloc, Block
from pel_reference.environment_json import dump_environment
from pel_reference.errors import InputError, UnsupportedFork
from pel_reference.evm_context import execution_context
from pel_reference.evm_state import make_state, read_alloc
from pel_reference.evm_transactions import to_evm_transaction
from pel_reference.forks import rules_for
from pel_reference.json_input import Field, read_json_file
from pel_reference.node_dump import DumpedBlock, block_from_node
from pel_reference.sequential import run_block
from pel_reference.system_calls import BEACON_ROOTS
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES
from pel_reference.transaction_json import dump_transactions
from pel_reference.triple import parse_block

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "mainnet"
NUMBERS = ("4369999", "19933122")
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the shared data folder is not there")


def prestates(block: Block) -> list[Alloc]:
    """For each transaction the whole state before it: more than it touches, created ones too."""
    rules = rules_for(block.fork)
    state = make_state(rules, execution_context(rules, block), block.alloc)
    found = []
    for transaction in block.transactions:
        found.append(read_alloc(state, block.alloc))
        state.lock_changes()
        state.apply_transaction(to_evm_transaction(rules, transaction))
    return found


def answers(block: Block, expected: dict[str, str], states: list[Alloc]) -> tuple[Field, Field]:
    """What a node answers for this block: the block, and a trace for each transaction."""
    env = dump_environment(block.env)
    names = {
        "number": "currentNumber",
        "timestamp": "currentTimestamp",
        "miner": "currentCoinbase",
        "gasLimit": "currentGasLimit",
        "difficulty": "currentDifficulty",
        "mixHash": "currentRandom",
        "baseFeePerGas": "currentBaseFee",
        "excessBlobGas": "currentExcessBlobGas",
        "withdrawals": "withdrawals",
        "parentBeaconBlockRoot": "parentBeaconBlockRoot",
    }
    header = {name: env[given] for name, given in names.items() if given in env}
    header["parentHash"] = "0x" + block.env.block_hashes[block.env.number - 1].hex()
    header["transactions"] = dump_transactions(block.transactions)
    traces: list[Any] = [{"txHash": "0x", "result": dump_alloc(state)} for state in states]
    response = {"jsonrpc": "2.0", "id": 1, "result": {**header, **expected}}
    return Field("block.json", "", response), Field("traces.json", "", traces)


@pytest.fixture(scope="module", params=NUMBERS)
def dumped(request: pytest.FixtureRequest) -> tuple[Block, DumpedBlock]:
    document = read_json_file(DATA / f"{request.param}.json.gz")
    block = parse_block(document)
    given = answers(block, document.value["expected"], prestates(block))
    return block, block_from_node(*given)


@needs_data
def test_the_state_before_the_block_is_found(dumped: tuple[Block, DumpedBlock]) -> None:
    block, found = dumped
    more = {BEACON_ROOTS: Account(nonce=1, code=SYSTEM_CONTRACT_CODES[BEACON_ROOTS])}
    wanted = {**(more if block.fork == "Cancun" else {}), **block.alloc}
    assert found.block.alloc == wanted
    assert found.block.transactions == block.transactions
    assert (found.block.fork, found.block.chain_id) == (block.fork, block.chain_id)


@needs_data
def test_the_dumped_block_gives_what_its_header_says(dumped: tuple[Block, DumpedBlock]) -> None:
    block, found = dumped
    result = run_block(found.block)
    assert hex(result.gas_used) == found.expected["gasUsed"]
    assert "0x" + result.logs_bloom.hex() == found.expected["logsBloom"]
    if block.fork != "EIP158":
        assert "0x" + result.receipts_root.hex() == found.expected["receiptsRoot"]


def small(maker: Any, fork: str) -> tuple[Block, dict[str, str]]:
    made = maker(fork)
    made.send(1, b"\x22" * 20, value=1, chain_id=1)
    made.send(1, b"\x22" * 20, value=1)
    root, bloom = "0x" + "00" * 32, "0x" + "00" * 256
    expected = {"receiptsRoot": root, "logsBloom": bloom, "gasUsed": "0x0"}
    return made.block(), expected | {"transactionsRoot": root}


def test_what_the_header_expects_is_read(maker: Any) -> None:
    block, expected = small(maker, "Shanghai")
    bad = expected | {"receiptsRoot": "zz"}
    header, traces = answers(block, bad, prestates(block))
    with pytest.raises(InputError, match="receiptsRoot: must be hex digits"):
        block_from_node(header, traces, "Shanghai")


def test_what_nodes_say_instead_of_an_answer_is_told(maker: Any) -> None:
    block, expected = small(maker, "Shanghai")
    header, traces = answers(block, expected, prestates(block))
    for answer, told in (
        ({"error": {"message": "missing trie node"}}, "missing trie node"),
        ([{"txHash": "0x", "error": "execution timeout"}] * 2, "execution timeout"),
        ([{"result": {"pre": {}, "post": {"0x": 1}}}] * 2, "diffMode"),
    ):
        with pytest.raises(InputError, match=told):
            block_from_node(header, Field("traces.json", "", answer), "Shanghai")
    assert block_from_node(header, traces, "Shanghai").block.transactions


def test_an_account_that_is_shown_without_anything_does_not_exist(maker: Any) -> None:
    block, expected = small(maker, "EIP158")
    shown = [{**state, b"\x77" * 20: Account()} for state in prestates(block)]
    header, traces = answers(block, expected, shown)
    assert b"\x77" * 20 not in block_from_node(header, traces, "EIP158").block.alloc


def test_traces_must_belong_to_the_block(maker: Any) -> None:
    block, expected = small(maker, "Shanghai")
    header, traces = answers(block, expected, prestates(block))
    with pytest.raises(InputError, match=r"traces\.json: 1 traces of 2 transactions"):
        block_from_node(header, Field("traces.json", "", traces.value[:1]), "Shanghai")
    nothing = [{"result": {}}, {"result": {}}]
    with pytest.raises(InputError, match=r"\[0\]: the transaction does not execute on it"):
        block_from_node(header, Field("traces.json", "", nothing), "Shanghai")


def test_the_fork_is_known_on_mainnet_only(maker: Any) -> None:
    block, expected = small(maker, "Shanghai")
    header, traces = answers(block, expected, prestates(block))
    assert block_from_node(header, traces, "Shanghai").block.fork == "Shanghai"
    assert block_from_node(header, traces).block.fork == "Shanghai"
    with pytest.raises(InputError, match="needs the name of its fork"):
        block_from_node(header, traces, chain_id=5)
    with pytest.raises(UnsupportedFork, match="command line: fork"):
        block_from_node(header, traces, "Osaka")


def test_system_contracts_are_put_in(maker: Any) -> None:
    block, expected = small(maker, "Prague")
    states = [{a: s[a] for a in s if a not in SYSTEM_CONTRACT_CODES} for s in prestates(block)]
    found = block_from_node(*answers(block, expected, states), "Prague").block
    for address, code in SYSTEM_CONTRACT_CODES.items():
        assert found.alloc[address] == Account(nonce=1, code=code)
    assert run_block(found).requests == ()


def test_what_the_block_made_was_not_there_before(maker: Any) -> None:
    """The second transaction sees what the first created, and a slot that the first wrote."""
    made = maker("Shanghai")
    made.contract(b"\xc1" * 20, "1 0 SSTORE", {1: 7})
    made.contract(b"\xc2" * 20, "0x33FF 0 MSTORE 2 30 0 CREATE2 0 SSTORE")
    made.send(1, None, data=bytes.fromhex("6007600055600a600a600a3960056000f300"), chain_id=1)
    made.send(1, b"\xc1" * 20)
    made.send(1, b"\xc1" * 20)
    block = made.block()
    states = prestates(block)
    expected = small(maker, "Shanghai")[1]
    # A node shows only what is touched: the created account from the second transaction on.
    touched = [{a: s[a] for a in s if a != b"\xc2" * 20} for s in states]
    found = block_from_node(*answers(block, expected, touched), "Shanghai").block
    assert found.alloc == {a: block.alloc[a] for a in block.alloc if a != b"\xc2" * 20}

"""Blocks are sealed as children of a genesis of ours, and every reader takes them as they are."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pel_fuzz.client.fixtures.plain_block import plain_block
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.alloc_json import parse_alloc
from pel_reference.block import Account, Block
from pel_reference.block_rlp import encode_block, hashed, with_header
from pel_reference.blockchain_test import parse_chain_tests, run_chain_test
from pel_reference.compare import differences
from pel_reference.eels_chain import run_chain_test_eels
from pel_reference.eels_forks import is_installed
from pel_reference.engine_payload import dump_engine_test, has_engine
from pel_reference.engine_test import parse_engine_tests
from pel_reference.fixture_json import dump_blockchain_test, dump_header, dump_state, padded
from pel_reference.forks import RULES
from pel_reference.header import decode_block
from pel_reference.header_rules import next_base_fee_wei, next_excess_blob_gas
from pel_reference.json_input import Field, read_json_file
from pel_reference.roots import state_root
from pel_reference.sealing import SealedBlock, Unsealable, seal
from pel_reference.sequential import run_block

FIXTURES = "../shared/data/fixtures/blockchain_tests_multitx.json.gz"
LATER = [fork for fork in RULES if has_engine(fork)]


def as_chain_test(sealed: SealedBlock) -> Any:
    """The sealed block, written and read again."""
    text = json.dumps({"sealed": dump_blockchain_test(sealed)})
    return parse_chain_tests(Field("written", "", json.loads(text)))[0]


def as_engine_test(sealed: SealedBlock) -> Any:
    text = json.dumps({"sealed": dump_engine_test(sealed)})
    return parse_engine_tests(Field("written", "", json.loads(text)))[0]


@pytest.fixture(scope="module")
def consensus() -> dict[str, Any]:
    """Tests as execution-spec-tests write them."""
    path = Path(__file__).resolve().parents[2] / FIXTURES
    if not path.is_file():
        pytest.skip("the shared consensus fixtures are not there")
    tests: dict[str, Any] = read_json_file(path).value
    return tests


# What is written can be read, and is right.


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(size=(1, 8)))
def test_sealed_blocks_pass_where_they_are_read(generated: Any) -> None:
    try:
        sealed = seal(generated.block)
    except Unsealable as error:
        assert error.reason == "storage without nonce or code"
        return
    test = as_chain_test(sealed)
    assert decode_block(sealed.encoded).header == sealed.header
    result = run_chain_test(test)
    assert result.passed, result.problems
    assert result.blocks_run == 1
    if has_engine(sealed.block.fork):
        read = as_engine_test(sealed)
        assert replace(read, source=test.source) == test


def test_eels_takes_sealed_blocks() -> None:
    if not is_installed():
        pytest.skip("EELS is not installed")
    judged = 0
    for fork in ("Frontier", "Berlin", *LATER):
        for index in range(2):
            try:
                sealed = seal(draw_case(blocks(fork=fork, size=(1, 4)), 5, index).value.block)
            except Unsealable:
                continue
            result = run_chain_test_eels(as_chain_test(sealed))
            assert result.passed, result
            judged += 1
    assert judged > 8


@pytest.mark.parametrize("fork", RULES)
def test_every_fork_is_sealed(fork: str, maker: Any, accounts: Callable[[int], bytes]) -> None:
    made = maker(fork)
    made.contract(b"\xaa" * 20, "NUMBER 0 SSTORE 0 BLOCKHASH 1 SSTORE DIFFICULTY 2 SSTORE")
    made.send(1, accounts(2), value=5)
    made.send(2, b"\xaa" * 20)
    sealed = seal(made.block())
    assert run_chain_test(as_chain_test(sealed)).passed
    # The second transaction has seen the new home: its number, and the genesis as its ancestor.
    seen = sealed.result.alloc[b"\xaa" * 20].storage
    assert seen[0] == 1
    assert seen[1] == int.from_bytes(sealed.genesis.hash, "big")
    assert seen[2] == (sealed.header.difficulty or int.from_bytes(sealed.header.mix_hash, "big"))
    assert sealed.genesis.state_root == state_root(made.alloc)


def test_what_is_expected_belongs_to_the_new_home(
    maker: Any, accounts: Callable[[int], bytes]
) -> None:
    made = maker("Prague")
    made.send(1, accounts(2), value=5)
    given_block = made.block()
    sealed = seal(given_block)
    assert differences(run_block(sealed.block), sealed.result) == []
    assert sealed.block.env.number == 1
    assert dict(sealed.block.env.block_hashes) == {0: sealed.genesis.hash}
    assert sealed.block.transactions == given_block.transactions


def test_rejected_transactions_are_left_out(maker: Any, accounts: Callable[[int], bytes]) -> None:
    made = maker("Cancun")
    made.send(1, accounts(2), value=1)
    made.send_raw(2, accounts(3), nonce=77)
    made.send(3, accounts(4), value=3)
    sealed = seal(made.block())
    assert sealed.kept == (0, 2)
    assert sealed.result.rejected == ()
    assert [receipt.tx_index for receipt in sealed.result.receipts] == [0, 1]
    assert run_chain_test(as_chain_test(sealed)).passed


def test_ommers_are_left_out_and_the_reward_is_the_forks_own(maker: Any) -> None:
    made = maker("Berlin")
    made.env = {"block_reward_wei": 0, "coinbase": b"\xcc" * 20}
    sealed = seal(made.block())
    assert sealed.block.env.ommers == ()
    assert sealed.result.alloc[b"\xcc" * 20].balance == RULES["Berlin"].block_reward_wei


@given(st.integers(0, 1 << 40) | st.integers(0, 10), st.integers(0, 1 << 30))
@settings(deadline=None, max_examples=30)
def test_the_genesis_is_such_that_the_child_follows(base_fee_wei: int, excess: int) -> None:
    block = _empty("Prague", base_fee_wei=base_fee_wei, excess_blob_gas=excess)
    try:
        sealed = seal(block)
    except Unsealable as error:
        assert error.reason == "excess blob gas too high"
        assert excess > (1 << 29) - RULES["Prague"].blobs.target_gas  # type: ignore[union-attr]
        return
    genesis, header = sealed.genesis, sealed.header
    assert header.base_fee_wei == base_fee_wei
    assert next_base_fee_wei(genesis.gas_limit, 0, genesis.base_fee_wei or 0) == base_fee_wei
    assert header.excess_blob_gas == excess
    assert next_excess_blob_gas(RULES["Prague"], genesis.excess_blob_gas or 0, 0) == excess


def _empty(fork: str, **env: Any) -> Block:
    block = plain_block(fork)
    return replace(block, env=replace(block.env, **env))


# What cannot be sealed.


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (_empty("Cancun", gas_limit=100), "gas limit moved too far"),
        (_empty("Prague", base_fee_wei=(1 << 256) - 1), "base fee too high"),
        (replace(_empty("Paris"), alloc={b"\1" * 20: Account()}), "empty account after the merge"),
        (
            replace(_empty("London"), alloc={b"\1" * 20: Account(balance=1, storage={0: 1})}),
            "storage without nonce or code",
        ),
        (replace(_empty("Prague"), alloc={}), None),
    ],
)
def test_what_is_no_valid_block_is_not_sealed(block: Block, reason: str | None) -> None:
    with pytest.raises(Unsealable) as error:
        seal(block)
    assert reason is None or error.value.reason == reason


# Canaries: a wrong value is refused.


@pytest.mark.parametrize(
    "change",
    [
        {"state_root": b"\1" * 32},
        {"receipts_root": b"\1" * 32},
        {"gas_used": 1},
        {"base_fee_wei": 8},
        {"number": 2},
        {"requests_hash": b"\1" * 32},
    ],
)
def test_a_wrong_header_is_refused(change: dict[str, Any]) -> None:
    sealed = seal(_empty("Prague"))
    wrong = hashed(replace(sealed.header, **change))
    assert wrong.hash != sealed.header.hash
    test = as_chain_test(replace(sealed, header=wrong, encoded=with_header(sealed.encoded, wrong)))
    assert run_chain_test(as_chain_test(sealed)).passed
    assert not run_chain_test(test).passed


# The forms are those of execution-spec-tests.


def test_blocks_of_the_consensus_tests_are_encoded_as_they_were(consensus: dict[str, Any]) -> None:
    count = 0
    for test in consensus.values():
        for block in test["blocks"]:
            if "expectException" in block:
                continue
            encoded = bytes.fromhex(block["rlp"][2:])
            raw = decode_block(encoded)
            if not raw.ommers:
                assert encode_block(raw.header, raw.transactions, raw.withdrawals) == encoded
                assert hashed(raw.header) == raw.header
                count += 1
    assert count > 90


def test_json_is_written_as_in_the_consensus_tests(consensus: dict[str, Any]) -> None:
    for name, test in consensus.items():
        assert dump_state(parse_alloc(Field(name, "pre", test["pre"]))) == dict(
            sorted(test["pre"].items())
        )
        for block in test["blocks"]:
            if "expectException" not in block:
                header = decode_block(bytes.fromhex(block["rlp"][2:])).header
                assert dump_header(header) == block["blockHeader"]


def test_tests_have_the_keys_of_the_consensus_tests(
    consensus: dict[str, Any], maker: Any, accounts: Callable[[int], bytes]
) -> None:
    wanted = next(t for t in consensus.values() if t["network"] == "Prague")
    made = maker("Prague")
    made.send(1, accounts(2), value=5)
    written = dump_blockchain_test(seal(made.block()))
    assert written.keys() | {"_info", "_origin_path"} == wanted.keys()
    assert written["config"] == wanted["config"]
    assert written["blocks"][0].keys() == wanted["blocks"][0].keys()
    legacy = next(
        transaction
        for test in consensus.values()
        for block in test["blocks"]
        for transaction in block.get("transactions", ())
        if transaction["type"] == "0x00"
    )
    assert written["blocks"][0]["transactions"][0].keys() == legacy.keys()


@given(st.integers(0, 1 << 256))
def test_numbers_have_whole_bytes(number: int) -> None:
    text = padded(number)
    assert int(text, 16) == number
    assert len(text) % 2 == 0
    assert len(text) >= 4

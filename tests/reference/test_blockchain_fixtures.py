"""The consensus tests, by the reference and by EELS; and that tampered ones are not passed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pel_reference.block import Account
from pel_reference.blockchain_test import (
    ChainTest,
    GivenBlock,
    iter_blocks,
    parse_chain_tests,
    read_chain_tests,
    run_chain_test,
)
from pel_reference.compare import differences
from pel_reference.eels import run_block_eels
from pel_reference.eels_chain import run_chain_test_eels
from pel_reference.eels_forks import is_installed
from pel_reference.errors import InputError, UnsupportedFork
from pel_reference.header import decode_block
from pel_reference.json_input import Field, read_json_file
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES
from pel_reference.transaction_decoding import rlp_decode
from pel_reference.transaction_rlp import rlp_encode

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FILE = DATA / "fixtures" / "blockchain_tests_multitx.json.gz"
needs_eels = pytest.mark.skipif(not is_installed(), reason="EELS is not installed")
needs_data = pytest.mark.skipif(not FILE.exists(), reason="the shared data folder is not there")


@pytest.fixture(scope="module")
def tests() -> tuple[ChainTest, ...]:
    return read_chain_tests(FILE)


@needs_data
def test_reference_passes_all_that_py_evm_knows(tests: tuple[ChainTest, ...]) -> None:
    results = [run_chain_test(test) for test in tests]
    assert [result for result in results if result.problems] == []
    unsupported = Counter(result.unsupported for result in results)
    assert unsupported == {None: 90, "py-evm does not know the fork Osaka": 5}
    assert sum(result.blocks_run for result in results) == 111


@needs_data
@needs_eels
def test_eels_passes_all(tests: tuple[ChainTest, ...]) -> None:
    results = [run_chain_test_eels(test) for test in tests]
    assert [result for result in results if not result.passed] == []
    assert sum(result.blocks_run for result in results) == 116


@needs_data
@needs_eels
def test_eels_agrees_on_every_block(tests: tuple[ChainTest, ...]) -> None:
    compared = 0
    for test in tests:
        if test.network.startswith("PragueTo"):
            continue
        for found in iter_blocks(test):
            judged = run_block_eels(found.block)
            assert differences(found.result, judged, reasons=False) == [], test.name
            compared += 1
    assert compared > 100


@needs_data
def test_unsupported_fork_ends_the_iteration_loudly(tests: tuple[ChainTest, ...]) -> None:
    changing = next(test for test in tests if test.network.startswith("PragueTo"))
    with pytest.raises(UnsupportedFork, match="Osaka"):
        list(iter_blocks(changing))


@needs_data
def test_system_contracts_are_those_of_the_fixtures(tests: tuple[ChainTest, ...]) -> None:
    prague = [test for test in tests if test.network == "Prague"]
    for address, code in SYSTEM_CONTRACT_CODES.items():
        assert any(test.pre[address].code == code for test in prague)


def _tampered(encoded: bytes, position: int, value: bytes) -> bytes:
    """The block with another field in its header."""
    parts = [list(part) for part in rlp_decode(encoded)]
    parts[0][position] = value
    return rlp_encode(parts)


FIELDS = (
    *((0, b"\x01" * 32, "unknown parent"), (1, b"\x01" * 32, "ommers after the merge")),
    *((3, b"\x01" * 32, "wrong state root"), (4, b"\x01" * 32, "wrong transactions root")),
    *((5, b"\x01" * 32, "wrong receipts root"), (6, b"\x01" * 256, "wrong bloom")),
    *((7, b"\x01", "wrong difficulty"), (8, b"\x07", "wrong number")),
    *((9, b"\x7f" * 4, "gas limit moved too far"), (9, b"\xff" * 8, "not a block")),
    *((10, b"\x01", "wrong gas used"), (10, b"\x7f" * 7, "more gas used than the limit")),
    *((11, b"", "timestamp not after the parent's"), (12, b"x" * 33, "extra data too long")),
    *((14, b"\x01" * 8, "nonce after the merge"), (15, b"\x01", "wrong base fee")),
    *((16, b"\x01" * 32, "wrong withdrawals root"), (17, b"\x05", "wrong blob gas used")),
    *((18, b"\x05", "wrong excess blob gas"), (20, b"\x01" * 32, "wrong requests hash")),
)


@needs_data
@needs_eels
@pytest.mark.parametrize(("position", "value", "reason"), FIELDS)
def test_a_tampered_header_is_refused(
    tests: tuple[ChainTest, ...], position: int, value: bytes, reason: str
) -> None:
    test = next(test for test in tests if test.network == "Prague" and len(test.blocks) == 1)
    block = test.blocks[0]
    bad = GivenBlock(_tampered(block.encoded, position, value), "tampered")
    wrong = replace(test, blocks=(replace(bad, expected_exception=None),))
    (problem,) = run_chain_test(wrong).problems[:1]
    assert reason in problem
    if reason != "not a block":
        assert run_chain_test_eels(wrong).problems
    # A refused block leaves no trace: the right one is still taken after it.
    both = replace(test, blocks=(bad, block))
    assert run_chain_test(both).passed
    assert run_chain_test_eels(both).passed


@needs_data
def test_what_should_be_refused_but_is_taken_is_a_problem(tests: tuple[ChainTest, ...]) -> None:
    block = replace(tests[0].blocks[0], expected_exception="SomeException")
    result = run_chain_test(replace(tests[0], blocks=(block, *tests[0].blocks[1:])))
    assert result.problems == ("blocks[0]: taken, but SomeException",)


@needs_data
def test_a_wrong_end_is_a_problem(tests: tuple[ChainTest, ...]) -> None:
    test = tests[0]
    assert test.post is not None
    post = {**test.post, b"\x99" * 20: Account(balance=1)}
    result = run_chain_test(replace(test, post=post, last_block_hash=bytes(32)))
    assert [problem.split(":")[0] for problem in result.problems] == [
        f"the chain ends in block 0x{decode_block(test.blocks[-1].encoded).header.hash.hex()}",
        "post-state",
    ]
    by_root = replace(test, post=None, post_root=bytes(32))
    assert run_chain_test(by_root).problems == ("post-state: wrong root",)
    other_pre = replace(test, pre={**test.pre, b"\x99" * 20: Account(balance=1)})
    assert not run_chain_test(other_pre).passed


@needs_data
def test_another_blob_schedule_is_not_supported() -> None:
    document = read_json_file(FILE).value
    name = next(name for name, test in document.items() if test["network"] == "Prague")
    test = json.loads(json.dumps(document[name]))
    test["config"]["blobSchedule"]["Prague"]["max"] = "0x0a"
    (parsed,) = parse_chain_tests(Field("file", "", {name: test}))
    result = run_chain_test(parsed)
    assert result.unsupported == "not the blob schedule of mainnet: Prague"
    assert (result.passed, result.blocks_run) == (False, 0)
    with pytest.raises(UnsupportedFork, match="blob schedule"):
        next(iter_blocks(parsed))
    del test["config"]["blobSchedule"]["Prague"]["max"]
    with pytest.raises(InputError, match="max: is missing"):
        parse_chain_tests(Field("file", "", {name: test}))

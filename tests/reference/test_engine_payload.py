"""Engine payloads have the arguments of their fork, and are read as the blocks they stand for."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pel_reference.blockchain_test import ChainTest, run_chain_test
from pel_reference.engine_payload import dump_engine_test, has_engine
from pel_reference.engine_test import is_engine_test, parse_engine_tests
from pel_reference.errors import InputError
from pel_reference.json_input import Field
from pel_reference.sealing import SealedBlock, seal

ARGUMENTS = {"Paris": 1, "Shanghai": 1, "Cancun": 3, "Prague": 4}
VERSIONS = {"Paris": "11", "Shanghai": "22", "Cancun": "33", "Prague": "43"}
BLOB = b"\x01" + bytes(31)


@pytest.fixture
def sealed(maker: Any, accounts: Callable[[int], bytes]) -> Callable[[str], SealedBlock]:
    """A block with a blob, where its fork has blobs."""

    def make(fork: str) -> SealedBlock:
        made = maker(fork)
        made.send(1, accounts(2), value=5)
        made.send(2, accounts(3), type=2, value=7)
        if fork in ("Cancun", "Prague"):
            blob = {"max_fee_per_blob_gas": 10, "blob_versioned_hashes": (BLOB,)}
            made.send(3, accounts(4), type=3, **blob)
        return seal(made.block())

    return make


def read(test: dict[str, Any]) -> ChainTest:
    return parse_engine_tests(Field("written", "", {"test": json.loads(json.dumps(test))}))[0]


@pytest.mark.parametrize("fork", ARGUMENTS)
def test_arguments_and_versions_are_those_of_the_fork(
    fork: str, sealed: Callable[[str], SealedBlock]
) -> None:
    block = sealed(fork)
    call = dump_engine_test(block)["engineNewPayloads"][0]
    payload = call["params"][0]
    assert len(call["params"]) == ARGUMENTS[fork]
    assert call["newPayloadVersion"] + call["forkchoiceUpdatedVersion"] == VERSIONS[fork]
    assert len(payload["transactions"]) == len(block.block.transactions)
    assert ("withdrawals" in payload) == (fork != "Paris")
    assert ("excessBlobGas" in payload) == (fork in ("Cancun", "Prague"))
    if fork in ("Cancun", "Prague"):
        assert call["params"][1] == ["0x" + BLOB.hex()]
        assert payload["blobGasUsed"] == "0x20000"
    test = read(dump_engine_test(block))
    assert test.blocks[0].encoded == block.encoded
    assert test.genesis == block.genesis
    assert run_chain_test(test).passed


def test_there_are_none_before_the_merge() -> None:
    assert not has_engine("GrayGlacier")
    assert has_engine("Paris")


def test_what_is_a_file_of_payloads(sealed: Callable[[str], SealedBlock]) -> None:
    test = dump_engine_test(sealed("Paris"))
    assert is_engine_test(Field("file", "", {"a": test}))
    assert not is_engine_test(Field("file", "", {"a": test, "b": {}}))
    assert not is_engine_test(Field("file", "", {}))
    assert not is_engine_test(Field("file", "", []))


@pytest.mark.parametrize("name", ["stateRoot", "receiptsRoot", "parentHash", "prevRandao"])
def test_a_payload_that_hashes_to_something_else_is_not_judged(
    name: str, sealed: Callable[[str], SealedBlock]
) -> None:
    test = dump_engine_test(sealed("Prague"))
    test["engineNewPayloads"][0]["params"][0][name] = "0x" + "42" * 32
    assert read(test).unsupported == "a payload with the hash of another block"
    assert not run_chain_test(read(test)).passed


def test_requests_are_part_of_what_is_hashed(sealed: Callable[[str], SealedBlock]) -> None:
    test = dump_engine_test(sealed("Prague"))
    test["engineNewPayloads"][0]["params"][3].append("0x0042")
    assert read(test).unsupported == "a payload with the hash of another block"


def test_other_versioned_hashes_are_not_judged(sealed: Callable[[str], SealedBlock]) -> None:
    test = dump_engine_test(sealed("Cancun"))
    test["engineNewPayloads"][0]["params"][1] = []
    assert read(test).unsupported == "a payload with the versioned hashes of other blobs"


def test_a_payload_that_has_to_be_refused_is_read_as_such(
    sealed: Callable[[str], SealedBlock],
) -> None:
    test = dump_engine_test(sealed("Paris"))
    test["engineNewPayloads"][0]["validationError"] = "BlockException.SOMETHING"
    assert read(test).blocks[0].expected_exception == "BlockException.SOMETHING"
    assert not run_chain_test(read(test)).passed


BROKEN: tuple[tuple[tuple[str | int, ...], Any, str], ...] = (
    (("engineNewPayloads",), 5, "engineNewPayloads: must be an array"),
    (("engineNewPayloads", 0, "params"), [], "must be 1 to 4 arguments"),
    (("engineNewPayloads", 0, "params", 0, "transactions", 0), "0x", "not a transaction"),
    (("engineNewPayloads", 0, "params", 0, "transactions", 1), "0x02f0", "not a transaction"),
    (("engineNewPayloads", 0, "params", 0, "gasUsed"), "0x" + "f" * 17, "gasUsed"),
    (("engineNewPayloads", 0, "params", 2), "0x12", "must be 32 bytes"),
    (("genesisBlockHeader", "nonce"), "0x12", "genesisBlockHeader.nonce: must be 8 bytes"),
    (("lastblockhash",), None, "lastblockhash: is missing"),
)


@pytest.mark.parametrize(("path", "value", "problem"), BROKEN)
def test_bad_input_is_refused_by_name(
    path: tuple[str | int, ...], value: Any, problem: str, sealed: Callable[[str], SealedBlock]
) -> None:
    test = copy.deepcopy(dump_engine_test(sealed("Prague")))
    at: Any = test
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(InputError) as error:
        read(test)
    assert problem in str(error.value)

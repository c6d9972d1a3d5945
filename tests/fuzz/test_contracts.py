"""The library as a whole: what it claims about every contract is what running them shows."""

from typing import Any

import pytest

from pel_fuzz.contracts import (
    COMPILED,
    CONTRACTS,
    CORNERS,
    call_data,
    contracts_of,
    create2_address,
    create_address,
    creation_code,
)
from pel_fuzz.contracts.build import ARTEFACTS, compile_all, first_fork_of, text_of
from pel_fuzz.contracts.keccak import keccak
from pel_reference.errors import UnsupportedFork
from pel_reference.forks import RULES

SOMEONE = 0xB0B
NEWEST_INSTRUCTION: dict[str, tuple[Any, ...]] = {
    "auction": ("bids",),
    "auction_cancun": ("bid",),
    "borrower": ("loans",),
    "borrower_cancun": ("try_borrow", SOMEONE, 1, 0, 0),
    "exchange": ("reserve0",),
    "exchange_cancun": ("swap", True, 1, 0),
    "farm": ("total_staked",),
    "farm_cancun": ("harvest",),
    "lending": ("total_debt",),
    "lending_cancun": ("deposit", 0),
    "nft": ("collect",),
    "nft_cancun": ("mint",),
    "oracle": ("price",),
    "oracle_cancun": ("price",),
    "token": ("totalSupply",),
    "token_cancun": ("transfer", SOMEONE, 1),
    "transient": ("enter", 0),
    "observer_constantinople": ("look", SOMEONE),
    "observer": ("look", SOMEONE),
    "header_reader_london": ("read",),
    "blob_reader": ("read", 0),
    "delegate_proxy": ("call", SOMEONE, b""),
    "static_proxy": ("call", SOMEONE, b""),
    "reverting_proxy": ("call", SOMEONE, b""),
    "upgradeable_proxy": ("call", b""),
    "recursor": ("recurse", 0, 0, 0),
    "wallet": ("batch", bytes(31) + b"\x01" + bytes(31) + b"\x01" + bytes(32)),
    "create2_factory": ("create", 0, b""),
    "template_factory": ("create", SOMEONE, 0),
    "mayfly": ("live", 0, SOMEONE),
}
"""For every contract that not all forks can run, a call that meets its newest instruction."""


def test_every_contract_has_a_name_and_says_what_it_does() -> None:
    assert len(CONTRACTS) == len(COMPILED) + len(CORNERS)
    for name, contract in CONTRACTS.items():
        assert contract.name == name
        assert len(contract.summary) > 30
        assert contract.summary.endswith(".")
        assert contract.runtime
        assert contract.functions


def test_artefacts_are_what_the_sources_compile_to() -> None:
    assert ARTEFACTS.read_text("utf-8") == text_of(compile_all())


def test_unknown_instruction_of_the_compiler_is_not_taken_for_an_old_one() -> None:
    assert first_fork_of("_sym_a PUSH1 0x2a JUMPDEST { DATA _sym_b }") == "Frontier"
    assert first_fork_of("PUSH1 0x2a SHR REVERT") == "Constantinople"
    with pytest.raises(ValueError, match="FUTURE"):
        first_fork_of("PUSH1 0x2a FUTURE")


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_is_deployed_by_its_creation_code(name: str, world: Any) -> None:
    contract = CONTRACTS[name]
    chain = world(contract.first_fork)
    address = chain.deploy(contract, *(SOMEONE for _ in contract.constructor))
    assert address == create_address(chain.someone(), 0)


def test_every_contract_not_for_all_forks_has_a_telling_call() -> None:
    young = {name for name, contract in CONTRACTS.items() if contract.first_fork != "Frontier"}
    assert set(NEWEST_INSTRUCTION) == young


@pytest.mark.parametrize("name", NEWEST_INSTRUCTION)
def test_first_fork_is_the_first_that_runs_it(name: str, world: Any) -> None:
    contract = CONTRACTS[name]
    function, *arguments = NEWEST_INSTRUCTION[name]
    data = call_data(contract, function, *arguments)
    forks = list(RULES)
    first = forks.index(contract.first_fork)
    for fork, runs in ((forks[first - 1], False), (forks[first], True)):
        chain = world(fork)
        outcome = chain.send(chain.place(contract), data)
        assert outcome.invalid_instruction is not runs, fork
        assert contract.runs_on(fork) is runs


def test_contracts_of_a_fork() -> None:
    assert {contract.name for contract in contracts_of("Prague")} == set(CONTRACTS)
    frontier = {contract.name for contract in contracts_of("Frontier")}
    assert frontier == set(CONTRACTS) - set(NEWEST_INSTRUCTION)
    assert {"counter", "ledger", "create_factory", "recursor_frontier"} < frontier
    assert contracts_of("petersburg") == contracts_of("ConstantinopleFix")
    with pytest.raises(UnsupportedFork):
        contracts_of("Atlantis")


def test_creation_code_takes_the_arguments_of_the_constructor() -> None:
    token = CONTRACTS["token"]
    assert creation_code(token, 7) == token.creation + bytes(31) + b"\x07"
    with pytest.raises(ValueError, match="1 arguments expected, 0 given"):
        creation_code(token)


def test_addresses_of_what_is_created() -> None:
    """An example of EIP-1014; and a creator whose addresses geth, too, tests."""
    factory = bytes.fromhex("00000000000000000000000000000000deadbeef")
    created = create2_address(factory, 0xCAFEBABE, bytes.fromhex("deadbeef"))
    assert created.hex() == "60f3f640a8508fc6a86d45df051962668e1e8ac7"
    creator = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert create_address(creator, 0).hex() == "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert create_address(creator, 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"
    assert len(create_address(creator, 2**64 - 2)) == 20


def test_keccak_is_not_sha3() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak(b"").hex() == empty

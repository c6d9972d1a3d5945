"""The protocol's own contracts: the data is the shared fixtures', and the code does its part."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.contracts import SYSTEM_CONTRACTS, system_contracts_of, words
from pel_fuzz.contracts.system import (
    SMALLEST_DEPOSIT_GWEI,
    consolidation_request,
    deposit,
    withdrawal_request,
)

FIXTURES = Path(__file__).resolve().parents[3] / "shared/data/fixtures"
SYSTEM_ADDRESS = bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe")
PUBKEY, OTHER_PUBKEY = bytes(range(48)), bytes(range(100, 148))
NAMES = ("beacon_roots", "history", "withdrawal_requests", "consolidation_requests", "deposit")


def placed(chain: Any, name: str) -> bytes:
    contract = SYSTEM_CONTRACTS[name]
    return bytes(chain.place(contract.runtime, contract.storage, address=contract.address))


def test_data_is_that_of_consensus_tests() -> None:
    path = FIXTURES / "blockchain_tests_multitx.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} of the shared data is not there")
    with gzip.open(path) as file:
        tests = [test["pre"] for test in json.load(file).values() if test["network"] == "Prague"]
    for contract in SYSTEM_CONTRACTS.values():
        accounts = [pre[f"0x{contract.address.hex()}"] for pre in tests]
        same = [
            account
            for account in accounts
            if bytes.fromhex(account["code"][2:]) == contract.runtime
            and int(account["nonce"], 16) == contract.nonce
            and {int(k, 16): int(v, 16) for k, v in account["storage"].items()} == contract.storage
        ]
        assert len(same) > len(accounts) / 2, contract.name


def test_forks_have_their_contracts() -> None:
    assert tuple(SYSTEM_CONTRACTS) == NAMES
    assert system_contracts_of("Shanghai") == ()
    assert system_contracts_of("Cancun") == (SYSTEM_CONTRACTS["beacon_roots"],)
    for fork in ("Prague", "Osaka"):
        assert tuple(contract.name for contract in system_contracts_of(fork)) == NAMES


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_beacon_roots(fork: str, world: Any) -> None:
    chain = world(fork)
    roots = placed(chain, "beacon_roots")
    root = b"\x77" * 32
    assert not chain.send(roots, words(chain.TIMESTAMP)).success
    assert chain.send(roots, root, sender=SYSTEM_ADDRESS).success
    assert chain.send(roots, words(chain.TIMESTAMP)).output == root
    assert not chain.send(roots, words(chain.TIMESTAMP + 1)).success


def test_history(world: Any) -> None:
    chain = world("Prague")
    history = placed(chain, "history")
    parent = b"\x66" * 32
    assert chain.send(history, parent, sender=SYSTEM_ADDRESS).success
    assert chain.send(history, words(chain.NUMBER - 1)).output == parent
    assert not chain.send(history, words(chain.NUMBER)).success


@pytest.mark.parametrize(
    ("name", "request_data"),
    [
        ("withdrawal_requests", withdrawal_request(PUBKEY, 1_000_000_007)),
        ("consolidation_requests", consolidation_request(PUBKEY, OTHER_PUBKEY)),
    ],
)
def test_requests_are_queued_and_handed_over(name: str, request_data: bytes, world: Any) -> None:
    chain = world("Prague")
    address, person = placed(chain, name), chain.someone()
    assert not chain.send(address, request_data).success
    assert chain.send(address, request_data, value=1).success
    assert not chain.send(address, request_data[1:], value=1).success
    assert chain.slot(address, 1) == 1
    amount = (1_000_000_007).to_bytes(8, "little")
    expected = PUBKEY + (amount if name == "withdrawal_requests" else OTHER_PUBKEY)
    assert chain.send(address, sender=SYSTEM_ADDRESS).output == person + expected
    assert chain.send(address, sender=SYSTEM_ADDRESS).output == b""


def test_fee_of_requests_rises_with_their_number(world: Any) -> None:
    chain = world("Prague")
    address = placed(chain, "withdrawal_requests")
    assert chain.send(address).number == 1
    for _ in range(40):
        assert chain.send(address, withdrawal_request(PUBKEY, 0), value=1).success
    chain.send(address, sender=SYSTEM_ADDRESS)
    assert chain.send(address).number > 1
    assert not chain.send(address, withdrawal_request(PUBKEY, 0), value=1).success


def test_deposit_is_accepted_and_logged(world: Any) -> None:
    chain = world("Prague")
    address = placed(chain, "deposit")
    gwei = 32 * SMALLEST_DEPOSIT_GWEI
    data = deposit(PUBKEY, b"\x01" * 32, b"\x02" * 96, gwei)
    outcome = chain.send(address, data, value=gwei * 10**9)
    assert outcome.success
    ((logger, _, logged),) = outcome.logs
    assert logger == address
    assert PUBKEY in logged
    assert gwei.to_bytes(8, "little") in logged
    assert not chain.send(address, data, value=(gwei - 1) * 10**9).success
    assert not chain.send(address, data[:-1] + b"\xff", value=gwei * 10**9).success
    small = deposit(PUBKEY, b"\x01" * 32, b"\x02" * 96, SMALLEST_DEPOSIT_GWEI - 1)
    assert not chain.send(address, small, value=(SMALLEST_DEPOSIT_GWEI - 1) * 10**9).success


def test_parts_of_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="pubkey: 48 bytes expected, 47 given"):
        withdrawal_request(PUBKEY[1:], 0)
    with pytest.raises(ValueError, match="target pubkey"):
        consolidation_request(PUBKEY, b"")
    with pytest.raises(ValueError, match="signature"):
        deposit(PUBKEY, bytes(32), bytes(95), 1)

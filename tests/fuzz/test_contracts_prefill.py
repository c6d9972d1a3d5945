"""Storage that is given equals, to the last slot, the storage that transactions leave behind."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS, storage_slot
from pel_fuzz.contracts.prefill import (
    auction_storage,
    exchange_storage,
    farm_storage,
    ledger_storage,
    lending_storage,
    nft_storage,
    oracle_storage,
    token_storage,
)

BUILDS = pytest.mark.parametrize("build", ["", "_cancun"])


def assert_same_storage(instance: Any, image: dict[int, int]) -> None:
    """Shown slot by slot first, so that a failure says more than two roots do."""
    assert {slot: instance.slot(slot) for slot in image} == image
    given = instance.world.place(instance.contract, image)
    assert instance.world.storage_root(given) == instance.world.storage_root(instance.address)


@BUILDS
def test_token(build: str, world: Any) -> None:
    chain = world("Prague")
    ann, bob = chain.someone(1), chain.someone(2)
    token = chain.deployed(CONTRACTS["token" + build], 100, sender=ann)
    token.call("transfer", bob, 30, sender=ann)
    token.call("approve", bob, 9, sender=ann)
    image = token_storage(token.contract, {ann: 70, bob: 30}, {(ann, bob): 9})
    assert_same_storage(token, image)


@BUILDS
def test_exchange(build: str, world: Any) -> None:
    chain = world("Prague")
    ann = chain.someone(1)
    tokens = [chain.deployed(CONTRACTS["token" + build], 1000, sender=ann) for _ in "01"]
    addresses = (tokens[0].address, tokens[1].address)
    exchange = chain.deployed(CONTRACTS["exchange" + build], *addresses)
    for token in tokens:
        token.call("approve", exchange.address, 1000, sender=ann)
    assert exchange.call("add_liquidity", 500, 400, sender=ann).success
    image = exchange_storage(exchange.contract, addresses, (500, 400), {ann: 500})
    assert_same_storage(exchange, image)


@BUILDS
def test_lending(build: str, world: Any) -> None:
    chain = world("Prague")
    ann, bob = chain.someone(1), chain.someone(2)
    tokens = [chain.deployed(CONTRACTS["token" + build], 1000, sender=ann) for _ in "01"]
    addresses = (tokens[0].address, tokens[1].address)
    oracle = chain.deployed(CONTRACTS["oracle" + build], 10**6)
    assert_same_storage(oracle, oracle_storage(oracle.contract, 10**6))
    lending = chain.deployed(CONTRACTS["lending" + build], *addresses, oracle.address)
    tokens[1].call("transfer", lending.address, 100, sender=ann)
    tokens[0].call("transfer", bob, 300, sender=ann)
    for person, collateral in ((ann, 200), (bob, 300)):
        tokens[0].call("approve", lending.address, collateral, sender=person)
        assert lending.call("deposit", collateral, sender=person).success
    assert lending.call("borrow", 60, sender=ann).success
    positions: tuple[dict[bytes, int], dict[bytes, int]] = ({ann: 200, bob: 300}, {ann: 60})
    image = lending_storage(lending.contract, addresses, oracle.address, *positions)
    assert_same_storage(lending, image)


@BUILDS
def test_farm(build: str, world: Any) -> None:
    chain = world("Prague")
    ann = chain.someone(1)
    tokens = [chain.deployed(CONTRACTS["token" + build], 1000, sender=ann) for _ in "01"]
    addresses = (tokens[0].address, tokens[1].address)
    farm = chain.deployed(CONTRACTS["farm" + build], *addresses, 5)
    for token in tokens:
        token.call("approve", farm.address, 1000, sender=ann)
    assert farm.call("fund", 70, sender=ann).success
    assert farm.call("stake", 40, sender=ann).success
    image = farm_storage(farm.contract, addresses, 5, 70, chain.TIMESTAMP, {ann: 40})
    assert_same_storage(farm, image)


@BUILDS
def test_nft(build: str, world: Any) -> None:
    chain = world("Prague")
    ann, bob = chain.someone(1), chain.someone(2)
    nft = chain.deployed(CONTRACTS["nft" + build], 20, 100, 10, sender=ann)
    owners = [ann, bob, ann, ann, bob]
    for owner in owners:
        assert nft.call("mint", sender=owner, value=500).success
    assert_same_storage(nft, nft_storage(nft.contract, ann, 20, 100, 10, owners))


@BUILDS
def test_auction(build: str, world: Any) -> None:
    chain = world("Prague")
    ann, bob = chain.someone(1), chain.someone(2)
    ends = chain.TIMESTAMP + 60
    auction = chain.deployed(CONTRACTS["auction" + build], ann, 60)
    assert_same_storage(auction, auction_storage(auction.contract, ann, ends))
    assert auction.call("bid", sender=bob, value=9).success
    assert_same_storage(auction, auction_storage(auction.contract, ann, ends, bob, 9))


def test_ledger(world: Any) -> None:
    chain = world("Frontier")
    ann, bob = chain.someone(1), chain.someone(2)
    ledger = chain.placed(CONTRACTS["ledger"], ledger_storage({ann: 10}))
    assert ledger.call("transfer", bob, 4, sender=ann).success
    assert_same_storage(ledger, ledger_storage({ann: 6, bob: 4}))


def test_slot_of_an_unknown_variable() -> None:
    with pytest.raises(KeyError):
        storage_slot(CONTRACTS["token"], "nothing")

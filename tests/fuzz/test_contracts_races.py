"""Farm, mint race and auction, each build of them run on py-evm: what they say happens, happens."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS
from pel_fuzz.contracts.prefill import auction_storage, farm_storage, nft_storage, token_storage

BUILDS = pytest.mark.parametrize(
    ("fork", "build"), [("Constantinople", ""), ("Prague", ""), ("Prague", "_cancun")]
)
BUILDS_FROM_ISTANBUL = pytest.mark.parametrize(
    ("fork", "build"), [("Istanbul", ""), ("Prague", ""), ("Prague", "_cancun")]
)
MANY = 10**24


class Field:
    """A farm that pays 10 a second as long as 10,000 last; two people who can stake."""

    def __init__(self, chain: Any, build: str) -> None:
        self.people = [chain.someone(number) for number in (1, 2)]
        token = CONTRACTS["token" + build]
        self.farm = chain.placed(CONTRACTS["farm" + build])
        farm = self.farm.address
        trusted = {(person, farm): MANY for person in self.people}
        self.tokens = [
            chain.placed(token, token_storage(token, balances, trusted))
            for balances in (
                dict.fromkeys(self.people, MANY),
                {farm: 10_000},
            )
        ]
        addresses = (self.tokens[0].address, self.tokens[1].address)
        storage = farm_storage(self.farm.contract, addresses, 10, 10_000, chain.TIMESTAMP)
        chain.place(self.farm.contract, storage, address=farm)

    def rewards(self) -> list[int]:
        """What each person earned so far."""
        return [int(self.tokens[1].ask("balanceOf", person)) for person in self.people]


@BUILDS
def test_farm_pays_by_share_and_time(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    field = Field(chain, build)
    ann, bob = field.people
    assert field.farm.call("stake", 100, sender=ann).success
    chain.wait(10)
    assert field.farm.call("stake", 300, sender=bob).success
    assert field.farm.call("harvest", sender=ann).success
    assert field.rewards() == [100, 0]
    assert field.farm.call("harvest", sender=ann).success
    assert field.rewards() == [100, 0]
    chain.wait(40)
    assert field.farm.call("unstake", 300, sender=bob).success
    assert not field.farm.call("unstake", 101, sender=ann).success
    assert field.farm.call("unstake", 100, sender=ann).success
    assert field.rewards() == [200, 300]
    assert field.tokens[0].ask("balanceOf", bob) == MANY
    assert field.farm.stored("total_staked") == 0


@BUILDS
def test_farm_pays_the_first_to_ask_when_little_is_left(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    field = Field(chain, build)
    ann, bob = field.people
    field.farm.call("stake", 100, sender=ann)
    field.farm.call("stake", 100, sender=bob)
    chain.wait(1600)
    assert field.farm.call("harvest", sender=bob).success
    assert field.farm.call("harvest", sender=ann).success
    assert field.rewards() == [2_000, 8_000]
    field.tokens[1].call("faucet", 50, sender=ann)
    assert field.farm.call("fund", 50, sender=ann).success
    chain.wait(1000)
    field.farm.call("harvest", sender=bob)
    assert field.rewards() == [2_000, 8_050]


@BUILDS_FROM_ISTANBUL
def test_nft_race_ends_when_the_supply_does(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann, bob = chain.someone(1), chain.someone(2)
    nft = chain.deployed(CONTRACTS["nft" + build], 5, 100, 10)
    assert not nft.call("mint", sender=ann, value=99).success
    assert nft.call("mint", sender=ann, value=100).number == 0
    assert not nft.call("mint", sender=bob, value=100).success
    assert nft.call("mint", sender=bob, value=500).number == 1
    assert chain.balance(nft.address) == 210
    for _ in range(3):
        assert nft.call("mint", sender=ann, value=500).success
    assert not nft.call("mint", sender=bob, value=500).success
    assert nft.ask("totalSupply") == 5
    assert [nft.ask("ownerOf", number) for number in range(5)] == [
        int.from_bytes(owner, "big") for owner in (ann, bob, ann, ann, ann)
    ]
    assert [nft.ask("tokenOfOwnerByIndex", ann, index) for index in range(4)] == [0, 2, 3, 4]


@BUILDS_FROM_ISTANBUL
def test_nft_lists_stay_true_when_tokens_move(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann, bob = chain.someone(1), chain.someone(2)
    contract = CONTRACTS["nft" + build]
    nft = chain.placed(contract, nft_storage(contract, bob, 9, 1, 0, [ann, ann, ann, bob]))
    assert not nft.call("transferFrom", ann, bob, 0, sender=bob).success
    assert not nft.call("transferFrom", bob, ann, 0, sender=ann).success
    assert nft.call("transferFrom", ann, bob, 0, sender=ann).success
    assert [nft.ask("tokenOfOwnerByIndex", ann, index) for index in range(3)] == [2, 1, 0]
    assert [nft.ask("tokenOfOwnerByIndex", bob, index) for index in range(2)] == [3, 0]
    assert (nft.ask("balanceOf", ann), nft.ask("balanceOf", bob)) == (2, 2)
    assert nft.call("transferFrom", ann, ann, 2, sender=ann).success
    assert sorted(nft.ask("tokenOfOwnerByIndex", ann, index) for index in range(2)) == [1, 2]
    assert nft.call("mint", sender=bob, value=1).success
    assert nft.call("mint", sender=bob, value=1).success
    assert not nft.call("mint", sender=bob, value=1).success


@BUILDS_FROM_ISTANBUL
def test_nft_proceeds_go_to_the_beneficiary(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann, bob = chain.someone(1), chain.someone(2)
    contract = CONTRACTS["nft" + build]
    nft = chain.placed(contract, nft_storage(contract, bob, 9, 1, 0), balance=77)
    before = chain.balance(bob)
    assert nft.call("collect", sender=ann).success
    assert (chain.balance(bob) - before, chain.balance(nft.address)) == (77, 0)


@BUILDS
def test_auction_refunds_who_is_outbid(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    seller, ann, bob = map(chain.someone, (1, 2, 3))
    auction = chain.deployed(CONTRACTS["auction" + build], seller, 60)
    assert auction.call("bid", sender=ann, value=10).success
    assert not auction.call("bid", sender=bob, value=10).success
    before = chain.balance(ann)
    assert auction.call("bid", sender=bob, value=11).success
    assert chain.balance(ann) - before == 10
    assert chain.balance(auction.address) == 11
    assert not auction.call("end").success
    chain.wait(60)
    assert not auction.call("bid", sender=ann, value=12).success
    before = chain.balance(seller)
    assert auction.call("end", sender=ann).success
    assert chain.balance(seller) - before == 11
    assert not auction.call("end").success
    assert auction.ask("bids") == 2


@BUILDS
def test_auction_is_stopped_by_a_bidder_who_refuses(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann = chain.someone(2)
    gate = chain.placed(CONTRACTS["gate"])
    expensive = chain.placed(CONTRACTS["receiver"])
    contract = CONTRACTS["auction" + build]
    ends = chain.TIMESTAMP + 60
    for bidder, closed, succeeds in ((gate, 0, True), (gate, 1, False), (expensive, 0, False)):
        storage = auction_storage(contract, ann, ends, bidder.address, 10)
        auction = chain.placed(contract, storage, balance=10)
        gate.call("close", closed)
        assert auction.call("bid", sender=ann, value=11).success is succeeds
    assert chain.balance(gate.address) == 10

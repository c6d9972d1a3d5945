"""Token, exchange and lending, each build of them run on py-evm: what they say happens, happens."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS, call_data
from pel_fuzz.contracts.assembler import assemble
from pel_fuzz.contracts.prefill import (
    exchange_storage,
    lending_storage,
    oracle_storage,
    token_storage,
)

BUILDS = pytest.mark.parametrize(
    ("fork", "build"), [("Constantinople", ""), ("Prague", ""), ("Prague", "_cancun")]
)
MANY = 10**24
UNIT = 10**18
KEEP, REPAY, REPAY_WITHOUT_FEE = 0, 1, 2


@BUILDS
def test_token_moves_what_is_there_and_no_more(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann, bob = chain.someone(1), chain.someone(2)
    token = chain.deployed(CONTRACTS["token" + build], 100, sender=ann)
    outcome = token.call("transfer", bob, 60, sender=ann)
    assert outcome.success
    assert len(outcome.logs) == 1
    assert not token.call("transfer", bob, 41, sender=ann).success
    assert token.call("transfer", bob, 40, sender=ann).success
    assert (token.ask("balanceOf", ann), token.ask("balanceOf", bob)) == (0, 100)
    assert token.call("transfer", bob, 100, sender=bob).success
    assert token.ask("balanceOf", bob) == 100


@BUILDS
def test_token_allowance_is_used_up_unless_unlimited(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    ann, bob, eve = map(chain.someone, (1, 2, 3))
    token = chain.deployed(CONTRACTS["token" + build], 100, sender=ann)
    assert not token.call("transferFrom", ann, eve, 1, sender=bob).success
    token.call("approve", bob, 10, sender=ann)
    assert token.call("transferFrom", ann, eve, 7, sender=bob).success
    assert not token.call("transferFrom", ann, eve, 7, sender=bob).success
    assert token.stored("allowance", ann, bob) == 3
    token.call("approve", bob, 2**256 - 1, sender=ann)
    assert token.call("transferFrom", ann, eve, 7, sender=bob).success
    assert token.stored("allowance", ann, bob) == 2**256 - 1
    assert token.stored("balanceOf", eve) == 14


@BUILDS
def test_token_supply_grows_and_shrinks(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    bob = chain.someone(2)
    token = chain.deployed(CONTRACTS["token" + build], 100)
    assert token.call("faucet", 10**21, sender=bob).success
    assert not token.call("faucet", 10**21 + 1, sender=bob).success
    assert token.ask("totalSupply") == 10**21 + 100
    assert token.call("burn", 10**21 - 1, sender=bob).success
    assert not token.call("burn", 2, sender=bob).success
    assert (token.ask("totalSupply"), token.ask("balanceOf", bob)) == (101, 1)


class Market:
    """Two tokens and an exchange with a pool; three people with tokens, who trust it."""

    def __init__(self, chain: Any, build: str) -> None:
        self.people = [chain.someone(number) for number in (1, 2, 3)]
        self.exchange = chain.placed(CONTRACTS["exchange" + build])
        self.borrower = chain.placed(CONTRACTS["borrower" + build])
        exchange, token = self.exchange.address, CONTRACTS["token" + build]
        balances = dict.fromkeys((*self.people, self.borrower.address), MANY)
        balances[exchange] = 1000 * UNIT
        trusted = {(person, exchange): 2**256 - 1 for person in self.people}
        self.tokens = [chain.placed(token, token_storage(token, balances, trusted)) for _ in "01"]
        pool = exchange_storage(
            self.exchange.contract,
            (self.tokens[0].address, self.tokens[1].address),
            (1000 * UNIT, 1000 * UNIT),
            {self.people[2]: 1000 * UNIT},
        )
        chain.place(self.exchange.contract, pool, address=exchange)

    def reserves(self) -> tuple[int, int]:
        """The reserves, which are what the exchange owns."""
        reserves = [self.exchange.ask(f"reserve{index}") for index in (0, 1)]
        owned = [token.ask("balanceOf", self.exchange.address) for token in self.tokens]
        assert reserves == owned
        return reserves[0], reserves[1]


@BUILDS
def test_exchange_prices_each_swap_by_those_before(fork: str, build: str, world: Any) -> None:
    market = Market(world(fork), build)
    ann, bob, _ = market.people
    first = market.exchange.call("swap", True, UNIT, 0, sender=ann)
    second = market.exchange.call("swap", True, UNIT, 0, sender=bob)
    assert first.number == 997 * UNIT * 1000 * UNIT // (1000 * UNIT * 1000 + 997 * UNIT)
    assert second.number < first.number
    assert not market.exchange.call("swap", True, UNIT, second.number, sender=ann).success
    back = market.exchange.call("swap", False, UNIT, UNIT, sender=ann)
    assert back.number > UNIT
    reserve0, reserve1 = market.reserves()
    assert reserve0 * reserve1 > (1000 * UNIT) ** 2
    assert market.tokens[1].ask("balanceOf", bob) == MANY + second.number


@BUILDS
def test_exchange_liquidity_comes_and_goes(fork: str, build: str, world: Any) -> None:
    chain = world(fork)
    market = Market(chain, build)
    ann, _, provider = market.people
    assert market.exchange.call("add_liquidity", 10 * UNIT, 20 * UNIT, sender=ann).number == (
        10 * UNIT
    )
    assert market.reserves() == (1010 * UNIT, 1020 * UNIT)
    assert not market.exchange.call("remove_liquidity", 11 * UNIT, sender=ann).success
    assert market.exchange.call("remove_liquidity", 10 * UNIT, sender=ann).success
    assert market.exchange.call("remove_liquidity", 1000 * UNIT, sender=provider).success
    assert market.reserves() == (0, 0)
    assert market.exchange.stored("total_shares") == 0
    assert not market.exchange.call("swap", True, 0, 0, sender=ann).success
    refill = market.exchange.call("add_liquidity", UNIT, 4 * UNIT, sender=ann)
    assert refill.number == UNIT


@BUILDS
def test_flash_swap_is_granted_to_those_who_repay(fork: str, build: str, world: Any) -> None:
    market = Market(world(fork), build)
    exchange = market.exchange.address
    before = market.reserves()
    for loan in ((UNIT, 0), (0, UNIT), (UNIT, 2 * UNIT)):
        assert market.borrower.call("borrow", exchange, *loan, REPAY).success
        for choice in (KEEP, REPAY_WITHOUT_FEE):
            assert not market.borrower.call("borrow", exchange, *loan, choice).success
            assert market.borrower.call("try_borrow", exchange, *loan, choice).success
    assert market.borrower.call("try_borrow", exchange, UNIT, 0, REPAY).success
    assert market.borrower.stored("loans") == 4
    assert market.borrower.stored("failures") == 6
    after = market.reserves()
    assert all(new > old for new, old in zip(after, before, strict=True))


@BUILDS
def test_exchange_refuses_to_be_entered_twice(fork: str, build: str, world: Any) -> None:
    """The borrower of nothing calls `swap`, as anyone may while there is no flash swap going on."""
    chain = world(fork)
    market = Market(chain, build)
    swap = call_data(market.exchange.contract, "swap", True, 0, 0)
    size = len(swap)
    source = f"""
        {size} @end 0 CODECOPY
        0 0 {size} 0 0 0x{market.exchange.address.hex()} 500000 CALL
        1 ADD 0 SSTORE STOP
        """
    meddler = chain.place(assemble(source).code + swap)
    assert chain.send(meddler).success
    assert chain.slot(meddler, 0) == 2
    assert market.exchange.call("flash", 0, 0, meddler, REPAY).success
    assert chain.slot(meddler, 0) == 1


class Bank:
    """A lending market at price 1, with one position that owes 70% of its collateral's value."""

    def __init__(self, chain: Any, build: str) -> None:
        self.people = [chain.someone(number) for number in (1, 2)]
        holder, liquidator = self.people
        oracle, token = CONTRACTS["oracle" + build], CONTRACTS["token" + build]
        self.lending = chain.placed(CONTRACTS["lending" + build])
        lending = self.lending.address
        self.oracle = chain.placed(oracle, oracle_storage(oracle, 10**6))
        trusted = {(person, lending): MANY for person in self.people}
        self.tokens = [
            chain.placed(token, token_storage(token, balances, trusted))
            for balances in (
                {holder: UNIT, lending: 100 * UNIT},
                {liquidator: 100 * UNIT, lending: 1000 * UNIT},
            )
        ]
        storage = lending_storage(
            self.lending.contract,
            (self.tokens[0].address, self.tokens[1].address),
            self.oracle.address,
            {holder: 100 * UNIT},
            {holder: 70 * UNIT},
        )
        chain.place(self.lending.contract, storage, address=lending)


@BUILDS
def test_lending_follows_the_price(fork: str, build: str, world: Any) -> None:
    bank = Bank(world(fork), build)
    holder, _ = bank.people
    assert not bank.lending.call("borrow", 6 * UNIT, sender=holder).success
    assert bank.lending.call("borrow", 5 * UNIT, sender=holder).success
    assert bank.tokens[1].ask("balanceOf", holder) == 5 * UNIT
    assert not bank.lending.call("withdraw", 1, sender=holder).success
    bank.oracle.call("set_price", 2 * 10**6)
    assert bank.lending.call("withdraw", 50 * UNIT, sender=holder).success
    assert not bank.lending.call("withdraw", 1, sender=holder).success
    assert bank.lending.call("deposit", UNIT, sender=holder).success
    assert bank.lending.call("withdraw", UNIT, sender=holder).success
    assert bank.lending.stored("total_collateral") == 50 * UNIT
    assert bank.lending.stored("total_debt") == 75 * UNIT


@BUILDS
def test_debt_is_repaid_and_no_more(fork: str, build: str, world: Any) -> None:
    bank = Bank(world(fork), build)
    holder, _ = bank.people
    bank.lending.call("borrow", 1, sender=holder)
    bank.tokens[1].call("faucet", 70 * UNIT, sender=holder)
    assert not bank.lending.call("repay", 70 * UNIT + 2, sender=holder).success
    assert bank.lending.call("repay", 70 * UNIT + 1, sender=holder).success
    assert bank.lending.stored("debt", holder) == 0
    assert bank.lending.call("withdraw", 100 * UNIT, sender=holder).success


@BUILDS
def test_anyone_may_liquidate_who_owes_too_much(fork: str, build: str, world: Any) -> None:
    bank = Bank(world(fork), build)
    holder, liquidator = bank.people
    assert not bank.lending.call("liquidate", holder, UNIT, sender=liquidator).success
    bank.oracle.call("set_price", 875_000)
    assert not bank.lending.call("liquidate", holder, UNIT, sender=liquidator).success
    bank.oracle.call("set_price", 800_000)
    outcome = bank.lending.call("liquidate", holder, 8 * UNIT, sender=liquidator)
    assert outcome.success
    seized = 8 * UNIT * 10**6 // 800_000 * 105 // 100
    assert bank.tokens[0].ask("balanceOf", liquidator) == seized
    assert bank.tokens[1].ask("balanceOf", liquidator) == 92 * UNIT
    assert bank.lending.stored("collateral", holder) == 100 * UNIT - seized
    assert bank.lending.stored("debt", holder) == 62 * UNIT
    bank.oracle.call("set_price", 100_000)
    assert bank.lending.call("liquidate", holder, 60 * UNIT, sender=liquidator).success
    assert bank.lending.stored("collateral", holder) == 0
    bank.oracle.call("set_price", 0)
    assert not bank.lending.call("liquidate", holder, UNIT, sender=liquidator).success

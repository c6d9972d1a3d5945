#pragma version 0.4.3
"""
@title Lending
@notice Borrow one token against another. Whether a loan is granted, a withdrawal allowed, or a
        position open to liquidation by anyone, depends on the oracle's price at that moment.
@dev A position may owe up to 75% of its collateral's value when it borrows or withdraws, and is
     open to liquidation above 80%. The liquidator repays any part of the debt and takes collateral
     worth 5% more.
"""
from ethereum.ercs import IERC20

interface Oracle:
    def price() -> uint256: view

event Position:
    holder: indexed(address)
    collateral: uint256
    debt: uint256

event Liquidated:
    holder: indexed(address)
    liquidator: indexed(address)
    repaid: uint256
    seized: uint256

PRICE_UNIT: constant(uint256) = 10**6
LOAN_PERCENT: constant(uint256) = 75
LIQUIDATION_PERCENT: constant(uint256) = 80
SEIZED_PERCENT: constant(uint256) = 105

collateral_token: public(IERC20)
debt_token: public(IERC20)
oracle: public(Oracle)
total_collateral: public(uint256)
total_debt: public(uint256)
collateral: public(HashMap[address, uint256])
debt: public(HashMap[address, uint256])


@deploy
def __init__(collateral_token: IERC20, debt_token: IERC20, oracle: Oracle):
    self.collateral_token = collateral_token
    self.debt_token = debt_token
    self.oracle = oracle


@external
@nonreentrant
def deposit(amount: uint256):
    self.collateral[msg.sender] += amount
    self.total_collateral += amount
    self._log(msg.sender)
    assert extcall self.collateral_token.transferFrom(msg.sender, self, amount)


@external
@nonreentrant
def withdraw(amount: uint256):
    self.collateral[msg.sender] -= amount
    self.total_collateral -= amount
    assert self._owes_at_most(msg.sender, LOAN_PERCENT), "collateral"
    self._log(msg.sender)
    assert extcall self.collateral_token.transfer(msg.sender, amount)


@external
@nonreentrant
def borrow(amount: uint256):
    self.debt[msg.sender] += amount
    self.total_debt += amount
    assert self._owes_at_most(msg.sender, LOAN_PERCENT), "collateral"
    self._log(msg.sender)
    assert extcall self.debt_token.transfer(msg.sender, amount)


@external
@nonreentrant
def repay(amount: uint256):
    self.debt[msg.sender] -= amount
    self.total_debt -= amount
    self._log(msg.sender)
    assert extcall self.debt_token.transferFrom(msg.sender, self, amount)


@external
@nonreentrant
def liquidate(holder: address, amount: uint256):
    assert not self._owes_at_most(holder, LIQUIDATION_PERCENT), "healthy"
    value: uint256 = amount * PRICE_UNIT // staticcall self.oracle.price()
    seized: uint256 = min(value * SEIZED_PERCENT // 100, self.collateral[holder])
    self.debt[holder] -= amount
    self.total_debt -= amount
    self.collateral[holder] -= seized
    self.total_collateral -= seized
    log Liquidated(holder=holder, liquidator=msg.sender, repaid=amount, seized=seized)
    assert extcall self.debt_token.transferFrom(msg.sender, self, amount)
    assert extcall self.collateral_token.transfer(msg.sender, seized)


@internal
@view
def _owes_at_most(holder: address, percent: uint256) -> bool:
    value: uint256 = self.collateral[holder] * staticcall self.oracle.price() // PRICE_UNIT
    return self.debt[holder] * 100 <= value * percent


@internal
def _log(holder: address):
    log Position(holder=holder, collateral=self.collateral[holder], debt=self.debt[holder])

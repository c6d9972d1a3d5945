#pragma version 0.4.3
"""
@title Exchange
@notice An automated market maker: two tokens, the product of whose reserves never falls. Its
        contention: every swap reads and writes both reserves, so the price that a trader gets,
        and whether `min_out` lets the trade through, depends on every trade before.
@dev A flash swap pays out first and asks afterwards. Whoever borrows has to bring the reserves
     back, the fee included, before the call ends; otherwise all of it is undone.
"""
from ethereum.ercs import IERC20

interface FlashBorrower:
    def on_flash(initiator: address, out0: uint256, out1: uint256, choice: uint256): nonpayable

event Swap:
    trader: indexed(address)
    in0: uint256
    in1: uint256
    out0: uint256
    out1: uint256

event Reserves:
    reserve0: uint256
    reserve1: uint256

FEE_PER_MILLE: constant(uint256) = 3

token0: public(IERC20)
token1: public(IERC20)
reserve0: public(uint256)
reserve1: public(uint256)
total_shares: public(uint256)
shares: public(HashMap[address, uint256])


@deploy
def __init__(token0: IERC20, token1: IERC20):
    self.token0 = token0
    self.token1 = token1


@external
@nonreentrant
def add_liquidity(amount0: uint256, amount1: uint256) -> uint256:
    """
    @dev The first provider sets the price. Later ones get shares for the scarcer of the two
         amounts; what they give beyond it is a gift to the pool.
    """
    minted: uint256 = amount0
    if self.total_shares > 0:
        minted = min(
            amount0 * self.total_shares // self.reserve0,
            amount1 * self.total_shares // self.reserve1,
        )
    assert minted > 0, "no shares"
    self.total_shares += minted
    self.shares[msg.sender] += minted
    self._set_reserves(self.reserve0 + amount0, self.reserve1 + amount1)
    assert extcall self.token0.transferFrom(msg.sender, self, amount0)
    assert extcall self.token1.transferFrom(msg.sender, self, amount1)
    return minted


@external
@nonreentrant
def remove_liquidity(amount: uint256):
    out0: uint256 = self.reserve0 * amount // self.total_shares
    out1: uint256 = self.reserve1 * amount // self.total_shares
    self.total_shares -= amount
    self.shares[msg.sender] -= amount
    self._set_reserves(self.reserve0 - out0, self.reserve1 - out1)
    assert extcall self.token0.transfer(msg.sender, out0)
    assert extcall self.token1.transfer(msg.sender, out1)


@external
@nonreentrant
def swap(zero_for_one: bool, amount_in: uint256, min_out: uint256) -> uint256:
    reserve0: uint256 = self.reserve0
    reserve1: uint256 = self.reserve1
    out: uint256 = 0
    if zero_for_one:
        out = self._amount_out(amount_in, reserve0, reserve1)
    else:
        out = self._amount_out(amount_in, reserve1, reserve0)
    assert out >= min_out, "slippage"
    if zero_for_one:
        self._set_reserves(reserve0 + amount_in, reserve1 - out)
        assert extcall self.token0.transferFrom(msg.sender, self, amount_in)
        assert extcall self.token1.transfer(msg.sender, out)
        log Swap(trader=msg.sender, in0=amount_in, in1=0, out0=0, out1=out)
    else:
        self._set_reserves(reserve0 - out, reserve1 + amount_in)
        assert extcall self.token1.transferFrom(msg.sender, self, amount_in)
        assert extcall self.token0.transfer(msg.sender, out)
        log Swap(trader=msg.sender, in0=0, in1=amount_in, out0=out, out1=0)
    return out


@external
@nonreentrant
def flash(out0: uint256, out1: uint256, borrower: address, choice: uint256):
    """
    @param choice Handed to the borrower as it is.
    """
    kept0: uint256 = self.reserve0 - out0
    kept1: uint256 = self.reserve1 - out1
    product: uint256 = self.reserve0 * self.reserve1
    assert extcall self.token0.transfer(borrower, out0)
    assert extcall self.token1.transfer(borrower, out1)
    extcall FlashBorrower(borrower).on_flash(msg.sender, out0, out1, choice)
    balance0: uint256 = staticcall self.token0.balanceOf(self)
    balance1: uint256 = staticcall self.token1.balanceOf(self)
    in0: uint256 = balance0 - kept0
    in1: uint256 = balance1 - kept1
    after_fee0: uint256 = balance0 * 1000 - in0 * FEE_PER_MILLE
    after_fee1: uint256 = balance1 * 1000 - in1 * FEE_PER_MILLE
    assert after_fee0 * after_fee1 >= product * 10**6, "not repaid"
    self._set_reserves(balance0, balance1)
    log Swap(trader=borrower, in0=in0, in1=in1, out0=out0, out1=out1)


@internal
@view
def _amount_out(amount_in: uint256, reserve_in: uint256, reserve_out: uint256) -> uint256:
    paid: uint256 = amount_in * (1000 - FEE_PER_MILLE)
    return paid * reserve_out // (reserve_in * 1000 + paid)


@internal
def _set_reserves(reserve0: uint256, reserve1: uint256):
    self.reserve0 = reserve0
    self.reserve1 = reserve1
    log Reserves(reserve0=reserve0, reserve1=reserve1)

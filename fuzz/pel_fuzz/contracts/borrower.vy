#pragma version 0.4.3
"""
@title Borrower
@notice Takes flash swaps from an exchange. What it does with a loan is the caller's choice:
        0 keeps it, 1 repays with the fee, 2 repays without the fee. Only 1 satisfies the exchange.
"""
from ethereum.ercs import IERC20

interface Exchange:
    def token0() -> IERC20: view
    def token1() -> IERC20: view
    def flash(out0: uint256, out1: uint256, borrower: address, choice: uint256): nonpayable

KEEP: constant(uint256) = 0
REPAY: constant(uint256) = 1

loans: public(uint256)
failures: public(uint256)


@external
def borrow(exchange: address, out0: uint256, out1: uint256, choice: uint256):
    """
    @notice Reverts as a whole where the exchange refuses.
    """
    extcall Exchange(exchange).flash(out0, out1, self, choice)
    self.loans += 1


@external
def try_borrow(exchange: address, out0: uint256, out1: uint256, choice: uint256):
    """
    @notice Goes on where the exchange refuses, and counts the failure.
    """
    call: Bytes[132] = abi_encode(
        out0, out1, self, choice,
        method_id=method_id("flash(uint256,uint256,address,uint256)"),
    )
    if raw_call(exchange, call, revert_on_failure=False):
        self.loans += 1
    else:
        self.failures += 1


@external
def on_flash(initiator: address, out0: uint256, out1: uint256, choice: uint256):
    if choice == KEEP:
        return
    self._repay(staticcall Exchange(msg.sender).token0(), out0, choice)
    self._repay(staticcall Exchange(msg.sender).token1(), out1, choice)


@internal
def _repay(token: IERC20, amount: uint256, choice: uint256):
    if amount == 0:
        return
    due: uint256 = amount
    if choice == REPAY:
        due = amount * 1000 // 997 + 1
    assert extcall token.transfer(msg.sender, due)

#pragma version 0.4.3
"""
@title Farm
@notice Stake one token, earn another. What the stakers earn between them grows with the
        timestamp; what one share has earned since the beginning is accumulated, so every call
        reads and writes the accumulator, and in a block the first one moves it.
"""
from ethereum.ercs import IERC20

event Stake:
    staker: indexed(address)
    amount: uint256

event Reward:
    staker: indexed(address)
    amount: uint256

SCALE: constant(uint256) = 10**12

stake_token: public(IERC20)
reward_token: public(IERC20)
reward_per_second: public(uint256)
reward_left: public(uint256)
accumulated: public(uint256)
updated_at: public(uint256)
total_staked: public(uint256)
staked: public(HashMap[address, uint256])
paid_until: public(HashMap[address, uint256])


@deploy
def __init__(stake_token: IERC20, reward_token: IERC20, reward_per_second: uint256):
    self.stake_token = stake_token
    self.reward_token = reward_token
    self.reward_per_second = reward_per_second
    self.updated_at = block.timestamp


@external
@nonreentrant
def fund(amount: uint256):
    self.reward_left += amount
    assert extcall self.reward_token.transferFrom(msg.sender, self, amount)


@external
@nonreentrant
def stake(amount: uint256):
    self._settle(msg.sender)
    self.staked[msg.sender] += amount
    self.total_staked += amount
    log Stake(staker=msg.sender, amount=self.staked[msg.sender])
    assert extcall self.stake_token.transferFrom(msg.sender, self, amount)


@external
@nonreentrant
def unstake(amount: uint256):
    self._settle(msg.sender)
    self.staked[msg.sender] -= amount
    self.total_staked -= amount
    log Stake(staker=msg.sender, amount=self.staked[msg.sender])
    assert extcall self.stake_token.transfer(msg.sender, amount)


@external
@nonreentrant
def harvest():
    self._settle(msg.sender)


@internal
def _settle(staker: address):
    """
    @dev Brings the accumulator up to now, then pays what the staker earned since last time, as
         far as the pot reaches: the last ones to ask may get less.
    """
    if block.timestamp > self.updated_at:
        if self.total_staked > 0:
            earned: uint256 = (block.timestamp - self.updated_at) * self.reward_per_second
            self.accumulated += earned * SCALE // self.total_staked
        self.updated_at = block.timestamp
    due: uint256 = self.staked[staker] * (self.accumulated - self.paid_until[staker]) // SCALE
    self.paid_until[staker] = self.accumulated
    reward: uint256 = min(due, self.reward_left)
    if reward > 0:
        self.reward_left -= reward
        log Reward(staker=staker, amount=reward)
        assert extcall self.reward_token.transfer(staker, reward)

#pragma version 0.4.3
"""
@title Auction
@notice The highest bid wins. Each bid pays back the one before with the gas of a plain `send`, so
        a bidder that refuses the money, or needs more gas to take it, stops the auction. Its
        contention: the highest bid and bidder, and the balances of both bidders.
"""
event Bid:
    bidder: indexed(address)
    amount_wei: uint256

event Ended:
    winner: indexed(address)
    amount_wei: uint256

beneficiary: public(address)
end_time: public(uint256)
highest_bid_wei: public(uint256)
highest_bidder: public(address)
bids: public(uint256)
ended: public(bool)


@deploy
def __init__(beneficiary: address, duration_seconds: uint256):
    self.beneficiary = beneficiary
    self.end_time = block.timestamp + duration_seconds


@external
@payable
def bid():
    assert block.timestamp < self.end_time, "over"
    assert msg.value > self.highest_bid_wei, "too low"
    refund_wei: uint256 = self.highest_bid_wei
    loser: address = self.highest_bidder
    self.highest_bid_wei = msg.value
    self.highest_bidder = msg.sender
    self.bids += 1
    log Bid(bidder=msg.sender, amount_wei=msg.value)
    if loser != empty(address):
        send(loser, refund_wei)


@external
def end():
    assert block.timestamp >= self.end_time, "not yet"
    assert not self.ended, "ended"
    self.ended = True
    log Ended(winner=self.highest_bidder, amount_wei=self.highest_bid_wei)
    send(self.beneficiary, self.highest_bid_wei)

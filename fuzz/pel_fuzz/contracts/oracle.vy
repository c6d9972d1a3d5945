#pragma version 0.4.3
"""
@title Oracle
@notice A price that anyone may set: every later health check in the block depends on it.
"""
event PriceSet:
    setter: indexed(address)
    price: uint256

price: public(uint256)
updates: public(uint256)


@deploy
def __init__(price: uint256):
    self.price = price


@external
def set_price(price: uint256):
    self.price = price
    self.updates += 1
    log PriceSet(setter=msg.sender, price=price)

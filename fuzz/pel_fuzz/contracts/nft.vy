#pragma version 0.4.3
"""
@title NFT
@notice A race for a limited supply: each token costs more than the one before, an account gets at
        most a few, and what was paid too much is sent back. Its contention: the counter, which
        decides number, price and whether there is one left; and the contract's own balance.
"""
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)

PER_ACCOUNT: constant(uint256) = 4

beneficiary: public(address)
limit: public(uint256)
first_price_wei: public(uint256)
price_step_wei: public(uint256)
totalSupply: public(uint256)
ownerOf: public(HashMap[uint256, address])
balanceOf: public(HashMap[address, uint256])
tokenOfOwnerByIndex: public(HashMap[address, HashMap[uint256, uint256]])
index_of: HashMap[uint256, uint256]


@deploy
def __init__(limit: uint256, first_price_wei: uint256, price_step_wei: uint256):
    self.beneficiary = msg.sender
    self.limit = limit
    self.first_price_wei = first_price_wei
    self.price_step_wei = price_step_wei


@external
@payable
def mint() -> uint256:
    token_id: uint256 = self.totalSupply
    assert token_id < self.limit, "sold out"
    assert self.balanceOf[msg.sender] < PER_ACCOUNT, "enough"
    price: uint256 = self.first_price_wei + token_id * self.price_step_wei
    assert msg.value >= price, "price"
    self.totalSupply = token_id + 1
    self._give(empty(address), msg.sender, token_id)
    if msg.value > price:
        send(msg.sender, msg.value - price)
    return token_id


@external
def transferFrom(owner: address, receiver: address, token_id: uint256):
    assert self.ownerOf[token_id] == msg.sender, "owner"
    assert owner == msg.sender, "owner"
    last: uint256 = self.balanceOf[owner] - 1
    index: uint256 = self.index_of[token_id]
    moved: uint256 = self.tokenOfOwnerByIndex[owner][last]
    self.tokenOfOwnerByIndex[owner][index] = moved
    self.index_of[moved] = index
    self.tokenOfOwnerByIndex[owner][last] = 0
    self.balanceOf[owner] = last
    self._give(owner, receiver, token_id)


@external
def collect():
    """
    @notice Sends all that the contract owns to the beneficiary; anyone may ask for it.
    """
    send(self.beneficiary, self.balance)


@internal
def _give(sender: address, receiver: address, token_id: uint256):
    index: uint256 = self.balanceOf[receiver]
    self.ownerOf[token_id] = receiver
    self.index_of[token_id] = index
    self.tokenOfOwnerByIndex[receiver][index] = token_id
    self.balanceOf[receiver] = index + 1
    log Transfer(sender=sender, receiver=receiver, token_id=token_id)

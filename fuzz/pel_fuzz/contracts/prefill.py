"""Storage that gives each contract of the library a past: what it holds after some use.

Every function takes the build it is for, because builds keep their variables in different slots.
Balances that a contract's storage speaks of (reserves, collateral, stakes, the auction's money)
have to be there as well: give them to the contract in `token_storage`, or as its balance in wei.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pel_fuzz.contracts.contract import Contract
from pel_fuzz.contracts.storage import StorageImage

Amounts = Mapping[bytes, int]
"""How much an address has."""

NOTHING: Amounts = MappingProxyType({})
UNLIMITED = (1 << 256) - 1
"""An allowance of a token that using it does not reduce."""


def token_storage(
    token: Contract,
    balances: Amounts,
    allowances: Mapping[tuple[bytes, bytes], int] = MappingProxyType({}),
) -> dict[int, int]:
    """A token with balances, and allowances by (owner, spender)."""
    image = StorageImage(token)
    image.put("totalSupply", sum(balances.values()))
    for holder, balance in balances.items():
        image.put("balanceOf", balance, holder)
    for (owner, spender), allowance in allowances.items():
        image.put("allowance", allowance, owner, spender)
    return image.slots


def ledger_storage(balances: Amounts) -> dict[int, int]:
    """Balances of the `ledger`, which is not a Vyper contract and keeps them by address."""
    return {int.from_bytes(holder, "big"): amount for holder, amount in balances.items() if amount}


def exchange_storage(
    exchange: Contract,
    tokens: tuple[bytes, bytes],
    reserves: tuple[int, int],
    shares: Amounts,
) -> dict[int, int]:
    """A pool of two tokens. Range: reserves and the sum of the shares are above 0, or all are 0."""
    image = StorageImage(exchange)
    image.put("token0", tokens[0])
    image.put("token1", tokens[1])
    image.put("reserve0", reserves[0])
    image.put("reserve1", reserves[1])
    image.put("total_shares", sum(shares.values()))
    for provider, amount in shares.items():
        image.put("shares", amount, provider)
    return image.slots


def oracle_storage(oracle: Contract, price: int) -> dict[int, int]:
    """A price, in millionths of a debt token for one collateral token."""
    image = StorageImage(oracle)
    image.put("price", price)
    return image.slots


def lending_storage(
    lending: Contract,
    tokens: tuple[bytes, bytes],
    oracle: bytes,
    collateral: Amounts = NOTHING,
    debt: Amounts = NOTHING,
) -> dict[int, int]:
    """A lending market with positions; `tokens` are those of collateral and debt, in this order."""
    image = StorageImage(lending)
    image.put("collateral_token", tokens[0])
    image.put("debt_token", tokens[1])
    image.put("oracle", oracle)
    image.put("total_collateral", sum(collateral.values()))
    image.put("total_debt", sum(debt.values()))
    for holder, amount in collateral.items():
        image.put("collateral", amount, holder)
    for holder, amount in debt.items():
        image.put("debt", amount, holder)
    return image.slots


def farm_storage(
    farm: Contract,
    tokens: tuple[bytes, bytes],
    reward_per_second: int,
    reward_left: int,
    updated_at: int,
    staked: Amounts = NOTHING,
) -> dict[int, int]:
    """A farm with stakes that have earned nothing until `updated_at`, a timestamp in seconds;
    `tokens` are those of stake and reward, in this order.
    """
    image = StorageImage(farm)
    image.put("stake_token", tokens[0])
    image.put("reward_token", tokens[1])
    image.put("reward_per_second", reward_per_second)
    image.put("reward_left", reward_left)
    image.put("updated_at", updated_at)
    image.put("total_staked", sum(staked.values()))
    for staker, amount in staked.items():
        image.put("staked", amount, staker)
    return image.slots


def nft_storage(
    nft: Contract,
    beneficiary: bytes,
    limit: int,
    first_price_wei: int,
    price_step_wei: int,
    owners: Sequence[bytes] = (),
) -> dict[int, int]:
    """A mint that has begun: token number `i` belongs to `owners[i]`.

    Range: at most `limit` owners, and none of them more often than the contract lets it mint.
    """
    image = StorageImage(nft)
    image.put("beneficiary", beneficiary)
    image.put("limit", limit)
    image.put("first_price_wei", first_price_wei)
    image.put("price_step_wei", price_step_wei)
    image.put("totalSupply", len(owners))
    for token_id, owner in enumerate(owners):
        index = owners[:token_id].count(owner)
        image.put("ownerOf", owner, token_id)
        image.put("index_of", index, token_id)
        image.put("tokenOfOwnerByIndex", token_id, owner, index)
        image.put("balanceOf", index + 1, owner)
    return image.slots


def auction_storage(
    auction: Contract,
    beneficiary: bytes,
    end_time: int,
    highest_bidder: bytes = b"",
    highest_bid_wei: int = 0,
) -> dict[int, int]:
    """An auction that ends at a timestamp in seconds, with one bid or none so far.

    With a bid, the contract's balance has to be at least that.
    """
    image = StorageImage(auction)
    image.put("beneficiary", beneficiary)
    image.put("end_time", end_time)
    image.put("highest_bidder", highest_bidder)
    image.put("highest_bid_wei", highest_bid_wei)
    image.put("bids", int(highest_bid_wei > 0))
    return image.slots

"""The environment of a block: fee recipient, prices, ancestors, withdrawals, ommers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from eth_hash.auto import keccak

from pel_fuzz.workloads.landmarks import (
    creator,
    pauper,
    place_delegated,
    place_empty_account,
    place_phoenix,
    place_spender,
    precompile_address,
    unborn_address,
)
from pel_fuzz.workloads.pick import Pick
from pel_fuzz.workloads.world import ETHER_WEI, World, actor, is_since, named_address
from pel_reference.block import Account, Environment, Ommer, Withdrawal
from pel_reference.fork_names import FORK_ORDER
from pel_reference.forks import Rules

NUMBER = 10_000
TIMESTAMP = 1_700_000_000
KNOWN_ANCESTORS = 6
SYSTEM_ADDRESS = bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe")
BASE_FEES_WEI = (10**9, 7, 0)
EXCESS_BLOB_GAS = (0, 1_048_576, 40_000_000)
"""The last makes a unit of blob gas cost many thousand wei."""
UNREWARDED = 4
"""In one block of so many of proof of work, the reward is not paid here."""


@dataclass(frozen=True, slots=True)
class Header:
    """The environment as far as transactions depend on it."""

    coinbase: bytes
    base_fee_wei: int
    excess_blob_gas: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """A sort of fee recipient: in which forks, who, and the feature it is."""

    first_fork: str
    find: Callable[[World], bytes]
    feature: str
    last_fork: str = FORK_ORDER[-1]


def _sender(world: World) -> bytes:
    return world.rich(actor("sender", 0)).address


def _unborn(world: World) -> bytes:
    world.rich(creator())
    return unborn_address()


def _bystander(world: World) -> bytes:
    return world.add(actor("bystander").address, Account(0, ETHER_WEI))


RECIPIENTS = (
    Recipient("Frontier", lambda _: named_address("fee recipient"), "fee-recipient-absent"),
    Recipient("Frontier", _sender, "fee-recipient-sends"),
    Recipient("Frontier", _bystander, "fee-recipient-exists"),
    Recipient("Frontier", lambda world: world.place("receiver"), "fee-recipient-contract"),
    Recipient("Frontier", place_spender, "fee-recipient-spends"),
    Recipient("Frontier", place_phoenix, "fee-recipient-destructible"),
    Recipient("Frontier", _unborn, "fee-recipient-unborn"),
    Recipient("Frontier", lambda _: pauper(0).address, "fee-recipient-pauper"),
    Recipient(
        "Frontier",
        lambda world: place_empty_account(world, 0),
        "fee-recipient-empty",
        last_fork="GrayGlacier",
    ),
    Recipient("Frontier", lambda _: precompile_address(3), "fee-recipient-precompile"),
    Recipient("Cancun", lambda _: SYSTEM_ADDRESS, "fee-recipient-system-address"),
    Recipient("Prague", place_delegated, "fee-recipient-delegated"),
)


@lru_cache(maxsize=64)
def recipients_of(fork: str) -> tuple[Recipient, ...]:
    """The sorts of fee recipient of a fork."""
    return tuple(
        sort
        for sort in RECIPIENTS
        if is_since(fork, sort.first_fork) and is_since(sort.last_fork, fork)
    )


def draw_header(pick: Pick, rules: Rules, world: World) -> tuple[Header, str]:
    """A header, and the feature that its fee recipient is."""
    sort = pick.of(recipients_of(rules.fork))
    base_fee_wei = pick.of(BASE_FEES_WEI) if rules.fee_market else 0
    excess = pick.of(EXCESS_BLOB_GAS) if rules.blobs is not None else 0
    return Header(sort.find(world), base_fee_wei, excess), sort.feature


@lru_cache(maxsize=64)
def ancestor_hash(number: int) -> bytes:
    """The made-up hash of an ancestor."""
    return bytes(keccak(b"pel ancestor %d" % number))


def make_environment(
    rules: Rules,
    header: Header,
    gas_limit: int,
    withdrawals: tuple[Withdrawal, ...],
    ommers: tuple[Ommer, ...],
    reward_wei: int,
) -> Environment:
    """The whole environment; what the fork does not have is left out."""
    ancestors = {n: ancestor_hash(n) for n in range(NUMBER - KNOWN_ANCESTORS, NUMBER)}
    return Environment(
        coinbase=header.coinbase,
        gas_limit=gas_limit,
        number=NUMBER,
        timestamp=TIMESTAMP,
        difficulty=0 if rules.proof_of_stake else 131_072,
        prev_randao=ancestor_hash(-1) if rules.proof_of_stake else None,
        base_fee_wei=header.base_fee_wei if rules.fee_market else None,
        excess_blob_gas=header.excess_blob_gas if rules.blobs is not None else None,
        parent_hash=ancestors[NUMBER - 1],
        parent_beacon_block_root=ancestor_hash(-2) if rules.beacon_root else None,
        block_hashes=ancestors,
        withdrawals=withdrawals if rules.withdrawals else None,
        ommers=ommers,
        block_reward_wei=reward_wei,
    )

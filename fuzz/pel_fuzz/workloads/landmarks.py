"""Accounts that several operations, and the header, agree on."""

from functools import lru_cache
from types import MappingProxyType

from pel_fuzz.contracts import CORNERS, create2_address, create_address
from pel_fuzz.workloads.world import (
    ETHER_WEI,
    FIRST_NONCE,
    Actor,
    World,
    actor,
    can_run,
    is_since,
    named_address,
)
from pel_reference.block import Account
from pel_reference.validity import DELEGATION_PREFIX

PHOENIX_SALT = 0
PHOENIX_STORAGE = MappingProxyType({0: 5, 9: 1})
"""What the phoenix of the pre-state has counted, and a mark that is gone once it was wiped."""
PHOENIX_MARK_SLOT = 9
PAUPERS = 2
EMPTY_ACCOUNTS = 3


def precompile_address(number: int) -> bytes:
    """The address of a precompiled contract. Range: `number` is 1 to 255."""
    return bytes(19) + bytes([number])


@lru_cache(maxsize=64)
def phoenix_address(fork: str) -> bytes:
    """Where the phoenix is, and where a factory with CREATE2 can put it again."""
    if not can_run(fork, "create2_factory"):
        return named_address("phoenix")
    factory = named_address("create2_factory")
    return create2_address(factory, PHOENIX_SALT, CORNERS["phoenix"].creation)


def place_phoenix(world: World) -> bytes:
    """The phoenix, with a past in its storage and with money."""
    if can_run(world.fork, "create2_factory"):
        world.place("create2_factory")
    at = phoenix_address(world.fork)
    return world.place("phoenix", PHOENIX_STORAGE, ETHER_WEI, at=at)


def creator() -> Actor:
    """The actor whose first creation transaction makes the account below."""
    return actor("once", 0)


def unborn_address() -> bytes:
    """An account that does not exist, and that `creator` may create."""
    return create_address(creator().address, FIRST_NONCE)


def pauper(number: int) -> Actor:
    """An actor who owns nothing to begin with. Range: `number` < `PAUPERS`."""
    return actor("pauper", number)


def may_hold_empty_accounts(fork: str) -> bool:
    """Whether a pre-state may: since the merge none does. Source: EIP-7523."""
    return not is_since(fork, "Paris")


def place_empty_account(world: World, number: int) -> bytes:
    """An account that exists and has nothing, where there may be one; else one that is not there.

    Source: EIP-161.
    """
    at = named_address(f"empty {number}")
    return world.add(at, Account()) if may_hold_empty_accounts(world.fork) else at


def place_spender(world: World) -> bytes:
    """The contract that sends what it holds to whom it is told to."""
    return world.place("sender", balance_wei=ETHER_WEI)


CHAIN = MappingProxyType({0: 3, 3: 5, 5: 2, 2: 6, 6: 3, 1: 7})
"""Slots of `cells` that name one another."""
FULL_SLOTS = range(20, 40)
"""Slots of `cells` that are there to be cleared."""
_CELLS = MappingProxyType({**CHAIN, **dict.fromkeys(FULL_SLOTS, 1)})


def place_cells(world: World) -> bytes:
    """Storage in every shape, with something in it already."""
    return world.place("cells", _CELLS)


def place_delegated(world: World) -> bytes:
    """An actor whose account runs the wallet's code, and has used it. Source: EIP-7702."""
    wallet = world.place("wallet")
    account = Account(FIRST_NONCE, 50 * ETHER_WEI, DELEGATION_PREFIX + wallet, {1: 1, 3: 4})
    return world.add(actor("delegated").address, account)

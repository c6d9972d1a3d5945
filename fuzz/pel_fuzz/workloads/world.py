"""The state before the block: who is there, and with what.

Addresses are the same in every block: actors have keys, contracts stand where their name puts
them. An account is in the pre-state only once something in the block asks for it, so that a
shrunk block has a small pre-state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from eth_hash.auto import keccak

from pel_fuzz.contracts import CONTRACTS, Contract
from pel_reference.block import NO_STORAGE, Account
from pel_reference.fork_names import FORK_ORDER
from pel_reference.signing import address_of

ETHER_WEI = 10**18
RICH_WEI = 1000 * ETHER_WEI
FIRST_NONCE = 7
"""Nonce of those who send, so that a nonce can also be too low from the start."""

_ROLES = {"sender": 0, "pauper": 100, "authority": 200, "delegated": 300, "coded": 400}
_ROLES |= {"once": 500, "bystander": 900}
"""The first number of the actors of each role."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a key."""

    key: bytes
    address: bytes


@lru_cache(maxsize=2048)
def actor(role: str, number: int = 0) -> Actor:
    """The actor of a role with a number; roles are those of `_ROLES`."""
    key = bytes(keccak(b"pel actor %d" % (_ROLES[role] + number)))
    return Actor(key, address_of(key))


@lru_cache(maxsize=4096)
def named_address(name: str) -> bytes:
    """An address without a key, which a name stands for."""
    return b"\xc0\xde" + bytes(keccak(name.encode()))[:18]


@lru_cache(maxsize=512)
def build_for(fork: str, name: str) -> Contract:
    """The newest build of a contract that a fork can run.

    Raises: `KeyError` where there is none.
    """
    for suffix in ("_cancun", ""):
        contract = CONTRACTS.get(name + suffix)
        if contract is not None and contract.runs_on(fork):
            return contract
    raise KeyError(f"{name} on {fork}")


@lru_cache(maxsize=512)
def can_run(fork: str, name: str) -> bool:
    """Whether a fork can run some build of a contract."""
    return CONTRACTS[name].runs_on(fork)


@lru_cache(maxsize=1024)
def is_since(fork: str, first_fork: str) -> bool:
    """Whether `fork` is `first_fork` or later; both are canonical names."""
    return FORK_ORDER.index(fork) >= FORK_ORDER.index(first_fork)


class World:
    """The pre-state in the making."""

    def __init__(self, fork: str) -> None:
        self.fork = fork
        self.accounts: dict[bytes, Account] = {}

    def add(self, address: bytes, account: Account) -> bytes:
        """Put an account there, unless one is there already."""
        self.accounts.setdefault(address, account)
        return address

    def add_balance(self, address: bytes, amount_wei: int) -> None:
        """Give an account that is there, or a new one, more money."""
        account = self.accounts.get(address, Account())
        self.accounts[address] = replace(account, balance=account.balance + amount_wei)

    def place(
        self,
        name: str,
        storage: Mapping[int, int] = NO_STORAGE,
        balance_wei: int = 0,
        at: bytes | None = None,
    ) -> bytes:
        """Put a contract of the library where its name puts it, or somewhere else."""
        address = named_address(name) if at is None else at
        if address not in self.accounts:
            code = build_for(self.fork, name).runtime
            self.accounts[address] = Account(1, balance_wei, code, storage)
        return address

    def rich(self, someone: Actor) -> Actor:
        """Somebody who can pay for anything, and has sent before."""
        self.add(someone.address, Account(FIRST_NONCE, RICH_WEI))
        return someone

    def nonce_of(self, address: bytes) -> int:
        """The nonce of an account in the pre-state, 0 where there is none."""
        account = self.accounts.get(address)
        return account.nonce if account is not None else 0

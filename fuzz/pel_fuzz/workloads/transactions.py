"""Transactions as senders write them: type, price, gas limit, signature."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pel_fuzz.workloads.world import Actor, is_since
from pel_reference.block import Authorization, Transaction
from pel_reference.fees import (
    MIN_BLOB_BASE_FEE_WEI,
    fake_exponential,
    floor_gas,
    intrinsic_gas,
)
from pel_reference.forks import Rules
from pel_reference.signing import sign, sign_authorization

CHAIN_ID = 1
TIP_WEI = 10**9
TRANSFER_GAS = 21_000

AccessList = tuple[tuple[bytes, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write the same transaction: its type, what it offers for gas, what it declares.

    `tip_wei` is offered above the base fee; a type 2 transaction may cap the sum below that, at
    `cap_wei` above the base fee. `features` are those that it gives to the block.
    """

    type: int
    first_fork: str
    tip_wei: int = TIP_WEI
    cap_wei: int | None = None
    replay_protected: bool = True
    accesses: bool = False
    features: tuple[str, ...] = ()


_STYLES = (
    Style(0, "Frontier"),
    Style(0, "Frontier", tip_wei=0, features=("zero-tip",)),
    Style(2, "London", features=("fee-market-transaction",)),
    Style(0, "Frontier", tip_wei=3 * TIP_WEI),
    Style(1, "Berlin", accesses=True, features=("access-list",)),
    Style(0, "EIP158", replay_protected=False, features=("no-replay-protection",)),
    Style(2, "London", tip_wei=0, features=("zero-tip", "fee-market-transaction")),
    Style(2, "London", cap_wei=1, features=("capped-tip", "fee-market-transaction")),
    Style(2, "London", accesses=True, features=("access-list", "fee-market-transaction")),
)


@lru_cache(maxsize=64)
def styles_of(fork: str) -> tuple[Style, ...]:
    """The styles that a fork knows, the plainest first."""
    return tuple(style for style in _STYLES if is_since(fork, style.first_fork))


PLAIN = _STYLES[0]


@dataclass(frozen=True, slots=True)
class Market:
    """What decides what a transaction costs in this block; where it `is_free`, nobody tips."""

    rules: Rules
    base_fee_wei: int
    excess_blob_gas: int
    is_free: bool = False

    @property
    def plain_price_wei(self) -> int:
        """What a unit of gas costs in the plain style."""
        return self.base_fee_wei + self._tip_wei(PLAIN)

    def _tip_wei(self, style: Style) -> int:
        return 0 if self.is_free else style.tip_wei

    @property
    def blob_price_wei(self) -> int:
        """The price of a unit of blob gas; 0 in forks without blobs."""
        blobs = self.rules.blobs
        if blobs is None:
            return 0
        return fake_exponential(
            MIN_BLOB_BASE_FEE_WEI, self.excess_blob_gas, blobs.base_fee_fraction
        )

    def write(
        self,
        style: Style,
        nonce: int,
        gas_limit: int,
        to: bytes | None,
        value: int = 0,
        data: bytes = b"",
        access_list: AccessList = (),
    ) -> Transaction:
        """An unsigned transaction in this style."""
        tip_wei = self._tip_wei(style)
        offer = self.base_fee_wei + tip_wei
        kind = style.type
        has_chain = self.rules.replay_protection and (kind > 0 or style.replay_protected)
        cap = offer if style.cap_wei is None else self.base_fee_wei + style.cap_wei
        return Transaction(
            type=kind,
            nonce=nonce,
            gas_limit=gas_limit,
            to=to,
            value=value,
            data=data,
            v=0,
            r=0,
            s=0,
            chain_id=CHAIN_ID if has_chain else None,
            gas_price=offer if kind < 2 else None,
            max_fee_per_gas=cap if kind >= 2 else None,
            max_priority_fee_per_gas=min(tip_wei, cap) if kind >= 2 else None,
            access_list=access_list if kind >= 1 else (),
        )

    def least_gas(self, unsigned: Transaction) -> int:
        """The smallest gas limit with which the transaction can be in a block."""
        return max(intrinsic_gas(self.rules, unsigned), floor_gas(self.rules, unsigned))


@lru_cache(maxsize=4096)
def signed(unsigned: Transaction, by: Actor) -> Transaction:
    """The transaction with its signature, and with its sender already known to it.

    Kept, because a shrinking block is signed again and again.
    """
    transaction = sign(unsigned, by.key)
    # `sender` is a cached property; recovering what is known would cost as much as signing.
    vars(transaction)["sender"] = by.address
    return transaction


@lru_cache(maxsize=4096)
def authorized(by: Actor, target: bytes, nonce: int, chain_id: int = CHAIN_ID) -> Authorization:
    """A signed authorization of `by` to run the code of `target`. Source: EIP-7702."""
    unsigned = Authorization(chain_id, target, nonce, 0, 0, 0)
    return sign_authorization(unsigned, by.key)


def with_authorizations(
    unsigned: Transaction, authorizations: Sequence[Authorization]
) -> Transaction:
    """The transaction as one of type 4; its price is that of a type 2."""
    return replace(unsigned, type=4, authorizations=tuple(authorizations))


def with_blobs(
    unsigned: Transaction, hashes: Sequence[bytes], max_fee_per_blob_gas_wei: int
) -> Transaction:
    """The transaction as one of type 3; its price is that of a type 2."""
    return replace(
        unsigned,
        type=3,
        blob_versioned_hashes=tuple(hashes),
        max_fee_per_blob_gas=max_fee_per_blob_gas_wei,
    )

"""What goes in: a block with the state before it, as plain data.

Everything downstream (the reference, the seam, EELS, the generators, the file formats) speaks in
these types. They hold what was *given*; whether it is valid is decided by `validity`. Nothing in
here is specific to one EVM implementation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from pel_reference.signing import recover_authority, recover_sender

NO_STORAGE: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the pre- or post-state.

    Range: `nonce` < 2**64, `balance` and storage keys and values < 2**256; no storage value is 0.
    An account that is in an `Alloc` exists, even when it is empty (EIP-161).
    """

    nonce: int = 0
    balance: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=lambda: NO_STORAGE)

    @property
    def is_empty(self) -> bool:
        """No nonce, no balance, no code; storage does not count. Source: EIP-161."""
        return self.nonce == 0 and self.balance == 0 and not self.code


Alloc = Mapping[bytes, Account]
"""The state: 20-byte address to account. An address that is absent does not exist."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One entry of an EIP-7702 authorization list. Source: EIP-7702."""

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int

    def authority(self) -> bytes | None:
        """The 20-byte address that signed, or `None` where no signer can be recovered."""
        return recover_authority(self)


@dataclass(frozen=True)
class Transaction:
    """A signed transaction of any type, as it was given.

    Fields that a type does not have are `None` or empty. `v` is the legacy `v` (27, 28 or
    EIP-155) for type 0 and the y parity otherwise. `chain_id` is `None` only for a type 0
    transaction without replay protection.
    Source: EIP-155 (0), EIP-2930 (1), EIP-1559 (2), EIP-4844 (3), EIP-7702 (4).
    """

    type: int
    nonce: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    v: int
    r: int
    s: int
    chain_id: int | None = None
    gas_price: int | None = None
    max_fee_per_gas: int | None = None
    max_priority_fee_per_gas: int | None = None
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    max_fee_per_blob_gas: int | None = None
    blob_versioned_hashes: tuple[bytes, ...] = ()
    authorizations: tuple[Authorization, ...] = ()

    @cached_property
    def sender(self) -> bytes | None:
        """The 20-byte address that signed, or `None` where the signature has no signer."""
        return recover_sender(self)

    @property
    def is_creation(self) -> bool:
        """Whether it creates a contract instead of calling one."""
        return self.to is None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A validator's withdrawal; `amount_gwei` is in gwei. Source: EIP-4895."""

    index: int
    validator_index: int
    address: bytes
    amount_gwei: int


@dataclass(frozen=True, slots=True)
class Ommer:
    """An ommer to be rewarded: its miner, and how many blocks it lies below this one (1 to 6)."""

    coinbase: bytes
    delta: int


@dataclass(frozen=True, slots=True)
class Environment:
    """The block's header as far as execution sees it; a field that the fork lacks is `None`.

    `block_hashes` maps the number of an ancestor to its 32-byte hash; an ancestor that is asked
    for and not there hashes to zero. `block_reward_wei` is the static reward of the miner, 0 when
    the chain pays none (after the merge) or when the caller pays it.
    """

    coinbase: bytes
    gas_limit: int
    number: int
    timestamp: int
    difficulty: int = 0
    prev_randao: bytes | None = None
    base_fee_wei: int | None = None
    excess_blob_gas: int | None = None
    parent_hash: bytes | None = None
    parent_beacon_block_root: bytes | None = None
    block_hashes: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    withdrawals: tuple[Withdrawal, ...] | None = None
    ommers: tuple[Ommer, ...] = ()
    block_reward_wei: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One block to execute: fork name, environment, state before, transactions."""

    fork: str
    chain_id: int
    env: Environment
    alloc: Alloc
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """A log entry; topics are 32 bytes each."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one included transaction reports.

    `gas_used` is this transaction's own (what its sender paid for), `cumulative_gas_used` the
    block's so far. `state_root` is the intermediate root of forks before Byzantium, where `status`
    says only what we know beside the protocol. `contract_address` is set for creations.
    """

    tx_index: int
    type: int
    status: bool
    gas_used: int
    cumulative_gas_used: int
    logs: tuple[Log, ...]
    bloom: bytes
    contract_address: bytes | None = None
    state_root: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A transaction that is not part of the block: its index among those given, and why."""

    tx_index: int
    reason: str


@dataclass(frozen=True, slots=True)
class BlockResult:
    """All that must agree between two executors of the same block.

    `blob_gas_used`, `withdrawals_root`, `requests` and `requests_hash` are `None` in forks
    without them. `requests` are the non-empty ones, each its type byte and data (EIP-7685).
    `state_root` is that of the whole post-state `alloc` (where the pre-state was partial, it
    compares executors and nothing else).
    """

    alloc: Alloc
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_hash: bytes
    logs_bloom: bytes
    gas_used: int
    receipts: tuple[Receipt, ...]
    rejected: tuple[Rejected, ...]
    blob_gas_used: int | None = None
    withdrawals_root: bytes | None = None
    requests: tuple[bytes, ...] | None = None
    requests_hash: bytes | None = None

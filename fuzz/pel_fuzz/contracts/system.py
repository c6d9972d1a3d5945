"""The protocol's own contracts, with the code that they have on mainnet, and how to call them.

The code, nonce and storage are data (`system_contracts.json`), taken from the pre-states of
execution-spec-tests v5.4.0. A pre-state of a fork that has them has to hold them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from types import MappingProxyType

from pel_fuzz.contracts.abi import encode
from pel_reference.fork_names import FORK_ORDER, canonical_fork

_PUBKEY_BYTES = 48
_CREDENTIALS_BYTES = 32
_SIGNATURE_BYTES = 96
_DEPOSIT_SELECTOR = bytes.fromhex("22895118")
SMALLEST_DEPOSIT_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class SystemContract:
    """A contract with a part in the protocol since `first_fork`, at a fixed address."""

    name: str
    source: str
    address: bytes
    nonce: int
    runtime: bytes
    storage: Mapping[int, int]
    first_fork: str


def _load() -> Iterator[SystemContract]:
    text = resources.files(__package__).joinpath("system_contracts.json").read_text("utf-8")
    for name, contract in json.loads(text).items():
        yield SystemContract(
            name=name,
            source=contract["source"],
            address=bytes.fromhex(contract["address"].removeprefix("0x")),
            nonce=int(contract["nonce"], 16),
            runtime=bytes.fromhex(contract["code"].removeprefix("0x")),
            storage=MappingProxyType(
                {int(slot, 16): int(value, 16) for slot, value in contract["storage"].items()}
            ),
            first_fork=contract["first_fork"],
        )


SYSTEM_CONTRACTS: Mapping[str, SystemContract] = MappingProxyType(
    {contract.name: contract for contract in _load()}
)
"""By name: `beacon_roots`, `history`, `withdrawal_requests`, `consolidation_requests`, `deposit`.

`beacon_roots` answers a timestamp (one word) with a root, `history` a block's number (one word)
with its hash; both revert where they have none.
"""


def system_contracts_of(fork: str) -> tuple[SystemContract, ...]:
    """The contracts that a pre-state of this fork has to hold."""
    age = FORK_ORDER.index(canonical_fork(fork))
    return tuple(
        contract
        for contract in SYSTEM_CONTRACTS.values()
        if FORK_ORDER.index(contract.first_fork) <= age
    )


def withdrawal_request(pubkey: bytes, amount_gwei: int) -> bytes:
    """Call data of a validator's request to withdraw (0: to exit). Source: EIP-7002.

    The value of the call pays the fee, which rises with the requests of the blocks before.
    """
    _expect("pubkey", pubkey, _PUBKEY_BYTES)
    return pubkey + amount_gwei.to_bytes(8, "big")


def consolidation_request(source_pubkey: bytes, target_pubkey: bytes) -> bytes:
    """Call data of a request to merge two validators, the fee as above. Source: EIP-7251."""
    _expect("source pubkey", source_pubkey, _PUBKEY_BYTES)
    _expect("target pubkey", target_pubkey, _PUBKEY_BYTES)
    return source_pubkey + target_pubkey


def deposit(pubkey: bytes, credentials: bytes, signature: bytes, amount_gwei: int) -> bytes:
    """Call data of a deposit, with the root that the contract checks; the value of the call has
    to be the amount.

    Range: `amount_gwei` is at least `SMALLEST_DEPOSIT_GWEI`. The signature is not checked.
    Source: EIP-6110; the consensus specifications, `DepositData`.
    """
    _expect("pubkey", pubkey, _PUBKEY_BYTES)
    _expect("credentials", credentials, _CREDENTIALS_BYTES)
    _expect("signature", signature, _SIGNATURE_BYTES)
    amount = amount_gwei.to_bytes(8, "little")
    pubkey_root = _hash(pubkey + bytes(16))
    signature_root = _hash(_hash(signature[:64]) + _hash(signature[64:] + bytes(32)))
    root = _hash(_hash(pubkey_root + credentials) + _hash(amount + bytes(24) + signature_root))
    arguments = (pubkey, credentials, signature, root)
    return _DEPOSIT_SELECTOR + encode(("bytes", "bytes", "bytes", "bytes32"), arguments)


def _hash(data: bytes) -> bytes:
    return sha256(data).digest()


def _expect(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise ValueError(f"{name}: {length} bytes expected, {len(value)} given")

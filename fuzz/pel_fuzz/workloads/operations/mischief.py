"""Transactions that no block may hold: static reasons, and reasons that depend on the state."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from pel_fuzz.workloads.operations.blobs import write_blobs
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import Scene
from pel_fuzz.workloads.transactions import CHAIN_ID, PLAIN, TRANSFER_GAS, Style, signed
from pel_fuzz.workloads.world import FIRST_NONCE, RICH_WEI, Actor, actor, is_since
from pel_reference.block import Account, Transaction
from pel_reference.fork_names import FORK_ORDER
from pel_reference.signing import SECP256K1_N

Spoil = Callable[[Scene, Transaction], Transaction]
_FEE_MARKET = Style(2, "London")
INITCODE_END = 49_153


@dataclass(frozen=True, slots=True)
class Mischief:
    """A way to make a transaction invalid: the feature that it is, the forks that refuse it so.

    `spoil` gets a plain transfer without a signature, and gives what is signed instead. `weight`
    is higher for what few forks have.
    """

    feature: str
    spoil: Spoil
    first_fork: str = "Frontier"
    last_fork: str = FORK_ORDER[-1]
    weight: int = 1


def _gap(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, nonce=plain.nonce + 1)


def _reused(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, nonce=plain.nonce - 1)


def _last_nonce(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, nonce=2**64 - 1)


def _unaffordable(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, value=2 * RICH_WEI)


def _absurd_value(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, value=2**256 - 1)


def _little_gas(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, gas_limit=TRANSFER_GAS - 1)


def _much_gas(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, gas_limit=10**9)


def _below_floor(scene: Scene, plain: Transaction) -> Transaction:
    # 16 gas a byte suffice as intrinsic gas, 40 would be the floor.
    return replace(plain, data=b"\x01" * 1000, gas_limit=TRANSFER_GAS + 20_000)


def _wrong_chain(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, chain_id=CHAIN_ID + 1)


def _protected_too_early(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, chain_id=CHAIN_ID)


def _unknown_type(scene: Scene, plain: Transaction) -> Transaction:
    kind = scene.rules.max_transaction_type + 1
    return replace(
        plain,
        type=kind,
        chain_id=CHAIN_ID,
        max_fee_per_gas=plain.gas_price if kind > 1 else None,
        max_priority_fee_per_gas=0 if kind > 1 else None,
        gas_price=plain.gas_price if kind < 2 else None,
        max_fee_per_blob_gas=1 if kind == 3 else None,
    )


def _tip_above_fee(scene: Scene, plain: Transaction) -> Transaction:
    fee_wei = scene.header.base_fee_wei + 1
    written = scene.market.write(_FEE_MARKET, plain.nonce, plain.gas_limit, plain.to)
    return replace(written, max_fee_per_gas=fee_wei, max_priority_fee_per_gas=fee_wei + 1)


def _fee_below_base(scene: Scene, plain: Transaction) -> Transaction:
    if scene.header.base_fee_wei == 0:
        return _tip_above_fee(scene, plain)
    return replace(plain, gas_price=scene.header.base_fee_wei - 1)


def _long_initcode(scene: Scene, plain: Transaction) -> Transaction:
    return replace(plain, to=None, data=bytes(INITCODE_END), gas_limit=900_000)


def _blobs(scene: Scene, plain: Transaction, count: int = 1, to: bytes | None = b"") -> Transaction:
    written = write_blobs(scene, actor("once"), count, plain.to if to == b"" else to)
    return replace(written, nonce=plain.nonce)


def _no_blobs(scene: Scene, plain: Transaction) -> Transaction:
    return _blobs(scene, plain, 0)


def _many_blobs(scene: Scene, plain: Transaction) -> Transaction:
    assert scene.rules.blobs is not None
    return _blobs(scene, plain, scene.rules.blobs.max_blobs + 1)


def _unknown_blob_version(scene: Scene, plain: Transaction) -> Transaction:
    return replace(_blobs(scene, plain), blob_versioned_hashes=(bytes([2]) * 32,))


def _cheap_blobs(scene: Scene, plain: Transaction) -> Transaction:
    return replace(_blobs(scene, plain), max_fee_per_blob_gas=scene.market.blob_price_wei - 1)


def _blob_creation(scene: Scene, plain: Transaction) -> Transaction:
    return replace(_blobs(scene, plain, to=None), gas_limit=200_000)


def _no_authorizations(scene: Scene, plain: Transaction) -> Transaction:
    return replace(scene.market.write(_FEE_MARKET, plain.nonce, 50_000, plain.to), type=4)


_STATIC = (
    Mischief("invalid-nonce-at-maximum", _last_nonce),
    Mischief("invalid-gas-below-intrinsic", _little_gas),
    Mischief("invalid-gas-above-block", _much_gas),
    Mischief("invalid-chain-id", _wrong_chain, "EIP158"),
    Mischief("invalid-replay-protection", _protected_too_early, last_fork="EIP150", weight=4),
    Mischief("invalid-type", _unknown_type, last_fork="Cancun"),
    Mischief("invalid-tip-above-fee", _tip_above_fee, "London"),
    Mischief("invalid-fee-below-base", _fee_below_base, "London"),
    Mischief("invalid-initcode-length", _long_initcode, "Shanghai", weight=3),
    Mischief("invalid-no-blobs", _no_blobs, "Cancun", weight=4),
    Mischief("invalid-too-many-blobs", _many_blobs, "Cancun", weight=4),
    Mischief("invalid-blob-version", _unknown_blob_version, "Cancun", weight=4),
    Mischief("invalid-blob-fee", _cheap_blobs, "Cancun", weight=4),
    Mischief("invalid-blob-creation", _blob_creation, "Cancun", weight=4),
    Mischief("invalid-no-authorizations", _no_authorizations, "Prague", weight=8),
    Mischief("invalid-gas-below-floor", _below_floor, "Prague", weight=8),
)
_STATEFUL = (
    Mischief("invalid-nonce-too-high", _gap),
    Mischief("invalid-nonce-too-low", _reused),
    Mischief("invalid-funds", _unaffordable),
    Mischief("invalid-absurd-value", _absurd_value),
)


@lru_cache(maxsize=64)
def _known(kinds: tuple[Mischief, ...], fork: str) -> tuple[Mischief, ...]:
    return tuple(
        kind
        for kind in kinds
        if is_since(fork, kind.first_fork) and is_since(kind.last_fork, fork)
        for _ in range(kind.weight)
    )


def _do(scene: Scene, kinds: tuple[Mischief, ...]) -> None:
    kind = scene.pick.of(_known(kinds, scene.fork))
    by = scene.sender()
    scene.tag(kind.feature)
    to = scene.place()
    plain = scene.market.write(PLAIN, scene.nonce(by.address), TRANSFER_GAS, to, 1)
    scene.emit(kind.spoil(scene, plain), by, is_included=False)


def invalid_always(scene: Scene) -> None:
    """A transaction that is invalid whatever the state."""
    _do(scene, _STATIC)


def invalid_here(scene: Scene) -> None:
    """A transaction that another state could have made valid."""
    _do(scene, _STATEFUL)


def high_s(scene: Scene) -> None:
    """The other signature that the same key could have made; valid in Frontier. Source: EIP-2."""
    by = scene.sender()
    allowed = not scene.rules.low_s
    scene.tag("high-s-allowed" if allowed else "invalid-high-s")
    plain = scene.market.write(PLAIN, scene.nonce(by.address), TRANSFER_GAS, scene.place(), 1)
    good = signed(plain, by)
    scene.append(replace(good, s=SECP256K1_N - good.s, v=_other_v(good.v)))
    if allowed:
        scene.raise_nonce(by.address)


def _other_v(v: int) -> int:
    """The legacy `v` for the other y parity."""
    return v + 1 if v % 2 else v - 1


def forge(scene: Scene) -> None:
    """A signature that nobody can have made."""
    by = scene.sender()
    scene.tag("invalid-signature")
    plain = scene.market.write(PLAIN, scene.nonce(by.address), TRANSFER_GAS, scene.place(), 1)
    scene.append(replace(signed(plain, by), r=0))


def send_twice(scene: Scene) -> None:
    """A transaction of the block once more, bit by bit."""
    if scene.transactions:
        scene.tag("same-transaction-again")
        scene.append(scene.transactions[-1 - scene.pick.below(4) % len(scene.transactions)])
    else:
        invalid_here(scene)


def send_with_code(scene: Scene) -> None:
    """A transaction whose sender is a contract. Source: EIP-3607."""
    by: Actor = actor("coded")
    scene.world.add(by.address, Account(FIRST_NONCE, RICH_WEI, b"\x00"))
    scene.tag("invalid-sender-has-code")
    plain = scene.market.write(PLAIN, scene.nonce(by.address), TRANSFER_GAS, scene.place(), 1)
    scene.emit(plain, by, is_included=False)


THEME = Theme(
    "mischief",
    (
        Operation(invalid_always, weight=4),
        Operation(invalid_here, weight=3),
        Operation(send_with_code),
        Operation(high_s, weight=6, last_fork="Frontier"),
        Operation(high_s, first_fork="Homestead"),
        Operation(forge),
        Operation(send_twice),
    ),
)

"""Signatures: who signed a transaction or an authorization, and signing them.

Recovery says only who signed. Whether that signature is *acceptable* in a block (chain id, low s)
is decided by `validity`; for an authorization, which is skipped rather than invalid, EIP-7702 puts
the low-s rule into the recovery itself.
"""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from pel_reference.transaction_rlp import (
    RlpItem,
    integer,
    is_replay_protected,
    rlp_encode,
    unsigned_fields,
)

if TYPE_CHECKING:
    from pel_reference.block import Authorization, Transaction

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
AUTHORIZATION_MAGIC = b"\x05"


def _recover(signing_hash: bytes, y_parity: int, r: int, s: int) -> bytes | None:
    """The address whose key made this signature, or `None` where no key can have."""
    if y_parity not in (0, 1) or not 0 < r < SECP256K1_N or not 0 < s < SECP256K1_N:
        return None
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity])
    try:
        key = PublicKey.from_signature_and_message(signature, signing_hash, hasher=None)
    except ValueError:
        return None
    return _address_of_public_key(key)


def _address_of_public_key(key: PublicKey) -> bytes:
    digest: bytes = keccak(key.format(compressed=False)[1:])
    return digest[12:]


@lru_cache(maxsize=4096)
def _private_key(secret_key: bytes) -> PrivateKey:
    return PrivateKey(secret_key)


@lru_cache(maxsize=4096)
def address_of(secret_key: bytes) -> bytes:
    """The 20-byte address of a 32-byte secret key.

    Raises: `ValueError` where the key is 0 or not below the order of the curve.
    """
    return _address_of_public_key(_private_key(secret_key).public_key)


def legacy_chain_id(v: int) -> int | None:
    """The chain id in a legacy `v`; `None` without replay protection; negative where `v` is none.

    Source: EIP-155.
    """
    return (v - 35) // 2 if is_replay_protected(v) else None


def y_parity_of(transaction: "Transaction") -> int:
    """The y parity of the signature; a value other than 0 and 1 is not a signature's."""
    if transaction.type != 0:
        return transaction.v
    if not is_replay_protected(transaction.v):
        return transaction.v - 27
    return (transaction.v - 35) % 2 if transaction.v >= 35 else -1


def _signing_hash(transaction: "Transaction", legacy_chain: int | None) -> bytes:
    fields: list[RlpItem] = unsigned_fields(transaction)
    if transaction.type == 0:
        if legacy_chain is not None:
            fields += [integer(legacy_chain), b"", b""]
        digest: bytes = keccak(rlp_encode(fields))
    else:
        digest = keccak(bytes([transaction.type]) + rlp_encode(fields))
    return digest


def signing_hash(transaction: "Transaction") -> bytes:
    """The 32 bytes that the sender signed; for type 0, `v` says whether the chain id is in them.

    Source: EIP-155, EIP-2718.
    """
    return _signing_hash(transaction, legacy_chain_id(transaction.v))


def recover_sender(transaction: "Transaction") -> bytes | None:
    """The 20-byte address that signed, or `None` where the signature has no signer.

    A high s is accepted here, and any chain id is.
    """
    parity = y_parity_of(transaction)
    if parity not in (0, 1) or transaction.type > 4:
        return None
    return _recover(signing_hash(transaction), parity, transaction.r, transaction.s)


def _authorization_hash(authorization: "Authorization") -> bytes:
    fields: list[RlpItem] = [
        integer(authorization.chain_id),
        authorization.address,
        integer(authorization.nonce),
    ]
    digest: bytes = keccak(AUTHORIZATION_MAGIC + rlp_encode(fields))
    return digest


def recover_authority(authorization: "Authorization") -> bytes | None:
    """The 20-byte address that signed this authorization; `None` for no signer or a high s.

    Source: EIP-7702.
    """
    if authorization.s > SECP256K1_N // 2:
        return None
    return _recover(
        _authorization_hash(authorization),
        authorization.y_parity,
        authorization.r,
        authorization.s,
    )


def _sign(digest: bytes, secret_key: bytes) -> tuple[int, int, int]:
    """The y parity, r and (low) s of a deterministic signature (RFC 6979)."""
    signature = _private_key(secret_key).sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return signature[64], r, s


def sign(unsigned: "Transaction", secret_key: bytes) -> "Transaction":
    """The transaction with its signature put in; `v`, `r` and `s` of the one given do not matter.

    A type 0 transaction is replay protected exactly if its `chain_id` is not `None`.

    Raises: `ValueError` where the key is 0 or not below the order of the curve.
    """
    digest = _signing_hash(unsigned, unsigned.chain_id)
    parity, r, s = _sign(digest, secret_key)
    v = parity
    if unsigned.type == 0:
        v += 27 if unsigned.chain_id is None else 35 + 2 * unsigned.chain_id
    return replace(unsigned, v=v, r=r, s=s)


def sign_authorization(unsigned: "Authorization", secret_key: bytes) -> "Authorization":
    """The authorization with its signature put in. Source: EIP-7702.

    Raises: `ValueError` where the key is 0 or not below the order of the curve.
    """
    parity, r, s = _sign(_authorization_hash(unsigned), secret_key)
    return replace(unsigned, y_parity=parity, r=r, s=s)

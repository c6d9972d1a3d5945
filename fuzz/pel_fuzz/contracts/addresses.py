"""The addresses of accounts that do not exist yet: where a creation will put them."""

from pel_fuzz.contracts.keccak import keccak
from pel_reference.transaction_rlp import integer, rlp_encode

_ADDRESS_BYTES = 20


def create_address(creator: bytes, nonce: int) -> bytes:
    """Where a creation transaction, or `CREATE`, of a creator with this nonce puts the account."""
    return _address(rlp_encode([creator, integer(nonce)]))


def create2_address(factory: bytes, salt: int, initcode: bytes) -> bytes:
    """Where `CREATE2` puts the account. Source: EIP-1014."""
    return _address(b"\xff" + factory + salt.to_bytes(32, "big") + keccak(initcode))


def _address(hashed: bytes) -> bytes:
    return keccak(hashed)[-_ADDRESS_BYTES:]

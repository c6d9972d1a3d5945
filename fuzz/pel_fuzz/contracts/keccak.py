"""The EVM's hash function: the one place of this package that names who computes it."""

from eth_hash import auto


def keccak(data: bytes) -> bytes:
    """Keccak-256, as it was before SHA-3 was standardized: 32 bytes."""
    return bytes(auto.keccak(data))


def keccak_number(data: bytes) -> int:
    """The hash as a number, which is how storage knows it."""
    return int.from_bytes(keccak(data), "big")

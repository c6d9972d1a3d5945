"""The precompiled contracts, each with input that it accepts: something to call for a generator.

Inputs are small, so that no call costs more than a few hundred thousand gas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pel_fuzz.contracts.abi import words


@dataclass(frozen=True, slots=True)
class Precompile:
    """A contract that the EVM has built in; it succeeds on `valid_input`."""

    name: str
    address: int
    first_fork: str
    source: str
    valid_input: bytes


_SIGNED = bytes.fromhex("4ebbab846c8b6b2b36d6dfbd03aaa269bc145ca539579ddb245c84d71d5d3c5d")
_SIGNATURE = (
    28,
    0x6437E1FE5C8EE946C3A4FE992EE997A23BF02B385CAB81F207AC98F79D785081,
    0x7B633AEC01559503AAC3C6E461D19CBC15DEBD24462E58908BD5E98F2765FB9F,
)
"""A signature that the private key 0x50454c makes of the hash above."""

_BN_G1 = words(1, 2)
_BN_MINUS_G1 = words(1, 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD45)
_BN_G2 = words(
    0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
    0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
    0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
    0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
)
"""Generators of the groups of alt_bn128. Source: EIP-196, EIP-197 (imaginary parts first)."""

_ZERO_POLYNOMIAL = bytes.fromhex("c0") + bytes(47)
_ZERO_POLYNOMIAL_HASH = bytes.fromhex(
    "010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"
)
"""The commitment to the polynomial that is 0 everywhere, which is also the proof of each of its
values, and the versioned hash of it. Source: EIP-4844."""

_G1_INFINITY = bytes(128)
_G2_INFINITY = bytes(256)
_SCALAR = words(7)

_ALL = (
    Precompile("ecrecover", 1, "Frontier", "Yellow Paper", _SIGNED + words(*_SIGNATURE)),
    Precompile("sha256", 2, "Frontier", "Yellow Paper", b"contended"),
    Precompile("ripemd160", 3, "Frontier", "Yellow Paper", b"contended"),
    Precompile("identity", 4, "Frontier", "Yellow Paper", b"contended"),
    Precompile("modexp", 5, "Byzantium", "EIP-198", words(32, 32, 32, 3, 65537, 1_000_003)),
    Precompile("bn_add", 6, "Byzantium", "EIP-196", _BN_G1 + _BN_G1),
    Precompile("bn_mul", 7, "Byzantium", "EIP-196", _BN_G1 + _SCALAR),
    Precompile("bn_pairing", 8, "Byzantium", "EIP-197", _BN_G1 + _BN_G2 + _BN_MINUS_G1 + _BN_G2),
    Precompile("blake2f", 9, "Istanbul", "EIP-152", (12).to_bytes(4, "big") + bytes(208) + b"\x01"),
    Precompile(
        "point_evaluation",
        10,
        "Cancun",
        "EIP-4844",
        _ZERO_POLYNOMIAL_HASH + words(3, 0) + _ZERO_POLYNOMIAL + _ZERO_POLYNOMIAL,
    ),
    Precompile("bls_g1_add", 11, "Prague", "EIP-2537", _G1_INFINITY + _G1_INFINITY),
    Precompile("bls_g1_msm", 12, "Prague", "EIP-2537", _G1_INFINITY + _SCALAR),
    Precompile("bls_g2_add", 13, "Prague", "EIP-2537", _G2_INFINITY + _G2_INFINITY),
    Precompile("bls_g2_msm", 14, "Prague", "EIP-2537", _G2_INFINITY + _SCALAR),
    Precompile("bls_pairing", 15, "Prague", "EIP-2537", _G1_INFINITY + _G2_INFINITY),
    Precompile("bls_map_to_g1", 16, "Prague", "EIP-2537", words(0, 7)),
    Precompile("bls_map_to_g2", 17, "Prague", "EIP-2537", words(0, 7, 0, 11)),
)

PRECOMPILES: Mapping[str, Precompile] = MappingProxyType(
    {precompile.name: precompile for precompile in _ALL}
)
"""Every precompiled contract from Frontier to Prague, by name."""

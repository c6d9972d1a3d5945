"""Every precompile of every fork, with inputs that it takes and some that it does not, by EELS."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from py_ecc.bls.point_compression import compress_G1
from py_ecc.optimized_bls12_381 import G1, G2, Z1, multiply, normalize
from py_ecc.optimized_bn128 import G1 as BN_G1
from py_ecc.optimized_bn128 import G2 as BN_G2
from py_ecc.optimized_bn128 import multiply as bn_multiply
from py_ecc.optimized_bn128 import neg as bn_neg
from py_ecc.optimized_bn128 import normalize as bn_normalize

from pel_reference.compare import differences
from pel_reference.eels import run_block_eels
from pel_reference.fork_names import is_from
from pel_reference.sequential import run_block
from pel_reference.signing import sign_authorization

pytest.importorskip("ethereum", reason="EELS is not installed")

CALLER = b"\xc1" * 20
FORKS = ("Frontier", "Byzantium", "Istanbul", "Prague")
Maker = Callable[[str], Any]


def words(*numbers: int, size: int = 32) -> bytes:
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def bn(point: Any) -> bytes:
    """A point of bn128 as the precompiles read it, imaginary parts first."""
    coordinates = []
    for part in bn_normalize(point):
        found = getattr(part, "coeffs", None)
        coordinates += [int(c) for c in reversed(found)] if found else [int(part)]
    return words(*coordinates)


def bls(point: Any) -> bytes:
    """A point of BLS12-381 in the encoding of EIP-2537."""
    coordinates = []
    for part in normalize(point):
        found = getattr(part, "coeffs", None)
        coordinates += [int(c) for c in found] if found else [int(part)]
    return words(*coordinates, size=64)


def signature_input() -> bytes:
    """An authorization's signature, in the layout of the first precompile."""
    from pel_reference.block import Authorization  # noqa: PLC0415

    signed = sign_authorization(Authorization(1, bytes(20), 0, 0, 0, 0), b"\x07" * 32)
    return b"\x55" * 32 + words(27 + signed.y_parity, signed.r, signed.s)


def opening() -> bytes:
    """A blob's opening that holds: the polynomial 0, which is 0 anywhere."""
    infinity = compress_G1(Z1).to_bytes(48, "big")
    versioned = b"\x01" + sha256(infinity).digest()[1:]
    return versioned + words(7, 0) + infinity + infinity


PAIR = bn(BN_G1) + bn(BN_G2) + bn(bn_neg(BN_G1)) + bn(BN_G2)
BLAKE = (12).to_bytes(4, "big") + bytes(range(208)) + b"\x01"
BLS_PAIR = bls(G1) + bls(G2) + bls(multiply(G1, 2)) + bls(G2)
INPUTS: list[tuple[int, str, bytes]] = [
    *((1, "Frontier", data) for data in (signature_input(), b"\x55" * 128, b"")),
    *((n, "Frontier", data) for n in (2, 3, 4) for data in (b"", b"\x01" * 77)),
    *((5, "Byzantium", words(1, 1, 1) + data) for data in (b"\x03\x05\x07", b"\x03\x05\x00", b"")),
    (5, "Byzantium", words(0, 0, 0)),
    (5, "Byzantium", words(40, 33, 36) + b"\x05" * 109),
    (5, "Byzantium", words(2**40, 0, 1)),
    (6, "Byzantium", bn(BN_G1) + bn(bn_multiply(BN_G1, 9))),
    *((6, "Byzantium", data) for data in (b"", words(1, 1), bn(BN_G1)[:50])),
    *((7, "Byzantium", bn(BN_G1) + words(n)) for n in (0, 3, 2**256 - 1)),
    *((8, "Byzantium", data) for data in (b"", PAIR, PAIR[:192], PAIR[:-1], words(*range(6)))),
    *((9, "Istanbul", data) for data in (BLAKE, BLAKE[:-1] + b"\x02", BLAKE[1:], b"")),
    *((10, "Cancun", data) for data in (opening(), opening()[:-1], bytes(192))),
    (10, "Cancun", opening()[:63] + b"\x01" + opening()[64:]),
    (11, "Prague", bls(G1) + bls(multiply(G1, 5))),
    *((11, "Prague", data) for data in (bls(G1), bytes(256), words(1, 1, 1, 1, size=64))),
    (12, "Prague", bls(G1) + words(3)),
    (12, "Prague", (bls(G1) + words(3)) * 3),
    (13, "Prague", bls(G2) + bls(multiply(G2, 5))),
    (14, "Prague", (bls(G2) + words(2**255)) * 2),
    *((15, "Prague", data) for data in (BLS_PAIR, BLS_PAIR[:384], b"", bytes(384))),
    *((16, "Prague", words(n, size=64)) for n in (0, 5, 2**400)),
    *((17, "Prague", words(n, 3, size=64)) for n in (0, 5)),
]


@pytest.mark.parametrize("fork", FORKS)
def test_precompiles(maker: Maker, fork: str) -> None:
    """Each called with enough gas and with too little; what comes back is kept as a hash."""
    made = maker(fork)
    called = []
    for number, first_fork, data in INPUTS:
        if not is_from(fork, first_fork):
            continue
        for gas in (400_000, 300):
            to = number.to_bytes(20, "big").hex()
            address = bytes([0xC0 + number]) * 19 + bytes([len(made.transactions)])
            made.contract(
                address,
                "CALLDATASIZE 0 0 CALLDATACOPY "
                f"64 2000 CALLDATASIZE 0 0 0x{to} {gas} CALL 0 SSTORE "
                "64 2000 SHA3 1 SSTORE GAS 2 SSTORE",
            )
            made.send(1, address, data=data, gas_limit=700_000)
            called.append((number, address))
    made.env["gas_limit"] = 10**9
    block = made.block()
    result = run_block(block)
    assert len(result.receipts) == len(block.transactions)
    assert all(receipt.status for receipt in result.receipts)
    succeeded = {number for number, address in called if result.alloc[address].storage.get(0)}
    assert succeeded == {number for number, _ in called}
    assert differences(result, run_block_eels(block), reasons=False) == []

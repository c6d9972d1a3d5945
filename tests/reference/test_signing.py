"""Who signed what, and signing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_reference.block import Authorization, Transaction
from pel_reference.signing import (
    SECP256K1_N,
    address_of,
    legacy_chain_id,
    recover_authority,
    sign,
    sign_authorization,
    signing_hash,
    y_parity_of,
)

KEYS = st.integers(1, SECP256K1_N - 1).map(lambda number: number.to_bytes(32, "big"))
WORDS = st.integers(0, 2**256 - 1)
ADDRESSES = st.binary(min_size=20, max_size=20)
PRICES = {
    0: {"gas_price": 1},
    1: {"gas_price": 1},
    2: {"max_fee_per_gas": 2, "max_priority_fee_per_gas": 1},
    3: {"max_fee_per_gas": 2, "max_priority_fee_per_gas": 1, "max_fee_per_blob_gas": 1},
    4: {"max_fee_per_gas": 2, "max_priority_fee_per_gas": 1},
}


@st.composite
def unsigned(draw: st.DrawFn) -> Transaction:
    kind = draw(st.integers(0, 4))
    chain_id = draw(st.integers(0, 2**64 - 1))
    return Transaction(
        type=kind,
        nonce=draw(st.integers(0, 2**64 - 1)),
        gas_limit=draw(st.integers(0, 2**63 - 1)),
        to=draw(ADDRESSES if kind >= 3 else st.none() | ADDRESSES),
        value=draw(WORDS),
        data=draw(st.binary(max_size=40)),
        v=0,
        r=0,
        s=0,
        chain_id=None if kind == 0 and draw(st.booleans()) else chain_id,
        access_list=((bytes(20), (0, 7)),) if kind and draw(st.booleans()) else (),
        blob_versioned_hashes=(b"\x01" * 32,) if kind == 3 else (),
        authorizations=(Authorization(1, bytes(20), 0, 0, 1, 1),) if kind == 4 else (),
        **PRICES[kind],
    )


@given(unsigned(), KEYS)
def test_who_signs_is_recovered(transaction: Transaction, key: bytes) -> None:
    signed = sign(transaction, key)
    assert signed.sender == address_of(key)
    assert 0 < signed.s <= SECP256K1_N // 2
    if signed.type == 0:
        assert legacy_chain_id(signed.v) == transaction.chain_id
    # The other s of the pair, with the other parity, is the same signer's.
    other = signed.v ^ 1 if signed.type else signed.v + (1 if y_parity_of(signed) == 0 else -1)
    assert replace(signed, s=SECP256K1_N - signed.s, v=other).sender == address_of(key)


@given(unsigned(), KEYS, st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_another_message_has_another_signer(
    transaction: Transaction, key: bytes, value: int, nonce: int
) -> None:
    signed = sign(transaction, key)
    changed = replace(signed, value=value, nonce=nonce)
    same = (value, nonce) == (signed.value, signed.nonce)
    assert (signing_hash(changed) == signing_hash(signed)) is same
    assert (changed.sender == signed.sender) is same


@given(KEYS, WORDS, ADDRESSES, st.integers(0, 2**64 - 1))
def test_authority_is_recovered_from_low_s_only(
    key: bytes, chain_id: int, address: bytes, nonce: int
) -> None:
    signed = sign_authorization(Authorization(chain_id, address, nonce, 0, 0, 0), key)
    assert signed.authority() == address_of(key)
    twin = replace(signed, s=SECP256K1_N - signed.s, y_parity=1 - signed.y_parity)
    assert recover_authority(twin) is None


@pytest.mark.parametrize(
    "changes",
    [
        *({"r": 0}, {"r": SECP256K1_N}, {"r": 2**256 - 1}, {"s": 0}, {"s": SECP256K1_N}),
        # 5 is no x coordinate of the curve.
        *({"r": 5}, {"v": 0}, {"v": 26}, {"v": 29}, {"v": 34}),
    ],
)
def test_no_signer(changes: dict[str, int]) -> None:
    transaction = Transaction(0, 0, 21_000, bytes(20), 0, b"", 0, 0, 0, gas_price=1)
    assert replace(sign(transaction, b"\x01" * 32), **changes).sender is None


def test_typed_parity_is_zero_or_one() -> None:
    transaction = Transaction(2, 0, 21_000, bytes(20), 0, b"", 0, 0, 0, 1, **PRICES[2])
    signed = sign(transaction, b"\x01" * 32)
    assert replace(signed, v=signed.v + 27).sender is None
    assert replace(signed, type=5).sender is None


@pytest.mark.parametrize("key", [bytes(32), SECP256K1_N.to_bytes(32, "big"), b"\xff" * 32])
def test_no_key(key: bytes) -> None:
    with pytest.raises(ValueError, match=r"ecret|range|valid"):
        address_of(key)


def test_the_example_of_eip_155() -> None:
    """The EIP works this one out: nonce 9, 20 gwei, 21,000 gas, 1 ether, key 0x46..."""
    transaction = Transaction(
        0, 9, 21_000, b"\x35" * 20, 10**18, b"", 0, 0, 0, 1, gas_price=20 * 10**9
    )
    signed = sign(transaction, b"\x46" * 32)
    assert signing_hash(signed).hex() == (
        "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    )
    assert signed.v == 37
    assert signed.r == 0x28EF61340BD939BC2195FE537567866003E1A15D3C71FF63E1590620AA636276
    assert signed.s == 0x67CBE9D8997F761AECB703304B3800CCF555C9F3DC64214B297FB1966A3B6D83

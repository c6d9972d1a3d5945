"""Transaction validity, rule by rule; each verdict is also EELS's."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pel_reference import validity
from pel_reference.block import Account, Authorization, Block, Environment, Transaction
from pel_reference.eels import run_block_eels
from pel_reference.eels_forks import EELS_FORKS, is_installed
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES, rules_for
from pel_reference.sequential import run_block
from pel_reference.signing import SECP256K1_N, address_of, sign, sign_authorization
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES

KEY = b"\x07" * 32
SENDER = address_of(KEY)
TARGET = b"\x22" * 20
BLOBS = (b"\x01" * 32,)
AUTHORIZATION = sign_authorization(Authorization(1, TARGET, 0, 0, 0, 0), b"\x08" * 32)
FORKS_OF_TYPES = {0: "Frontier", 1: "Berlin", 2: "London", 3: "Cancun", 4: "Prague"}


def transaction(kind: int, changes: Mapping[str, Any]) -> Transaction:
    """A valid transaction of this type for a block made here, but for the changes; signed."""
    values: dict[str, Any] = {
        "nonce": 0,
        "gas_limit": 100_000,
        "to": TARGET,
        "value": 1,
        "data": b"",
        "chain_id": 1 if kind else None,
    }
    if kind < 2:
        values["gas_price"] = 100
    else:
        values |= {"max_fee_per_gas": 100, "max_priority_fee_per_gas": 3}
    if kind == 3:
        values |= {"max_fee_per_blob_gas": 100, "blob_versioned_hashes": BLOBS}
    if kind == 4:
        values["authorizations"] = (AUTHORIZATION,)
    return sign(Transaction(type=kind, v=0, r=0, s=0, **(values | dict(changes))), KEY)


def block(fork: str, transactions: tuple[Transaction, ...], account: Account) -> Block:
    """A block of the fork whose only funded account is the sender."""
    alloc = {SENDER: account}
    if is_from(fork, "Prague"):
        alloc |= {a: Account(nonce=1, code=code) for a, code in SYSTEM_CONTRACT_CODES.items()}
    env = Environment(
        coinbase=b"\xcb" * 20,
        gas_limit=1_000_000,
        number=1,
        timestamp=1,
        difficulty=0 if is_from(fork, "Paris") else 131_072,
        prev_randao=bytes(32) if is_from(fork, "Paris") else None,
        base_fee_wei=50 if is_from(fork, "London") else None,
        # A blob base fee of 19 in Cancun, 7 in Prague.
        excess_blob_gas=10_000_000 if is_from(fork, "Cancun") else None,
        withdrawals=() if is_from(fork, "Shanghai") else None,
    )
    return Block(fork, 1, env, alloc, transactions)


@dataclass(frozen=True)
class Case:
    """A transaction that is invalid for one reason (`None`: valid), in this fork."""

    reason: str | None
    fork: str
    kind: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    signature: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        what = ",".join([*self.changes, *self.signature, *self.account])
        return f"{self.fork}-{self.kind}-{what}"


FULL_DATA = b"\xff" * 2_000
FLOOR = 21_000 + 40 * 2_000
INTRINSIC_HOMESTEAD = 21_000 + 68 * 2_000
CREATION = {"to": None, "data": b"\x00" * 33}
LONG = {"to": None, "data": bytes(49_153), "gas_limit": 1_000_000}
HIGH_S = SECP256K1_N - 1

VALID = [
    *(Case(None, fork, kind) for kind, fork in FORKS_OF_TYPES.items()),
    Case(None, "Prague", 0, {"chain_id": 1}),
    Case(None, "Frontier", 0, {"to": None, "gas_limit": 21_000}),
    Case(None, "Homestead", 0, CREATION | {"gas_limit": 53_000 + 4 * 33}),
    Case(None, "Shanghai", 0, CREATION | {"gas_limit": 53_000 + 4 * 33 + 4}),
    Case(None, "Shanghai", 0, LONG | {"data": bytes(49_152)}),
    Case(None, "Paris", 0, LONG),
    Case(None, "Cancun", 0, {"data": FULL_DATA, "gas_limit": 53_000}),
    Case(None, "Prague", 0, {"data": FULL_DATA, "gas_limit": FLOOR}),
    Case(None, "London", 2, {"max_fee_per_gas": 50, "max_priority_fee_per_gas": 50}),
    Case(None, "Prague", 4, account={"code": validity.DELEGATION_PREFIX + TARGET}),
    Case(None, "Prague", 0, account={"nonce": 2**64 - 2}, changes={"nonce": 2**64 - 2}),
    Case(None, "Frontier", 0, {"gas_limit": 1_000_000}, account={"balance": 10**8 + 1}),
    Case(None, "Cancun", 3, account={"balance": 10**7 + 100 * 131_072 + 1}),
]

STATIC = [
    *(
        Case(validity.TYPE_UNKNOWN, before, kind)
        for kind, before in ((1, "MuirGlacier"), (2, "Berlin"), (3, "Shanghai"), (4, "Cancun"))
    ),
    *(
        Case(validity.CHAIN_ID_WRONG, fork, kind, {"chain_id": 2})
        for kind, fork in FORKS_OF_TYPES.items()
        if kind
    ),
    Case(validity.CHAIN_ID_WRONG, "Prague", 0, {"chain_id": 5}),
    Case(validity.CHAIN_ID_WRONG, "EIP158", 0, {"chain_id": 0}),
    Case(validity.SIGNATURE_INVALID, "EIP150", 0, {"chain_id": 1}),
    Case(validity.SIGNATURE_INVALID, "Homestead", signature={"s": HIGH_S}),
    *(
        Case(validity.SIGNATURE_INVALID, fork, kind, signature=bad)
        for kind, fork in FORKS_OF_TYPES.items()
        for bad in ({"r": 0}, {"r": SECP256K1_N}, {"s": 0}, {"s": SECP256K1_N}, {"v": 2})
    ),
    *(Case(validity.SIGNATURE_INVALID, "Frontier", signature={"v": v}) for v in (0, 29, 34)),
    Case(validity.NONCE_AT_MAXIMUM, "Frontier", 0, {"nonce": 2**64 - 1}),
    Case(validity.FIELD_OUT_OF_RANGE, "Frontier", 0, {"nonce": 2**64}),
    Case(validity.FIELD_OUT_OF_RANGE, "Frontier", 0, {"value": 2**256}),
    Case(validity.FIELD_OUT_OF_RANGE, "London", 2, {"max_fee_per_gas": 2**256}),
    Case(
        validity.FIELD_OUT_OF_RANGE,
        "Prague",
        4,
        {"authorizations": (replace(AUTHORIZATION, nonce=2**64),)},
    ),
    Case(validity.GAS_BELOW_INTRINSIC, "Frontier", 0, {"gas_limit": 20_999}),
    Case(
        validity.GAS_BELOW_INTRINSIC,
        "Homestead",
        0,
        {"data": FULL_DATA, "gas_limit": INTRINSIC_HOMESTEAD - 1},
    ),
    Case(validity.GAS_BELOW_INTRINSIC, "Homestead", 0, CREATION | {"gas_limit": 53_131}),
    Case(validity.GAS_BELOW_INTRINSIC, "Istanbul", 0, {"data": b"\1", "gas_limit": 21_015}),
    Case(validity.GAS_BELOW_INTRINSIC, "Shanghai", 0, CREATION | {"gas_limit": 53_135}),
    Case(
        validity.GAS_BELOW_INTRINSIC,
        "Berlin",
        1,
        {"access_list": ((TARGET, (0, 1)),), "gas_limit": 21_000 + 2_400 + 3_799},
    ),
    Case(validity.GAS_BELOW_INTRINSIC, "Prague", 4, {"gas_limit": 45_999}),
    Case(validity.GAS_BELOW_FLOOR, "Prague", 0, {"data": FULL_DATA, "gas_limit": FLOOR - 1}),
    Case(validity.GAS_ABOVE_BLOCK, "Frontier", 0, {"gas_limit": 1_000_001}),
    Case(validity.INITCODE_TOO_LONG, "Shanghai", 0, LONG),
    *(
        Case(validity.TIP_ABOVE_FEE, FORKS_OF_TYPES[kind], kind, {"max_priority_fee_per_gas": 101})
        for kind in (2, 3, 4)
    ),
    Case(validity.FEE_BELOW_BASE, "London", 0, {"gas_price": 49}),
    Case(validity.FEE_BELOW_BASE, "London", 1, {"gas_price": 49}),
    Case(validity.FEE_BELOW_BASE, "London", 2, {"max_fee_per_gas": 49}),
    Case(validity.CREATION_FORBIDDEN, "Cancun", 3, {"to": None}),
    Case(validity.CREATION_FORBIDDEN, "Prague", 4, {"to": None}),
    Case(validity.BLOBS_MISSING, "Cancun", 3, {"blob_versioned_hashes": ()}),
    Case(validity.BLOBS_ABOVE_BLOCK, "Cancun", 3, {"blob_versioned_hashes": BLOBS * 7}),
    Case(validity.BLOBS_ABOVE_BLOCK, "Prague", 3, {"blob_versioned_hashes": BLOBS * 10}),
    Case(
        validity.BLOB_VERSION_UNKNOWN,
        "Cancun",
        3,
        {"blob_versioned_hashes": (*BLOBS, b"\x02" * 32)},
    ),
    Case(validity.BLOB_FEE_BELOW_BASE, "Cancun", 3, {"max_fee_per_blob_gas": 18}),
    Case(validity.BLOB_FEE_BELOW_BASE, "Prague", 3, {"max_fee_per_blob_gas": 6}),
    Case(validity.AUTHORIZATIONS_MISSING, "Prague", 4, {"authorizations": ()}),
]

STATEFUL = [
    Case(validity.NONCE_TOO_LOW, "Frontier", account={"nonce": 1}),
    Case(validity.NONCE_TOO_HIGH, "Frontier", 0, {"nonce": 1}),
    Case(validity.FUNDS_INSUFFICIENT, "Frontier", account={"balance": 100 * 100_000}),
    # The price that counts is the highest allowed, not the one charged.
    Case(validity.FUNDS_INSUFFICIENT, "London", 2, account={"balance": 100 * 100_000}),
    Case(
        validity.FUNDS_INSUFFICIENT,
        "Cancun",
        3,
        account={"balance": 10**7 + 100 * 131_072},
    ),
    *(Case(validity.SENDER_HAS_CODE, fork, account={"code": b"\0"}) for fork in RULES),
    Case(
        validity.SENDER_HAS_CODE,
        "Cancun",
        account={"code": validity.DELEGATION_PREFIX + TARGET},
    ),
    Case(
        validity.SENDER_HAS_CODE,
        "Prague",
        account={"code": validity.DELEGATION_PREFIX + TARGET + b"\0"},
    ),
]


@pytest.mark.parametrize("case", [*VALID, *STATIC, *STATEFUL], ids=str)
def test_verdict(case: Case) -> None:
    """The reason is the expected one, and EELS rejects and takes the same transactions."""
    signed = replace(transaction(case.kind, case.changes), **case.signature)
    account = Account(**({"balance": 10**12} | dict(case.account)))
    given = block(case.fork, (signed,), account)
    result = run_block(given)
    assert [rejected.reason for rejected in result.rejected] == (
        [case.reason] if case.reason else []
    )
    if case.fork in EELS_FORKS and is_installed():
        judged = run_block_eels(given)
        assert len(judged.rejected) == len(result.rejected)
        assert judged.alloc == result.alloc


@pytest.mark.parametrize("case", STATIC, ids=str)
def test_static_verdict_needs_no_state(case: Case) -> None:
    signed = replace(transaction(case.kind, case.changes), **case.signature)
    env = block(case.fork, (), Account()).env
    assert validity.check_static(rules_for(case.fork), 1, env, signed) == case.reason


def test_high_s_was_allowed_once() -> None:
    signed = transaction(0, {})
    twin = replace(signed, s=SECP256K1_N - signed.s, v=55 - signed.v)
    account = Account(balance=10**12)
    assert run_block(block("Frontier", (twin,), account)).receipts
    assert run_block(block("Homestead", (twin,), account)).rejected


@pytest.mark.parametrize(
    ("fork", "gas_limit", "gas_used", "blobs", "blob_gas_used", "reason"),
    [
        ("Frontier", 100_000, 900_000, 0, 0, None),
        ("Frontier", 100_000, 900_001, 0, 0, validity.BLOCK_GAS_EXHAUSTED),
        ("Cancun", 100_000, 0, 2, 4 * 131_072, None),
        ("Cancun", 100_000, 0, 2, 5 * 131_072, validity.BLOB_GAS_EXHAUSTED),
        ("Prague", 100_000, 0, 2, 7 * 131_072, None),
        ("Prague", 100_000, 0, 2, 8 * 131_072, validity.BLOB_GAS_EXHAUSTED),
    ],
)
def test_admission(
    fork: str, gas_limit: int, gas_used: int, blobs: int, blob_gas_used: int, reason: str | None
) -> None:
    changes: dict[str, Any] = {"gas_limit": gas_limit}
    if blobs:
        changes["blob_versioned_hashes"] = BLOBS * blobs
    signed = transaction(3 if blobs else 0, changes)
    env = block(fork, (), Account()).env
    assert validity.check_admission(rules_for(fork), env, signed, gas_used, blob_gas_used) == reason


def test_what_counts_for_admission_is_what_was_charged() -> None:
    """Two transactions may declare more than the block holds, if the first is charged less."""
    first = transaction(0, {"gas_limit": 1_000_000})
    second = transaction(0, {"gas_limit": 979_000, "nonce": 1})
    third = transaction(0, {"gas_limit": 958_001, "nonce": 2})
    given = block("Frontier", (first, second, third), Account(balance=10**12))
    result = run_block(given)
    assert [rejected.tx_index for rejected in result.rejected] == [2]
    assert result.rejected[0].reason == validity.BLOCK_GAS_EXHAUSTED
    if is_installed():
        assert run_block_eels(given).alloc == result.alloc

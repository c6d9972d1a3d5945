"""Whether a transaction may be part of a block: our own rules, because py-evm's deviate.

Three questions, asked in this order by every executor:

- `check_static`: everything that neither the state nor the block's other transactions decide;
- `check_admission`: whether the gas and blob gas left in the block suffice;
- `check_state`: the sender's nonce, balance and code.

Each answers `None` or a reason: short, stable, without values, so that two executors give the same.
The rules are common to both of our executors; only EELS judges them.
"""

from pel_reference.block import Authorization, Environment, Transaction
from pel_reference.fees import (
    blob_base_fee_wei,
    blob_gas,
    floor_gas,
    intrinsic_gas,
    max_gas_price_wei,
    upfront_cost_wei,
)
from pel_reference.forks import Rules
from pel_reference.signing import SECP256K1_N, legacy_chain_id

UINT8_END = 2**8
UINT64_END = 2**64
UINT256_END = 2**256
BLOB_HASH_VERSION = 1
DELEGATION_PREFIX = b"\xef\x01\x00"
DELEGATION_BYTES = 23

SIGNATURE_INVALID = "invalid signature"
CHAIN_ID_WRONG = "wrong chain id"
TYPE_UNKNOWN = "transaction type not supported in this fork"
FIELD_OUT_OF_RANGE = "field out of range"
NONCE_AT_MAXIMUM = "nonce at its maximum"
GAS_BELOW_INTRINSIC = "gas limit below intrinsic gas"
GAS_BELOW_FLOOR = "gas limit below calldata floor"
GAS_ABOVE_BLOCK = "gas limit above the block's"
INITCODE_TOO_LONG = "initcode too long"
TIP_ABOVE_FEE = "priority fee above maximum fee"
FEE_BELOW_BASE = "maximum fee below base fee"
CREATION_FORBIDDEN = "creation not allowed by this type"
BLOBS_MISSING = "no blobs"
BLOBS_ABOVE_BLOCK = "more blobs than a block may hold"
BLOB_VERSION_UNKNOWN = "unknown blob hash version"
BLOB_FEE_BELOW_BASE = "maximum blob fee below blob base fee"
AUTHORIZATIONS_MISSING = "no authorizations"
BLOCK_GAS_EXHAUSTED = "not enough gas left in the block"
BLOB_GAS_EXHAUSTED = "not enough blob gas left in the block"
NONCE_TOO_LOW = "nonce too low"
NONCE_TOO_HIGH = "nonce too high"
FUNDS_INSUFFICIENT = "insufficient funds"
SENDER_HAS_CODE = "sender has code"


def is_delegation(code: bytes) -> bool:
    """Whether this code only designates other code. Source: EIP-7702."""
    return len(code) == DELEGATION_BYTES and code.startswith(DELEGATION_PREFIX)


def _authorization_fits(authorization: Authorization) -> bool:
    return (
        authorization.chain_id < UINT256_END
        and authorization.nonce < UINT64_END
        and authorization.y_parity < UINT8_END
        and authorization.r < UINT256_END
        and authorization.s < UINT256_END
    )


def _check_fields(rules: Rules, transaction: Transaction) -> str | None:
    """Whether the type exists in this fork and each field is in its type's range."""
    if not 0 <= transaction.type <= rules.max_transaction_type:
        return TYPE_UNKNOWN
    words = (
        transaction.value,
        transaction.gas_price or 0,
        transaction.max_fee_per_gas or 0,
        transaction.max_priority_fee_per_gas or 0,
        transaction.max_fee_per_blob_gas or 0,
    )
    if max(words) >= UINT256_END or transaction.nonce >= UINT64_END:
        return FIELD_OUT_OF_RANGE
    if not all(_authorization_fits(entry) for entry in transaction.authorizations):
        return FIELD_OUT_OF_RANGE
    # EIP-2681: a nonce that could not be incremented.
    return NONCE_AT_MAXIMUM if transaction.nonce == UINT64_END - 1 else None


def _check_signature(rules: Rules, block_chain_id: int, transaction: Transaction) -> str | None:
    """Whether somebody signed this, for this chain. Source: EIP-2, EIP-155, EIP-2718."""
    claimed = transaction.chain_id
    if transaction.type == 0:
        claimed = legacy_chain_id(transaction.v)
        if claimed is not None and (claimed < 0 or not rules.replay_protection):
            return SIGNATURE_INVALID
    if rules.low_s and transaction.s > SECP256K1_N // 2:
        return SIGNATURE_INVALID
    # Only a legacy transaction may be meant for any chain.
    if claimed != block_chain_id and not (transaction.type == 0 and claimed is None):
        return CHAIN_ID_WRONG
    return SIGNATURE_INVALID if transaction.sender is None else None


def _check_gas(rules: Rules, env: Environment, transaction: Transaction) -> str | None:
    """Whether the gas limit covers what is charged in any case, and a block can hold it."""
    if transaction.gas_limit < intrinsic_gas(rules, transaction):
        return GAS_BELOW_INTRINSIC
    if transaction.gas_limit < floor_gas(rules, transaction):
        return GAS_BELOW_FLOOR
    if transaction.gas_limit > env.gas_limit:
        return GAS_ABOVE_BLOCK
    limit = rules.max_initcode_bytes
    if transaction.is_creation and limit is not None and len(transaction.data) > limit:
        return INITCODE_TOO_LONG
    return None


def _check_fees(rules: Rules, env: Environment, transaction: Transaction) -> str | None:
    """Whether the price offered reaches the block's. Source: EIP-1559."""
    if not rules.fee_market:
        return None
    max_fee_wei = max_gas_price_wei(transaction)
    if (transaction.max_priority_fee_per_gas or 0) > max_fee_wei:
        return TIP_ABOVE_FEE
    return FEE_BELOW_BASE if max_fee_wei < (env.base_fee_wei or 0) else None


def _check_blobs(rules: Rules, env: Environment, transaction: Transaction) -> str | None:
    """What EIP-4844 asks of a blob transaction."""
    if transaction.type != 3 or rules.blobs is None:
        return None
    if transaction.is_creation:
        return CREATION_FORBIDDEN
    if not transaction.blob_versioned_hashes:
        return BLOBS_MISSING
    if blob_gas(transaction) > rules.blobs.max_gas:
        return BLOBS_ABOVE_BLOCK
    if any(h[0] != BLOB_HASH_VERSION for h in transaction.blob_versioned_hashes):
        return BLOB_VERSION_UNKNOWN
    if (transaction.max_fee_per_blob_gas or 0) < blob_base_fee_wei(rules, env):
        return BLOB_FEE_BELOW_BASE
    return None


def _check_authorizations(transaction: Transaction) -> str | None:
    """What EIP-7702 asks of a set-code transaction; bad entries of its list are only skipped."""
    if transaction.type != 4:
        return None
    if transaction.is_creation:
        return CREATION_FORBIDDEN
    return None if transaction.authorizations else AUTHORIZATIONS_MISSING


def check_static(
    rules: Rules, block_chain_id: int, env: Environment, tx: Transaction
) -> str | None:
    """Why the transaction can be in no block with this header, whatever the state; else `None`."""
    return (
        _check_fields(rules, tx)
        or _check_signature(rules, block_chain_id, tx)
        or _check_gas(rules, env, tx)
        or _check_fees(rules, env, tx)
        or _check_blobs(rules, env, tx)
        or _check_authorizations(tx)
    )


def check_admission(
    rules: Rules, env: Environment, tx: Transaction, gas_used: int, blob_gas_used: int
) -> str | None:
    """Why the block has no room left for the transaction, after what its lower ones used.

    `gas_used` is what they were charged, not what they declared.
    """
    if tx.gas_limit > env.gas_limit - gas_used:
        return BLOCK_GAS_EXHAUSTED
    if rules.blobs is not None and blob_gas(tx) > rules.blobs.max_gas - blob_gas_used:
        return BLOB_GAS_EXHAUSTED
    return None


def check_state(
    rules: Rules,
    env: Environment,
    tx: Transaction,
    sender_nonce: int,
    sender_balance: int,
    sender_code: bytes,
) -> str | None:
    """Why the sender cannot send this now, else `None`.

    All three values are asked for whatever the answer, so that what a transition reads does not
    depend on the order of these rules. EIP-3607 holds in every fork (it was applied to the whole
    past); a delegation is no code in its sense.
    """
    if tx.nonce != sender_nonce:
        return NONCE_TOO_LOW if tx.nonce < sender_nonce else NONCE_TOO_HIGH
    if sender_balance < upfront_cost_wei(tx):
        return FUNDS_INSUFFICIENT
    if sender_code and not (rules.delegation and is_delegation(sender_code)):
        return SENDER_HAS_CODE
    return None

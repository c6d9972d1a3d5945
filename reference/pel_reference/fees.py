"""Gas and fees that are known before execution: intrinsic gas, floor, prices, upfront cost."""

from pel_reference.block import Environment, Transaction
from pel_reference.forks import GAS_PER_BLOB, Rules

TRANSACTION_GAS = 21_000
ZERO_BYTE_GAS = 4
ACCESS_LIST_ADDRESS_GAS = 2_400
ACCESS_LIST_SLOT_GAS = 1_900
INITCODE_WORD_GAS = 2
AUTHORIZATION_GAS = 25_000
FLOOR_TOKEN_GAS = 10
TOKENS_PER_NONZERO_BYTE = 4
MIN_BLOB_BASE_FEE_WEI = 1


def intrinsic_gas(rules: Rules, transaction: Transaction) -> int:
    """Gas that is used before the first instruction.

    Source: EIP-2, EIP-2028, EIP-2930, EIP-3860, EIP-7702.
    """
    data = transaction.data
    zeros = data.count(0)
    gas = TRANSACTION_GAS + zeros * ZERO_BYTE_GAS + (len(data) - zeros) * rules.nonzero_byte_gas
    if transaction.is_creation:
        gas += rules.creation_gas
        if rules.max_initcode_bytes is not None:
            gas += INITCODE_WORD_GAS * ((len(data) + 31) // 32)
    for _, slots in transaction.access_list:
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * len(slots)
    return gas + AUTHORIZATION_GAS * len(transaction.authorizations)


def floor_gas(rules: Rules, transaction: Transaction) -> int:
    """The least gas that is charged, 0 in forks without a floor. Source: EIP-7623."""
    if not rules.calldata_floor:
        return 0
    zeros = transaction.data.count(0)
    tokens = zeros + (len(transaction.data) - zeros) * TOKENS_PER_NONZERO_BYTE
    return TRANSACTION_GAS + FLOOR_TOKEN_GAS * tokens


def blob_gas(transaction: Transaction) -> int:
    """Blob gas of the transaction, 0 without blobs. Source: EIP-4844."""
    return GAS_PER_BLOB * len(transaction.blob_versioned_hashes)


def max_gas_price_wei(transaction: Transaction) -> int:
    """The most that the sender may be charged for one unit of gas."""
    if transaction.type in (0, 1):
        return transaction.gas_price or 0
    return transaction.max_fee_per_gas or 0


def effective_gas_price_wei(env: Environment, transaction: Transaction) -> int:
    """What the sender is charged for one unit of gas, base fee included. Source: EIP-1559."""
    if transaction.type in (0, 1):
        return transaction.gas_price or 0
    wanted = (env.base_fee_wei or 0) + (transaction.max_priority_fee_per_gas or 0)
    return min(wanted, transaction.max_fee_per_gas or 0)


def upfront_cost_wei(transaction: Transaction) -> int:
    """The balance that a sender must have before the transaction, at the highest prices it allows.

    Source: EIP-1559, EIP-4844.
    """
    cost = transaction.value + transaction.gas_limit * max_gas_price_wei(transaction)
    return cost + blob_gas(transaction) * (transaction.max_fee_per_blob_gas or 0)


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """About `factor * e ** (numerator / denominator)`, in integers. Source: EIP-4844.

    Range: `denominator` > 0, the others not negative.
    """
    total, step, term = 0, 1, factor * denominator
    while term > 0:
        total += term
        term = term * numerator // (denominator * step)
        step += 1
    return total // denominator


def blob_base_fee_wei(rules: Rules, env: Environment) -> int:
    """The price of one unit of blob gas; 0 in forks without blobs. Source: EIP-4844."""
    if rules.blobs is None:
        return 0
    excess = env.excess_blob_gas or 0
    return fake_exponential(MIN_BLOB_BASE_FEE_WEI, excess, rules.blobs.base_fee_fraction)

"""Header fields that follow from the parent's: base fee, excess blob gas, difficulty, gas limit."""

from pel_reference.forks import Rules

INITIAL_BASE_FEE_WEI = 10**9
ELASTICITY = 2
BASE_FEE_CHANGE_QUOTIENT = 8
GAS_LIMIT_CHANGE_QUOTIENT = 1024
MIN_GAS_LIMIT = 5000
MIN_DIFFICULTY = 131_072
DIFFICULTY_QUOTIENT = 2048
BOMB_PERIOD_BLOCKS = 100_000
MAX_BOMB_PERIODS = 256
MAX_OMMER_DEPTH = 6
EMPTY_OMMERS_HASH = bytes.fromhex(
    "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
)
"""The hash of the RLP of an empty list."""


def next_base_fee_wei(parent_gas_limit: int, parent_gas_used: int, parent_base_fee_wei: int) -> int:
    """The base fee of the block after a parent that has one.

    Range: `parent_gas_limit` is at least 2.
    Source: EIP-1559.
    """
    target = parent_gas_limit // ELASTICITY
    if parent_gas_used == target:
        return parent_base_fee_wei
    distance = abs(parent_gas_used - target)
    change = parent_base_fee_wei * distance // target // BASE_FEE_CHANGE_QUOTIENT
    if parent_gas_used > target:
        return parent_base_fee_wei + max(change, 1)
    return parent_base_fee_wei - change


def next_excess_blob_gas(
    rules: Rules, parent_excess_blob_gas: int, parent_blob_gas_used: int
) -> int:
    """The excess blob gas of a block of a fork with blobs; both are 0 for a parent without blobs.

    Source: EIP-4844.
    """
    assert rules.blobs is not None
    return max(parent_excess_blob_gas + parent_blob_gas_used - rules.blobs.target_gas, 0)


def is_gas_limit_allowed(gas_limit: int, parent_gas_limit: int) -> bool:
    """Whether the limit moved little enough from the parent's. Source: [YellowPaper]."""
    most = parent_gas_limit // GAS_LIMIT_CHANGE_QUOTIENT
    return abs(gas_limit - parent_gas_limit) < most and gas_limit >= MIN_GAS_LIMIT


def _difficulty_step(rules: Rules, seconds: int, parent_has_ommers: bool) -> int:
    """How many 2048ths of the parent's difficulty are added. Source: EIP-2, EIP-100."""
    if not rules.low_s:
        return 1 if seconds < 13 else -1
    if not rules.receipt_status:
        return max(1 - seconds // 10, -99)
    return max((2 if parent_has_ommers else 1) - seconds // 9, -99)


def next_difficulty(
    rules: Rules,
    number: int,
    timestamp: int,
    parent_timestamp: int,
    parent_difficulty: int,
    parent_has_ommers: bool,
) -> int:
    """The difficulty of a block of a proof-of-work fork.

    Source: [YellowPaper], EIP-2, EIP-100, EIP-649 and the later delays of the bomb.
    """
    step = _difficulty_step(rules, timestamp - parent_timestamp, parent_has_ommers)
    difficulty = parent_difficulty + parent_difficulty // DIFFICULTY_QUOTIENT * step
    periods = (number - rules.bomb_delay_blocks) // BOMB_PERIOD_BLOCKS - 2
    if periods >= 0:
        # Beyond the cap no header could hold it anyway.
        difficulty += 1 << min(periods, MAX_BOMB_PERIODS)
    return max(difficulty, MIN_DIFFICULTY)

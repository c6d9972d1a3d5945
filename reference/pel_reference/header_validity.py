"""Whether a header can follow its parent, and whether it tells the truth about its block."""

from pel_reference.block import BlockResult
from pel_reference.errors import InvalidBlock
from pel_reference.forks import Rules
from pel_reference.header import (
    CANCUN_FIELDS,
    FIELD_COUNTS,
    LONDON_FIELDS,
    MAX_EXTRA_BYTES,
    NONCE_BYTES,
    PRAGUE_FIELDS,
    SHANGHAI_FIELDS,
    Header,
)
from pel_reference.header_rules import (
    ELASTICITY,
    EMPTY_OMMERS_HASH,
    INITIAL_BASE_FEE_WEI,
    is_gas_limit_allowed,
    next_base_fee_wei,
    next_difficulty,
    next_excess_blob_gas,
)


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise InvalidBlock(reason)


def _field_count(rules: Rules) -> int:
    if rules.requests:
        return PRAGUE_FIELDS
    if rules.blobs is not None:
        return CANCUN_FIELDS
    if rules.withdrawals:
        return SHANGHAI_FIELDS
    return LONDON_FIELDS if rules.fee_market else FIELD_COUNTS[0]


def _check_gas(rules: Rules, header: Header, parent: Header) -> None:
    """Gas limit and base fee. Source: EIP-1559."""
    _require(header.gas_used <= header.gas_limit, "more gas used than the limit")
    is_first = rules.fee_market and parent.base_fee_wei is None
    limit_before = parent.gas_limit * (ELASTICITY if is_first else 1)
    _require(is_gas_limit_allowed(header.gas_limit, limit_before), "gas limit moved too far")
    if not rules.fee_market:
        return
    expected = INITIAL_BASE_FEE_WEI
    if parent.base_fee_wei is not None:
        expected = next_base_fee_wei(parent.gas_limit, parent.gas_used, parent.base_fee_wei)
    _require(header.base_fee_wei == expected, "wrong base fee")


def _check_consensus(rules: Rules, header: Header, parent: Header) -> None:
    """Difficulty, and what takes its place after the merge; work itself is not asked for.

    Source: EIP-3675.
    """
    if rules.proof_of_stake:
        _require(header.difficulty == 0, "wrong difficulty")
        _require(header.nonce == bytes(NONCE_BYTES), "nonce after the merge")
        _require(header.ommers_hash == EMPTY_OMMERS_HASH, "ommers after the merge")
        return
    expected = next_difficulty(
        rules,
        header.number,
        header.timestamp,
        parent.timestamp,
        parent.difficulty,
        parent.ommers_hash != EMPTY_OMMERS_HASH,
    )
    _require(header.difficulty == expected, "wrong difficulty")


def _check_blobs(rules: Rules, header: Header, parent: Header) -> None:
    """Source: EIP-4844."""
    if rules.blobs is None:
        return
    expected = next_excess_blob_gas(rules, parent.excess_blob_gas or 0, parent.blob_gas_used or 0)
    _require(header.excess_blob_gas == expected, "wrong excess blob gas")


def check_header(rules: Rules, header: Header, parent: Header) -> None:
    """Everything that a header and its parent's decide, for a block of a fork with these rules.

    Raises: `InvalidBlock`.
    """
    _require(header.field_count == _field_count(rules), "header of another fork")
    _require(header.parent_hash == parent.hash, "wrong parent")
    _require(header.number == parent.number + 1, "wrong number")
    _require(header.timestamp > parent.timestamp, "timestamp not after the parent's")
    _require(len(header.extra_data) <= MAX_EXTRA_BYTES, "extra data too long")
    _check_gas(rules, header, parent)
    _check_consensus(rules, header, parent)
    _check_blobs(rules, header, parent)


def check_result(header: Header, result: BlockResult) -> None:
    """Everything that the header says about what its block comes to.

    Raises: `InvalidBlock` naming the first thing that is not so; a rejected transaction is one.
    """
    for rejected in result.rejected:
        raise InvalidBlock(f"transaction {rejected.tx_index}: {rejected.reason}")
    _require(header.gas_used == result.gas_used, "wrong gas used")
    _require(header.transactions_root == result.transactions_root, "wrong transactions root")
    _require(header.receipts_root == result.receipts_root, "wrong receipts root")
    _require(header.bloom == result.logs_bloom, "wrong bloom")
    _require(header.withdrawals_root == result.withdrawals_root, "wrong withdrawals root")
    _require(header.blob_gas_used == result.blob_gas_used, "wrong blob gas used")
    _require(header.requests_hash == result.requests_hash, "wrong requests hash")
    _require(header.state_root == result.state_root, "wrong state root")

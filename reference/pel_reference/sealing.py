"""Sealing: a block and its result become a block of a chain, the first one after a genesis of ours.

A drawn block has a number, a parent hash and ancestors that belong to no chain. So it is given a
new home: number 1, on a genesis whose state is the block's pre-state and whose header is such that
the child's header follows from it by the rules of its fork. BLOCKHASH, NUMBER and the calls of the
system see that other home, so the block is executed again, and what is sealed is what came of it.

No work is done: where there is proof of work, readers are told not to ask for any.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

from pel_reference.block import Alloc, Block, BlockResult, Environment
from pel_reference.block_rlp import encode_block, hashed
from pel_reference.environment_json import MAX_EXCESS_BLOB_GAS
from pel_reference.errors import InvalidBlock
from pel_reference.forks import Rules, rules_at
from pel_reference.header import BLOOM_BYTES, NONCE_BYTES, Header
from pel_reference.header_rules import EMPTY_OMMERS_HASH, MIN_DIFFICULTY, next_difficulty
from pel_reference.header_validity import check_header, check_result
from pel_reference.requests import requests_hash
from pel_reference.roots import list_root, state_root
from pel_reference.sequential import run_block

GENESIS_SECONDS_BEFORE = 12
"""At this distance the difficulty of proof of work stays what it was, in most forks."""
GENESIS_EXTRA = b"\x00"
"""What genesis blocks of the consensus tests hold there."""
_BASE_FEE_SHARE = 8
"""After a block without transactions the base fee falls by one part in so many. EIP-1559."""


class Unsealable(Exception):
    """No valid block is like this one; `reason` is short and stable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block in its new home.

    `block` and `result` are those that were executed there, `kept` says for each transaction which
    one of the given block it is: rejected ones are left out, because no valid block has any.
    """

    genesis: Header
    genesis_encoded: bytes
    header: Header
    encoded: bytes
    block: Block
    result: BlockResult
    kept: tuple[int, ...]


def _parent_base_fee(base_fee_wei: int) -> int:
    """A base fee that becomes this one after a block without transactions. Source: EIP-1559."""
    parent = base_fee_wei * _BASE_FEE_SHARE // (_BASE_FEE_SHARE - 1)
    while parent - parent // _BASE_FEE_SHARE > base_fee_wei:
        parent -= 1
    return parent


def _parent_excess(rules: Rules, excess_blob_gas: int) -> int:
    """Excess blob gas that becomes this one after a block without blobs. Source: EIP-4844."""
    assert rules.blobs is not None
    return excess_blob_gas + rules.blobs.target_gas if excess_blob_gas else 0


def _genesis(rules: Rules, env: Environment, alloc: Alloc) -> Header:
    """A genesis of this state, whose child can have this environment's fees and limits."""
    has_blobs = rules.blobs is not None
    excess = _parent_excess(rules, env.excess_blob_gas or 0) if has_blobs else None
    if excess is not None and excess > MAX_EXCESS_BLOB_GAS:
        raise Unsealable("excess blob gas too high")
    no_items = list_root(())
    header = Header(
        hash=b"",
        field_count=0,
        parent_hash=bytes(32),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=bytes(20),
        state_root=state_root(alloc),
        transactions_root=no_items,
        receipts_root=no_items,
        bloom=bytes(BLOOM_BYTES),
        difficulty=0 if rules.proof_of_stake else max(env.difficulty, MIN_DIFFICULTY),
        number=0,
        gas_limit=env.gas_limit,
        gas_used=0,
        timestamp=max(_timestamp(env) - GENESIS_SECONDS_BEFORE, 0),
        extra_data=GENESIS_EXTRA,
        mix_hash=bytes(32),
        nonce=bytes(NONCE_BYTES),
        base_fee_wei=_parent_base_fee(env.base_fee_wei or 0) if rules.fee_market else None,
        withdrawals_root=no_items if rules.withdrawals else None,
        blob_gas_used=0 if has_blobs else None,
        excess_blob_gas=excess,
        parent_beacon_block_root=bytes(32) if has_blobs else None,
        requests_hash=requests_hash(()) if rules.requests else None,
    )
    if (header.base_fee_wei or 0) >= 1 << 256:
        raise Unsealable("base fee too high")
    return hashed(header)


def _timestamp(env: Environment) -> int:
    """The block's own, or the first that can follow a genesis."""
    return max(env.timestamp, 1)


def _at_home(rules: Rules, env: Environment, genesis: Header) -> Environment:
    """The same environment in block number 1 after this genesis."""
    timestamp = _timestamp(env)
    difficulty = 0
    if not rules.proof_of_stake:
        before = (genesis.timestamp, genesis.difficulty)
        difficulty = next_difficulty(rules, 1, timestamp, *before, parent_has_ommers=False)
    has_blobs = rules.blobs is not None
    return Environment(
        coinbase=env.coinbase,
        gas_limit=env.gas_limit,
        number=1,
        timestamp=timestamp,
        difficulty=difficulty,
        prev_randao=(env.prev_randao or bytes(32)) if rules.proof_of_stake else None,
        base_fee_wei=(env.base_fee_wei or 0) if rules.fee_market else None,
        excess_blob_gas=(env.excess_blob_gas or 0) if has_blobs else None,
        parent_hash=genesis.hash,
        parent_beacon_block_root=(
            (env.parent_beacon_block_root or bytes(32)) if has_blobs else None
        ),
        block_hashes=MappingProxyType({0: genesis.hash}),
        withdrawals=(env.withdrawals or ()) if rules.withdrawals else None,
        block_reward_wei=rules.block_reward_wei,
    )


def _execute(block: Block) -> tuple[Block, BlockResult, tuple[int, ...]]:
    """The block without the transactions that are rejected, its result, and which were kept."""
    result = run_block(block)
    kept = tuple(receipt.tx_index for receipt in result.receipts)
    if not result.rejected:
        return block, result, kept
    block = replace(block, transactions=tuple(block.transactions[index] for index in kept))
    return block, run_block(block), kept


def _header(genesis: Header, env: Environment, result: BlockResult) -> Header:
    header = Header(
        hash=b"",
        field_count=0,
        parent_hash=genesis.hash,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=env.coinbase,
        state_root=result.state_root,
        transactions_root=result.transactions_root,
        receipts_root=result.receipts_root,
        bloom=result.logs_bloom,
        difficulty=env.difficulty,
        number=env.number,
        gas_limit=env.gas_limit,
        gas_used=result.gas_used,
        timestamp=env.timestamp,
        extra_data=b"",
        mix_hash=env.prev_randao or bytes(32),
        nonce=bytes(NONCE_BYTES),
        base_fee_wei=env.base_fee_wei,
        withdrawals_root=result.withdrawals_root,
        blob_gas_used=result.blob_gas_used,
        excess_blob_gas=env.excess_blob_gas,
        parent_beacon_block_root=env.parent_beacon_block_root,
        requests_hash=result.requests_hash,
    )
    return hashed(header)


def _check_state(rules: Rules, alloc: Alloc) -> None:
    """Two sorts of account that no state of mainnet has, and on which clients therefore differ.

    Raises: `Unsealable`.
    Source: EIP-7523; EIP-7610, which some clients have and some have given up.
    """
    for account in alloc.values():
        if rules.proof_of_stake and account.is_empty:
            raise Unsealable("empty account after the merge")
        if account.storage and not account.nonce and not account.code:
            raise Unsealable("storage without nonce or code")


def seal(block: Block) -> SealedBlock:
    """The block as number 1 on a genesis of ours, executed there by the reference.

    Ommers are left out: number 1 can have none. The miner's reward is the fork's own.

    Raises: `Unsealable`, `UnsupportedFork`.
    """
    rules = rules_at(block.fork, block.env.number, block.env.timestamp)
    _check_state(rules, block.alloc)
    genesis = _genesis(rules, block.env, block.alloc)
    home = replace(block, fork=rules.fork, env=_at_home(rules, block.env, genesis))
    try:
        sealed, result, kept = _execute(home)
        header = _header(genesis, sealed.env, result)
        check_header(rules, header, genesis)
        check_result(header, result)
    except InvalidBlock as invalid:
        raise Unsealable(invalid.reason) from invalid
    withdrawals = sealed.env.withdrawals
    return SealedBlock(
        genesis=genesis,
        genesis_encoded=encode_block(genesis, (), () if rules.withdrawals else None),
        header=header,
        encoded=encode_block(header, sealed.transactions, withdrawals),
        block=sealed,
        result=result,
        kept=kept,
    )

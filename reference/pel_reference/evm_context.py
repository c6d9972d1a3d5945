"""What py-evm needs to know of the block's header."""

from eth.vm.execution_context import ExecutionContext

from pel_reference.block import Block, Environment
from pel_reference.forks import Rules

ANCESTORS = 256
UNKNOWN_HASH = bytes(32)


def parent_hash(env: Environment) -> bytes:
    """The parent's hash, zero where the environment does not give it."""
    if env.parent_hash is not None:
        return env.parent_hash
    return env.block_hashes.get(env.number - 1, UNKNOWN_HASH)


def ancestor_hashes(env: Environment) -> tuple[bytes, ...]:
    """The hashes of up to 256 ancestors, the parent's first; those not given are zero.

    A tuple, because py-evm's own lazy sequence of them is no good between threads.
    """
    if env.number == 0:
        return ()
    last = max(env.number - ANCESTORS, 0)
    older = range(env.number - 2, last - 1, -1)
    return (parent_hash(env), *(env.block_hashes.get(number, UNKNOWN_HASH) for number in older))


def execution_context(rules: Rules, block: Block) -> ExecutionContext:
    """py-evm's view of the header."""
    env = block.env
    return ExecutionContext(
        coinbase=env.coinbase,
        timestamp=env.timestamp,
        block_number=env.number,
        difficulty=env.difficulty,
        mix_hash=env.prev_randao or UNKNOWN_HASH,
        gas_limit=env.gas_limit,
        prev_hashes=ancestor_hashes(env),
        chain_id=block.chain_id,
        base_fee_per_gas=(env.base_fee_wei or 0) if rules.fee_market else None,
        excess_blob_gas=(env.excess_blob_gas or 0) if rules.blobs else None,
    )

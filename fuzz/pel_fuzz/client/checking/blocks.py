"""The fuzzer's blocks as clients get them: valid as blocks, judged by nobody in doubt, and large.

A client may run a small block sequentially and say nothing of it. So a block has at least so many
transactions, and uses at least so much gas.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from hypothesis.strategies import SearchStrategy

from pel_fuzz.tiers import eels_can_judge, reference_outcome
from pel_fuzz.workloads.blocks import MOST_TRANSACTIONS, GeneratedBlock, blocks
from pel_fuzz.workloads.draws import Choices, UndrawableCase, draw_case
from pel_fuzz.workloads.header import ancestor_hash
from pel_reference.block import Account, Block, BlockResult, Transaction

LEAST_TRANSACTIONS, LEAST_GAS = 32, 4_000_000
"""What the executors that are known to fall back (pevm) want at the least."""
SMALLEST_TRANSACTIONS = 8
"""The least size of a block where no client has to be kept from falling back."""
MOST_DRAWS = 200
"""Draws at one address until a block is large enough: about every second one is."""
UNREADABLE = frozenset({"invalid-blob-creation", "invalid-no-blobs", "invalid-signature"})
"""Features of blocks that are made of transactions which not every tool can read."""
FIRST_V_WITH_CHAIN = 35
"""The least `v` of EIP-155."""
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the curve secp256k1: signatures are made of smaller numbers."""
ANCESTORS = 256
"""So far back a block can ask for hashes. Tools differ on those that they are not given."""


@dataclass(frozen=True, slots=True)
class ClientBlock:
    """A block for clients, with its result by the reference.

    `choices` draw it again from `client_blocks(drawn_fork)`; `origin` is (seed, index). `redrawn`
    is how many blocks before it were left out at this address: too small, of no valid header, with
    a feature that is not wanted, or one on which clients cannot be judged.
    """

    block: Block
    expected: BlockResult
    choices: Choices
    features: frozenset[str]
    origin: tuple[int, int]
    drawn_fork: str | None = None
    redrawn: int = 0


def client_blocks(
    fork: str | None = None, least_transactions: int = LEAST_TRANSACTIONS
) -> SearchStrategy[GeneratedBlock]:
    """Where clients' blocks are drawn from, before it is known how much gas they use."""
    size = (least_transactions, max(MOST_TRANSACTIONS, least_transactions))
    return blocks(fork=fork, size=size).map(_for_clients)


def client_block_at(
    seed: int,
    index: int,
    fork: str | None = None,
    *,
    least_transactions: int = LEAST_TRANSACTIONS,
    least_gas: int = LEAST_GAS,
    leave_out: frozenset[str] = frozenset(),
) -> ClientBlock:
    """Block `index` of a campaign: a function of its arguments. No block has a feature of those to
    leave out.

    Raises: `UndrawableCase`, where `MOST_DRAWS` blocks do not use so much gas.
    """
    strategy = client_blocks(fork, least_transactions)
    for redrawn, address in enumerate(_addresses(index)):
        drawn = draw_case(strategy, seed, address)
        if drawn.value.features & leave_out:
            continue
        expected = judged(drawn.value.block)
        if expected is not None and expected.gas_used >= least_gas:
            return ClientBlock(
                block=drawn.value.block,
                expected=expected,
                choices=drawn.choices,
                features=drawn.value.features,
                origin=(seed, index),
                drawn_fork=fork,
                redrawn=redrawn,
            )
    raise UndrawableCase(f"seed {seed}, index {index}: no block uses {least_gas} gas")


def judged(block: Block) -> BlockResult | None:
    """A block's result by the reference; `None` where no client can be judged by it.

    That is so on states that no chain can have and on which clients do not agree: empty accounts
    (decision 11), and storage where there is neither nonce nor code (EIP-7610), of which geth takes
    no notice since 1.17.
    """
    if not eels_can_judge(block) or any(map(_has_storage_only, block.alloc.values())):
        return None
    outcome = reference_outcome(block)
    return None if isinstance(outcome, str) else outcome


def _has_storage_only(account: Account) -> bool:
    return bool(account.storage) and account.nonce == 0 and not account.code


def _addresses(index: int) -> Iterator[int]:
    """Where the draws for one index are made: far from those of every other index."""
    return (index + (attempt << 64) for attempt in range(MOST_DRAWS))


@lru_cache(maxsize=16)
def _ancestors(number: int) -> dict[int, bytes]:
    return {each: ancestor_hash(each) for each in range(max(number - ANCESTORS, 0), number)}


def _for_clients(drawn: GeneratedBlock) -> GeneratedBlock:
    """The block with the hash of every ancestor that it can ask for, and without transactions that
    not every tool can read: they are rejected anyway, but geth's tool refuses all of them then."""
    env = drawn.block.env
    hashes = MappingProxyType(_ancestors(env.number) | dict(env.block_hashes))
    readable = tuple(filter(_is_readable, drawn.block.transactions))
    block = replace(drawn.block, env=replace(env, block_hashes=hashes), transactions=readable)
    features = (
        drawn.features - UNREADABLE if readable != drawn.block.transactions else drawn.features
    )
    return GeneratedBlock(block, features)


def _is_readable(transaction: Transaction) -> bool:
    """Whether JSON for tools can have it: what its type demands is there, and its signature is made
    of numbers that a signature can have."""
    if transaction.type == 3 and not transaction.blob_versioned_hashes:
        return False
    if transaction.type in (3, 4) and transaction.is_creation:
        return False
    v = transaction.v
    has_parity = v in (27, 28) or v >= FIRST_V_WITH_CHAIN if transaction.type == 0 else v in (0, 1)
    return has_parity and 0 < transaction.r < ORDER and 0 < transaction.s < ORDER

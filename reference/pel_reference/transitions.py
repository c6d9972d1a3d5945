"""A block as a list of transitions: what `pel_spec` calls a block, of the EVM's kind.

The positions of a block: its system calls before, its transactions, its withdrawals or rewards,
and its requests after. Nothing is left to be decided when the results are put together
(`settle`), because other transitions may already have read what follows from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from pel_reference.admission import Room
from pel_reference.block import Block, Environment, Transaction
from pel_reference.evm_transactions import to_evm_transaction
from pel_reference.evm_transitions import (
    Claims,
    DepositsTransition,
    RejectedTransition,
    RewardsTransition,
    Shared,
    SystemCallTransition,
    TransactionTransition,
    WithdrawalsTransition,
)
from pel_reference.fees import blob_gas
from pel_reference.forks import Rules, rules_at
from pel_reference.locations import (
    ABSENT,
    BALANCE,
    BLOB_GAS,
    BLOB_GAS_PREDICATE,
    CODE,
    EXISTS,
    GAS,
    GAS_PREDICATE,
    NONCE,
    STORAGE,
)
from pel_reference.overlay import BlockFacts
from pel_reference.seam import Workspace
from pel_reference.system_calls import calls_after, calls_before
from pel_reference.validity import check_static
from pel_spec.vocabulary import Location, Value

OMMER_REWARD_PARTS = 8
NEPHEW_REWARD_PARTS = 32

EvmTransition: TypeAlias = (
    SystemCallTransition
    | RejectedTransition
    | TransactionTransition
    | WithdrawalsTransition
    | RewardsTransition
    | DepositsTransition
)


@dataclass(frozen=True, slots=True)
class EvmBlock:
    """A block ready to be executed: a `pel_spec` transition block. Made by `compile_block`."""

    block: Block
    rules: Rules
    facts: BlockFacts
    transitions: tuple[EvmTransition, ...]

    def initial(self, location: Location) -> Value:
        """The value of any location before the block."""
        kind, name, *slot = cast("tuple[Any, ...]", location)
        account = self.block.alloc.get(name)
        if account is not None:
            if kind == STORAGE:
                return account.storage.get(slot[0], 0)
            if kind == BALANCE:
                return account.balance
            if kind == NONCE:
                return account.nonce
            if kind == CODE:
                return account.code
            if kind == EXISTS:
                return True
        return ABSENT[kind]

    def workspace(self) -> Workspace:
        """A fresh interpreter for one worker."""
        return Workspace(self.rules, self.block, self.facts)

    @property
    def transaction_positions(self) -> range:
        """The positions of the transactions, by `tx_index`."""
        return self.facts.fee_positions


def elides_existence(rules: Rules, block: Block) -> bool:
    """Whether existence needs no location of its own in this block, as it follows from emptiness.

    From EIP-161 on no transaction leaves an empty account behind, so that none exists where the
    block starts without.
    """
    return rules.state_clearing and not any(a.is_empty for a in block.alloc.values())


def _facts(rules: Rules, block: Block, first_transaction: int) -> BlockFacts:
    return BlockFacts(
        fee_recipient=block.env.coinbase,
        fee_positions=range(first_transaction, first_transaction + len(block.transactions)),
        elides_existence=elides_existence(rules, block),
        with_storage=frozenset(a for a, account in block.alloc.items() if account.storage),
    )


def _transactions(
    rules: Rules, block: Block, first: int
) -> Iterator[RejectedTransition | TransactionTransition]:
    """The transactions, with everything about them that no state decides already decided."""
    env = block.env
    reasons = [check_static(rules, block.chain_id, env, tx) for tx in block.transactions]
    valid = [i for i, reason in enumerate(reasons) if reason is None]
    with_blobs = [i for i in valid if blob_gas(block.transactions[i])]
    claims = [(first + i, block.transactions[i].gas_limit) for i in valid]
    blob_claims = [(first + i, blob_gas(block.transactions[i])) for i in with_blobs]
    blob_limit = rules.blobs.max_gas if rules.blobs is not None else 0
    shared = Shared(
        rules,
        env,
        Room.of(GAS, GAS_PREDICATE, env.gas_limit, claims),
        Room.of(BLOB_GAS, BLOB_GAS_PREDICATE, blob_limit, blob_claims),
    )
    claim_of = {i: claim for claim, i in enumerate(valid)}
    blob_claim_of = {i: claim for claim, i in enumerate(with_blobs)}
    for tx_index, (tx, reason) in enumerate(zip(block.transactions, reasons, strict=True)):
        position = first + tx_index
        if reason is not None:
            yield RejectedTransition(position, tx_index, reason)
        else:
            own = Claims(claim_of[tx_index], blob_claim_of.get(tx_index))
            yield _transaction(position, tx_index, shared, own, tx)


def _transaction(
    position: int, tx_index: int, shared: Shared, claims: Claims, transaction: Transaction
) -> TransactionTransition:
    evm_transaction = to_evm_transaction(shared.rules, transaction)
    return TransactionTransition(position, tx_index, shared, claims, transaction, evm_transaction)


def _rewards(rules: Rules, env: Environment) -> tuple[tuple[bytes, int], ...]:
    """Who is paid what for the block: its miner and those of its ommers, in this order.

    Source: [YellowPaper] section 11.3.
    """
    reward = env.block_reward_wei
    if rules.proof_of_stake or reward == 0:
        return ()
    own = reward + len(env.ommers) * (reward // NEPHEW_REWARD_PARTS)
    ommers = (
        (ommer.coinbase, reward * (OMMER_REWARD_PARTS - ommer.delta) // OMMER_REWARD_PARTS)
        for ommer in env.ommers
    )
    return ((env.coinbase, own), *ommers)


def _after(rules: Rules, block: Block, first: int, transactions: range) -> list[EvmTransition]:
    """What comes after the transactions, starting at position `first`."""
    env = block.env
    after: list[EvmTransition] = []
    if rules.withdrawals and env.withdrawals:
        after.append(WithdrawalsTransition(first, env.withdrawals))
    rewards = _rewards(rules, env)
    if rewards:
        after.append(RewardsTransition(first + len(after), rewards))
    if rules.requests:
        after.append(DepositsTransition(first + len(after), tuple(transactions)))
    for call in calls_after(rules):
        after.append(SystemCallTransition(first + len(after), env, call))
    return after


def compile_block(block: Block) -> EvmBlock:
    """Make a block executable: fix its positions, and check and convert its transactions once.

    Raises: `UnsupportedFork`.
    """
    env = block.env
    rules = rules_at(block.fork, env.number, env.timestamp)
    before = [
        SystemCallTransition(position, env, call)
        for position, call in enumerate(calls_before(rules, env))
    ]
    facts = _facts(rules, block, len(before))
    transactions = tuple(_transactions(rules, block, len(before)))
    after = _after(rules, block, facts.fee_positions.stop, facts.fee_positions)
    return EvmBlock(block, rules, facts, (*before, *transactions, *after))

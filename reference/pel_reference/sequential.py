"""THE reference: a block, one transaction after the other, on py-evm's own state and tries."""

from eth.abc import ComputationAPI
from eth.vm.state import BaseState

from pel_reference.block import (
    Block,
    BlockResult,
    Environment,
    Receipt,
    Rejected,
    Transaction,
    Withdrawal,
)
from pel_reference.block_result import make_block_result, make_receipt
from pel_reference.evm_context import execution_context
from pel_reference.evm_state import make_state, read_alloc
from pel_reference.evm_transactions import to_evm_transaction
from pel_reference.fees import blob_gas
from pel_reference.forks import Rules, rules_at
from pel_reference.receipts import block_logs, charged_gas, logs_of
from pel_reference.requests import DEPOSIT_TYPE, collect_requests, deposit_data
from pel_reference.system_calls import calls_after, calls_before, run_system_call
from pel_reference.validity import check_admission, check_state, check_static

WEI_PER_GWEI = 10**9
OMMER_REWARD_PARTS = 8
NEPHEW_REWARD_PARTS = 32


class BlockRun:
    """One block in execution: py-evm's state, and what the transactions so far have left.

    `run_block` is the way to run a whole block.
    """

    def __init__(self, block: Block, rules: Rules) -> None:
        self.block = block
        self.rules = rules
        self.state: BaseState = make_state(rules, execution_context(rules, block), block.alloc)
        self.receipts: list[Receipt] = []
        self.rejected: list[Rejected] = []
        self.gas_used = 0
        self.blob_gas_used = 0

    def transact(self, tx_index: int, transaction: Transaction) -> None:
        """Execute a transaction and keep its receipt, or reject it and leave the state alone."""
        reason = self._why_invalid(transaction)
        if reason is not None:
            self.rejected.append(Rejected(tx_index, reason))
            return
        self.state.lock_changes()
        computation = self.state.apply_transaction(to_evm_transaction(self.rules, transaction))
        gas_used = charged_gas(self.rules, transaction, computation)
        receipt = make_receipt(
            transaction,
            tx_index,
            status=not computation.is_error,
            gas_used=gas_used,
            gas_used_before=self.gas_used,
            logs=logs_of(computation),
            contract_address=_created_address(transaction, computation),
            state_root=None if self.rules.receipt_status else self.state.make_state_root(),
        )
        self.receipts.append(receipt)
        self.gas_used += gas_used
        self.blob_gas_used += blob_gas(transaction)

    def _why_invalid(self, transaction: Transaction) -> str | None:
        rules, env = self.rules, self.block.env
        reason = check_static(rules, self.block.chain_id, env, transaction)
        if reason is not None:
            return reason
        reason = check_admission(rules, env, transaction, self.gas_used, self.blob_gas_used)
        if reason is not None:
            return reason
        sender, state = transaction.sender, self.state
        return check_state(
            rules,
            env,
            transaction,
            state.get_nonce(sender),
            state.get_balance(sender),
            state.get_code(sender),
        )

    def call_before(self) -> None:
        """The system calls before the transactions."""
        for call in calls_before(self.rules, self.block.env):
            run_system_call(self.state, self.block.env, call)

    def requests_after(self) -> tuple[bytes, ...]:
        """The block's requests; their system calls change the state.

        Raises: `InvalidBlock` for a malformed deposit, and where a system contract is missing or
        fails.
        """
        if not self.rules.requests:
            return ()
        typed = [(DEPOSIT_TYPE, deposit_data(block_logs(self.receipts)))]
        for call in calls_after(self.rules):
            assert call.request_type is not None
            output = run_system_call(self.state, self.block.env, call)
            typed.append((call.request_type, output))
        return collect_requests(typed)

    def result(self, requests: tuple[bytes, ...]) -> BlockResult:
        """What the block came to, with these requests."""
        return make_block_result(
            self.rules,
            self.block,
            alloc=read_alloc(self.state, self.block.alloc),
            state_root=self.state.make_state_root(),
            receipts=self.receipts,
            rejected=self.rejected,
            requests=requests,
        )


def _created_address(transaction: Transaction, computation: ComputationAPI) -> bytes | None:
    if not transaction.is_creation:
        return None
    address: bytes = computation.msg.storage_address
    return address


def _apply_withdrawals(state: BaseState, withdrawals: tuple[Withdrawal, ...]) -> None:
    """Credit each withdrawal; an account that is empty after it ceases to exist.

    Source: EIP-4895, EIP-161.
    """
    for withdrawal in withdrawals:
        if withdrawal.amount_gwei:
            state.delta_balance(withdrawal.address, withdrawal.amount_gwei * WEI_PER_GWEI)
        elif state.account_exists(withdrawal.address) and state.account_is_empty(
            withdrawal.address
        ):
            state.delete_account(withdrawal.address)


def _pay_rewards(state: BaseState, env: Environment) -> None:
    """Pay the miner, its share for each ommer, and the ommers' miners.

    Nothing is paid, and nobody touched, where the environment's reward is 0.

    Source: [YellowPaper], section 11.3.
    """
    reward = env.block_reward_wei
    if reward == 0:
        return
    nephew_reward = reward // NEPHEW_REWARD_PARTS
    state.delta_balance(env.coinbase, reward + nephew_reward * len(env.ommers))
    for ommer in env.ommers:
        parts = OMMER_REWARD_PARTS - ommer.delta
        state.delta_balance(ommer.coinbase, reward * parts // OMMER_REWARD_PARTS)


def run_block(block: Block) -> BlockResult:
    """Execute the whole block in the preset order, and give all that it comes to.

    An invalid transaction is rejected, and the block goes on. The header's own validity (gas limit,
    base fee and so on against the parent's) is not asked here.

    Raises: `UnsupportedFork`; `InvalidBlock` where no block with these transactions can be valid
    (see `requests_after`).
    """
    env = block.env
    rules = rules_at(block.fork, env.number, env.timestamp)
    run = BlockRun(block, rules)
    run.call_before()
    for tx_index, transaction in enumerate(block.transactions):
        run.transact(tx_index, transaction)
    if rules.withdrawals:
        _apply_withdrawals(run.state, env.withdrawals or ())
    if not rules.proof_of_stake:
        _pay_rewards(run.state, env)
    return run.result(run.requests_after())

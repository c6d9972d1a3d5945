"""The seam: py-evm's interpreter of any fork, running over an `Overlay` instead of its own state.

py-evm asks a State for everything it wants to know, and a transaction executor drives one
transaction. Both are subclassed here, per fork and as thinly as possible: what the EVM computes
stays py-evm's, where the values come from is the overlay's. What py-evm writes of its own
accord into process-wide state (it swaps the logging class whenever a logger is asked for) is cut
off, because workers share the process.
"""

import copy
from functools import cache
from typing import Any

from eth.abc import ComputationAPI, SignedTransactionAPI, StateAPI
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.frontier.state import FrontierTransactionExecutor
from eth.vm.opcode import Opcode

from pel_reference.block import Block
from pel_reference.evm_context import execution_context
from pel_reference.evm_corrections import called_directly, touched_accounts
from pel_reference.forks import Rules
from pel_reference.overlay import BlockFacts, Overlay
from pel_reference.quiet import without_debug_text
from pel_spec.transition import View


class _NoLog:
    """A logger that py-evm may call from any thread: it drops everything."""

    show_debug2 = False

    def debug2(self, *_: object) -> None:
        """Drop it."""


_NO_LOG = _NoLog()


class SeamState:
    """The part of py-evm's State that the seam replaces; put before the fork's own class."""

    logger = _NO_LOG
    execution_context: ExecutionContext
    _account_db: Overlay
    _settling: bool

    def __init__(self, context: ExecutionContext) -> None:
        self.execution_context = context

    def begin(self, overlay: Overlay) -> None:
        """From now on all state is that of this overlay, and nothing is left of the last one's."""
        self._account_db = overlay
        self._settling = False

    def begin_settling(self) -> Overlay:
        """The transaction's code has run: what the fee recipient is credited now is the fee."""
        self._settling = True
        return self._account_db

    def snapshot(self) -> int:
        """A mark to which `revert` can return."""
        return self._account_db.snapshot()

    def revert(self, snapshot: int) -> None:
        """Undo what happened since the snapshot."""
        self._account_db.rollback(snapshot)

    def commit(self, snapshot: int) -> None:
        """Nothing to do: the undo log below a snapshot stands until the transition ends."""

    def lock_changes(self) -> None:
        """Nothing to do: what lies below an overlay is the state at the transaction's start."""

    def delta_balance(self, address: bytes, delta: int) -> None:
        """Add to a balance; while settling, the fee recipient is credited its fee."""
        overlay = self._account_db
        if self._settling and address == overlay.facts.fee_recipient:
            overlay.credit_fee(delta)
        else:
            overlay.add_balance(address, delta)

    def has_code_or_nonce(self, address: bytes) -> bool:
        """Whether a creation here collides. Source: EIP-684, EIP-7610."""
        overlay = self._account_db
        return overlay.account_has_code_or_nonce(address) or overlay.account_has_storage(address)

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        """From the overlay, where it is undone with the rest."""
        return self._account_db.get_transient_storage(address, slot)

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        """Into the overlay."""
        self._account_db.set_transient_storage(address, slot, value)

    def clear_transient_storage(self) -> None:
        """Nothing to do: it ends with the overlay."""


_settle_transaction = without_debug_text(FrontierTransactionExecutor, "finalize_computation")


class SeamExecutor:
    """The part of py-evm's transaction executor that the seam replaces."""

    vm_state: Any
    clears_touched: bool
    """Whether the fork has EIP-161."""

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        """Nothing is left to check: `transitions` has asked `validity`."""

    def finalize_computation(
        self, transaction: SignedTransactionAPI, computation: ComputationAPI
    ) -> ComputationAPI:
        """Refunds, the fee, deletions; and what EIP-161 clears, where emptiness is not absence."""
        overlay = self.vm_state.begin_settling()
        finalized: ComputationAPI = _settle_transaction(self, transaction, computation)
        if self.clears_touched and not overlay.facts.elides_existence:
            touched = touched_accounts(finalized) | {overlay.facts.fee_recipient}
            for address in sorted(touched):
                overlay.clear_if_empty(address)
        return finalized


def _without_logger(opcode: Any) -> Any:
    """The same instruction, with a fixed logger where it would look one up at every failure."""
    if not isinstance(opcode, Opcode):
        return opcode
    own: Any = copy.copy(opcode)
    kind = type(opcode)
    own.__class__ = type(kind.__name__, (kind,), {"logger": _NO_LOG})
    return own


def _computation_class(computation: Any) -> type[Any]:
    """The fork's interpreter, with instructions of its own."""
    opcodes = {code: _without_logger(opcode) for code, opcode in computation.opcodes.items()}
    own = {
        "opcodes": called_directly(opcodes),
        "apply_message": without_debug_text(computation, "apply_message"),
    }
    return type(computation.__name__, (computation,), own)


def _executor_class(executor: Any, clears_touched: bool) -> type[Any]:
    own = {
        "build_evm_message": without_debug_text(
            executor, "build_evm_message", hashes_for_text=True
        ),
        "clears_touched": clears_touched,
    }
    return type(executor.__name__, (SeamExecutor, executor), own)


@cache
def seam_state_class(rules: Rules) -> type[Any]:
    """The State of the seam for one fork."""
    state: Any = rules.state
    own = {
        "transaction_executor_class": _executor_class(
            state.transaction_executor_class, rules.state_clearing
        ),
        "computation_class": _computation_class(state.computation_class),
    }
    return type(f"Seam{state.__name__}", (SeamState, state), own)


class Workspace:
    """A worker's own interpreter. What one execution leaves in it, the next never sees."""

    __slots__ = ("_executor", "_facts", "_state")

    def __init__(self, rules: Rules, block: Block, facts: BlockFacts) -> None:
        self._facts = facts
        self._state: Any = seam_state_class(rules)(execution_context(rules, block))
        self._executor: Any = self._state.get_transaction_executor()

    def open(self, view: View, position: int) -> Overlay:
        """Start an execution over `view`: a fresh overlay, to which the interpreter now belongs."""
        overlay = Overlay(self._facts, view, position)
        self._state.begin(overlay)
        return overlay

    @property
    def state(self) -> StateAPI:
        """py-evm's State over the overlay opened last."""
        return self._state

    def execute(self, transaction: SignedTransactionAPI) -> ComputationAPI:
        """Run one valid transaction over the overlay opened last.

        Raises: `Suspend`; anything at all where the view is inconsistent, and where a read failed.
        """
        computation: ComputationAPI = self._executor(transaction)
        failure = self._state._account_db.failure
        if failure is not None:
            raise failure
        return computation

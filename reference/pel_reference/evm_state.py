"""py-evm's own state, journals and tries, loaded from and read back to plain data.

What is added to py-evm's classes, beside `evm_corrections`: they remember what was written (its
tries are keyed by hashes, so that a state cannot be listed from them), storage counts as a
collision at a creation (EIP-7610), and transactions are not validated a second time.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from eth.abc import ComputationAPI
from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB
from eth.rlp.accounts import Account as EvmAccount
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.frontier.state import FrontierTransactionExecutor
from eth.vm.state import BaseState
from eth_hash.auto import keccak
from eth_utils import get_extended_debug_logger

from pel_reference.block import Account, Alloc
from pel_reference.evm_corrections import (
    called_directly,
    clear_empty_accounts,
    touched_accounts,
)
from pel_reference.forks import Rules

_LOGGER = get_extended_debug_logger("pel_reference.evm_state")


class WriteTrackingDB(AccountDB):
    """py-evm's `AccountDB`, which also remembers what was written since it was made.

    Remembered are too many writes rather than too few: those of reverted calls stay.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.written: set[bytes] = set()
        self.written_slots: dict[bytes, set[int]] = {}
        self.wiped: set[bytes] = set()

    def _set_account(self, address: bytes, account: EvmAccount) -> None:
        self.written.add(address)
        super()._set_account(address, account)

    def delete_account(self, address: bytes) -> None:
        self.written.add(address)
        super().delete_account(address)

    def _wipe_storage(self, address: bytes) -> None:
        self.wiped.add(address)
        super()._wipe_storage(address)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self.written_slots.setdefault(address, set()).add(slot)
        super().set_storage(address, slot, value)

    def load(self, address: bytes, account: Account) -> None:
        """Put an account in, as it is; it will exist even when it is empty."""
        code_hash = keccak(account.code) if account.code else EMPTY_SHA3
        if account.code:
            self._journaldb[code_hash] = account.code
        self._set_account(
            address, EvmAccount(account.nonce, account.balance, BLANK_ROOT_HASH, code_hash)
        )
        for slot, value in account.storage.items():
            self.load_slot(address, slot, value)

    def load_slot(self, address: bytes, slot: int, value: int) -> None:
        """Put a slot's value in, as if it had been there from the start."""
        self.set_storage(address, slot, value)

    def account_has_storage(self, address: bytes) -> bool:
        """Whether the account had storage before this block, and still has.

        What the block itself wrote needs no look: storage is written only by an account's own
        code, or while it is created, and both count as a collision anyhow.
        """
        return bool(self._get_storage_root(address) != BLANK_ROOT_HASH)

    def read_account(self, address: bytes, before: Account | None) -> Account | None:
        """The account now, `None` if it does not exist; `before` is what it was when loaded."""
        if not self.account_exists(address):
            return None
        storage = dict(before.storage) if before and address not in self.wiped else {}
        for slot in self.written_slots.get(address, ()):
            storage[slot] = self.get_storage(address, slot)
        return Account(
            nonce=self.get_nonce(address),
            balance=self.get_balance(address),
            code=self.get_code(address),
            storage={slot: value for slot, value in sorted(storage.items()) if value},
        )


@cache
def _state_class(rules: Rules) -> type[BaseState]:
    """py-evm's State of the fork, with our account database and without validation."""
    base: Any = rules.state
    opcodes = called_directly(base.computation_class.opcodes)

    class Executor(base.transaction_executor_class):
        """py-evm's executor; `validity` has checked before what this one would."""

        def validate_transaction(self, transaction: Any) -> None:
            """Nothing is left to check."""

        def finalize_computation(self, transaction: Any, computation: Any) -> ComputationAPI:
            """Refunds, the fee and deletions as in py-evm, and what EIP-161 clears."""
            FrontierTransactionExecutor.finalize_computation(self, transaction, computation)
            if rules.state_clearing:
                touched = touched_accounts(computation) | {self.vm_state.coinbase}
                clear_empty_accounts(self.vm_state, touched)
            return computation

    class ReferenceState(base):
        """py-evm's State. Source for the collision rule: EIP-7610."""

        account_db_class = WriteTrackingDB
        computation_class = type(
            base.computation_class.__name__, (base.computation_class,), {"opcodes": opcodes}
        )
        transaction_executor_class = Executor
        # py-evm's own property swaps the process-wide logger class at every access.
        logger = _LOGGER

        def set_system_contracts(self) -> None:
            """The pre-state says which contracts there are."""

        def has_code_or_nonce(self, address: bytes) -> bool:
            has_storage: bool = self._account_db.account_has_storage(address)
            return has_storage or super().has_code_or_nonce(address)

    state_class: type[BaseState] = ReferenceState
    return state_class


def make_state(rules: Rules, context: ExecutionContext, alloc: Alloc) -> BaseState:
    """A py-evm State of the fork that holds exactly these accounts."""
    database = AtomicDB()
    loader = WriteTrackingDB(database, BLANK_ROOT_HASH)
    for address, account in alloc.items():
        loader.load(address, account)
    loader.persist()
    return _state_class(rules)(database, context, loader.state_root)


def _accounts(database: WriteTrackingDB, before: Alloc) -> Iterator[tuple[bytes, Account]]:
    written = database.written | database.written_slots.keys() | database.wiped
    for address in sorted(before.keys() | written):
        old = before.get(address)
        account = database.read_account(address, old) if address in written else old
        if account is not None:
            yield address, account


def read_alloc(state: BaseState, before: Alloc) -> Alloc:
    """Every account that exists now, in the order of their addresses.

    `before` is the alloc that the state was made from.
    """
    database: Any = state._account_db
    return dict(_accounts(database, before))

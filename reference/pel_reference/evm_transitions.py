"""The transitions that a block of the EVM is made of, and what each reports.

A transition is a function of what it reads through its overlay. Whatever it finds (an invalid
nonce, a block that cannot be valid) is an outcome, provisional like any other until validated; an
exception leaves no writes behind, because writes count only once they are returned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from eth.abc import ComputationAPI, SignedTransactionAPI

from pel_reference.admission import Room
from pel_reference.block import Environment, Log, Transaction, Withdrawal
from pel_reference.errors import InvalidBlock
from pel_reference.fees import blob_gas
from pel_reference.forks import Rules
from pel_reference.locations import GAS, LOGS, LOGS_PREDICATE
from pel_reference.overlay import Overlay
from pel_reference.receipts import charged_gas, logs_of
from pel_reference.requests import DEPOSIT_TYPE, deposit_data
from pel_reference.seam import Workspace
from pel_reference.system_calls import SystemCall, run_system_call
from pel_reference.validity import BLOB_GAS_EXHAUSTED, BLOCK_GAS_EXHAUSTED, check_state
from pel_spec.transition import Effects, Kind, View
from pel_spec.vocabulary import Location

WEI_PER_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transition reports, compared by equality.

    A transaction is `rejected` with a reason, or has the other fields of a receipt;
    `contract_address` is set for creations. A transition for a request (EIP-7685) gives its
    `request_type` and the `request` data, empty if there is none. `invalid_block` says why no
    block with this transition can be valid.
    """

    rejected: str | None = None
    status: bool = True
    gas_used: int = 0
    logs: tuple[Log, ...] = ()
    contract_address: bytes | None = None
    request_type: int | None = None
    request: bytes = b""
    invalid_block: str | None = None


DONE = Outcome()
"""The outcome of a transition that reports nothing: its writes say all."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the transactions of one block have in common."""

    rules: Rules
    env: Environment
    gas: Room
    blob_gas: Room


@dataclass(frozen=True, slots=True)
class Claims:
    """A transaction's indices among those that declare gas, and blob gas (`None` without blobs)."""

    gas: int
    blob_gas: int | None


@dataclass(frozen=True, slots=True)
class RejectedTransition:
    """A transaction that could be in no block with this header: nothing is asked, nothing done."""

    kind: ClassVar[Kind] = Kind.TRANSACTION
    position: int
    tx_index: int
    reason: str

    def run(self, view: View, workspace: Workspace) -> Effects:
        """It uses no gas, and says so in its cell like every transaction."""
        return Effects({(GAS, self.position): 0}, Outcome(rejected=self.reason))


@dataclass(frozen=True, slots=True)
class TransactionTransition:
    """A transaction that has passed `check_static`; all else depends on the state below it."""

    kind: ClassVar[Kind] = Kind.TRANSACTION
    position: int
    tx_index: int
    shared: Shared
    claims: Claims
    transaction: Transaction
    evm_transaction: SignedTransactionAPI

    def run(self, view: View, workspace: Workspace) -> Effects:
        overlay = workspace.open(view, self.position)
        reason = self._why_no_room(overlay) or self._why_not_sendable(overlay)
        if reason is not None:
            return self._reject(overlay, reason)
        return self._include(overlay, workspace.execute(self.evm_transaction))

    def _why_no_room(self, overlay: Overlay) -> str | None:
        if not self.shared.gas.suffices(overlay, self.claims.gas):
            return BLOCK_GAS_EXHAUSTED
        blobs = self.claims.blob_gas
        if blobs is not None and not self.shared.blob_gas.suffices(overlay, blobs):
            return BLOB_GAS_EXHAUSTED
        return None

    def _why_not_sendable(self, overlay: Overlay) -> str | None:
        sender = self.transaction.sender
        assert sender is not None
        return check_state(
            self.shared.rules,
            self.shared.env,
            self.transaction,
            overlay.get_nonce(sender),
            overlay.get_balance(sender),
            overlay.get_code(sender),
        )

    def _gas_cells(
        self, overlay: Overlay, gas_used: int, blob_gas_used: int
    ) -> dict[Location, int]:
        """What lower transactions leave for higher ones, as cells."""
        shared, claims = self.shared, self.claims
        cells = shared.gas.cells(overlay, claims.gas, gas_used)
        if claims.blob_gas is not None:
            cells |= shared.blob_gas.cells(overlay, claims.blob_gas, blob_gas_used)
        return cells

    def _reject(self, overlay: Overlay, reason: str) -> Effects:
        """Of a rejected transaction nothing stays but that it used nothing."""
        return Effects(self._gas_cells(overlay, 0, 0), Outcome(rejected=reason))

    def _include(self, overlay: Overlay, computation: ComputationAPI) -> Effects:
        gas_used = charged_gas(self.shared.rules, self.transaction, computation)
        logs = logs_of(computation)
        for cell, used in self._gas_cells(overlay, gas_used, blob_gas(self.transaction)).items():
            overlay.write(cell, used)
        if logs and self.shared.rules.requests:
            overlay.write((LOGS, self.position), _log_cell(logs))
        created = computation.msg.storage_address if self.transaction.is_creation else None
        outcome = Outcome(
            status=not computation.is_error,
            gas_used=gas_used,
            logs=logs,
            contract_address=created,
        )
        return Effects(overlay.writes, outcome)


def _log_cell(logs: Iterable[Log]) -> tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]:
    """Logs as a cell holds them: plain tuples, so that a history can be written down."""
    return tuple((log.address, log.topics, log.data) for log in logs)


@dataclass(frozen=True, slots=True)
class SystemCallTransition:
    """A call by the protocol: before the transactions, or after them for a request."""

    tx_index: ClassVar[None] = None
    position: int
    env: Environment
    call: SystemCall

    @property
    def kind(self) -> Kind:
        return Kind.SYSTEM if self.call.request_type is None else Kind.REQUESTS

    def run(self, view: View, workspace: Workspace) -> Effects:
        overlay = workspace.open(view, self.position)
        try:
            output = run_system_call(workspace.state, self.env, self.call)
        except InvalidBlock as why:
            return Effects({}, Outcome(invalid_block=why.reason))
        if self.call.request_type is None:
            return Effects(overlay.writes, DONE)
        outcome = Outcome(request_type=self.call.request_type, request=output)
        return Effects(overlay.writes, outcome)


@dataclass(frozen=True, slots=True)
class DepositsTransition:
    """The deposits among the logs of all transactions, read from their cells. Source: EIP-6110."""

    kind: ClassVar[Kind] = Kind.REQUESTS
    tx_index: ClassVar[None] = None
    position: int
    positions: tuple[int, ...]

    def run(self, view: View, workspace: Workspace) -> Effects:
        overlay = workspace.open(view, self.position)
        cells = [overlay.read((LOGS, at), LOGS_PREDICATE)[0] for at in self.positions]
        try:
            data = deposit_data(Log(*entry) for cell in cells for entry in cell)
        except InvalidBlock as why:
            return Effects({}, Outcome(invalid_block=why.reason))
        return Effects({}, Outcome(request_type=DEPOSIT_TYPE, request=data))


@dataclass(frozen=True, slots=True)
class WithdrawalsTransition:
    """The block's withdrawals, all of them. Source: EIP-4895."""

    kind: ClassVar[Kind] = Kind.WITHDRAWALS
    tx_index: ClassVar[None] = None
    position: int
    withdrawals: tuple[Withdrawal, ...]

    def run(self, view: View, workspace: Workspace) -> Effects:
        overlay = workspace.open(view, self.position)
        for withdrawal in self.withdrawals:
            if withdrawal.amount_gwei:
                overlay.add_balance(withdrawal.address, withdrawal.amount_gwei * WEI_PER_GWEI)
            else:
                overlay.clear_if_empty(withdrawal.address)
        return Effects(overlay.writes, DONE)


@dataclass(frozen=True, slots=True)
class RewardsTransition:
    """What a proof-of-work block pays: pairs of a miner and its reward in wei."""

    kind: ClassVar[Kind] = Kind.REWARDS
    tx_index: ClassVar[None] = None
    position: int
    rewards: tuple[tuple[bytes, int], ...]

    def run(self, view: View, workspace: Workspace) -> Effects:
        overlay = workspace.open(view, self.position)
        for address, reward_wei in self.rewards:
            overlay.add_balance(address, reward_wei)
        return Effects(overlay.writes, DONE)

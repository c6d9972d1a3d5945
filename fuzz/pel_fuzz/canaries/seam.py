"""Seeded bugs of the seam between the EVM and shared memory, each by replacing one small method.

Three families. Some are wrong only in an optimistic run: a dependency that is not recorded, or
something that one incarnation leaves to the next. Others are wrong in the fold in the same way, so
that only the reference proper can tell. And some of those leave the state root right.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, Final

from pel_fuzz.canaries.bug import Bug
from pel_reference import block_result, evm_transitions, receipts, settle, transitions
from pel_reference.admission import Room
from pel_reference.block import Account
from pel_reference.overlay import Overlay, code_hash
from pel_reference.seam import SeamExecutor, SeamState, Workspace
from pel_spec.transition import RecordedView, Suspend, View
from pel_spec.vocabulary import Location

_bugs: dict[str, Bug] = {}


@contextmanager
def _replaced(owner: Any, name: str, substitute: object) -> Iterator[None]:
    """`owner` is a class or a module. A method that it only inherits is taken away again."""
    inherited = object()
    original = vars(owner).get(name, inherited)
    setattr(owner, name, substitute)
    try:
        yield
    finally:
        if original is inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _bug(
    name: str,
    zoo: str,
    story: str,
    where: tuple[Any, str],
    *,
    fold_too: bool = False,
    root_right: bool = False,
) -> Callable[[Any], Any]:
    """Register the decorated function as what takes the place of a method, `where` it is."""

    def register(substitute: Any) -> Any:
        def plant() -> AbstractContextManager[None]:
            return _replaced(*where, substitute)

        _bugs[name] = Bug(name, zoo, story, plant, fold_too, root_right)
        return substitute

    return register


# Dependencies that are not recorded: right in the fold, stale in an optimistic run.


def unlogged_read(kind: str) -> AbstractContextManager[None]:
    """Locations of one kind are looked up behind the back of the view that records."""

    def read(self: Overlay, location: Location, predicate: str | None = None) -> Any:
        view: Any = self.view
        while location[0] == kind and view is not None:
            if isinstance(view, RecordedView):
                return view.lookup(location)
            view = getattr(view, "view", None)  # a view that only passes reads on
        return self.view.read(location, predicate)

    return _replaced(Overlay, "read", read)


def _unlogged(name: str, zoo: str, kind: str, story: str) -> None:
    _bugs[name] = Bug(name, zoo, story, lambda: unlogged_read(kind))


_unlogged(
    "slot-unlogged",
    "A5",
    "storage",
    "Reads of storage slots are not recorded: a slot that is written later goes unnoticed.",
)
_unlogged(
    "code-unlogged",
    "A4",
    "code",
    "Reads of code are not recorded: a delegation that is set later goes unnoticed.",
)
_unlogged(
    "fee-cells-unlogged",
    "A8",
    "fee",
    "The fees in the fee recipient's balance are added up, but not recorded as read.",
)
_unlogged(
    "gas-cells-unlogged",
    "F",
    "gas",
    "Gas cells are read for the room in the block, but not recorded: who is rejected is decided"
    " by what happened to be there.",
)


# What one incarnation leaves to the next, in the worker's workspace.


def _last_of_same(workspace: Workspace, overlay: Overlay) -> Overlay | None:
    """The overlay of the last incarnation of the same position that ran in this workspace."""
    overlays: dict[int, Overlay] = vars(workspace.state).setdefault("overlays", {})
    last = overlays.get(overlay.position)
    overlays[overlay.position] = overlay
    return last


_open: Final = Workspace.open


@_bug(
    "warm-list-survives",
    "H58",
    "The access list survives in the workspace: the next incarnation of the transaction finds warm"
    " what the last one touched, and pays less.",
    (Workspace, "open"),
)
def _warm_list_survives(self: Workspace, view: View, position: int) -> Overlay:
    overlay = _open(self, view, position)
    last = _last_of_same(self, overlay)
    if last is not None:
        overlay._warm.update(last._warm)
    return overlay


@_bug(
    "transient-storage-survives",
    "H58",
    "Transient storage survives in the workspace until the next incarnation of the transaction.",
    (Workspace, "open"),
)
def _transient_storage_survives(self: Workspace, view: View, position: int) -> Overlay:
    overlay = _open(self, view, position)
    last = _last_of_same(self, overlay)
    if last is not None:
        overlay.transient.update(last.transient)
    return overlay


@_bug(
    "reads-kept",
    "A5",
    "What an incarnation has read is kept for the next one of the same transaction, which neither"
    " looks it up nor records it.",
    (Workspace, "open"),
)
def _reads_kept(self: Workspace, view: View, position: int) -> Overlay:
    overlay = _open(self, view, position)
    last = _last_of_same(self, overlay)
    if last is not None:
        overlay._below.update(last._below)
    return overlay


@_bug(
    "writes-kept",
    "I59",
    "The slots that an incarnation wrote are there for the next one, and published once more.",
    (Workspace, "open"),
)
def _writes_kept(self: Workspace, view: View, position: int) -> Overlay:
    overlay = _open(self, view, position)
    last = _last_of_same(self, overlay)
    if last is not None:
        overlay.writes.update(at for at in last.writes.items() if at[0][0] == "storage")
    return overlay


@_bug(
    "suspension-swallowed",
    "B11",
    "A read that should wait is caught while authorizations are processed, which then have no"
    " effect.",
    (SeamState, "process_set_code_authorizations"),
)
def _suspension_swallowed(self: Any, transaction: Any) -> int:
    try:
        refund: int = super(SeamState, self).process_set_code_authorizations(transaction)
    except Suspend:
        return 0
    return refund


# Wrong in the fold and the optimistic run alike.


@_bug(
    "code-hash-by-address",
    "B11",
    "Code hashes are remembered by address instead of by code.",
    (Overlay, "get_code_hash"),
    fold_too=True,
)
def _code_hash_by_address(self: Overlay, address: bytes) -> bytes:
    remembered = _hashes_of(self)
    if address not in remembered:
        remembered[address] = code_hash(self.get_code(address))
    return remembered[address]


_hashes: dict[int, dict[bytes, bytes]] = {}


def _hashes_of(overlay: Overlay) -> dict[bytes, bytes]:
    """One table for all executions of a block; only the last block's is kept."""
    block = id(overlay.facts)
    if block not in _hashes:
        _hashes.clear()
    return _hashes.setdefault(block, {})


@_bug(
    "wipe-forgotten",
    "C28",
    "Destroying an account forgets what it wrote itself, but not the slots from before: created"
    " again at the same address, it finds them.",
    (Overlay, "delete_storage"),
    fold_too=True,
)
def _wipe_forgotten(self: Overlay, address: bytes) -> None:
    for location in [at for at in self.writes if at[0] == "storage" and at[1] == address]:
        self.write(location, 0)


@_bug(
    "coinbase-before-credit",
    "A8",
    "The fee recipient's balance is read without the fees of the block so far.",
    (Overlay, "_fees_above"),
    fold_too=True,
)
def _coinbase_before_credit(self: Overlay, position: int) -> int:
    return 0


@_bug(
    "empty-coinbase-appears",
    "D31",
    "The fee recipient is put into the state even where it got nothing and is empty.",
    (settle, "_account"),
    fold_too=True,
)
def _empty_coinbase_appears(evm_block: Any, written: Any, address: bytes) -> Account | None:
    account = _account(evm_block, written, address)
    if account is None and address == evm_block.facts.fee_recipient:
        return Account()
    return account


_account: Final = settle._account


@_bug(
    "refund-halved",
    "F",
    "Refunds are capped by the quotient of another fork.",
    (SeamExecutor, "calculate_gas_refund"),
    fold_too=True,
)
def _refund_halved(self: Any, computation: Any, gas_used: int) -> int:
    refund: int = super(SeamExecutor, self).calculate_gas_refund(computation, gas_used)
    return refund // 2


@_bug(
    "gas-pool-by-declaration",
    "F46",
    "A transaction has room if it fits into the block on its own: lower ones are not counted.",
    (Room, "suffices"),
    fold_too=True,
)
def _gas_pool_by_declaration(self: Room, overlay: Overlay, claim: int) -> bool:
    return self.declared[claim] <= self.limit


@_bug(
    "history-call-missed",
    "I64",
    "The system calls before the transactions are left out.",
    (transitions, "calls_before"),
    fold_too=True,
)
def _history_call_missed(rules: Any, env: Any) -> tuple[Any, ...]:
    return ()


@_bug(
    "touch-is-no-write",
    "D32",
    "A call without value is no write: an account that was only touched does not come to exist.",
    (SeamState, "touch_account"),
    fold_too=True,
)
def _touch_is_no_write(self: SeamState, address: bytes) -> None:
    return None


# Wrong alike, with the state root right: only receipts show it.


@_bug(
    "logs-reversed",
    "I62",
    "The logs of a transaction come in the wrong order.",
    (evm_transitions, "logs_of"),
    fold_too=True,
    root_right=True,
)
def _logs_reversed(computation: Any) -> tuple[Any, ...]:
    return tuple(reversed(receipts.logs_of(computation)))


@_bug(
    "receipt-gas-before-refund",
    "F47",
    "The receipt's gas, and so the block's, is what was used before refunds.",
    (evm_transitions, "charged_gas"),
    fold_too=True,
    root_right=True,
)
def _receipt_gas_before_refund(rules: Any, transaction: Any, computation: Any) -> int:
    charged = receipts.charged_gas(rules, transaction, computation)
    unrefunded: int = transaction.gas_limit - computation.get_gas_remaining()
    return max(charged, unrefunded)


@_bug(
    "cumulative-gas-restarts",
    "I62",
    "A receipt's cumulative gas forgets the transactions before a rejected one.",
    (settle, "make_receipt"),
    fold_too=True,
    root_right=True,
)
def _cumulative_gas_restarts(transaction: Any, tx_index: int, **values: Any) -> Any:
    if tx_index % 4 == 3:
        values["gas_used_before"] = 0
    return block_result.make_receipt(transaction, tx_index, **values)


SEAM_BUGS: Mapping[str, Bug] = MappingProxyType(_bugs)
"""The seeded bugs of the seam, by name."""

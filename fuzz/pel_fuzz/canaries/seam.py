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
from pel_reference.locations import ABSENT
from pel_reference.overlay import Overlay
from pel_reference.seam import SeamExecutor, Workspace
from pel_spec.transition import RecordedView, Suspend, View
from pel_spec.vocabulary import PRE_STATE, Location, Version

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


def transient_storage_survives() -> AbstractContextManager[None]:
    """Transient storage survives until the next incarnation of the transaction. (No bug of the
    registry: few blocks show it.)"""

    def leaking(self: Workspace, view: View, position: int) -> Overlay:
        overlay = _open(self, view, position)
        last = _last_of_same(self, overlay)
        if last is not None:
            overlay.transient.update(last.transient)
        return overlay

    return _replaced(Workspace, "open", leaking)


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
    "A",
    "A read that should wait is answered as if nobody had ever written there, and not recorded.",
    (Overlay, "read"),
)
def _suspension_swallowed(
    self: Overlay, location: Location, predicate: str | None = None
) -> tuple[Any, Version]:
    try:
        return self.view.read(location, predicate)
    except Suspend:
        kind: Any = location[0]
        return ABSENT[kind], PRE_STATE


# Wrong in the fold and the optimistic run alike.


@_bug(
    "code-by-address",
    "H58",
    "Code is remembered by address instead of by version: what was created in the block is taken"
    " for an account without code.",
    (Overlay, "get_code"),
    fold_too=True,
)
def _code_by_address(self: Overlay, address: bytes) -> bytes:
    if ("code", address) in self.writes:
        return _get_code(self, address)
    remembered = _codes_of(self)
    if address not in remembered:
        remembered[address] = _get_code(self, address)
    return remembered[address]


_get_code: Final = Overlay.get_code
_codes: dict[int, dict[bytes, bytes]] = {}


def _codes_of(overlay: Overlay) -> dict[bytes, bytes]:
    """One table for all executions of a block; only the last block's is kept."""
    block = id(overlay.facts)
    if block not in _codes:
        _codes.clear()
    return _codes.setdefault(block, {})


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
    "E44",
    "The fee recipient's balance is read without the fees of the block so far.",
    (Overlay, "_fees_above"),
    fold_too=True,
)
def _coinbase_before_credit(self: Overlay, position: int) -> int:
    return 0


@_bug(
    "empty-accounts-appear",
    "D31",
    "Accounts that were written to are put into the state even where they end up empty.",
    (settle, "_exists_by_emptiness"),
    fold_too=True,
)
def _empty_accounts_appear(account: Account) -> bool:
    return True


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
    "Where existence is a location, nothing that happens to an account writes it.",
    (Overlay, "touch_account"),
    fold_too=True,
)
def _touch_is_no_write(self: Overlay, address: bytes) -> None:
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

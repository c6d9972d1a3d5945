"""The overlay of one execution: py-evm's account database over any view.

It lies between py-evm and the shared memory while one transition runs once. Every read of shared
state goes through `Overlay.read`, where the view records it; every write stays here until the
transition returns. One undo log serves the journal, the access list and transient storage: a
snapshot is its length.

It gives py-evm that part of `AccountDatabaseAPI` that executing needs. State roots and persistence
are no part of executing: they belong to the ordered commit (`settle`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eth_hash.auto import keccak
from eth_utils import ValidationError

from pel_reference.locations import (
    BALANCE,
    CODE,
    EXISTS,
    FEE,
    FEES_PREDICATE,
    NONCE,
    STORAGE,
    WIPE,
    WIPE_PREDICATE,
)
from pel_spec.transition import View
from pel_spec.vocabulary import Location, Value, Version

_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """What every execution in a block knows beforehand, and nothing can change.

    `fee_positions` are the positions of the transactions: those that may hold a fee cell.
    `with_storage` are the accounts that had storage before the block.
    """

    fee_recipient: bytes
    fee_positions: range
    elides_existence: bool
    with_storage: frozenset[bytes]


@lru_cache(maxsize=2048)
def code_hash(code: bytes) -> bytes:
    """keccak-256 of the code; a pure function of it, so it may be remembered across executions."""
    digest: bytes = keccak(code)
    return digest


class Overlay:
    """What one execution has read from below and written above.

    Existence is a location, and every touch writes it, unless `BlockFacts.elides_existence`: then
    an account exists where it is not empty. That is sound after EIP-161 over a pre-state without
    empty accounts, because no transaction can leave one behind.
    """

    __slots__ = (
        "_below",
        "_elides_existence",
        "_fee_location",
        "_undo",
        "_warm",
        "facts",
        "failure",
        "position",
        "transient",
        "view",
        "writes",
    )

    def __init__(self, facts: BlockFacts, view: View, position: int) -> None:
        self.facts = facts
        self.view = view
        self.position = position
        self.failure: Exception | None = None
        self.writes: dict[Location, Any] = {}
        self.transient: dict[tuple[bytes, int], bytes] = {}
        self._below: dict[Location, Any] = {}  # what the composed and the simple reads gave
        self._warm: dict[Any, bool] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._elides_existence = facts.elides_existence
        self._fee_location = (FEE, position)

    # Reading from below and writing above.

    def read(self, location: Location, predicate: str | None = None) -> tuple[Any, Version]:
        """The one way to shared state: a recorded read of a simple location. A read that fails is
        remembered as `failure`: py-evm goes on after any exception while it goes through a list of
        authorizations (EIP-7702), and what it then computes is not what the reads say.

        Raises: `Suspend`, as `View.read`.
        """
        try:
            return self.view.read(location, predicate)
        except Exception as error:
            self.failure = error
            raise

    def _get(self, location: Location) -> Any:
        """A location that is not composed: our own write, or what lies below."""
        value = self.writes.get(location)
        if value is None:
            value = self._below.get(location)
            if value is None:
                value = self._below[location] = self.read(location)[0]
        return value

    def write(self, location: Location, value: Value) -> None:
        """Write a simple location: the only way in which a value gets into `writes`."""
        writes = self.writes
        self._undo.append((writes, location, writes.get(location, _MISSING)))
        writes[location] = value

    def _unwrite(self, location: Location) -> None:
        if location in self.writes:
            self._undo.append((self.writes, location, self.writes.pop(location)))

    # The journal.

    def snapshot(self) -> int:
        """A mark to which `rollback` can return."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Undo what happened since `mark`: writes, access list and transient storage alike."""
        undo = self._undo
        while len(undo) > mark:
            table, key, old = undo.pop()
            if old is _MISSING:
                del table[key]
            else:
                table[key] = old

    # Storage.

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """The slot's value now, or (`from_journal=False`) at the start of the transaction."""
        if from_journal:
            value: int | None = self.writes.get((STORAGE, address, slot))
            if value is not None:
                return value
            if (WIPE, address) in self.writes:
                return 0
        return self._slot_below(address, slot)

    def _slot_below(self, address: bytes, slot: int) -> int:
        """A slot reads the wipe of its account and itself, and the later version wins.

        At the same position the slot wins: within a transition, what it wiped *after* writing is
        not among its writes.
        """
        location = (STORAGE, address, slot)
        known: int | None = self._below.get(location)
        if known is None:
            wiped_at = self._wiped_at(address)
            known, version = self.read(location)
            if wiped_at > version.position:
                known = 0
            self._below[location] = known
        return known

    def _wiped_at(self, address: bytes) -> int:
        """The position that last wiped the account's storage; that of the pre-state for never."""
        return self.read((WIPE, address), WIPE_PREDICATE)[1].position

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Write a slot."""
        self.write((STORAGE, address, slot), value)

    def delete_storage(self, address: bytes) -> None:
        """Wipe every slot, those that nobody has read included."""
        written = self.writes
        for location in [at for at in written if at[0] == STORAGE and at[1] == address]:
            self._unwrite(location)
        self.write((WIPE, address), True)

    def account_has_storage(self, address: bytes) -> bool:
        """Whether an account without code and nonce holds storage: from before the block, as no
        code of its own can have written any since. Source: EIP-7610."""
        if address not in self.facts.with_storage or (WIPE, address) in self.writes:
            return False
        return self._wiped_at(address) < 0

    # Balance.

    def get_balance(self, address: bytes) -> int:
        """The balance in wei; the fee recipient has all fees below, and its own once credited."""
        value: int | None = self.writes.get((BALANCE, address))
        if value is None:
            value = self._balance_below(address)
            if address == self.facts.fee_recipient:
                value += self.writes.get(self._fee_location, 0)
        return value

    def _balance_below(self, address: bytes) -> int:
        location = (BALANCE, address)
        known: int | None = self._below.get(location)
        if known is None:
            known, version = self.read(location)
            if address == self.facts.fee_recipient:
                known += self._fees_above(version.position)
            self._below[location] = known
        return known

    def _fees_above(self, position: int) -> int:
        """The fees credited by transactions above `position` and below this execution, in wei."""
        positions = self.facts.fee_positions
        first = max(position + 1, positions.start)
        last = min(self.position, positions.stop)
        return sum(self.read((FEE, at), FEES_PREDICATE)[0] for at in range(first, last))

    def set_balance(self, address: bytes, balance: int) -> None:
        """A full write. For the fee recipient it holds the own fee, which then has no cell.

        Raises: `ValidationError` for what no balance can be; an inconsistent view can lead there.
        """
        if balance < 0 or balance >> 256:
            raise ValidationError(f"balance out of range: {balance}")
        self.write((BALANCE, address), balance)
        if address == self.facts.fee_recipient:
            self._unwrite(self._fee_location)
        if not self._elides_existence:
            self.touch_account(address)

    def add_balance(self, address: bytes, amount_wei: int) -> None:
        """Raises: `ValidationError`, as `set_balance`."""
        self.set_balance(address, self.get_balance(address) + amount_wei)

    def credit_fee(self, fee_wei: int) -> None:
        """Credit the fee recipient; it reads nothing.

        Whoever has read that balance anyway writes it in full. It depends on all lower fees
        already, and the next reader then starts from here, instead of adding up all cells again.
        """
        recipient = self.facts.fee_recipient
        location = (BALANCE, recipient)
        if location in self.writes or location in self._below:
            self.add_balance(recipient, fee_wei)
            return
        if fee_wei:
            self.write(self._fee_location, fee_wei)
        self.touch_account(recipient)

    # Nonce and code.

    def get_nonce(self, address: bytes) -> int:
        """The nonce."""
        return self._get((NONCE, address))  # type: ignore[no-any-return]

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Raises: `ValidationError` for what no nonce can be."""
        if nonce < 0 or nonce >> 64:
            raise ValidationError(f"nonce out of range: {nonce}")
        self.write((NONCE, address), nonce)
        if not self._elides_existence:
            self.touch_account(address)

    def increment_nonce(self, address: bytes) -> None:
        """Raises: `ValidationError`, as `set_nonce`."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        """The code itself, a delegation included."""
        return self._get((CODE, address))  # type: ignore[no-any-return]

    def set_code(self, address: bytes, code: bytes) -> None:
        """Write the code; whatever it is."""
        self.write((CODE, address), code)
        if not self._elides_existence:
            self.touch_account(address)

    def get_code_hash(self, address: bytes) -> bytes:
        """The hash goes with the code that this execution reads, so the two cannot differ."""
        return code_hash(self.get_code(address))

    def delete_code(self, address: bytes) -> None:
        """An account without code may well exist."""
        self.set_code(address, b"")

    # Existence.

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        """The nonce is read first, and the code only where it is 0."""
        return self.get_nonce(address) != 0 or self.get_code(address) != b""

    def account_is_empty(self, address: bytes) -> bool:
        """No nonce, code or balance; what decides is read first, what changes often last."""
        if address == self.facts.fee_recipient and self.writes.get(self._fee_location):
            return False  # without reading a balance that every transaction credits
        return not self.account_has_code_or_nonce(address) and self.get_balance(address) == 0

    def account_exists(self, address: bytes) -> bool:
        """Whether the account is in the state, empty or not."""
        if self._elides_existence:
            return not self.account_is_empty(address)
        return self._get((EXISTS, address))  # type: ignore[no-any-return]

    def touch_account(self, address: bytes) -> None:
        """The account exists from now on, until it is deleted. Source: EIP-161."""
        if not self._elides_existence and self.writes.get((EXISTS, address)) is not True:
            self.write((EXISTS, address), True)

    def clear_if_empty(self, address: bytes) -> None:
        """Delete what exists and is empty; where existence is elided there is no such account."""
        if self._elides_existence:
            return
        if self.account_exists(address) and self.account_is_empty(address):
            self.delete_account(address)

    def delete_account(self, address: bytes) -> None:
        """The account ceases to exist, with its storage; nothing is read."""
        self.delete_storage(address)
        self.set_balance(address, 0)
        self.write((NONCE, address), 0)
        self.write((CODE, address), b"")
        if not self._elides_existence:
            self.write((EXISTS, address), False)

    # Transaction-local: access list (EIP-2929) and transient storage (EIP-1153).

    def is_address_warm(self, address: bytes) -> bool:
        """Whether this transaction has accessed the account. Source: EIP-2929."""
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        """This transaction has accessed the account."""
        self._mark_warm(address)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Whether this transaction has accessed the slot."""
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """This transaction has accessed the slot."""
        self._mark_warm((address, slot))

    def _mark_warm(self, key: Any) -> None:
        if key not in self._warm:
            self._undo.append((self._warm, key, _MISSING))
            self._warm[key] = True

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        """The value in bytes, empty where this transaction has written none."""
        return self.transient.get((address, slot), b"")

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        """Write a value that this transaction alone will see."""
        key = (address, slot)
        self._undo.append((self.transient, key, self.transient.get(key, _MISSING)))
        self.transient[key] = value

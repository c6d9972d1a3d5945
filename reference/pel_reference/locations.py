"""The EVM's simple locations: what shared memory holds of a block, one full value each.

A location is a plain tuple: its kind, then what names it within the kind. Only these are ever read
or written by a transition; what is composed of several (a storage slot with the wipe of its
account, the fee recipient's balance with the fees credited since) is composed in `overlay`, of
several recorded reads. What lives for one transaction alone (access list, transient storage,
refunds) is no location.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pel_spec.vocabulary import Location, Value

BALANCE = "balance"
NONCE = "nonce"
CODE = "code"
STORAGE = "storage"
WIPE = "wipe"
EXISTS = "exists"
FEE = "fee"
GAS = "gas"
BLOB_GAS = "blob_gas"
LOGS = "logs"
SUM = "sum"

KINDS: Mapping[str, str] = MappingProxyType(
    {
        BALANCE: "(balance, address): the account's balance in wei; the fee recipient's is what it "
        "was at its last full write, and the fee cells above that write are to be added",
        NONCE: "(nonce, address): the account's nonce",
        CODE: "(code, address): the account's code itself, a delegation (EIP-7702) included",
        STORAGE: "(storage, address, slot): the slot's value, as long as no later wipe erased it",
        WIPE: "(wipe, address): True where the account's whole storage was erased; its version "
        "says by whom, and every slot with a lower version is then 0",
        EXISTS: "(exists, address): whether the account is in the state, empty or not (EIP-161)",
        FEE: "(fee, position): what the transaction at that position credited to the fee "
        "recipient, in wei; only that transaction writes it, and not where it writes the balance "
        "in full",
        GAS: "(gas, position): the gas that the transaction there was charged; 0 if rejected",
        BLOB_GAS: "(blob_gas, position): the blob gas of the transaction there; 0 if rejected",
        LOGS: "(logs, position): its logs, each (address, topics, data)",
        SUM: "(sum, kind, position): the sum of the gas (or blob gas) cells of a whole group of "
        "transactions, of which the one at that position is the last",
    }
)
"""Every kind of location, with what it stands for."""

ABSENT: Mapping[str, Value] = MappingProxyType(
    {
        BALANCE: 0,
        NONCE: 0,
        CODE: b"",
        STORAGE: 0,
        WIPE: False,
        EXISTS: False,
        FEE: 0,
        GAS: 0,
        BLOB_GAS: 0,
        LOGS: (),
        SUM: 0,
    }
)
"""The value of a location about which nothing is known: every location has one."""

WIPE_PREDICATE = "wipe of the account"
"""A slot's read of the wipe: a statement about all slots at once."""
FEES_PREDICATE = "fees since the last full write"
GAS_PREDICATE = "gas of all lower transactions"
BLOB_GAS_PREDICATE = "blob gas of all lower transactions"
LOGS_PREDICATE = "logs of all transactions"

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        BALANCE: "balance of {}",
        NONCE: "nonce of {}",
        CODE: "code of {}",
        WIPE: "storage wipe of {}",
        EXISTS: "existence of {}",
        FEE: "fee cell of position {}",
        GAS: "gas cell of position {}",
        BLOB_GAS: "blob gas cell of position {}",
        LOGS: "logs cell of position {}",
    }
)


def short_hex(data: bytes) -> str:
    """Bytes for people: in full up to 5 bytes, else the first and last two, as `0x1234…cdef`."""
    text = data.hex()
    return f"0x{text}" if len(data) <= 5 else f"0x{text[:4]}…{text[-4:]}"


def short_word(number: int) -> str:
    """A slot or value for people: decimal while it is short, else shortened hexadecimal."""
    if number < 10**9:
        return str(number)
    return short_hex(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def render_location(location: Location) -> str:
    """One location in words, such as `slot 3 of 0x1234…cdef`; other tuples as they stand."""
    match location:
        case ("storage", bytes() as address, int() as slot):
            return f"slot {short_word(slot)} of {short_hex(address)}"
        case ("sum", str() as kind, int() as position):
            return f"sum of a group of {kind} cells up to position {position}"
        case (str() as kind, bytes() | int() as name) if kind in _NAMES:
            return _NAMES[kind].format(short_hex(name) if isinstance(name, bytes) else name)
    return repr(location)


def render_value(value: Value) -> str:
    """One value for people; long code is named by its length."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case b"":
            return "none"
        case bytes() if len(value) > 32:
            return f"{short_hex(value)} ({len(value)} bytes)"
        case bytes():
            return f"0x{value.hex()}"
        case tuple():
            return f"{len(value)} entries"
    return repr(value)

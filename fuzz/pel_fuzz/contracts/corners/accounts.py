"""Programs that look at accounts and at the block, move value, and react to being paid."""

from pel_fuzz.contracts.contract import Contract
from pel_fuzz.contracts.corners.corner import (
    GAS_FOR_CALL,
    RECEIVE,
    STOP_WITHOUT_DATA,
    corner,
    dispatch,
    entry,
    operation,
    word,
)

_VIEWS = (
    ("the fee recipient's balance", "COINBASE BALANCE"),
    ("the address's balance", f"{word(0)} BALANCE"),
    ("its code size", f"{word(0)} EXTCODESIZE"),
    ("the caller's balance", "CALLER BALANCE"),
    ("its own balance", "ADDRESS BALANCE"),
    ("the address's code hash", f"{word(0)} EXTCODEHASH"),
    ("its own balance by SELFBALANCE", "SELFBALANCE"),
)


def _observer(name: str, views: int) -> Contract:
    seen = _VIEWS[:views]
    stores = [f"{view} {slot} SSTORE" for slot, (_, view) in enumerate(seen)]
    return corner(
        name,
        "Looks at an address and stores, from slot 0 on: "
        + ", ".join(text for text, _ in seen)
        + ".",
        "\n".join([*stores, "STOP"]),
        entry("look", "address"),
    )


OBSERVER_FRONTIER = _observer("observer_frontier", 5)
OBSERVER_CONSTANTINOPLE = _observer("observer_constantinople", 6)
OBSERVER = _observer("observer", 7)

CODE_HASHER = corner(
    "code_hasher",
    "Copies the code of an address and stores its hash in the slot of that address.",
    f"""
    {word(0)} EXTCODESIZE DUP1 0 0 {word(0)} EXTCODECOPY
    0 SHA3 {word(0)} SSTORE STOP
    """,
    entry("hash", "address"),
)

HEADER_READER = corner(
    "header_reader",
    "Stores what it sees of block and transaction, from slot 0 on: coinbase, number, timestamp,"
    " gas limit, gas price, origin, value.",
    """
    COINBASE 0 SSTORE NUMBER 1 SSTORE TIMESTAMP 2 SSTORE GASLIMIT 3 SSTORE
    GASPRICE 4 SSTORE ORIGIN 5 SSTORE CALLVALUE 6 SSTORE STOP
    """,
    entry("read"),
)

HEADER_READER_LONDON = corner(
    "header_reader_london",
    "Stores base fee and chain id in slots 0 and 1.",
    "BASEFEE 0 SSTORE CHAINID 1 SSTORE STOP",
    entry("read"),
)

BLOCKHASH_READER = corner(
    "blockhash_reader",
    "Stores the hash of the block with a number, 0 where it is out of reach, in the slot of that"
    " number.",
    f"{word(0)} BLOCKHASH {word(0)} SSTORE STOP",
    entry("read", "uint256"),
)

BLOB_BASE_FEE_SLOT = (1 << 256) - 1
"""Where `blob_reader` stores the blob base fee."""

BLOB_READER = corner(
    "blob_reader",
    "Stores the versioned hash of the transaction's blob with an index in the slot of that index,"
    " and the blob base fee in the last slot of all.",
    f"{word(0)} BLOBHASH {word(0)} SSTORE BLOBBASEFEE {BLOB_BASE_FEE_SLOT} SSTORE STOP",
    entry("read", "uint256"),
)

SENDER = corner(
    "sender",
    "Sends an amount of its own balance to an address; slot 0 becomes 1 where that failed, 2 where"
    " it did not. Keeps what it is sent without data.",
    f"""
    {STOP_WITHOUT_DATA}
    0 0 0 0 {word(1)} {word(0)} {GAS_FOR_CALL} CALL
    1 ADD 0 SSTORE
    receive: STOP
    """,
    entry("send", "address", "uint256"),
    RECEIVE,
)

COINBASE_PAYER = corner(
    "coinbase_payer",
    "Hands the value of the call to the fee recipient; slot 0 becomes 1 where that failed, 2 where"
    " it did not.",
    f"0 0 0 0 CALLVALUE COINBASE {GAS_FOR_CALL} CALL 1 ADD 0 SSTORE STOP",
    entry("pay"),
)

TOUCHER = corner(
    "toucher",
    "Calls an address without value or data, which touches it (EIP-161), then fails if asked to.",
    f"""
    0 0 0 0 0 {word(0)} {GAS_FOR_CALL} CALL POP
    {word(1)} @fail JUMPI STOP
    fail: INVALID
    """,
    entry("touch", "address", "bool"),
)

RECEIVER = corner(
    "receiver",
    "Writes storage whenever it is called: slot 0 sums the values, slot 1 counts the calls, slot 2"
    " is its balance as it sees it. Fees and withdrawals reach it without running it.",
    """
    0 SLOAD CALLVALUE ADD 0 SSTORE
    1 SLOAD 1 ADD 1 SSTORE
    ADDRESS BALANCE 2 SSTORE STOP
    """,
    RECEIVE,
)

_GATE = (operation("close", 1, "bool"),)

GATE = corner(
    "gate",
    "Takes value as long as slot 0 is 0, refuses it otherwise; `close` sets slot 0. Whether a"
    " plain `send` reaches it is up to whoever wrote the slot last, and to the price of a read.",
    f"""
    CALLDATASIZE @called JUMPI
    0 SLOAD @closed JUMPI STOP
    closed: INVALID
    called: {dispatch(*_GATE)}
    close: {word(1)} 0 SSTORE STOP
    """,
    *_GATE,
    RECEIVE,
)

PROGRAMS = (
    OBSERVER_FRONTIER,
    OBSERVER_CONSTANTINOPLE,
    OBSERVER,
    CODE_HASHER,
    HEADER_READER,
    HEADER_READER_LONDON,
    BLOCKHASH_READER,
    BLOB_READER,
    SENDER,
    COINBASE_PAYER,
    TOUCHER,
    RECEIVER,
    GATE,
)

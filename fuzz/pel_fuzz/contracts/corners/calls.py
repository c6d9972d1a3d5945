"""Programs that call: proxies of every kind, recursion that fails at a chosen depth, a wallet."""

from pel_fuzz.contracts.contract import Contract
from pel_fuzz.contracts.corners.corner import (
    GAS_FOR_CALL,
    RECEIVE,
    corner,
    dispatch,
    entry,
    operation,
    word,
)

OUTCOME_SLOT = (1 << 256) - 2
"""Where a proxy stores how its call ended: 1 where it failed, 2 where it did not."""

_FORWARD = """
    32 CALLDATASIZE SUB DUP1 32 0 CALLDATACOPY   ; size of what is forwarded
    0 SWAP1 0 SWAP1 0                            ; no output; input from memory at 0
    """


def _proxy(name: str, call: str, summary: str, ending: str) -> Contract:
    return corner(name, summary, f"{_FORWARD} {call} {ending}", entry("call", "address", "raw"))


_CALL = f"CALLVALUE {word(0)} {GAS_FOR_CALL} CALL"
_CALLCODE = f"CALLVALUE {word(0)} {GAS_FOR_CALL} CALLCODE"
_DELEGATECALL = f"{word(0)} {GAS_FOR_CALL} DELEGATECALL"
_STATICCALL = f"{word(0)} {GAS_FOR_CALL} STATICCALL"
_STORE_OUTCOME = f"1 ADD {OUTCOME_SLOT} SSTORE STOP"

CALL_PROXY = _proxy(
    "call_proxy",
    _CALL,
    "Calls an address with the rest of the call data and all of the value, and goes on whatever"
    " happens there.",
    _STORE_OUTCOME,
)

CALLCODE_PROXY = _proxy(
    "callcode_proxy",
    _CALLCODE,
    "Runs the code of an address on its own storage, by CALLCODE, and goes on whatever happens.",
    _STORE_OUTCOME,
)

DELEGATE_PROXY = _proxy(
    "delegate_proxy",
    _DELEGATECALL,
    "Runs the code of an address on its own storage, by DELEGATECALL, and goes on whatever"
    " happens.",
    _STORE_OUTCOME,
)

STATIC_PROXY = _proxy(
    "static_proxy",
    _STATICCALL,
    "Calls an address that may not write anything, and goes on whatever happens.",
    _STORE_OUTCOME,
)

REVERTING_PROXY = _proxy(
    "reverting_proxy",
    _CALL,
    "Calls an address as `call_proxy` does, then reverts: whatever happened there is undone.",
    "0 0 REVERT",
)

FAILING_PROXY = _proxy(
    "failing_proxy",
    _CALL,
    "Calls an address as `call_proxy` does, then fails: whatever happened there is undone, and all"
    " gas is gone.",
    "INVALID",
)

IMPLEMENTATION_SLOT = (1 << 256) - 3
"""Where `upgradeable_proxy` finds its implementation."""

UPGRADEABLE_PROXY = corner(
    "upgradeable_proxy",
    "Runs the code of the address that a slot names, with the call data as it is, and ends as that"
    " ends. With `cells` for an implementation, any call may replace the implementation.",
    f"""
    CALLDATASIZE 0 0 CALLDATACOPY
    0 0 CALLDATASIZE 0 {IMPLEMENTATION_SLOT} SLOAD GAS DELEGATECALL
    RETURNDATASIZE 0 0 RETURNDATACOPY
    @done JUMPI
    RETURNDATASIZE 0 REVERT
    done: RETURNDATASIZE 0 RETURN
    """,
    entry("call", "raw"),
)

REVERTS, FAILS, SPINS = 0, 1, 2
"""How `recursor` ends where it is to end: REVERT, an invalid instruction, a loop until no gas is
left. In the variant for forks without REVERT, 0 means the same as 1."""

NEVER = (1 << 256) - 1
"""The level at which `recursor` is to fail if it is not to fail."""


def _recursor(name: str, revert: str) -> Contract:
    return corner(
        name,
        "Calls itself as often as asked, and at one level (counted from the deepest, 0) ends badly"
        " in a chosen way. Every level adds one to the slot of its number before that, and behind"
        " its call writes 1 where that failed and 2 where it did not into slot 0x100 + number.",
        f"""
        {word(0)}                                    ; level
        DUP1 SLOAD 1 ADD DUP2 SSTORE
        DUP1 {word(1)} EQ @fail JUMPI
        DUP1 ISZERO @deepest JUMPI
        1 SWAP1 SUB 0 MSTORE
        {word(1)} 32 MSTORE {word(2)} 64 MSTORE
        0 0 96 0 0 ADDRESS {GAS_FOR_CALL} CALL
        1 ADD {word(0)} 0x0100 ADD SSTORE
        deepest: STOP
        fail:
            {word(2)} {FAILS} EQ @invalid JUMPI
            {word(2)} {SPINS} EQ @spin JUMPI
            {revert}
        invalid: INVALID
        spin: @spin JUMP
        """,
        entry("recurse", "uint256", "uint256", "uint256"),
    )


RECURSOR = _recursor("recursor", "0 0 REVERT")
RECURSOR_FRONTIER = _recursor("recursor_frontier", "INVALID")

BURNER = corner(
    "burner",
    "Loops until no more gas is left than it is told to keep, then stores the number of rounds in"
    " slot 0. Told to keep less than the write costs, it runs out of gas.",
    f"""
    0
    round: 1 ADD {word(0)} GAS GT @round JUMPI
    0 SSTORE STOP
    """,
    entry("burn", "uint256"),
)

PRECOMPILE_CALLER = corner(
    "precompile_caller",
    "Calls an address with the rest of the call data, and stores in the slot of the address the"
    " hash of the first 256 bytes of output and whether the call succeeded (a word).",
    f"""
    32 CALLDATASIZE SUB DUP1 32 288 CALLDATACOPY
    256 SWAP1 0 SWAP1 288 0 {word(0)} {GAS_FOR_CALL} CALL
    256 MSTORE
    288 0 SHA3 {word(0)} SSTORE STOP
    """,
    entry("call", "address", "raw"),
)

_WALLET = (
    operation("record", 1),
    operation("set", 2, "uint256", "uint256"),
    operation("batch", 3, "raw"),
)

WALLET = corner(
    "wallet",
    "Something for an account to delegate to (EIP-7702). `record` stores, from slot 1 on: caller,"
    " address, how often, the size of the address's code, the size of the code that runs. `set`"
    " (slot, value) writes a slot. `batch` makes a list of calls, each given by three words:"
    " address, value, and the one word that it sends; it reverts unless all succeed. Keeps what it"
    " is sent without data.",
    f"""
    {dispatch(*_WALLET)}
    record:
        CALLER 1 SSTORE ADDRESS 2 SSTORE
        3 SLOAD 1 ADD 3 SSTORE
        ADDRESS EXTCODESIZE 4 SSTORE CODESIZE 5 SSTORE STOP
    set: {word(2)} {word(1)} SSTORE STOP
    batch: 32                                    ; where the next call is described
    next:
        DUP1 CALLDATASIZE GT ISZERO @all JUMPI
        DUP1 64 ADD CALLDATALOAD 0 MSTORE
        0 0 32 0 DUP5 32 ADD CALLDATALOAD DUP6 CALLDATALOAD {GAS_FOR_CALL} CALL
        ISZERO @undo JUMPI
        96 ADD @next JUMP
    all: STOP
    undo: 0 0 REVERT
    """,
    *_WALLET,
    RECEIVE,
)

PROGRAMS = (
    CALL_PROXY,
    CALLCODE_PROXY,
    DELEGATE_PROXY,
    STATIC_PROXY,
    REVERTING_PROXY,
    FAILING_PROXY,
    UPGRADEABLE_PROXY,
    RECURSOR,
    RECURSOR_FRONTIER,
    BURNER,
    PRECOMPILE_CALLER,
    WALLET,
)

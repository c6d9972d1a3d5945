"""Programs that create accounts, destroy them, and bring them back."""

from pel_fuzz.contracts import initcode
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

_STORE_CREATED = """
    DUP1 0 SSTORE
    1 SLOAD 1 ADD 1 SSTORE
    0 MSTORE 32 0 RETURN
    """

CREATE_FACTORY = corner(
    "create_factory",
    "Creates an account by CREATE, from any initcode, with the value of the call. Slot 0 is the"
    " address (0 where it failed), slot 1 counts the attempts; the address is returned. Before"
    " EIP-150, initcode that fails takes all the gas, so that this fails as well.",
    f"""
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLDATASIZE 0 CALLVALUE CREATE
    {_STORE_CREATED}
    """,
    entry("create", "raw"),
)

CREATE2_FACTORY = corner(
    "create2_factory",
    "Creates an account by CREATE2, from a salt and any initcode, with the value of the call. Slot"
    " 0 is the address (0 where it failed), slot 1 counts the attempts; the address is returned.",
    f"""
    32 CALLDATASIZE SUB DUP1 32 0 CALLDATACOPY   ; size of the initcode
    {word(0)} SWAP1 0 CALLVALUE CREATE2
    {_STORE_CREATED}
    """,
    entry("create", "uint256", "raw"),
)

_TEMPLATE_INITCODE = initcode.copying_template().code
TEMPLATE_SLOT = 2
"""Where `template_factory` keeps the address whose code it copies."""

TEMPLATE_FACTORY = corner(
    "template_factory",
    "Creates, by CREATE2 and always from the same initcode, a copy of the code at an address. So"
    " the same salt gives the same address whatever the code, and an account that destroyed itself"
    " may come back as another contract. Slot 0 is the address created (0 where it failed), slot 1"
    " counts the attempts; the address is returned. Answers a call without data with the address"
    " that is being copied, as the initcode asks.",
    f"""
    CALLDATASIZE @create JUMPI
    {TEMPLATE_SLOT} SLOAD 0 MSTORE 32 0 RETURN
    create:
        {word(0)} {TEMPLATE_SLOT} SSTORE
        0x{_TEMPLATE_INITCODE.hex()} 0 MSTORE
        {word(1)} {len(_TEMPLATE_INITCODE)} {32 - len(_TEMPLATE_INITCODE)} CALLVALUE CREATE2
        {_STORE_CREATED}
    """,
    entry("create", "address", "uint256"),
)

DESTRUCTOR = corner(
    "destructor",
    "Destroys itself; its balance goes to an address.",
    f"{word(0)} SELFDESTRUCT",
    entry("destroy", "address"),
)

_PHOENIX = (
    operation("hit", 1),
    operation("destroy", 2, "address"),
    operation("hit_and_destroy", 3, "address"),
)

PHOENIX = corner(
    "phoenix",
    "Counts its calls in slot 0 and can destroy itself. Created again at its address by a"
    " `create2_factory`, it counts from where storage was left: from nothing where the destruction"
    " took effect. Keeps what it is sent without data.",
    f"""
    {dispatch(*_PHOENIX)}
    hit: 0 SLOAD 1 ADD 0 SSTORE STOP
    hit_and_destroy: 0 SLOAD 1 ADD 0 SSTORE
    destroy: {word(1)} SELFDESTRUCT
    """,
    *_PHOENIX,
    RECEIVE,
)


def _mayfly(name: str, create: str) -> Contract:
    size = len(PHOENIX.creation)
    return corner(
        name,
        f"Creates a `phoenix` ({create}, with a salt that CREATE has no use for), has it count and"
        " destroy itself (its balance goes to an address), and then sends it the value of the call,"
        " all in one transaction. Slot 0 is its address; slots 1 and 2 are the size of its code"
        " and its balance after that, as this contract sees them.",
        f"""
        {size} @end 0 CODECOPY
        {word(0)} {size} 0 0 {create}                ; the new account
        DUP1 0 SSTORE
        3 0 MSTORE {word(1)} 32 MSTORE
        0 0 64 0 0 DUP6 {GAS_FOR_CALL} CALL POP
        0 0 0 0 CALLVALUE DUP6 {GAS_FOR_CALL} CALL POP
        DUP1 EXTCODESIZE 1 SSTORE BALANCE 2 SSTORE STOP
        """,
        entry("live", "uint256", "address"),
        data=PHOENIX.creation,
    )


MAYFLY = _mayfly("mayfly", "CREATE2")
MAYFLY_FRONTIER = _mayfly("mayfly_frontier", "CREATE")

PROGRAMS = (
    CREATE_FACTORY,
    CREATE2_FACTORY,
    TEMPLATE_FACTORY,
    DESTRUCTOR,
    PHOENIX,
    MAYFLY,
    MAYFLY_FRONTIER,
)

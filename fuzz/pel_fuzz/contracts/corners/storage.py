"""Programs that contend on storage slots: counters, ranges, dependent places, transient storage."""

from pel_fuzz.contracts.corners.corner import (
    GAS_FOR_CALL,
    corner,
    dispatch,
    entry,
    operation,
    word,
)

COUNTER = corner(
    "counter",
    "Hands out numbers. Slot 0 is the last number; the slot of each number holds who took it.",
    """
    0 SLOAD 1 ADD          ; number
    CALLER DUP2 SSTORE
    0 SSTORE STOP
    """,
    entry("take"),
)

LIMITED_COUNTER = corner(
    "limited_counter",
    "Hands out numbers until slot 1 says that there are no more, then fails. Slot 0 is how many"
    " were taken, slot 0x100 + number holds who took it.",
    """
    0 SLOAD                ; taken
    1 SLOAD DUP2 LT ISZERO @sold_out JUMPI
    CALLER DUP2 0x0100 ADD SSTORE
    1 ADD 0 SSTORE STOP
    sold_out: INVALID
    """,
    entry("take"),
)

LEDGER = corner(
    "ledger",
    "A token for forks that are too old for the Vyper one. The slot of each address holds its"
    " balance; a transfer of more than that fails, any other logs receiver and amount.",
    f"""
    {word(1)}                                ; amount
    DUP1 CALLER SLOAD LT @fail JUMPI
    DUP1 CALLER SLOAD SUB CALLER SSTORE
    {word(0)} DUP1 SLOAD DUP3 ADD SWAP1 SSTORE
    0 MSTORE {word(0)} CALLER 32 0 LOG2 STOP
    fail: INVALID
    """,
    entry("transfer", "address", "uint256"),
)

_CELLS = (
    operation("set", 1, "uint256", "uint256"),
    operation("add", 2, "uint256", "uint256"),
    operation("fill", 3, "uint256", "uint256", "uint256"),
    operation("sum", 4, "uint256", "uint256"),
    operation("read", 5, "uint256", "uint256"),
    operation("push", 6, "uint256"),
    operation("chase", 7, "uint256"),
)

CELLS_RESULT_SLOT = (1 << 256) - 1
"""Where `cells` stores the result of `sum` and `chase`."""

CELLS = corner(
    "cells",
    "Storage in every shape. `set` and `add` change one slot (slot, value). `fill` (first, count,"
    " value) writes a range, `sum` (first, count) stores the sum of a range, `read` (the same) only"
    " logs it. `push` (next) adds one to the slot that slot 0 names, then makes slot 0 name the"
    " next. `chase` (steps) starts at slot 0 and follows what it finds, as many steps as asked,"
    " and stores where it ends.",
    f"""
    {dispatch(*_CELLS)}
    set: {word(2)} {word(1)} SSTORE STOP
    add: {word(1)} SLOAD {word(2)} ADD {word(1)} SSTORE STOP
    fill: {word(2)}                          ; left to write
    filling:
        DUP1 ISZERO @filled JUMPI
        1 SWAP1 SUB
        {word(3)} DUP2 {word(1)} ADD SSTORE
        @filling JUMP
    filled: STOP
    sum: read: 0 {word(2)}                   ; sum, left to read
    adding:
        DUP1 ISZERO @added JUMPI
        1 SWAP1 SUB
        DUP1 {word(1)} ADD SLOAD SWAP1 SWAP2 ADD SWAP1
        @adding JUMP
    added: POP
        {word(0)} 4 EQ @store JUMPI
        0 MSTORE 32 0 LOG0 STOP
    store: {CELLS_RESULT_SLOT} SSTORE STOP
    push: 0 SLOAD DUP1 SLOAD 1 ADD SWAP1 SSTORE
        {word(1)} 0 SSTORE STOP
    chase: 0 {word(1)}                       ; place, steps left
    chasing:
        DUP1 ISZERO @chased JUMPI
        1 SWAP1 SUB
        SWAP1 SLOAD SWAP1
        @chasing JUMP
    chased: POP @store JUMP
    """,
    *_CELLS,
)

_TRANSIENT = (operation("enter", 1, "address"),)

TRANSIENT = corner(
    "transient",
    "A lock in transient storage. `enter` (target) reverts while the lock is held; otherwise it"
    " takes the lock, calls `enter` of the target (unless that is 0) and releases the lock. Slot 1"
    " counts the entries; slot 2 is what the transient slot 1 held at the entry (0 unless this"
    " transaction was here before), slot 3 is 1 where the call failed and 2 where it did not.",
    f"""
    {dispatch(*_TRANSIENT)}
    enter:
        0 TLOAD @locked JUMPI
        1 0 TSTORE
        1 SLOAD 1 ADD 1 SSTORE
        1 TLOAD 2 SSTORE
        CALLER 1 TSTORE
        {word(1)} ISZERO @release JUMPI
        1 0 MSTORE
        0 0 32 0 0 {word(1)} {GAS_FOR_CALL} CALL
        1 ADD 3 SSTORE
    release: 0 0 TSTORE STOP
    locked: 0 0 REVERT
    """,
    *_TRANSIENT,
)

PROGRAMS = (COUNTER, LIMITED_COUNTER, LEDGER, CELLS, TRANSIENT)

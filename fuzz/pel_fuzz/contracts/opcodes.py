"""The EVM's instructions: the byte of each mnemonic, and the first fork that has it.

`INVALID` (0xfe) stands among the oldest: the byte had no meaning before EIP-141 kept it free, and
an undefined byte has the same effect.
Source: the Yellow Paper, appendix H; EIP-7, 140, 145, 211, 214, 1014, 1052, 1153, 1344, 1884,
3198, 3855, 4399, 4844, 5656, 7516.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pel_reference.fork_names import FORK_ORDER


class Opcode(NamedTuple):
    """One instruction."""

    byte: int
    first_fork: str


_SINCE: tuple[tuple[str, int, str], ...] = (
    (
        "Frontier",
        0x00,
        "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
    ),
    ("Frontier", 0x10, "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE"),
    ("Constantinople", 0x1B, "SHL SHR SAR"),
    ("Frontier", 0x20, "SHA3"),
    (
        "Frontier",
        0x30,
        "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE"
        " CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY",
    ),
    ("Byzantium", 0x3D, "RETURNDATASIZE RETURNDATACOPY"),
    ("Constantinople", 0x3F, "EXTCODEHASH"),
    ("Frontier", 0x40, "BLOCKHASH COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT"),
    ("Paris", 0x44, "PREVRANDAO"),
    ("Istanbul", 0x46, "CHAINID SELFBALANCE"),
    ("London", 0x48, "BASEFEE"),
    ("Cancun", 0x49, "BLOBHASH BLOBBASEFEE"),
    (
        "Frontier",
        0x50,
        "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST",
    ),
    ("Cancun", 0x5C, "TLOAD TSTORE MCOPY"),
    ("Shanghai", 0x5F, "PUSH0"),
    ("Frontier", 0x60, " ".join(f"PUSH{size}" for size in range(1, 33))),
    ("Frontier", 0x80, " ".join(f"DUP{depth}" for depth in range(1, 17))),
    ("Frontier", 0x90, " ".join(f"SWAP{depth}" for depth in range(1, 17))),
    ("Frontier", 0xA0, "LOG0 LOG1 LOG2 LOG3 LOG4"),
    ("Frontier", 0xF0, "CREATE CALL CALLCODE RETURN"),
    ("Homestead", 0xF4, "DELEGATECALL"),
    ("Constantinople", 0xF5, "CREATE2"),
    ("Byzantium", 0xFA, "STATICCALL"),
    ("Byzantium", 0xFD, "REVERT"),
    ("Frontier", 0xFE, "INVALID SELFDESTRUCT"),
)
"""First fork, byte of the first mnemonic, mnemonics of consecutive bytes."""

OPCODES: Mapping[str, Opcode] = MappingProxyType(
    {
        mnemonic: Opcode(first_byte + offset, fork)
        for fork, first_byte, mnemonics in _SINCE
        for offset, mnemonic in enumerate(mnemonics.split())
    }
)
"""Every instruction from Frontier to Prague, by mnemonic."""


def newest_fork(forks: Iterable[str]) -> str:
    """The latest of some forks; the oldest of all where none is given.

    Raises: `ValueError` for a name that is not in `FORK_ORDER`.
    """
    return FORK_ORDER[max(map(FORK_ORDER.index, forks), default=0)]

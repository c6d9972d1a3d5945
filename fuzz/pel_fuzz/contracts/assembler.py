"""A small assembler for the programs that are written by hand.

A program is text, one token after another, a comment from `;` to the end of its line:

- a mnemonic of `opcodes` stands for itself (except `PUSH1` to `PUSH32`, which follow from values);
- a number pushes itself: decimal in as few bytes as it takes (zero takes one), `0x…` as written;
- `name:` is a place to jump to, and emits its `JUMPDEST`;
- `@name` pushes that place in two bytes; `@end` is the length of the program, which is where data
  put behind it begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pel_fuzz.contracts.opcodes import OPCODES, newest_fork

_LONGEST_PUSH = 32
_LABEL_BYTES = 2
_LONGEST_PROGRAM = 1 << (8 * _LABEL_BYTES)


class AssemblyError(ValueError):
    """The text of a program cannot be assembled; the message names the token."""


@dataclass(frozen=True, slots=True)
class Program:
    """What the assembler makes: the bytes, and the first fork that has all of the instructions."""

    code: bytes
    first_fork: str


@dataclass(frozen=True, slots=True)
class _Reference:
    """A use of a label whose place is not known yet."""

    label: str


def assemble(source: str) -> Program:
    """Turn the text of a program into bytes.

    Raises: `AssemblyError` for an unknown mnemonic, a malformed or too large number, a label that
    is defined twice or not at all, and a program that two bytes cannot address.
    """
    pieces: list[bytes | _Reference] = []
    forks: list[str] = []
    labels: dict[str, int] = {}
    place = 0
    for token in _tokens(source):
        if token.endswith(":"):
            _define(labels, token.removesuffix(":"), place)
        piece = _piece(token)
        if token in OPCODES:
            forks.append(OPCODES[token].first_fork)
        pieces.append(piece)
        place += 1 + _LABEL_BYTES if isinstance(piece, _Reference) else len(piece)
    _define(labels, "end", place)
    if place >= _LONGEST_PROGRAM:
        raise AssemblyError(f"the program is {place} bytes long, too long for its labels")
    return Program(b"".join(_resolved(piece, labels) for piece in pieces), newest_fork(forks))


def push(value: bytes) -> bytes:
    """The instruction that pushes `value`. Range: 1 to 32 bytes."""
    if not 1 <= len(value) <= _LONGEST_PUSH:
        raise AssemblyError(f"cannot push {len(value)} bytes")
    return bytes([OPCODES[f"PUSH{len(value)}"].byte]) + value


def _tokens(source: str) -> Iterator[str]:
    for line in source.splitlines():
        yield from line.partition(";")[0].split()


def _define(labels: dict[str, int], label: str, place: int) -> None:
    if label in labels:
        raise AssemblyError(f"{label}: defined twice")
    labels[label] = place


def _piece(token: str) -> bytes | _Reference:
    if token.endswith(":"):
        return bytes([OPCODES["JUMPDEST"].byte])
    if token.startswith("@"):
        return _Reference(token.removeprefix("@"))
    if token[0].isdigit():
        return push(_number(token))
    if token not in OPCODES or re.fullmatch(r"PUSH[1-9]\d?", token):
        raise AssemblyError(f"{token}: not a mnemonic that can be written")
    return bytes([OPCODES[token].byte])


def _number(token: str) -> bytes:
    try:
        if token.startswith("0x"):
            return bytes.fromhex(token.removeprefix("0x"))
        value = int(token)
    except ValueError:
        raise AssemblyError(f"{token}: not a number") from None
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def _resolved(piece: bytes | _Reference, labels: dict[str, int]) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if piece.label not in labels:
        raise AssemblyError(f"{piece.label}: not defined")
    return push(labels[piece.label].to_bytes(_LABEL_BYTES, "big"))

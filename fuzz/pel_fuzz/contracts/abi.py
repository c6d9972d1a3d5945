"""Call data: the part of Solidity's contract ABI that the library's contracts use.

Value types, `bytes` and `string`; no arrays and no tuples. Programs written by hand take plain
words, and may take `raw` bytes behind them.
"""

import re
from collections.abc import Iterable, Sequence

from pel_fuzz.contracts.contract import Contract

Value = int | bytes | bool | str
"""An argument. Addresses are 20 bytes, or the number that they are."""

_WORD = 32
_ADDRESS_BITS = 160


def call_data(contract: Contract, function: str, *arguments: Value) -> bytes:
    """What to send to `contract` in order to call one of its functions.

    Raises: `KeyError` for a function that it does not have; `ValueError` for the wrong number of
    arguments, or one that does not fit its type.
    """
    entry = contract.functions[function]
    return entry.selector + encode(entry.inputs, arguments)


def creation_code(contract: Contract, *arguments: Value) -> bytes:
    """The initcode that deploys `contract`, its constructor's arguments included.

    Raises: as `call_data`.
    """
    return contract.creation + encode(contract.constructor, arguments)


def words(*values: int | bytes) -> bytes:
    """Plain words, one after the other: numbers as they are, bytes as big-endian numbers."""
    return b"".join(_number_of(value).to_bytes(_WORD, "big") for value in values)


def encode(types: Sequence[str], arguments: Sequence[Value]) -> bytes:
    """The ABI encoding of a list of arguments.

    Raises: `ValueError` where they do not fit their types.
    """
    if len(types) != len(arguments):
        raise ValueError(f"{len(types)} arguments expected, {len(arguments)} given")
    if "raw" in types[:-1]:
        raise ValueError("raw bytes can only come last")
    heads: list[bytes] = []
    tails: list[bytes] = []
    heads_length = _WORD * sum(kind != "raw" for kind in types)
    for kind, argument in zip(types, arguments, strict=True):
        if kind == "raw":
            tails.append(_bytes_of(argument))
        elif kind in {"bytes", "string"}:
            heads.append(words(heads_length + _length(tails)))
            tails.append(_dynamic(argument))
        else:
            heads.append(_static(kind, argument))
    return b"".join(heads + tails)


def _static(kind: str, value: Value) -> bytes:
    if kind == "bool":
        if value not in {True, False}:
            raise ValueError(f"{value!r} is not a bool")
        return words(int(value))
    if match := re.fullmatch(r"bytes(\d+)", kind):
        data = _bytes_of(value)
        if len(data) != int(match[1]):
            raise ValueError(f"{int(match[1])} bytes expected, {len(data)} given")
        return data.ljust(_WORD, b"\0")
    if match := re.fullmatch(r"int(\d+)", kind):
        number, bits = _number_of(value), int(match[1])
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise ValueError(f"{number} is not an {kind}")
        return number.to_bytes(_WORD, "big", signed=True)
    if match := re.fullmatch(r"uint(\d+)|address", kind):
        number, bits = _number_of(value), int(match[1] or _ADDRESS_BITS)
        if not 0 <= number < 1 << bits:
            article = "an" if kind == "address" else "a"
            raise ValueError(f"{number} is not {article} {kind}")
        return words(number)
    raise ValueError(f"{kind} is not a type that can be encoded")


def _dynamic(value: Value) -> bytes:
    data = value.encode() if isinstance(value, str) else _bytes_of(value)
    padding = -len(data) % _WORD
    return words(len(data)) + data + bytes(padding)


def _number_of(value: Value) -> int:
    if isinstance(value, str):
        raise ValueError(f"{value!r} is not a number")
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _bytes_of(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{value!r} is not bytes")
    return value


def _length(pieces: Iterable[bytes]) -> int:
    return sum(map(len, pieces))

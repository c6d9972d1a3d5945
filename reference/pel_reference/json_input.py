"""JSON that others wrote: read within bounds, every complaint naming the file and the field."""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pel_reference.errors import InputError

MAX_INPUT_BYTES = 512 * 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 100
MAX_INTEGER_DIGITS = 4300
"""Of an integer that is no string: Python's own bound, which its message leaves to programmers."""

GZIP_MAGIC = b"\x1f\x8b"
"""What a gzip file begins with."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DECIMAL = re.compile(r"[0-9]+", re.ASCII)
_HEX_NUMBER = re.compile(r"0x[0-9a-fA-F]*", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*", re.ASCII)


def _check_depth(source: str, text: bytes) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    depth = 0
    for bracket in _STRING.sub(b"", text).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InputError(source, "", f"nested deeper than {MAX_DEPTH}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number here")


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer has more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


class KeyTwice(ValueError):
    """An object has a key twice: the cause of the `InputError` that says so."""


def _object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise KeyTwice(f"the key {twice[:MAX_DIGITS]!r} is there twice")
    return found


def parse_json(source: str, text: bytes) -> Any:
    """The value that this JSON text stands for.

    Raises: `InputError` naming `source` where the text is too long or nested too deep, no JSON, or
    has an object with a key twice, which readers take differently.
    """
    if len(text) > MAX_INPUT_BYTES:
        raise InputError(source, "", f"longer than {MAX_INPUT_BYTES} bytes")
    _check_depth(source, text)
    try:
        return json.loads(
            text,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_once,
        )
    except (ValueError, RecursionError) as error:
        raise InputError(source, "", f"not JSON: {error}") from error


def read_input_file(path: str | Path) -> bytes:
    """The contents of a file, unpacked where it is gzip, whatever its name.

    Raises: `InputError` where the file cannot be read, or is longer than `MAX_INPUT_BYTES`.
    """
    source = str(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            stream: Any = gzip.GzipFile(fileobj=file) if packed else file
            text: bytes = stream.read(MAX_INPUT_BYTES + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(source, "", f"cannot be read: {detail}") from error
    if len(text) > MAX_INPUT_BYTES:
        raise InputError(source, "", f"longer than {MAX_INPUT_BYTES} bytes")
    return text


def read_json_file(path: str | Path) -> "Field":
    """The whole of a JSON file, plain or gzip.

    Raises: `InputError`.
    """
    return Field(str(path), "", parse_json(str(path), read_input_file(path)))


@dataclass(frozen=True, slots=True)
class Field:
    """A JSON value with the place where it stands, read by what it should be.

    Every method that reads raises `InputError` naming file and field where the value is of a wrong
    kind or out of range.
    """

    source: str
    path: str
    value: Any

    def error(self, problem: str) -> InputError:
        """The complaint that this field has this problem, to be raised."""
        return InputError(self.source, self.path, problem)

    def _child(self, key: str, value: Any) -> "Field":
        return Field(self.source, f"{self.path}.{key}" if self.path else key, value)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.error("must be an object")
        return self.value

    def has(self, key: str) -> bool:
        """Whether the object has this key, with a value other than null."""
        return self._object().get(key) is not None

    def get(self, *keys: str) -> "Field | None":
        """The value of the first of these keys that is there and not null."""
        for key in keys:
            if self.has(key):
                return self._child(key, self.value[key])
        return None

    def require(self, *keys: str) -> "Field":
        """The value of the first of these keys that is there and not null."""
        found = self.get(*keys)
        if found is None:
            raise self._child(keys[0], None).error("is missing")
        return found

    def entries(self) -> Iterator[tuple[str, "Field"]]:
        """Keys and values of an object."""
        for key, value in self._object().items():
            yield key, self._child(key, value)

    def elements(self) -> Iterator["Field"]:
        """The values of an array."""
        if not isinstance(self.value, list):
            raise self.error("must be an array")
        for index, value in enumerate(self.value):
            yield Field(self.source, f"{self.path}[{index}]", value)

    def text(self) -> str:
        """A string."""
        if not isinstance(self.value, str):
            raise self.error("must be a string")
        return self.value

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.error("must be true or false")
        return self.value

    def number(self, bits: int = 256) -> int:
        """An integer from 0 to `2**bits - 1`: a number, a decimal string, or 0x and hex digits."""
        value = self.value
        if isinstance(value, str):
            number = self._number_in(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise self.error("must be an integer")
        if not 0 <= number < 1 << bits:
            raise self.error(f"must be from 0 to 2**{bits} - 1")
        return number

    def _number_in(self, text: str) -> int:
        if len(text) <= MAX_DIGITS:
            if _DECIMAL.fullmatch(text):
                return int(text)
            if _HEX_NUMBER.fullmatch(text):
                # Some tools write zero as a bare prefix.
                return int(text, 16) if len(text) > 2 else 0
        raise self.error("must be an integer, decimal or 0x and hex digits")

    def data(self, length: int | None = None) -> bytes:
        """Bytes as hex digits, the 0x optional; exactly `length` of them where it is given."""
        digits = self.text().removeprefix("0x")
        if not _HEX.fullmatch(digits):
            raise self.error("must be hex digits, two for each byte")
        found = bytes.fromhex(digits)
        if length is not None and len(found) != length:
            raise self.error(f"must be {length} bytes, not {len(found)}")
        return found

    def address(self) -> bytes:
        """20 bytes."""
        return self.data(20)

    def word(self) -> bytes:
        """32 bytes; missing leading zeros are put in."""
        text = self.text()
        if len(text) > MAX_DIGITS or not _HEX_NUMBER.fullmatch(text):
            raise self.error("must be 0x and up to 64 hex digits")
        return self.number().to_bytes(32, "big")

    def key_as_field(self, key: str) -> "Field":
        """A key of this object as a field of its own, to be read like a value."""
        return self._child(key[:MAX_DIGITS], key)

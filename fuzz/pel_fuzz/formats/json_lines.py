"""JSON lines that others wrote: plain or gzip, taken one at a time, never more than the bounds."""

import gzip
import json
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pel_fuzz.formats.header import FormatError
from pel_reference.errors import InputError
from pel_reference.json_input import MAX_INPUT_BYTES, parse_json

T = TypeVar("T")


def read_stream(path: str | Path, decode: Callable[[BinaryIO], T]) -> T:
    """What `decode` makes of the bytes of a file, unpacked where it is gzip, whatever its name.

    Raises: `InputError` naming the file, and what a `FormatError` of `decode` names in it.
    """
    source = str(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream: Any = gzip.GzipFile(fileobj=file) if packed else file
            return decode(stream)
    except FormatError as error:
        raise InputError(source, error.field, error.problem) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(source, "", f"cannot be read: {detail}") from error


def bounded(
    readline: Callable[[int], bytes], longest: int, most: int = MAX_INPUT_BYTES
) -> Iterator[bytes]:
    """The lines of a stream. One that is longer than `longest` bytes is cut just behind it, so that
    `parse_line` refuses it.

    Raises: `FormatError`, where they are more than `most` bytes in all.
    """
    left = most
    while line := readline(longest + 1):
        left -= len(line)
        if left < 0:
            raise FormatError("", f"longer than {most} bytes")
        yield line


def parse_line(line: bytes, longest: int) -> Any:
    """The JSON value of one line.

    Raises: `FormatError`.
    """
    if len(line) > longest:
        raise FormatError("", f"longer than {longest} bytes")
    if not line.strip():
        raise FormatError("", "is empty")
    if line.startswith(BOM_UTF8):
        raise FormatError("", "begins with a byte order mark")
    if b"\0" in line:  # Python takes UTF-16 and UTF-32, which it knows by their zeros
        raise FormatError("", "not JSON: a byte is zero")
    try:
        line.decode()
        document = parse_json("", line)
        if b"\\u" in line:
            json.dumps(document, ensure_ascii=False).encode()
    except InputError as error:
        raise FormatError("", error.problem) from None
    except UnicodeDecodeError:
        raise FormatError("", "not UTF-8") from None
    except UnicodeError:
        raise FormatError("", "half of a surrogate pair is no text") from None
    return document

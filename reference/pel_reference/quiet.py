"""py-evm's methods without the text that they build for a debug log nobody reads.

For every transaction py-evm formats its fields, hashes its data and prints its code as hexadecimal
before it asks whether anybody listens; that takes longer than a transfer. Here the same compiled
methods run with other globals, in which these formatters do nothing. py-evm itself is not touched,
so the reference, other users and other threads see no change.
"""

import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any


def _nothing(_: object) -> str:
    return ""


_FORMATTERS = {"encode_hex": _nothing, "repr": _nothing}
"""What py-evm's interpreter uses for debug text only."""

_HASHING_FOR_TEXT = {**_FORMATTERS, "keccak": _nothing}
"""For methods in which a hash, too, is only for debug text."""


def _with_globals(function: Any, replaced: Mapping[str, Callable[[object], str]]) -> Any:
    quiet = FunctionType(
        function.__code__,
        {**function.__globals__, **replaced},
        function.__name__,
        function.__defaults__,
        function.__closure__,  # which is where `super()` finds its class
    )
    quiet.__kwdefaults__ = function.__kwdefaults__
    return quiet


def without_debug_text(owner: type, method: str, *, hashes_for_text: bool = False) -> Any:
    """A method that `owner` has or inherits, to be put into a subclass.

    `hashes_for_text` says that the method hashes only for debug text.
    """
    found = inspect.getattr_static(owner, method)
    replaced = _HASHING_FOR_TEXT if hashes_for_text else _FORMATTERS
    if isinstance(found, classmethod):
        return classmethod(_with_globals(found.__func__, replaced))
    return _with_globals(found, replaced)

"""Methods without their debug text: the same work, and no change to where they come from."""

from typing import Any

from eth.vm.forks.london.state import LondonTransactionExecutor
from eth.vm.forks.spurious_dragon.computation import SpuriousDragonComputation
from eth_utils import encode_hex

from pel_reference.quiet import without_debug_text

HASH = "b'hash of \\x01'"


def keccak(data: bytes) -> bytes:
    return b"hash of " + data


class Talking:
    def told(self, data: bytes, suffix: str = "", *, end: str = "!") -> str:
        text = repr(data)
        return f"{type(self).__name__} {encode_hex(data)} {text}{keccak(data)!r}{suffix}{end}"

    @classmethod
    def named(cls) -> str:
        return cls.__name__


class Inheriting(Talking):
    def told(self, data: bytes, suffix: str = "", *, end: str = "!") -> str:
        return super().told(data, suffix, end=end) + encode_hex(data)


def subclass(owner: type, method: str, **options: bool) -> Any:
    return type("Quiet", (owner,), {method: without_debug_text(owner, method, **options)})()


def test_formatters_give_nothing_and_the_rest_is_as_before() -> None:
    quiet = subclass(Talking, "told")
    assert quiet.told(b"\x01", "?") == f"Quiet  {HASH}?!"
    assert quiet.told(b"\x01", end=".") == f"Quiet  {HASH}."


def test_hashes_are_kept_unless_they_are_text() -> None:
    assert subclass(Talking, "told", hashes_for_text=True).told(b"\x01") == "Quiet  ''!"


def test_super_and_class_methods_work() -> None:
    assert subclass(Inheriting, "told").told(b"\x01").startswith("Quiet 0x01 b'\\x01'")
    assert subclass(Talking, "named").named() == "Quiet"


def test_the_original_is_untouched() -> None:
    before = LondonTransactionExecutor.build_evm_message.__globals__["encode_hex"]
    without_debug_text(LondonTransactionExecutor, "build_evm_message", hashes_for_text=True)
    without_debug_text(SpuriousDragonComputation, "apply_message")
    assert LondonTransactionExecutor.build_evm_message.__globals__["encode_hex"] is before
    assert Talking().told(b"\x01").startswith("Talking 0x01 b'\\x01'")

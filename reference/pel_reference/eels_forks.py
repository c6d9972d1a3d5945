"""The Ethereum execution specifications (EELS) by fork; an optional dependency.

Nothing outside the `eels` files knows its modules. Its forks are more than py-evm's.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from pel_reference.errors import UnsupportedFork
from pel_reference.fork_names import is_from, resolve_fork

_MODULES = MappingProxyType(
    {
        "Frontier": "frontier",
        "Homestead": "homestead",
        "EIP150": "tangerine_whistle",
        "EIP158": "spurious_dragon",
        "Byzantium": "byzantium",
        "ConstantinopleFix": "constantinople",
        "Istanbul": "istanbul",
        "MuirGlacier": "muir_glacier",
        "Berlin": "berlin",
        "London": "london",
        "ArrowGlacier": "arrow_glacier",
        "GrayGlacier": "gray_glacier",
        "Paris": "paris",
        "Shanghai": "shanghai",
        "Cancun": "cancun",
        "Prague": "prague",
        "Osaka": "osaka",
        "BPO1": "bpo1",
        "BPO2": "bpo2",
    }
)

EELS_FORKS = tuple(_MODULES)
"""Canonical names of the forks that EELS knows, oldest first."""


class EelsMissing(Exception):
    """EELS is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the second oracle needs the package ethereum-execution: install the extra pel[eels]"
        )


@dataclass(frozen=True, slots=True)
class EelsFork:
    """One fork's modules in EELS."""

    name: str
    fork: Any
    vm: Any
    blocks: Any
    fork_types: Any
    state: Any
    transactions: Any
    trie: Any
    address: Any
    bloom: Any

    def is_from(self, first: str) -> bool:
        """Whether this fork is `first` or later."""
        return is_from(self.name, first)


@cache
def _load(name: str) -> EelsFork:
    from ethereum_spec_tools.forks import Hardfork  # noqa: PLC0415 (EELS is optional)

    (found,) = (fork for fork in Hardfork.discover() if fork.short_name == _MODULES[name])
    parts = ("fork", "vm", "blocks", "fork_types", "state", "transactions", "trie", "bloom")
    modules = {part: found.module(part) for part in parts}
    return EelsFork(name=name, address=found.module("utils.address"), **modules)


def is_installed() -> bool:
    """Whether EELS can be imported."""
    return find_spec("ethereum_spec_tools") is not None


def eels_fork_at(fork: str, number: int, timestamp: int, source: str = "block") -> EelsFork:
    """EELS's modules for the block with this number and timestamp.

    Raises: `EelsMissing`; `UnsupportedFork` for a fork that EELS does not know.
    """
    name = resolve_fork(fork, number, timestamp, source)
    if name not in _MODULES:
        raise UnsupportedFork(source, "fork", f"EELS does not know the fork {name}")
    if not is_installed():
        raise EelsMissing
    return _load(name)

"""The library of contracts: what the generators place in a block's pre-state, deploy and call.

- `CONTRACTS`: everything by name: the Vyper contracts (`compiled`) and the programs written by
  hand (`corners`). Each has its code, its first fork, and its functions; `call_data` and
  `creation_code` make what to send. `contracts_of` lists those that a fork can run.
- `prefill`: storage that gives the Vyper contracts a past, without running anything;
  `storage_slot` finds single variables.
- `initcode`: what a creation may do besides deploying; `create_address` and `create2_address` say
  where it ends up.
- `SYSTEM_CONTRACTS`: the protocol's own; `PRECOMPILES`: the built-in ones, with valid input.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pel_fuzz.contracts.abi import call_data, creation_code, words
from pel_fuzz.contracts.addresses import create2_address, create_address
from pel_fuzz.contracts.compiled import COMPILED
from pel_fuzz.contracts.contract import Contract, Function
from pel_fuzz.contracts.corners import CORNERS
from pel_fuzz.contracts.precompiles import PRECOMPILES, Precompile
from pel_fuzz.contracts.storage import storage_slot
from pel_fuzz.contracts.system import SYSTEM_CONTRACTS, SystemContract, system_contracts_of

__all__ = [
    "COMPILED",
    "CONTRACTS",
    "CORNERS",
    "PRECOMPILES",
    "SYSTEM_CONTRACTS",
    "Contract",
    "Function",
    "Precompile",
    "SystemContract",
    "call_data",
    "contracts_of",
    "create2_address",
    "create_address",
    "creation_code",
    "storage_slot",
    "system_contracts_of",
    "words",
]

CONTRACTS: Mapping[str, Contract] = MappingProxyType({**COMPILED, **CORNERS})
"""Every contract of the library, by name."""


def contracts_of(fork: str) -> tuple[Contract, ...]:
    """The contracts that a fork has every instruction for.

    Raises: `UnsupportedFork` for a name that no fork has.
    """
    return tuple(contract for contract in CONTRACTS.values() if contract.runs_on(fork))

"""Programs written by hand, in instructions as old as can be: the corners of the EVM.

Each is a `Contract` whose `first_fork` the assembler works out from its instructions.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pel_fuzz.contracts.contract import Contract
from pel_fuzz.contracts.corners import accounts, calls, creation, gas, storage

CORNERS: Mapping[str, Contract] = MappingProxyType(
    {
        program.name: program
        for module in (storage, accounts, calls, creation, gas)
        for program in module.PROGRAMS
    }
)
"""Every program, by name."""

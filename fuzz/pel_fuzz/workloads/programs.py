"""Small programs of which the very places they write depend on the state."""

from types import MappingProxyType

from pel_fuzz.contracts import words
from pel_fuzz.contracts.assembler import assemble
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.world import ETHER_WEI, named_address
from pel_reference.block import Account

_BALANCE_SLOT = """
    0 CALLDATALOAD BALANCE
    DUP1 SLOAD 1 ADD SWAP1 SSTORE STOP
"""
"""Adds one to the slot whose number is the balance of an address."""

_CONDITIONAL_CREATION = """
    0 CALLDATALOAD BALANCE 32 CALLDATALOAD GT @poor JUMPI
    0 0 0 CREATE 0 SSTORE STOP
    poor: 1 SLOAD 1 ADD 1 SSTORE STOP
"""
"""Creates an account and stores where, unless the balance of an address is below an amount; then
it counts in slot 1. So where later accounts come to be depends on those balances."""

_RESOLD_SLOT = """
    0 SLOAD DUP1 0 CALLDATALOAD EQ @same JUMPI
    SLOAD 0 SSTORE STOP
    same: 0 CALLDATALOAD 1 ADD 0 SSTORE STOP
"""
"""Reads slot 0; where it is not the number given, replaces it by what is in the slot that it
names: which second slot is read depends on the first."""

PROGRAMS = MappingProxyType(
    {
        "balance-slot": assemble(_BALANCE_SLOT).code,
        "conditional-creation": assemble(_CONDITIONAL_CREATION).code,
        "conditional-read": assemble(_RESOLD_SLOT).code,
    }
)
"""Code by name."""

_STORAGE = MappingProxyType({0: 3, 1: 2, 2: 4, 3: 1, 4: 1})


def run_program(scene: Scene, name: str, *arguments: int | bytes) -> None:
    """Send a call of one of the programs, with plain words."""
    account = Account(1, ETHER_WEI, PROGRAMS[name], _STORAGE)
    address = scene.world.add(named_address(name), account)
    scene.send(address, 0, words(*arguments), gas=CALL_GAS)

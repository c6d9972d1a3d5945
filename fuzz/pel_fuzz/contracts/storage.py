"""Where Vyper contracts keep their variables, so that a pre-state can be given without running
anything: balances without a transfer, a pool without a provider.
"""

from pel_fuzz.contracts.abi import words
from pel_fuzz.contracts.contract import Contract
from pel_fuzz.contracts.keccak import keccak_number


def storage_slot(contract: Contract, variable: str, *keys: int | bytes) -> int:
    """The slot of a variable, or of an entry of a mapping, nested as deep as there are keys.

    The entry of a mapping is at the hash of slot and key, in this order (Solidity's is the other).

    Raises: `KeyError` for a variable that the contract does not have.
    """
    slot = contract.layout[variable]
    for key in keys:
        slot = keccak_number(words(slot, key))
    return slot


LOCK_VARIABLE = "$.nonreentrant_key"
"""Vyper's reentrancy lock, where a build keeps it in storage."""

UNLOCKED = 3
"""What the lock holds after the first use of the contract. (Before, it is 0; locked, it is 2.)"""


class StorageImage:
    """The storage of a contract that was used before, as it is filled in; zeros are left out."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self.slots: dict[int, int] = {}
        if LOCK_VARIABLE in contract.layout:
            self.put(LOCK_VARIABLE, UNLOCKED)

    def put(self, variable: str, value: int | bytes, *keys: int | bytes) -> None:
        """Give a variable, or an entry of a mapping, its value; addresses may be bytes."""
        number = int.from_bytes(value, "big") if isinstance(value, bytes) else value
        slot = storage_slot(self._contract, variable, *keys)
        if number:
            self.slots[slot] = number
        else:
            self.slots.pop(slot, None)

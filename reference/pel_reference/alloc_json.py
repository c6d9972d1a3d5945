"""States as JSON, in the shape of a transition tool's `alloc`."""

from typing import Any

from pel_reference.block import Account, Alloc
from pel_reference.json_input import Field


def hex_bytes(data: bytes) -> str:
    """Bytes as JSON has them: 0x and two hex digits for each."""
    return "0x" + data.hex()


def _parse_storage(field: Field) -> dict[int, int]:
    storage: dict[int, int] = {}
    seen = set()
    for key, value in field.entries():
        slot = field.key_as_field(key).number()
        if slot in seen:
            raise value.error("is a slot given twice")
        seen.add(slot)
        number = value.number()
        if number:
            storage[slot] = number
    return storage


def parse_account(field: Field) -> Account:
    """An account; absent fields are zero or empty, slots that are 0 are left out.

    Raises: `InputError`.
    """
    nonce, balance = field.get("nonce"), field.get("balance")
    code, storage = field.get("code"), field.get("storage")
    return Account(
        nonce=nonce.number(64) if nonce else 0,
        balance=balance.number() if balance else 0,
        code=code.data() if code else b"",
        storage=_parse_storage(storage) if storage else {},
    )


def parse_alloc(field: Field) -> Alloc:
    """A state: accounts by address.

    Raises: `InputError`, also for an address given twice.
    """
    alloc: dict[bytes, Account] = {}
    for key, value in field.entries():
        address = field.key_as_field(key).address()
        if address in alloc:
            raise value.error("is an address given twice")
        alloc[address] = parse_account(value)
    return alloc


def _dump_account(account: Account) -> dict[str, Any]:
    dumped: dict[str, Any] = {"balance": hex(account.balance)}
    if account.nonce:
        dumped["nonce"] = hex(account.nonce)
    if account.code:
        dumped["code"] = hex_bytes(account.code)
    if account.storage:
        dumped["storage"] = {
            f"0x{slot:064x}": f"0x{value:064x}" for slot, value in sorted(account.storage.items())
        }
    return dumped


def dump_alloc(alloc: Alloc) -> dict[str, Any]:
    """The inverse of `parse_alloc`, addresses and slots in order."""
    return {hex_bytes(address): _dump_account(alloc[address]) for address in sorted(alloc)}

"""States in EELS's own classes, from and to plain data."""

from typing import Any

from pel_reference.block import Account, Alloc
from pel_reference.eels_forks import EelsFork


def make_eels_state(fork: EelsFork, alloc: Alloc) -> Any:
    """A state of EELS that holds exactly these accounts."""
    from ethereum_types.bytes import Bytes32  # noqa: PLC0415 (EELS is optional)
    from ethereum_types.numeric import U256, Uint  # noqa: PLC0415

    state = fork.state.State()
    for address, account in alloc.items():
        key = fork.fork_types.Address(address)
        fork.state.set_account(
            state,
            key,
            fork.fork_types.Account(
                nonce=Uint(account.nonce), balance=U256(account.balance), code=account.code
            ),
        )
        for slot, value in account.storage.items():
            fork.state.set_storage(state, key, Bytes32(slot.to_bytes(32, "big")), U256(value))
    return state


def _read_storage(state: Any, address: Any) -> dict[int, int]:
    trie = state._storage_tries.get(address)
    slots = trie._data if trie is not None else {}
    return {int.from_bytes(slot, "big"): int(value) for slot, value in sorted(slots.items())}


def read_eels_alloc(state: Any) -> Alloc:
    """Every account that exists, in the order of their addresses."""
    return {
        bytes(address): Account(
            nonce=int(account.nonce),
            balance=int(account.balance),
            code=bytes(account.code),
            storage=_read_storage(state, address),
        )
        for address, account in sorted(state._main_trie._data.items())
    }


def copy_eels_state(fork: EelsFork, state: Any) -> tuple[Any, Any]:
    """What `restore_eels_state` needs to undo everything done to the state after this."""
    copy = fork.trie.copy_trie
    tries = {address: copy(trie) for address, trie in state._storage_tries.items()}
    return copy(state._main_trie), tries


def restore_eels_state(state: Any, saved: tuple[Any, Any]) -> None:
    """Put the state back to what it was when it was saved."""
    state._main_trie, state._storage_tries = saved
    state._snapshots.clear()

"""Settling: sums, receipts and roots from what transitions left, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_reference.block import Account
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.roots import state_root
from pel_reference.settle import FailedRun, post_state, settle
from pel_reference.state_trie import StateTrie
from pel_reference.transitions import compile_block
from pel_spec.fold import Result, fold
from pel_spec.transition import Effects
from pel_spec.vocabulary import Version

FEE_RECIPIENT = b"\xcb" * 20
CONTRACT = b"\xc0" * 20
A = b"\xaa" * 20


def contended(block: Any, accounts: Any) -> Any:
    """Transfers, a contract with storage, a rejected transaction."""
    block.contract(CONTRACT, "0 SLOAD 1 ADD 0 SSTORE 7 0 0 LOG1", {0: 1, 3: 3})
    block.send(1, CONTRACT)
    block.send(2, accounts(1), value=5)
    block.send_raw(3, CONTRACT, nonce=9)
    block.send(1, CONTRACT)
    return block


def test_an_internal_error_is_a_failed_run(maker: Any, accounts: Any) -> None:
    evm_block = compile_block(contended(maker("Prague"), accounts).block())
    result, _ = fold(evm_block)
    effects = list(result.effects)
    effects[3] = Effects({}, fault="ValidationError: balance out of range")
    with pytest.raises(FailedRun, match=r"position 3: ValidationError"):
        settle(evm_block, Result(result.memory, tuple(effects)))


def test_an_impossible_state_becomes_a_fault_without_writes(
    maker: Any, accounts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full account that receives more: only an inconsistent view can show such a thing."""
    block = maker("Prague")
    block.put(A, balance=2**256 - 1)
    block.send(1, A, value=1)
    evm_block = compile_block(block.block())
    result, history = fold(evm_block)
    position = evm_block.transaction_positions[0]
    assert result.faults == ((position, f"ValidationError: balance out of range: {2**256}"),)
    assert result.effects[position].writes == {}
    assert history.incarnations[position].reads
    with pytest.raises(FailedRun):
        settle(evm_block, result)


@pytest.mark.parametrize("fork", [name for name in RULES if not is_from(name, "Byzantium")])
def test_receipts_hold_the_state_root_after_each_transaction(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = contended(maker(fork), accounts)
    block.send(4, b"\xdd" * 20, gas_price=0)
    receipts = agree(block.block()).settled.receipts
    roots = [receipt.state_root for receipt in receipts]
    assert None not in roots
    assert len(set(roots)) == len(roots)


@pytest.mark.parametrize("fork", ["Byzantium", "Prague"])
def test_receipts_hold_no_root_later(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    receipts = agree(contended(maker(fork), accounts).block()).settled.receipts
    assert [receipt.state_root for receipt in receipts] == [None] * 3
    assert [receipt.cumulative_gas_used for receipt in receipts] == [
        sum(other.gas_used for other in receipts[: index + 1]) for index in range(3)
    ]


def test_settling_twice_gives_the_same(maker: Any, accounts: Any) -> None:
    evm_block = compile_block(contended(maker("Cancun"), accounts).block())
    result, _ = fold(evm_block)
    shuffled = dict(reversed(result.memory.items()))
    assert settle(evm_block, result) == settle(evm_block, replace(result, memory=shuffled))


# The post-state, rule by rule.


def memory_of(*written: tuple[Any, Any, int]) -> Any:
    return {location: (value, Version(position, 0)) for location, value, position in written}


def test_slots_below_a_wipe_are_gone(maker: Any) -> None:
    block = maker("Berlin")
    block.put(A, nonce=1, storage={1: 1, 2: 2})
    evm_block = compile_block(block.block())
    memory = memory_of(
        (("storage", A, 2), 9, 3),
        (("wipe", A), True, 5),
        (("storage", A, 3), 9, 4),
        (("storage", A, 4), 9, 5),
        (("storage", A, 5), 9, 6),
        (("storage", A, 6), 0, 6),
    )
    assert post_state(evm_block, memory)[A] == Account(nonce=1, storage={4: 9, 5: 9})


def test_fees_above_the_last_full_write_are_paid(maker: Any) -> None:
    evm_block = compile_block(maker("Berlin").block())
    fees = memory_of((("fee", 2), 1, 2), (("fee", 3), 10, 3), (("fee", 4), 100, 4))
    assert post_state(evm_block, fees)[FEE_RECIPIENT] == Account(balance=111)
    full = fees | memory_of((("balance", FEE_RECIPIENT), 5000, 3))
    assert post_state(evm_block, full)[FEE_RECIPIENT] == Account(balance=5100)


def test_what_is_empty_exists_only_where_existence_is_a_location(maker: Any) -> None:
    elided = maker("Berlin")
    elided.put(A, balance=1)
    emptied = memory_of((("balance", A), 0, 2))
    assert A not in post_state(compile_block(elided.block()), emptied)
    located = maker("Homestead")
    located.put(A, balance=1)
    evm_block = compile_block(located.block())
    assert post_state(evm_block, emptied)[A] == Account()
    assert A not in post_state(evm_block, memory_of((("exists", A), False, 2)))
    created = memory_of((("exists", b"\xdd" * 20), True, 2))
    assert post_state(evm_block, created)[b"\xdd" * 20] == Account()


# The incremental trie.

WRITES = st.lists(
    st.dictionaries(
        st.one_of(
            st.tuples(st.sampled_from(["balance", "nonce"]), st.sampled_from([A, CONTRACT])),
            st.tuples(st.just("storage"), st.sampled_from([A, CONTRACT]), st.integers(0, 3)),
            st.tuples(st.just("wipe"), st.sampled_from([A, CONTRACT])),
            st.tuples(st.just("exists"), st.sampled_from([A, CONTRACT])),
        ),
        st.integers(0, 2),
        max_size=5,
    ),
    max_size=5,
)


@given(WRITES, st.booleans())
def test_the_incremental_root_is_the_root_of_the_post_state(
    transitions: list[dict[Any, int]], elides: bool
) -> None:
    alloc = {A: Account(balance=1, storage={0: 5, 3: 1}), CONTRACT: Account(nonce=1, code=b"\x00")}
    trie = StateTrie(alloc, FEE_RECIPIENT, elides)
    model = {address: Expected(account) for address, account in alloc.items()}
    for writes in transitions:
        typed = {at: bool(v) if at[0] == "exists" else v for at, v in writes.items()}
        typed = {at: True if at[0] == "wipe" else v for at, v in typed.items()}
        trie.apply(typed)
        for location, value in sorted(typed.items(), key=lambda write: write[0][0] != "wipe"):
            model[location[1]].write(location, value)
        now = {address: expected.account(elides) for address, expected in model.items()}
        assert trie.root == state_root({a: found for a, found in now.items() if found is not None})


class Expected:
    """One account of the model: what was written last."""

    def __init__(self, account: Account) -> None:
        self.now, self.exists = account, True

    def write(self, location: Any, value: Any) -> None:
        match location:
            case ("storage", _, slot):
                storage = {**self.now.storage, slot: value}
                self.now = replace(self.now, storage={s: v for s, v in storage.items() if v})
            case ("wipe", _):
                self.now = replace(self.now, storage={})
            case ("exists", _):
                self.exists = value
            case (field, _):
                self.now = replace(self.now, **{field: value})

    def account(self, elides: bool) -> Account | None:
        exists = not self.now.is_empty if elides else self.exists
        return self.now if exists else None


def test_fees_go_into_the_trie(maker: Any) -> None:
    trie = StateTrie({}, FEE_RECIPIENT, True)
    trie.apply({("fee", 3): 7, ("gas", 3): 21_000})
    assert trie.root == state_root({FEE_RECIPIENT: Account(balance=7)})

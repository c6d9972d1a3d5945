"""The overlay's rules, one by one, over small fake views."""

from collections.abc import Mapping
from typing import Any

import pytest
from eth_utils import ValidationError

from pel_reference.locations import ABSENT
from pel_reference.overlay import BlockFacts, Overlay, code_hash
from pel_spec.transition import Suspend
from pel_spec.vocabulary import Location, Version

A, B, RECIPIENT = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
ME = 10
"""The position of the execution under test; transactions are at positions 2 to 19."""


class FakeView:
    """A view with these values; every other location is absent before the block."""

    def __init__(self, written: Mapping[Location, tuple[Any, int]], estimate: Any = None) -> None:
        self.written = written
        self.estimate = estimate
        self.reads: list[tuple[Location, str | None]] = []

    def read(self, location: Location, predicate: str | None = None) -> tuple[Any, Version]:
        if location == self.estimate:
            raise Suspend(3)
        self.reads.append((location, predicate))
        kind: Any = location[0]
        value, position = self.written.get(location, (ABSENT[kind], -1))
        return value, Version(position, 0)

    @property
    def locations(self) -> set[Location]:
        return {location for location, _ in self.reads}


def overlay(
    written: Mapping[Location, tuple[Any, int]] | None = None,
    *,
    elides_existence: bool = False,
    with_storage: frozenset[bytes] = frozenset(),
    estimate: Location | None = None,
) -> tuple[Overlay, FakeView]:
    view = FakeView(written or {}, estimate)
    facts = BlockFacts(RECIPIENT, range(2, 20), elides_existence, with_storage)
    return Overlay(facts, view, ME), view


# A slot and the wipe of its account.


@pytest.mark.parametrize(
    ("wiped_at", "written_at", "expected"),
    [
        (None, -1, 7),  # before the block, never wiped
        (None, 4, 7),  # written in the block, never wiped
        (5, -1, 0),  # wiped after
        (5, 4, 0),
        (5, 5, 7),  # in one transition the wipe comes first
        (5, 6, 7),  # written after the wipe
    ],
)
def test_the_later_of_slot_and_wipe_wins(
    wiped_at: int | None, written_at: int, expected: int
) -> None:
    written: dict[Location, tuple[Any, int]] = {("storage", A, 1): (7, written_at)}
    if wiped_at is not None:
        written["wipe", A] = (True, wiped_at)
    at, view = overlay(written)
    assert at.get_storage(A, 1) == expected
    assert dict(view.reads) == {
        ("wipe", A): "wipe of the account",
        ("storage", A, 1): None,
    }


def test_the_own_write_of_a_slot_needs_no_read() -> None:
    at, view = overlay({("storage", A, 1): (7, 4)})
    at.set_storage(A, 1, 9)
    assert at.get_storage(A, 1) == 9
    assert view.reads == []


def test_the_own_wipe_erases_what_lies_below_and_what_was_written_before() -> None:
    at, view = overlay({("storage", A, 1): (7, 4)})
    at.set_storage(A, 1, 8)
    at.set_storage(B, 1, 8)
    at.delete_storage(A)
    assert at.get_storage(A, 1) == at.get_storage(A, 2) == 0
    assert at.writes == {("storage", B, 1): 8, ("wipe", A): True}
    at.set_storage(A, 2, 5)
    assert at.get_storage(A, 2) == 5
    assert view.reads == []


def test_the_value_at_the_start_of_the_transaction_is_read_below() -> None:
    at, view = overlay({("storage", A, 1): (7, 4)})
    at.delete_storage(A)
    at.set_storage(A, 1, 9)
    assert at.get_storage(A, 1, from_journal=False) == 7
    assert ("storage", A, 1) in view.locations


def test_storage_from_before_the_block_counts_until_it_is_wiped() -> None:
    facts = {"with_storage": frozenset({A})}
    assert overlay(**facts)[0].account_has_storage(A)  # type: ignore[arg-type]
    assert not overlay(**facts)[0].account_has_storage(B)  # type: ignore[arg-type]
    wiped, view = overlay({("wipe", A): (True, 3)}, with_storage=frozenset({A}))
    assert not wiped.account_has_storage(A)
    assert view.reads == [(("wipe", A), "wipe of the account")]
    own, _ = overlay(with_storage=frozenset({A}))
    own.delete_storage(A)
    assert not own.account_has_storage(A)


# The fee recipient's balance.


def fees(**cells: int) -> dict[Location, tuple[Any, int]]:
    """Fee cells by position: `p4=100` is what the transaction at 4 credited."""
    return {("fee", int(name[1:])): (fee, int(name[1:])) for name, fee in cells.items()}


def test_fees_above_the_last_full_write_are_added() -> None:
    at, view = overlay(fees(p2=1, p4=10, p5=100, p9=1000) | {("balance", RECIPIENT): (50_000, 4)})
    assert at.get_balance(RECIPIENT) == 51_100
    predicates = dict(view.reads)
    assert predicates.pop(("balance", RECIPIENT)) is None
    assert set(predicates) == {("fee", position) for position in range(5, 10)}
    assert set(predicates.values()) == {"fees since the last full write"}


def test_before_any_full_write_all_lower_fees_are_added_and_none_above() -> None:
    at, view = overlay(fees(p2=1, p10=500, p11=900) | {("balance", RECIPIENT): (50_000, -1)})
    assert at.get_balance(RECIPIENT) == 50_001
    assert {location[1] for location in view.locations if location[0] == "fee"} == set(range(2, 10))


def test_nobody_elses_balance_reads_fees() -> None:
    at, view = overlay(fees(p2=1) | {("balance", A): (5, -1)})
    assert at.get_balance(A) == 5
    assert view.locations == {("balance", A)}


def test_after_the_transactions_all_fees_are_read_and_no_cell_beyond() -> None:
    facts = BlockFacts(RECIPIENT, range(2, 5), True, frozenset())
    view = FakeView(fees(p2=1, p3=2, p4=4))
    assert Overlay(facts, view, 7).get_balance(RECIPIENT) == 7
    assert {location[1] for location in view.locations if location[0] == "fee"} == {2, 3, 4}


def test_crediting_the_fee_reads_nothing() -> None:
    at, view = overlay({("balance", RECIPIENT): (5, -1)}, elides_existence=True)
    at.credit_fee(21)
    assert view.reads == []
    assert at.writes == {("fee", ME): 21}


def test_a_zero_fee_leaves_no_trace_where_existence_is_elided() -> None:
    at, view = overlay(elides_existence=True)
    at.credit_fee(0)
    assert (view.reads, at.writes) == ([], {})


@pytest.mark.parametrize("fee", [0, 21])
def test_a_fee_touches_where_existence_is_a_location(fee: int) -> None:
    at, view = overlay()
    at.credit_fee(fee)
    assert view.reads == []
    assert at.writes["exists", RECIPIENT] is True
    assert at.writes.get(("fee", ME), 0) == fee


def test_a_full_write_holds_the_own_fee_and_leaves_no_cell() -> None:
    at, _ = overlay({("balance", RECIPIENT): (5, -1)}, elides_existence=True)
    at.set_balance(RECIPIENT, 100)
    at.credit_fee(21)
    assert at.writes == {("balance", RECIPIENT): 121}


def test_who_has_read_the_balance_writes_it_in_full() -> None:
    at, _ = overlay(fees(p4=3) | {("balance", RECIPIENT): (5, -1)}, elides_existence=True)
    assert at.get_balance(RECIPIENT) == 8
    at.credit_fee(21)
    assert at.writes == {("balance", RECIPIENT): 29}


def test_a_full_write_after_the_fee_takes_its_cell_back() -> None:
    at, _ = overlay({("balance", RECIPIENT): (5, -1)}, elides_existence=True)
    at.credit_fee(21)
    mark = at.snapshot()
    at.delete_account(RECIPIENT)
    assert at.writes["balance", RECIPIENT] == 0
    assert ("fee", ME) not in at.writes
    at.rollback(mark)
    assert at.writes == {("fee", ME): 21}


def test_the_own_fee_counts_in_the_own_balance() -> None:
    at, _ = overlay({("balance", RECIPIENT): (5, -1)}, elides_existence=True)
    at.credit_fee(21)
    assert at.get_balance(RECIPIENT) == 26


def test_a_recipient_that_was_just_paid_is_not_empty_and_nothing_is_read_for_it() -> None:
    at, view = overlay()
    at.credit_fee(21)
    assert not at.account_is_empty(RECIPIENT)
    assert view.reads == []


def test_the_fees_are_linear_in_a_block_whose_recipient_sends_everything() -> None:
    """Each of 300 transactions reads and writes the balance: each reads one version of it."""
    facts = BlockFacts(RECIPIENT, range(300), True, frozenset())
    written: dict[Location, tuple[Any, int]] = {}
    reads = 0
    for position in range(300):
        view = FakeView(written)
        at = Overlay(facts, view, position)
        at.get_balance(RECIPIENT)
        at.credit_fee(1)
        written |= {location: (value, position) for location, value in at.writes.items()}
        reads += len(view.reads)
    assert written == {("balance", RECIPIENT): (300, 299)}
    assert reads == 300


# Existence.


def test_a_touch_is_a_write() -> None:
    at, view = overlay()
    at.touch_account(A)
    assert at.writes == {("exists", A): True}
    assert at.account_exists(A)
    assert view.reads == []


@pytest.mark.parametrize(
    "change",
    [
        lambda at: at.set_balance(A, 1),
        lambda at: at.set_balance(A, 0),
        lambda at: at.set_nonce(A, 1),
        lambda at: at.set_code(A, b"\x00"),
        lambda at: at.delete_code(A),
    ],
)
def test_every_change_of_an_account_touches_it(change: Any) -> None:
    at, _ = overlay()
    change(at)
    assert at.writes["exists", A] is True
    at, _ = overlay(elides_existence=True)
    change(at)
    assert ("exists", A) not in at.writes


def test_existence_is_read_where_it_is_a_location() -> None:
    at, view = overlay({("exists", A): (True, -1)})
    assert at.account_exists(A)
    assert not at.account_exists(B)
    assert view.locations == {("exists", A), ("exists", B)}


def test_existence_follows_from_emptiness_where_it_is_elided() -> None:
    at, view = overlay({("balance", A): (1, -1)}, elides_existence=True)
    assert at.account_exists(A)
    assert not at.account_exists(B)
    assert all(location[0] != "exists" for location in view.locations)


@pytest.mark.parametrize("elides_existence", [True, False])
def test_a_deleted_account_is_gone_and_deleting_reads_nothing(elides_existence: bool) -> None:
    below: dict[Location, tuple[Any, int]] = {
        ("balance", A): (1, -1),
        ("nonce", A): (1, -1),
        ("code", A): (b"\x00", -1),
        ("exists", A): (True, -1),
        ("storage", A, 1): (7, -1),
    }
    at, view = overlay(below, elides_existence=elides_existence)
    at.delete_account(A)
    assert view.reads == []
    assert not at.account_exists(A)
    assert at.account_is_empty(A)
    assert at.get_storage(A, 1) == 0
    assert view.reads == []


def test_what_is_empty_is_cleared_and_nothing_else() -> None:
    at, _ = overlay({("exists", A): (True, -1), ("exists", B): (True, -1), ("nonce", B): (1, -1)})
    at.clear_if_empty(A)
    at.clear_if_empty(B)
    assert at.writes["exists", A] is False
    assert ("exists", B) not in at.writes


def test_there_is_nothing_to_clear_where_existence_is_elided() -> None:
    at, view = overlay(elides_existence=True)
    at.clear_if_empty(A)
    assert (view.reads, at.writes) == ([], {})


# What no account can be, and code.


@pytest.mark.parametrize("balance", [-1, 2**256])
def test_impossible_balances_are_refused(balance: int) -> None:
    at, _ = overlay()
    with pytest.raises(ValidationError, match="balance out of range"):
        at.set_balance(A, balance)
    assert at.writes == {}


def test_impossible_nonces_are_refused() -> None:
    at, _ = overlay({("nonce", A): (2**64 - 1, -1)})
    with pytest.raises(ValidationError, match="nonce out of range"):
        at.increment_nonce(A)


def test_code_and_its_hash_come_from_one_read() -> None:
    at, view = overlay({("code", A): (b"\x60\x00", 4)})
    assert at.get_code_hash(A) == code_hash(b"\x60\x00")
    assert at.get_code(A) == b"\x60\x00"
    assert view.reads == [(("code", A), None)]
    at.set_code(A, b"\x60\x01")
    assert at.get_code_hash(A) == code_hash(b"\x60\x01")


# A read that has to wait.


def test_an_estimate_suspends_through_every_composite_read() -> None:
    for location, ask in (
        (("wipe", A), lambda at: at.get_storage(A, 1)),
        (("storage", A, 1), lambda at: at.get_storage(A, 1)),
        (("fee", 4), lambda at: at.get_balance(RECIPIENT)),
        (("balance", A), lambda at: at.account_is_empty(A)),
    ):
        at, _ = overlay(estimate=location)
        with pytest.raises(Suspend):
            ask(at)

"""One undo log: rolling back restores everything that the EVM can see of an overlay."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pel_reference.locations import ABSENT
from pel_reference.overlay import BlockFacts, Overlay
from pel_spec.transition import RecordedView
from pel_spec.vocabulary import PRE_STATE, Location, Version

A, B, RECIPIENT = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
WRITTEN: dict[Location, Any] = {
    ("fee", 4): (3, Version(4, 0)),
    ("storage", A, 1): (7, Version(4, 0)),
}


def overlay(elides_existence: bool) -> Overlay:
    def lookup(location: Location) -> Any:
        kind: Any = location[0]
        return WRITTEN.get(location, (ABSENT[kind], PRE_STATE))

    facts = BlockFacts(RECIPIENT, range(2, 20), elides_existence, frozenset())
    return Overlay(facts, RecordedView(lookup), 10)


KINDS_OF_CHANGE = (
    *("balance", "nonce", "code", "slot", "wipe", "delete", "fee", "touch"),
    *("warm", "warm_slot", "transient", "snapshot", "revert"),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(KINDS_OF_CHANGE),
        st.sampled_from([A, B, RECIPIENT]),
        st.integers(0, 3),
    ),
    max_size=40,
)


def change(at: Overlay, what: str, address: bytes, number: int) -> None:
    """Apply one random change."""
    match what:
        case "balance":
            at.set_balance(address, number)
        case "nonce":
            at.set_nonce(address, number)
        case "code":
            at.set_code(address, bytes(number))
        case "slot":
            at.set_storage(address, number, number + 1)
        case "wipe":
            at.delete_storage(address)
        case "delete":
            at.delete_account(address)
        case "warm":
            at.mark_address_warm(address)
        case "warm_slot":
            at.mark_storage_warm(address, number)
        case "transient":
            at.set_transient_storage(address, number, bytes([number]))
        case "fee":
            at.credit_fee(number)
        case "touch":
            at.touch_account(address)


def visible(at: Overlay) -> Any:
    """All that the EVM can see of an overlay, and what it would write; but the fee recipient's
    balance is not asked for, because then no fee cell would ever be written."""
    each = (A, B, RECIPIENT)
    some = (A, B)
    return (
        dict(at.writes),
        [(at.get_balance(a), at.get_nonce(a), at.get_code(a), at.account_exists(a)) for a in some],
        [at.get_storage(a, slot) for a in each for slot in range(4)],
        [at.is_address_warm(a) for a in each],
        [at.is_storage_warm(a, slot) for a in each for slot in range(4)],
        [at.get_transient_storage(a, slot) for a in each for slot in range(4)],
    )


@given(CHANGES, st.booleans())
def test_rolling_back_restores_all_that_can_be_seen(changes: Any, elides: bool) -> None:
    at = overlay(elides)
    marks: list[tuple[int, Any]] = [(at.snapshot(), visible(at))]
    for what, address, number in changes:
        if what == "snapshot":
            marks.append((at.snapshot(), visible(at)))
        elif what == "revert":
            mark, before = marks.pop() if len(marks) > 1 else marks[0]
            at.rollback(mark)
            assert visible(at) == before
        else:
            change(at, what, address, number)
    at.rollback(marks[0][0])
    assert visible(at) == marks[0][1]

"""Room in the block: decided by as few cells as possible, and as the reference decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_reference import admission
from pel_reference.admission import GROUP, Room
from pel_reference.forks import GAS_PER_BLOB, RULES
from pel_reference.overlay import BlockFacts, Overlay
from pel_spec.vocabulary import PRE_STATE, Location, Version

GAS_FORKS = ["Frontier", "Byzantium", "London", "Prague"]
FIRST = 3
"""The position of the first transaction in the unit tests."""


class Cells:
    """A view that holds gas cells only, and says which were asked for."""

    def __init__(self, used: list[int]) -> None:
        self.used = used
        self.asked: list[int] = []

    def read(self, location: Location, predicate: str | None = None) -> tuple[Any, Version]:
        kind, position = location
        assert (kind, predicate) == ("gas", "all gas")
        assert isinstance(position, int)
        self.asked.append(position)
        return self.used[position - FIRST], PRE_STATE


def asked(limit: int, declared: list[int], used: list[int]) -> tuple[bool, list[int]]:
    """Whether the last claim has room, and the cells that were read to find out."""
    room = Room.of("gas", "all gas", limit, list(enumerate(declared, start=FIRST)))
    view = Cells(used)
    facts = BlockFacts(b"", range(FIRST, FIRST + len(declared)), True, frozenset())
    last = len(declared) - 1
    return room.suffices(Overlay(facts, view, FIRST + last), last), view.asked


def test_what_fits_as_declared_reads_nothing() -> None:
    assert asked(100, [40, 50, 10], [0, 0]) == (True, [])


def test_the_lowest_cells_are_read_until_it_must_fit() -> None:
    assert asked(100, [40, 40, 40], [20, 40]) == (True, [3])
    assert asked(100, [40, 40, 40], [30, 30]) == (True, [3, 4])


def test_the_lowest_cells_are_read_until_it_cannot_fit() -> None:
    assert asked(100, [70, 40, 40], [70, 1]) == (False, [3])
    assert asked(100, [40, 40, 40], [40, 40]) == (False, [3, 4])


def test_the_first_claim_reads_nothing() -> None:
    assert asked(100, [100], []) == (True, [])


CLAIMS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 100)), max_size=8)


@given(CLAIMS, st.integers(1, 60), st.integers(60, 150))
def test_the_answer_is_that_of_all_cells(
    lower: list[tuple[int, int]], own: int, limit: int
) -> None:
    declared = [amount for amount, _ in lower]
    used = [amount * share // 100 for amount, share in lower]
    suffices, cells = asked(limit, [*declared, own], used)
    assert suffices == (sum(used) + own <= limit)
    assert cells == list(range(FIRST, FIRST + len(cells)))


@given(CLAIMS, st.integers(1, 60), st.integers(60, 150))
def test_no_cell_is_read_once_the_answer_is_certain(
    lower: list[tuple[int, int]], own: int, limit: int
) -> None:
    declared = [amount for amount, _ in lower]
    used = [amount * share // 100 for amount, share in lower]
    _, cells = asked(limit, [*declared, own], used)
    for known in range(len(cells)):
        least = sum(used[:known])
        most = least + sum(declared[known:])
        assert least + own <= limit < most + own


class Summed(Cells):
    """A view that also holds the sums of groups."""

    def read(self, location: Location, predicate: str | None = None) -> tuple[Any, Version]:
        if location[0] != "sum":
            return super().read(location, predicate)
        _, kind, position = location
        assert (kind, predicate) == ("gas", "all gas") and isinstance(position, int)
        self.asked.append(position)
        return sum(self.used[position - FIRST - 2 : position - FIRST + 1]), PRE_STATE


@given(CLAIMS.filter(lambda lower: len(lower) >= 3), st.integers(1, 60), st.integers(60, 150))
def test_sums_stand_for_their_groups(lower: list[tuple[int, int]], own: int, limit: int) -> None:
    declared = [*(amount for amount, _ in lower), own]
    used = [amount * share // 100 for amount, share in lower]
    room = Room.of("gas", "all gas", limit, list(enumerate(declared, start=FIRST)))
    view, last = Summed(used), len(declared) - 1
    facts = BlockFacts(b"", range(FIRST, FIRST + len(declared)), True, frozenset())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "GROUP", 3)
        suffices = room.suffices(Overlay(facts, view, FIRST + last), last)
        assert suffices == (sum(used) + own <= limit)
        assert len(view.asked) <= len(lower) // 3 + 2
        third = Summed(used)
        cells = room.cells(Overlay(facts, third, FIRST + 2), 2, used[2])
    total = {("sum", "gas", FIRST + 2): sum(used[:3])} if sum(declared) > limit else {}
    assert cells == {("gas", FIRST + 2): used[2]} | total
    assert bool(third.asked) == bool(total)


def test_full_blocks_are_far_from_quadratic(maker: Any, agree: Any, accounts: Any) -> None:
    block, count = maker("London"), 120
    block.env["gas_limit"] = count * 25_000
    for nonce in range(count):
        block.send(1 + nonce % 5, accounts(6), gas_limit=40_000)
    ran = agree(block.block())
    reads = [sum(at[0] in ("gas", "sum") for at in ran.reads(index)) for index in range(count)]
    assert not ran.settled.rejected
    assert max(reads) <= 2 * GROUP + count // GROUP
    assert sum(reads) < count * (count - 1) // 2 // 4


# Whole blocks.


@pytest.mark.parametrize("fork", GAS_FORKS)
def test_one_is_rejected_and_the_next_fits(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["gas_limit"] = 100_000
    block.contract(b"\xc0" * 20, "INVALID")
    block.send(1, accounts(2), gas_limit=50_000)
    block.send(2, b"\xc0" * 20, gas_limit=30_000)
    block.send_raw(3, accounts(2), nonce=0, gas_limit=50_000)
    block.send(3, accounts(2), gas_limit=49_000)
    block.send_raw(4, accounts(2), nonce=0, gas_limit=29_000)
    block.send(4, accounts(2), gas_limit=28_000)
    ran = agree(block.block())
    assert [(r.tx_index, r.reason) for r in ran.settled.rejected] == [
        (2, "not enough gas left in the block"),
        (4, "not enough gas left in the block"),
    ]
    gas = [sum(location[0] == "gas" for location in ran.reads(i)) for i in range(6)]
    assert gas == [0, 0, 2, 3, 4, 5]


@pytest.mark.parametrize("fork", GAS_FORKS)
def test_gas_of_invalid_transactions_is_not_counted(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["gas_limit"] = 100_000
    block.send_raw(1, accounts(2), nonce=5, gas_limit=90_000)
    block.send_raw(1, accounts(2), nonce=0, gas_limit=1_000)
    block.send(1, accounts(2), gas_limit=90_000)
    ran = agree(block.block())
    assert [r.tx_index for r in ran.settled.rejected] == [0, 1]
    first = ran.evm_block.facts.fee_positions.start
    assert {at for at in ran.reads(2) if at[0] == "gas"} == {("gas", first)}


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_blobs_compete_for_room(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    limit = RULES[fork].blobs
    assert limit is not None
    block = maker(fork)
    first = limit.max_blobs - 2
    sizes = [first, 1, 2, 1, 1]
    for sender, blobs in enumerate(sizes, start=1):
        hashes = tuple(b"\x01" + bytes([sender, number]) + bytes(29) for number in range(blobs))
        given = {"type": 3, "max_fee_per_blob_gas": 10, "blob_versioned_hashes": hashes}
        block.send(sender, accounts(6), value=1, **given)
    block.send(6, accounts(1))
    ran = agree(block.block())
    assert [(r.tx_index, r.reason) for r in ran.settled.rejected] == [
        (2, "not enough blob gas left in the block"),
        (4, "not enough blob gas left in the block"),
    ]
    assert ran.settled.blob_gas_used == limit.max_blobs * GAS_PER_BLOB
    assert all(location[0] != "blob_gas" for location in ran.reads(5))


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_the_blob_base_fee_is_burnt_and_seen(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["excess_blob_gas"] = 50_000_000
    block.contract(b"\xc0" * 20, "BLOBBASEFEE 0 SSTORE 0 BLOBHASH 1 SSTORE")
    given = {"max_fee_per_blob_gas": 10**8, "blob_versioned_hashes": (b"\x01" * 32,)}
    block.send(1, b"\xc0" * 20, type=3, **given)
    block.send(2, b"\xc0" * 20)
    ran = agree(block.block())
    assert ran.account(b"\xc0" * 20).storage[0] > 1

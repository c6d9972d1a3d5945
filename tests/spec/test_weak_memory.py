"""Store buffers: with none the text is right, and the one store that needs a fence is found."""

from collections.abc import Hashable, Mapping

from pel_proof.runs.weak_memory import STORES, Order, search, standing
from pel_spec.scheduler.blockstm import ACTIONS

X = "x"


def writes_x(read: Mapping[Hashable, int]) -> Hashable | frozenset[Hashable]:
    return frozenset({X})


def reads_x(read: Mapping[Hashable, int]) -> Hashable | frozenset[Hashable]:
    return frozenset() if X in read else X


def test_every_store_at_once_is_right() -> None:
    """One worker after the other, in a block of one: the search ends, and nothing is wrong."""
    found = search([writes_x], [X], 2, frozenset(), 20_000)
    assert found.exhausted
    assert not found.wrong


def test_a_late_publish_loses_a_validation() -> None:
    """The status is still in the buffer when its worker looks at the validation index; a validator
    that has come by meanwhile saw a position that was executing, and went on."""
    found = search([writes_x, reads_x], [X], 2, frozenset({"publish"}), 40_000)
    assert found.wrong == "the block is done, and position 1 has read what is not there"
    assert any("its store is seen" in step for step in found.run)


def test_a_late_record_is_overtaken_where_stores_are_not_ordered() -> None:
    """The status says executed before the record does: a validator finds another read set."""
    late = frozenset({"record_done"})
    found = search([writes_x, reads_x], [X], 2, late, 40_000, Order.PSO)
    assert found.wrong == "the block is done, and position 1 has read what is not there"


def test_a_budget_is_kept() -> None:
    found = search([writes_x, reads_x], [X], 2, frozenset(), 500)
    assert (found.exhausted, found.wrong, found.situations) == (False, "", 500)


def test_every_action_but_a_commits_is_taken() -> None:
    placed = {name for names in standing().values() for name in names}
    assert placed == {name for name in ACTIONS if not name.startswith("commit")}
    assert set(STORES) <= placed

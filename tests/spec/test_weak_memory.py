"""Store buffers: with none the text is right, and the one store that needs a fence is found."""

from collections.abc import Hashable, Mapping

from pel_proof.runs.weak_memory import NEXT, STORES, search
from pel_spec.scheduler.blockstm import ACTIONS
from pel_spec.scheduler.state import At

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


def test_a_budget_is_kept() -> None:
    found = search([writes_x, reads_x], [X], 2, frozenset(), 500)
    assert (found.exhausted, found.wrong, found.situations) == (False, "", 500)


def test_every_action_has_its_place() -> None:
    """But those of the rolling commit, and what an execution takes."""
    placed = {name for names in NEXT.values() for name in names}
    left = {"read_cell", "load_written"} | {n for n in ACTIONS if n.startswith("commit")}
    assert placed | left == set(ACTIONS)
    assert set(STORES) <= placed
    assert set(At) - set(NEXT) == {
        *(At.ENDED, At.EXECUTE),
        *(at for at in At if at.name.startswith("COMMIT")),
    }

"""The first difference is found where it is, and the misleading read is named."""

from dataclasses import replace

from pel_fuzz.explain import explain, place_name
from pel_fuzz.tiny import TinyBlock
from pel_spec.fold import Result, fold
from pel_spec.history import History
from pel_spec.transition import Effects
from pel_spec.vocabulary import PRE_STATE, Read, Version

BLOCK = TinyBlock(((("put", 0),), (("get", 0), ("put", 1)), (("get", 1),)))


def _with_effects(result: Result, position: int, effects: Effects) -> Result:
    changed = list(result.effects)
    changed[position] = effects
    return replace(result, effects=tuple(changed))


def _with_reads(history: History, position: int, reads: tuple[Read, ...]) -> History:
    changed = list(history.incarnations)
    changed[position] = replace(changed[position], reads=reads)
    return replace(history, incarnations=tuple(changed))


def test_equal_results_have_no_difference() -> None:
    result, history = fold(BLOCK)
    assert explain(BLOCK, result, history, result, history) is None


def test_the_first_position_that_differs_and_the_read_that_misled_it() -> None:
    result, history = fold(BLOCK)
    stale = _with_reads(history, 1, (Read(("cell", 0), 0, PRE_STATE),))
    wrong = _with_effects(result, 1, Effects({("cell", 1): 99}, result.effects[1].outcome))
    found = explain(BLOCK, result, history, wrong, stale)
    assert found is not None
    assert (found.position, found.tx_index, found.kind) == (1, 1, "write.cell")
    assert found.got == "99"
    assert found.read is not None and "cell 0x0 gave 0 of the pre-state" in found.read
    assert "written at position 0" in found.read


def test_without_a_misleading_read_the_transition_is_to_blame() -> None:
    result, history = fold(BLOCK)
    wrong = _with_effects(result, 2, Effects({}, ("ended", -1)))
    found = explain(BLOCK, result, history, wrong, history)
    assert found is not None and found.read is None and found.kind == "outcome"
    assert "every read was the same" in found.words


def test_a_fault_comes_before_what_follows_from_it() -> None:
    result, history = fold(BLOCK)
    wrong = _with_effects(result, 0, Effects({}, None, fault="Torn: pair 0"))
    found = explain(BLOCK, result, history, wrong, history)
    assert found is not None and (found.kind, found.got) == ("fault", "Torn: pair 0")


def test_memory_that_differs_although_every_transition_did_the_same() -> None:
    result, history = fold(BLOCK)
    memory = dict(result.memory) | {("cell", 3): (5, Version(1, 0))}
    found = explain(BLOCK, result, history, replace(result, memory=memory), history)
    assert found is not None
    assert (found.kind, found.got) == ("memory.cell", "5 written at position 1")


def test_values_that_look_alike_when_shortened_still_differ() -> None:
    result, history = fold(BLOCK)
    left, right = bytes(300), bytes(299) + b"\1"
    memories = [dict(result.memory) | {("code", 1): (v, Version(1, 0))} for v in (left, right)]
    one, two = (replace(result, memory=memory) for memory in memories)
    assert explain(BLOCK, one, history, two, history) is not None


def test_places_are_written_for_people() -> None:
    assert place_name(("storage", b"\x12\x34", 5)) == "storage 0x1234 0x5"

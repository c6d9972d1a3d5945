"""The text runs blocks: right as it stands, in whatever order; with a bug, it goes wrong."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.text_runs import BLOCKS, smaller
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_proof.bugs import BUGS
from pel_proof.runs.badrun import BadRun, search, shorten
from pel_proof.runs.interpreter import Interpreter, Outcome, Turn
from pel_proof.runs.text import Text, block_stm_text
from pel_spec.fold import agree, fold
from pel_spec.kernel import Disabled, Worker, require
from pel_spec.scheduler.blockstm import INVARIANTS, BlockStm
from pel_spec.scheduler.state import At
from pel_spec.serializability import check_preset

TEXT = block_stm_text()
CHAIN = BLOCKS[1]
LARGER = TinyBlock(
    (
        (("branch", 0, 1), ("put", 1), ("put", 0)),
        (("get", 0), ("branch", 1, 1), ("put", 0), ("put", 1)),
        (("get", 1), ("get", 0), ("put", 1)),
        (("get", 0), ("get", 1), ("put", 0)),
    )
)

turns = st.lists(
    st.builds(Turn, st.integers(0, 3), st.integers(1, 12), st.integers(0, 5)), max_size=40
)


def with_bug(name: str) -> Text:
    return Text.of(BUGS[name].machine, BUGS[name].model())


# ---- the text as it stands -----------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(block=tiny_blocks(largest=5, longest=4), workers=st.integers(1, 4), turns=turns)
def test_it_leaves_what_the_fold_leaves(block: TinyBlock, workers: int, turns: list[Turn]) -> None:
    run = Interpreter(TEXT, block, workers)
    assert run.run(turns) is Outcome.RIGHT
    assert agree(run.result(), fold(block)[0])
    assert check_preset(run.history()) is None


@settings(max_examples=15, deadline=None)
@given(block=tiny_blocks(largest=4, longest=3), seed=st.integers(0, 1000))
def test_invariants_hold_after_every_step(block: TinyBlock, seed: int) -> None:
    run, random = Interpreter(TEXT, block, 3), Random(seed)
    while not run.has_ended and run.steps < 250:
        run.take(random.choice(run.moves()))
        assert [name for name, holds in INVARIANTS.items() if not holds(run.state)] == []


def test_moves_are_those_that_are_enabled() -> None:
    run = Interpreter(TEXT, CHAIN, 2)
    for _ in range(60):
        found = run.moves()
        assert found == run.moves()
        everything = [move for worker in (0, 1) for move in run.candidates(worker)]
        for move in everything:
            other = run.state.copy()
            try:
                TEXT.actions[move.action](other, *move.arguments)
                enabled = True
            except Disabled:
                enabled = False
            assert enabled == (move in found)
        run.take(found[-1])


def test_a_move_that_is_not_enabled_changes_nothing() -> None:
    run = Interpreter(TEXT, CHAIN, 2)
    move = run.moves()[0]
    run.take(move)
    before = run.snapshot
    with pytest.raises(Disabled):
        run.take(move)
    assert run.snapshot == before


def test_the_same_turns_make_the_same_run() -> None:
    given_turns = [Turn(0, 7), Turn(1, 30), Turn(2, 5, 1), Turn(0, 9)]
    first, second = (Interpreter(TEXT, CHAIN, 3) for _ in range(2))
    assert first.run(given_turns) is second.run(given_turns)
    assert first.snapshot == second.snapshot
    assert first.steps == second.steps


def test_a_reader_is_suspended_and_begins_again() -> None:
    """The second reads before the first has written, is aborted, and the third waits for it."""
    met = set()
    for seed in range(40):
        run, random = Interpreter(TEXT, CHAIN, 3), Random(seed)
        while not run.has_ended:
            worker = random.randrange(3)
            for _ in range(random.randrange(12)):
                move = run.step(worker)
                met.add(move and move.action)
    assert {"try_validation_abort", "suspend", "resume_one", "mark_estimate"} <= met


def test_where_an_action_can_come_is_what_its_guard_says() -> None:
    standing = TEXT.standing
    assert standing[At.VALIDATE] == ("leave", "check_read")
    assert standing[At.LOAD_DONE] == ("load_done", "commit_next")
    assert standing[At.ENDED] == ()
    assert {name for names in standing.values() for name in names} == set(TEXT.actions)


# ---- how runs end --------------------------------------------------------------------------------


class NobodyEnds(BlockStm):
    """The end of the block is never declared."""

    def set_done(s, w: Worker) -> None:
        require(s.pc[w] == At.SET_DONE)
        s.pc[w] = At.LOAD_DONE


class NobodyMoves(BlockStm):
    """No worker ever starts."""

    def start_worker(s, w: Worker) -> None:
        require(s.pc[w] == At.ENDED)


@pytest.mark.parametrize("machine", [NobodyEnds, NobodyMoves])
def test_standstill_is_noticed(machine: type[BlockStm]) -> None:
    text = Text(
        machine, {n: getattr(machine, n) for n in TEXT.actions}, TEXT.domains, TEXT.standing
    )
    run = Interpreter(text, CHAIN, 2)
    assert run.run() is Outcome.STUCK
    assert run.steps < 10_000


def test_steps_are_bounded() -> None:
    run = Interpreter(TEXT, CHAIN, 2)
    assert run.run(most_steps=20) is Outcome.ENDLESS
    assert not Outcome.ENDLESS.is_bad


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("abort-lowers-nothing", Outcome.WRONG),
        ("no-estimate", Outcome.WRONG),
        ("invalid-is-flushed", Outcome.WRONG),
        ("dependents-unlocked", Outcome.UNFINISHED),
        ("no-retry", Outcome.UNFINISHED),
        ("end-looked-at-before-fetch", Outcome.BROKEN),
        ("stays-locked", Outcome.STUCK),
    ],
)
def test_a_bug_goes_wrong_in_a_run(name: str, outcome: Outcome) -> None:
    found = search(with_bug(name), BLOCKS, near=BUGS[name].changes, most_steps=100_000)
    assert found.run is not None
    assert found.run.outcome is outcome
    assert "was found" in found.explain()
    again = Interpreter(with_bug(name), found.run.block, found.run.workers)
    assert again.run(found.run.turns) is outcome
    without = Interpreter(TEXT, found.run.block, found.run.workers)
    assert without.run(found.run.turns) is Outcome.RIGHT


def test_what_is_right_is_not_found_to_be_wrong() -> None:
    for text in (TEXT, with_bug("abort-lowers-to-itself")):
        found = search(text, BLOCKS, most_steps=20_000)
        assert found.run is None
        assert found.steps >= 20_000
        assert "no run" in found.explain()


def test_a_run_is_made_short() -> None:
    text, block = with_bug("new-location-unnoticed"), LARGER
    random = Random(5)
    while True:
        drawn = tuple(Turn(random.randrange(3), random.randrange(1, 9)) for _ in range(60))
        outcome = Interpreter(text, block, 3).run(drawn)
        if outcome.is_bad:
            break
    short = shorten(text, BadRun(block, 3, drawn, outcome), smaller)
    assert short.outcome.is_bad
    assert isinstance(short.block, TinyBlock)
    assert sum(map(len, short.block.programs)) < sum(map(len, block.programs)) / 2
    assert len(short.turns) < 10
    assert Interpreter(text, short.block, short.workers).run(short.turns) is short.outcome

"""What is not a step of the text is found, wherever it stands, and told with the state there."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pel_fuzz.conformance import check
from pel_fuzz.conformance.check import TooLarge, check_run, check_trace
from pel_fuzz.conformance.replay import Replay, locations_of
from pel_fuzz.conformance.violation import Kind, Violation, enabled_actions
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import Run, run_block
from pel_parallel.greenlets import GreenletController
from pel_spec.kernel import Map, fields
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm
from pel_spec.scheduler.state import At
from pel_spec.sync import Step

WORKERS = 3


@cache
def block(index: int) -> TinyBlock:
    drawn: TinyBlock = draw_case(tiny_blocks(), 7, index).value
    return drawn


def controlled(subject: TinyBlock, seed: int, workers: int = WORKERS) -> Run:
    return run_block(subject, workers=workers, runtime=GreenletController(RandomWalk(seed, 0.3)))


@cache
def contended() -> Run:
    """A run in which nearly everything happens."""
    runs = (controlled(block(index), index) for index in range(200))
    return next(run for run in runs if run.counters.suspensions and run.counters.aborts > 1)


def found_in(steps: list[Step], run: Run | None = None, **more: Any) -> Violation | None:
    transitions = contended().history.transitions
    return check_trace(steps, transitions, WORKERS, invariants=False, run=run, **more).violation


# ---- each kind of violation -------------------------------------------------------------------


def provoke(action: str, new: dict[str, Any]) -> Violation:
    """What is found where the first step of an action says something else."""
    steps = list(contended().trace or ())
    index = next(i for i, step in enumerate(steps) if step.action == action)
    steps[index] = steps[index]._replace(**new)
    violation = found_in(steps)
    assert violation is not None and violation.index == index
    return violation


@pytest.mark.parametrize(
    ("action", "new", "kind", "words"),
    [
        ("idle", {"action": "dream"}, Kind.UNKNOWN, "the text has no action dream"),
        ("leave", {"worker": WORKERS}, Kind.UNREADABLE, "there is no worker 3"),
        ("read_cell", {"observed": "x"}, Kind.UNREADABLE, "neither a version nor an ESTIMATE"),
        ("read_cell", {"object": ("cell",)}, Kind.UNREADABLE, "no cell"),
        ("load_written", {"args": (0,)}, Kind.UNREADABLE, "list of locations to write"),
        ("swap_deps", {"observed": (1, 1)}, Kind.UNREADABLE, "each once"),
        ("resume_one", {"args": ()}, Kind.UNREADABLE, "name the position that is resumed"),
        ("publish", {"action": "record_done"}, Kind.NOT_ENABLED, "here it may do: publish"),
        ("mark_estimate", {"object": ("cell", "none")}, Kind.NOT_ENABLED, "at MARK"),
        ("read_cell", {"observed": (7, 7)}, Kind.OBSERVED, "but the text gives null"),
        ("val_fetch", {"observed": 100}, Kind.OBSERVED, "it has observed 100, but the text gives"),
        ("load_done", {"observed": True}, Kind.OBSERVED, "true, but the text gives false"),
        ("swap_deps", {"observed": (5,)}, Kind.OBSERVED, "it has observed [5]"),
        ("val_look", {"object": ("status", 77)}, Kind.ABOUT, "in the text it is about [status, "),
        ("publish", {"args": (77, 0)}, Kind.ABOUT, "in the text it is about [status, "),
        ("leave", {"args": (1,)}, Kind.ABOUT, "about [num_active], with []"),
        ("write_cell", {"object": ("cells", 1)}, Kind.UNREADABLE, "touched"),
    ],
)
def test_a_step_that_is_not_one_is_named(
    action: str, new: dict[str, Any], kind: Kind, words: str
) -> None:
    violation = provoke(action, new)
    assert violation.kind is kind
    told = violation.explain()
    assert words in told, told
    assert f"step {violation.index} of " in told
    assert "positions, 3 workers, exec_idx" in told
    assert "worker 2 at " in told


def test_the_state_is_the_one_before_the_step() -> None:
    steps = list(contended().trace or ())
    index = [i for i, step in enumerate(steps) if step.action == "val_fetch"][2]
    wrong = steps.copy()
    wrong[index] = steps[index]._replace(observed=100)
    violation = found_in(wrong)
    assert violation is not None
    assert violation.state.pc[steps[index].worker] == At.VAL_FETCH
    assert violation.state.val_idx == steps[index].observed
    assert list(enabled_actions(violation.state, steps[index].worker)) == ["val_fetch"]


DATA = (
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.tuples(st.integers(-1, 3), st.integers(0, 2))
)
CORRUPT = settings(max_examples=150, deadline=None)


@CORRUPT
@given(st.integers(0, 2**20), st.sampled_from(("action", "worker", "args", "observed")), st.data())
def test_a_changed_step_is_found(number: int, field: str, data: st.DataObject) -> None:
    steps = list(contended().trace or ())
    index = number % len(steps)
    values = {
        "action": st.sampled_from(sorted(ACTIONS)),
        "worker": st.integers(-1, WORKERS),
        "args": st.lists(DATA, max_size=2).map(tuple),
        "observed": DATA | st.lists(st.integers(0, 4), max_size=2).map(tuple),
    }
    value = data.draw(values[field])
    assume(value != getattr(steps[index], field))
    steps[index] = steps[index]._replace(**{field: value})
    violation = found_in(steps)
    assert violation is not None
    assert violation.index >= index
    assert violation.explain().startswith(violation.place)


@CORRUPT
@given(st.integers(0, 2**20), st.booleans())
def test_a_step_too_many_or_too_few_is_found(number: int, twice: bool) -> None:
    steps = list(contended().trace or ())
    index = number % len(steps)
    # Whoever reads less may be another transition, which the text allows as well; and reads may be
    # looked up in any order, so one that holds may be missing where another does not.
    assume(twice or steps[index].action not in ("read_cell", "check_read"))
    steps[index : index + 1] = [steps[index]] * 2 if twice else []
    assert found_in(steps) is not None


def visible(steps: list[Step]) -> list[Any]:
    """The state at the end, but for its ghosts."""
    replay = Replay(contended().history.transitions, WORKERS, locations_of(contended().trace or ()))
    assert replay.advance(steps)[1] is None
    kept = (name for name, field in fields(BlockStm).items() if field.kind != "ghost")
    items = [getattr(replay.state, name) for name in kept]
    return [item.values if isinstance(item, Map) else item for item in items]


@CORRUPT
@given(st.integers(0, 2**20))
def test_steps_that_change_places_are_found_or_commute(number: int) -> None:
    steps = list(contended().trace or ())
    index = number % (len(steps) - 1)
    swapped = steps.copy()
    swapped[index : index + 2] = reversed(steps[index : index + 2])
    violation = found_in(swapped)
    if violation is None:
        assert visible(swapped) == visible(steps)
    else:
        one, two = steps[index : index + 2]
        assert one.worker == two.worker or one.object == two.object


def test_a_write_set_of_thousands_is_told_in_a_line() -> None:
    many = tuple(("cell", number) for number in range(10_000))
    violation = provoke("load_written", {"args": (many, many)})
    assert violation.kind is Kind.UNREADABLE
    assert max(map(len, violation.explain().splitlines())) < 1000


def test_what_is_missing_at_the_end_is_told() -> None:
    steps = list(contended().trace or ())
    last = found_in(steps[:-1])
    assert last is not None and last.kind is Kind.END
    assert "has not ended" in last.explain()
    assert last.step is None and "at the end of" in last.place
    assert found_in(steps[:-1], complete=False) is None
    assert found_in([], complete=False) is None
    nobody = check_trace([], 2, 0).violation
    assert nobody is not None and "the block is not done" in nobody.explain()


def test_a_run_must_end_as_its_history_and_result_say() -> None:
    run = contended()
    steps = list(run.trace or ())
    assert found_in(steps, run) is None
    version = run.history.commits[1]
    later = version._replace(incarnation=version.incarnation + 1)
    commits = (run.history.commits[0], later, *run.history.commits[2:])
    wrong = replace(run, history=replace(run.history, commits=commits))
    assert "the history commits (1," in str(
        found_in(steps, wrong) and found_in(steps, wrong).explain()
    )
    forgetful = replace(
        run,
        history=replace(
            run.history,
            incarnations=tuple(replace(i, writes=i.writes[1:]) for i in run.history.incarnations),
        ),
    )
    violation = found_in(steps, forgetful)
    assert violation is not None and "but the entry there is" in violation.explain()
    location, (value, version) = next(iter(run.result.memory.items()))
    moved = {**run.result.memory, location: (value, version._replace(position=-1))}
    violation = found_in(steps, replace(run, result=replace(run.result, memory=moved)))
    assert violation is not None and "the result at cell" in violation.explain()


def test_a_broken_invariant_is_found_where_it_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_second_incarnation(state: BlockStm) -> bool:
        """As a test wants it."""
        return all(state.inc[i] == 0 for i in state.positions)

    monkeypatch.setattr(check, "INVARIANTS", {"first_only": no_second_incarnation})
    run = contended()
    violation = check_run(run, invariants=True).violation
    assert violation is not None and violation.kind is Kind.INVARIANT
    assert "first_only does not hold: As a test wants it." in violation.explain()
    assert violation.step is not None
    assert violation.step.action in ("set_ready", "resume_one")


def test_what_would_take_too_long_is_refused() -> None:
    steps = contended().trace or ()
    with pytest.raises(TooLarge, match=f"{len(steps)} steps, 1000000000 positions"):
        check_trace(steps, 10**9, WORKERS)

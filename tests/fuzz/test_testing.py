"""Ready-made tests for executors of others: right ones pass, seeded wrong ones are found."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.checking import BadAnswer, difference_of
from pel_fuzz.executors import run_controlled
from pel_fuzz.formats.case_json import read_case
from pel_fuzz.interleavings import Interleaving
from pel_fuzz.strategies import blocks, interleavings, tiny_blocks, transition_blocks
from pel_fuzz.testing import (
    LARGE,
    Answer,
    ExecutorDiffers,
    Settings,
    case_tests,
    check,
    executor_tests,
)
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Oracle
from pel_parallel.executor import run_block
from pel_reference.block import Block
from pel_reference.errors import InputError
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History, Incarnation
from pel_spec.transition import RecordedView, Suspend, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Version, Write

BLOCK = TinyBlock(((("get", 0), ("put", 1)), (("get", 1), ("put", 0))), (1, 2))


class Sequential:
    def execute(self, block: TransitionBlock) -> Answer:
        return fold(block)[0]


class Optimistic:
    def execute(self, block: TransitionBlock) -> Answer:
        run = run_block(block, workers=2)
        return run.result, run.history


class LosesLastWrite:
    """The canary: what the last transition wrote is lost."""

    def execute(self, block: TransitionBlock) -> Answer:
        result, _ = fold(block)
        last = len(block.transitions) - 1
        kept = {at: entry for at, entry in result.memory.items() if entry[1].position != last}
        return Result(kept, result.effects)


class Raises:
    def execute(self, block: TransitionBlock) -> Answer:
        if len(block.transitions) > 2:
            raise KeyError("lost")
        return fold(block)[0]


class NeverValidates:
    """Each transition runs on the state before the block, and is never looked at again."""

    def execute(self, block: TransitionBlock) -> Answer:
        memory: dict[Any, Any] = {}
        effects, incarnations = [], []
        for position, transition in enumerate(block.transitions):
            view = RecordedView(lambda location: (block.initial(location), PRE_STATE))
            effect = run_contained(transition, view, block.workspace())
            version = Version(position, 0)
            memory |= {at: (value, version) for at, value in effect.writes.items()}
            writes = tuple(Write(at, value) for at, value in effect.writes.items())
            effects.append(effect)
            incarnations.append(Incarnation(version, tuple(view.reads.values()), writes))
        commits = tuple(each.version for each in incarnations)
        history = History(len(effects), tuple(incarnations), commits=commits)
        return Result(memory, tuple(effects)), history


class Answers:
    """Gives back whatever it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def execute(self, block: TransitionBlock) -> Answer:
        return self.answer(*fold(block))  # type: ignore[no-any-return]


FEW = Settings(tiny_examples=30, evm_examples=2, derandomize=True)


def _run(made: type, name: str) -> None:
    getattr(made(), name)()


@pytest.mark.parametrize("executor", [Sequential, Optimistic])
@pytest.mark.parametrize("name", ["test_tiny_blocks", "test_evm_blocks"])
def test_right_executors_pass(executor: type, name: str) -> None:
    _run(executor_tests(executor, FEW), name)


@pytest.mark.parametrize("executor", [LosesLastWrite, Raises, NeverValidates])
def test_wrong_executors_are_found_made_small_and_kept(executor: type, tmp_path: Path) -> None:
    wanted = Settings(tiny_examples=100, derandomize=True, out=tmp_path / "found")
    with pytest.raises(ExecutorDiffers) as caught:
        _run(executor_tests(executor, wanted), "test_tiny_blocks")
    (path,) = (tmp_path / "found").iterdir()
    told = str(caught.value)
    assert f"--pel-executor {executor.__module__}:{executor.__name__} --pel-case {path}" in told
    assert "and these programs" in told
    kept = read_case(path)
    assert isinstance(kept.case.subject, TinyBlock) and len(kept.case.subject.programs) <= 3
    assert kept.signature == caught.value.difference.signature and kept.case.python
    (again,) = _tests(case_tests(executor, [path], wanted))
    with pytest.raises(ExecutorDiffers, match="as recorded"):
        again()
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(json.loads(path.read_text()) | {"expected": None}))
    (again,) = _tests(case_tests(executor, [bare], wanted))
    with pytest.raises(ExecutorDiffers, match="a difference; none was recorded"):
        again()
    for test in _tests(case_tests(Sequential, [path.parent], wanted)):
        test()


def _tests(made: type) -> list[Callable[[], None]]:
    return [getattr(made(), name) for name in vars(made) if name.startswith("test")]


def test_a_wrong_executor_is_found_on_blocks_of_the_evm(tmp_path: Path) -> None:
    wanted = Settings(evm_examples=2, fork="Frontier", derandomize=True, out=tmp_path)
    with pytest.raises(ExecutorDiffers, match=r"transaction\(s\), fork Frontier"):
        _run(executor_tests(LosesLastWrite, wanted), "test_evm_blocks")
    (path,) = tmp_path.iterdir()
    assert isinstance(read_case(path).case.subject, Block)


def test_a_difference_is_explained_by_the_history_where_there_is_one() -> None:
    alone = difference_of(Answers(lambda right, _: Result({}, right.effects)), BLOCK)
    assert alone is not None and alone.signature == "result:memory.cell:-"
    told = difference_of(NeverValidates(), BLOCK)
    assert told is not None and told.anomaly is not None
    assert told.read is not None and "of the pre-state" in told.read
    silent = difference_of(
        Answers(lambda right, _: Result(right.memory, right.effects[::-1])), BLOCK
    )
    assert silent is not None and silent.anomaly is None and "with a history" in silent.words


def test_a_wrong_history_beside_a_right_result_is_a_difference() -> None:
    wrong = Answers(lambda right, history: (right, History(2, history.incarnations)))
    found = difference_of(wrong, BLOCK)
    assert found is not None and found.oracle is Oracle.HISTORY


@pytest.mark.parametrize("error", [ZeroDivisionError("seeded"), Suspend(0)])
def test_whatever_the_executor_raises_is_a_difference(error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    found = difference_of(Answers(fail), BLOCK)
    assert found is not None
    assert found.signature == f"fault:crash.{type(error).__name__}:-" and "in fail" in found.words


def test_an_interruption_is_none() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        difference_of(Answers(interrupt), BLOCK)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda right, _: None, "must give a pel_spec.fold.Result"),
        (lambda right, _: (right, "history"), "must be a pel_spec.history.History"),
        (lambda right, _: Result(right.memory, right.effects[1:]), "2 transitions, and 1 effects"),
        (lambda right, _: Result(right.memory, (1, 2)), "Effects"),
        (lambda right, _: Result({("cell", 0): 1}, right.effects), "memory must map"),
        (lambda right, _: Result([], right.effects), "memory must map"),
    ],
)
def test_an_answer_of_another_shape_is_no_verdict(answer: Callable[..., Any], problem: str) -> None:
    with pytest.raises(BadAnswer, match=problem):
        difference_of(Answers(answer), BLOCK)


def test_the_same_seed_draws_the_same_blocks() -> None:
    drawn: list[list[TransitionBlock]] = []

    class Notes(Sequential):
        def execute(self, block: TransitionBlock) -> Answer:
            drawn[-1].append(block)
            return super().execute(block)

    for seed in (1, 1, 2):
        drawn.append([])
        _run(executor_tests(Notes, Settings(tiny_examples=5, seed=seed)), "test_tiny_blocks")
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_difference_is_told_where_its_case_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExecutorDiffers, match=r"not kept .* cannot be written") as told:
        check(LosesLastWrite(), BLOCK, tmp_path / "file" / "case.json")
    assert "  field " in str(told.value) and "replay" not in str(told.value)


def test_a_factory_that_cannot_be_named_has_a_file_and_a_replay_all_the_same(
    tmp_path: Path,
) -> None:
    def made() -> LosesLastWrite:
        return LosesLastWrite()

    factories = (made, partial(LosesLastWrite))
    for number, factory in enumerate(factories):
        out = tmp_path / str(number)
        with pytest.raises(ExecutorDiffers) as told:
            _run(executor_tests(factory, Settings(tiny_examples=30, out=out)), "test_tiny_blocks")
        (path,) = out.iterdir()
        assert re.fullmatch(r"[\w.-]+", path.name)
        assert f"replay    pytest --pel-executor MODULE:FACTORY --pel-case {path}" in str(
            told.value
        )


def test_a_folder_without_cases_tests_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no case file"):
        case_tests(LosesLastWrite, [tmp_path], Settings())


# ---- strategies -----------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=3, deadline=None, suppress_health_check=LARGE)
def test_blocks_are_of_the_fork_and_size_that_was_asked_for(data: st.DataObject) -> None:
    block = data.draw(blocks("Berlin", (2, 4)))
    assert block.fork == "Berlin" and len(block.transactions) < 20
    compiled = data.draw(transition_blocks("Berlin", (2, 4)))
    assert agree(fold(compiled)[0], fold(compiled)[0])


@given(tiny_blocks(), interleavings())
@settings(max_examples=20, deadline=None)
def test_every_interleaving_steers_a_run(block: TinyBlock, interleaving: Interleaving) -> None:
    run = run_controlled(block, 2, interleaving)  # type: ignore[arg-type]
    assert agree(run.result, fold(block)[0])

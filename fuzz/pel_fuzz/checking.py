"""One block through an executor in Python, and what is wrong with what it gives back."""

import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from pel_fuzz.examine import judge
from pel_fuzz.explain import explain
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_parallel.counters import Counters
from pel_parallel.executor import Run
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History
from pel_spec.transition import Effects, Suspend, TransitionBlock
from pel_spec.vocabulary import Version

Answer: TypeAlias = Result | tuple[Result, History]
"""What an executor gives back: what the block leaves and, if it can tell, what it did."""

MOST_LINES: Final = 12
"""Frames of the executor's own that are told of an exception."""


class BlockExecutor(Protocol):
    """What is to be tested: anything with this one method."""

    def execute(self, block: TransitionBlock) -> Answer:
        """Execute `block`, in parallel in whatever way, as if in the preset order.

        `block.transitions` are run by `transition.run(view, workspace)`, of which
        `pel_spec.transition` says all there is to say.
        """
        ...


class BadAnswer(Exception):
    """What an executor gave back is not what `BlockExecutor` says: no verdict on the block."""


def difference_of(executor: BlockExecutor, block: TransitionBlock) -> Difference | None:
    """What is wrong with the executor's answer to `block`; `None` if it is that of the fold.

    An exception of the executor is a difference too.

    Raises: `BadAnswer`; what is no `Exception`, such as an interruption.
    """
    __tracebackhide__ = True
    expected, expected_history = fold(block)
    try:
        answer = executor.execute(block)
    except (Exception, Suspend) as error:
        return _crash(error)
    result, history = _read(answer, len(block.transitions))
    if history is not None:
        run = Run(result, history, Counters.of(()), trace=None, schedule=None)
        return next(judge(block, expected, expected_history, run, None), None)
    if agree(expected, result):
        return None
    silent = History(len(block.transitions), (), ())
    found = explain(block, expected, expected_history, result, silent)
    assert found is not None, "results that do not agree differ somewhere"
    if found.position is None:
        return found
    told = "with a history beside the result, the read that misled it would be named here"
    return replace(found, read=None, words=told)


def _crash(error: BaseException) -> Difference:
    frames = traceback.extract_tb(error.__traceback__)[1:][-MOST_LINES:]
    lines = [f"in {frame.name}, line {frame.lineno}: {frame.line}" for frame in frames]
    got = shorten(f"{type(error).__name__}: {error}", 400)
    kind = f"crash.{type(error).__name__}"
    return Difference(Oracle.FAULT, kind, "the executor", "a result", got, words="\n".join(lines))


def _read(answer: object, transitions: int) -> tuple[Result, History | None]:
    """The parts of an answer, once they are what they should be."""
    __tracebackhide__ = True
    history: object = None
    if isinstance(answer, tuple) and len(answer) == 2:
        answer, history = answer
    if not isinstance(answer, Result):
        told = f"not {type(answer).__name__}"
        raise BadAnswer(f"execute must give a pel_spec.fold.Result, or one and a History, {told}")
    if history is not None and not isinstance(history, History):
        told = f"not {type(history).__name__}"
        raise BadAnswer(f"the history must be a pel_spec.history.History, {told}")
    if len(answer.effects) != transitions:
        told = f"{transitions} transitions, and {len(answer.effects)} effects"
        raise BadAnswer(f"the result must have the effects of each transition: {told}")
    if not all(isinstance(each, Effects) for each in answer.effects):
        raise BadAnswer("the result's effects must be pel_spec.transition.Effects")
    if not isinstance(answer.memory, Mapping) or not all(map(_is_entry, answer.memory.values())):
        raise BadAnswer("the result's memory must map each location to (value, Version)")
    return answer, history


def _is_entry(entry: object) -> bool:
    return isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], Version)

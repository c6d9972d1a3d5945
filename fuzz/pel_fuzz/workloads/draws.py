"""Cases that are addressed by (seed, index), and their shrinking.

`draw_case` is a function of its arguments: the same value on every machine, whatever ran before.
That is what makes shards and resumed campaigns exact, and Hypothesis' public interface cannot do
it: it draws a *sequence* of examples, each steered by those before. So this file, and no other,
uses Hypothesis' internals: one `ConjectureData` per case, with a generator seeded by the address.
The public `hypothesis.find` cannot shrink recorded choices either: given a seed it ignores its
database, and what it replays exactly it takes for shrunk already.

The stock provider of random choices cannot be used as it is: it mixes in constants that it finds
in whatever modules happen to be loaded, and shapes integers through the machine's `libm`.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.control import BuildContext
from hypothesis.database import choices_to_bytes
from hypothesis.errors import HypothesisWarning, StopTest, UnsatisfiedAssumption
from hypothesis.internal.conjecture.choice import ChoiceTemplate
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.escalation import InterestingOrigin
from hypothesis.strategies import SearchStrategy

Choice: TypeAlias = int | str | bool | float | bytes
Choices: TypeAlias = tuple[Choice, ...]
Value = TypeVar("Value")

REDRAWS = 20
"""How often an address is drawn again, under a derived seed, when a draw cannot be completed."""
SLACK = 8
"""Choices that may be made up behind the recorded ones when parts of a case are left out."""
MAX_EVALUATIONS = 4000
"""Default budget of a shrink, in evaluations of its condition."""


class Drawn(NamedTuple, Generic[Value]):
    """A value, and the choices that make it again from the same strategy."""

    value: Value
    choices: Choices


class UndrawableCase(ValueError):
    """No case can be drawn at an address, or recorded choices are not what they should be."""


class _ExactProvider(HypothesisProvider):
    """Uniform integers, and nothing that depends on the machine or on loaded modules.

    The weights that strategies give to the ends of a range are ignored: they pass through floats.
    """

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        if min_value is None or max_value is None:
            raise TypeError("a case is drawn from bounded integers only")
        assert self._random is not None
        return self._random.randint(min_value, max_value)


def _draw(data: ConjectureData, strategy: SearchStrategy[Value]) -> Value:
    """Draw within a build context, which strategies like tuples and lists ask for."""
    with BuildContext(data, wrapped_test=_draw):
        return data.draw(strategy)


def draw_case(strategy: SearchStrategy[Value], seed: int, index: int) -> Drawn[Value]:
    """The case of `strategy` at an address.

    A draw that cannot be completed (a filter that gives up, too many choices) is repeated under a
    seed derived from the address, so the answer stays a function of it.

    Raises: `UndrawableCase` after `REDRAWS` attempts.
    """
    for attempt in range(REDRAWS):
        address = f"{seed}/{index}" if attempt == 0 else f"{seed}/{index}/{attempt}"
        data = ConjectureData(random=Random(address), provider=_ExactProvider)
        try:
            return Drawn(_draw(data, strategy), tuple(data.choices))
        except (StopTest, UnsatisfiedAssumption):
            continue
    raise UndrawableCase(f"seed {seed}, index {index}: no case in {REDRAWS} attempts")


_SETTINGS = settings(
    database=None,
    phases=(Phase.shrink,),
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
_ORIGIN = InterestingOrigin(UndrawableCase, None, None, (), ())


class _BudgetSpent(BaseException):
    """Leaves the shrinker. A `BaseException`, because it takes an `Exception` for a failure."""


@dataclass(slots=True)
class _Search(Generic[Value]):
    """The test that Hypothesis shrinks, and the simplest case so far that satisfies `condition`."""

    strategy: SearchStrategy[Value]
    condition: Callable[[Value], bool]
    evaluations_left: int
    keep_going: Callable[[], bool]
    best: Drawn[Value] | None = None

    def __call__(self, data: ConjectureData) -> None:
        try:
            value = _draw(data, self.strategy)
        except UnsatisfiedAssumption:
            data.mark_invalid()
        if self.best is not None and (self.evaluations_left <= 0 or not self.keep_going()):
            raise _BudgetSpent
        self.evaluations_left -= 1
        if not self.condition(value):
            return
        found = Drawn(value, tuple(data.choices))
        if self.best is None or _simplicity(found) < _simplicity(self.best):
            self.best = found
        data.mark_interesting(_ORIGIN)


def _simplicity(drawn: Drawn[Any]) -> tuple[int, bytes]:
    """Hypothesis' order, near enough: fewer choices first, then smaller ones."""
    return len(drawn.choices), choices_to_bytes(drawn.choices)


def shrink(
    strategy: SearchStrategy[Value],
    choices: Sequence[Choice],
    condition: Callable[[Value], bool],
    *,
    max_evaluations: int = MAX_EVALUATIONS,
    keep_going: Callable[[], bool] = lambda: True,
) -> Drawn[Value]:
    """A case as simple as can be found that satisfies `condition`, starting from recorded choices.

    `keep_going` is asked before each evaluation; once it says no (out of time, interrupted), or
    the evaluations are used up, the simplest case so far is the answer.

    Raises: `UndrawableCase` where the recorded choices do not satisfy the condition themselves.
    """
    search = _Search(strategy, condition, max_evaluations, keep_going)
    kept = tuple(choices)
    if not _is_accepted(search, kept):
        raise UndrawableCase("the recorded choices do not satisfy the condition")
    with suppress(_BudgetSpent), warnings.catch_warnings():
        # EELS raises the recursion limit when it is first used, which Hypothesis remarks upon.
        warnings.simplefilter("ignore", HypothesisWarning)
        thin = _thinned(search, kept)
        while True:
            kept = _simplified(search, thin)
            thin = _thinned(search, kept)
            if thin == kept:
                break
    assert search.best is not None
    return search.best


def _simplified(search: _Search[Any], choices: Choices) -> Choices:
    """Hypothesis' own shrinking."""
    runner = ConjectureRunner(search, settings=_SETTINGS, random=Random(0))
    runner.cached_test_function(choices)
    runner.run()
    assert search.best is not None
    return search.best.choices


def _thinned(search: _Search[Any], choices: Choices) -> Choices:
    """Leaves out parts (elements of a list, transactions of a block), many at first, then single.

    Hypothesis takes out a few choices at a time; a part with more of them it may never take out.
    """
    chunk = len(_parts(search, choices)) // 2
    while chunk:
        first = 0
        while parts := _parts(search, choices)[first : first + chunk]:
            start, end = parts[0][0], parts[-1][1]
            shorter = choices[:start] + choices[end:]
            if _is_accepted(search, shorter) and search.best is not None:
                choices = search.best.choices
            else:
                first += chunk
        chunk //= 2
    return choices


def _is_accepted(search: _Search[Any], choices: Choices) -> bool:
    """Whether these choices make a simpler case that satisfies the condition.

    Where they run out, a few more are made, as simple as can be: what was left out may have been
    followed by a limit, and not by a choice to end there.
    """
    data = ConjectureData.for_choices((*choices, ChoiceTemplate("simplest", count=SLACK)))
    before = search.best
    with suppress(StopTest):
        search(data)
    return search.best is not before


def _parts(search: _Search[Any], choices: Choices) -> list[tuple[int, int]]:
    """Where in the choices the parts of a case are: what its strategy drew by several choices."""
    data = ConjectureData.for_choices(choices)
    with suppress(StopTest, UnsatisfiedAssumption):
        _draw(data, search.strategy)
    data.freeze()
    # The first span is that of everything, the second that of the strategy itself.
    inner = (span for span in data.spans if span.parent == 1)
    return [(span.start, span.end) for span in inner if span.end - span.start > 1]

"""Blocks of the tiny machine, run by the scheduler's text: seeded bugs of the text in real runs.

Nothing of the executor is in such a run: the text's own actions are taken, one after the other, in
the turns that the case says. So a bug of the text (`pel_proof.bugs`) shows itself in what it does
to a block, or it does not show itself here.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from random import Random

from pel_fuzz.cases import Case
from pel_fuzz.explain import explain
from pel_fuzz.tiny import Program, TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_proof.bugs import BUGS
from pel_proof.runs.badrun import MOST_STEPS, BadRun, Found, Wanted, search
from pel_proof.runs.interpreter import Interpreter, Outcome
from pel_proof.runs.text import Text, block_stm_text
from pel_spec.fold import fold
from pel_spec.scheduler.validation import Commit

_STEP: Program = (("get", 0), ("put", 0))
_OR_NOT: Program = (("branch", 0, 1), ("put", 1), ("put", 2))
_MORE: Program = (("add", 0, 1),)

BLOCKS = (
    TinyBlock((_STEP,) * 2),
    TinyBlock((_STEP,) * 3),
    TinyBlock((_STEP,) * 4),
    TinyBlock((_STEP, (("get", 0), ("put", 1)), (("get", 1), ("put", 0)), (("get", 0),))),
    TinyBlock((_MORE, _OR_NOT, (("get", 1), ("put", 0)), (("get", 1), ("get", 2))), (1, 0, 0)),
    TinyBlock((_MORE, _MORE, _OR_NOT, (("get", 1),)), (1, 0, 0)),
    TinyBlock((_MORE, _MORE, _OR_NOT[:2], (("get", 1), ("put", 2)), (("get", 2),)), (0, 0, 0)),
)
"""Small, and every two of their transitions meet; in some, what is read decides what is written."""

DRAWN = 60
"""So many more are drawn: every other run is of one of them."""


def drawn_block(seed: int) -> TinyBlock:
    """A small block, the same for a seed everywhere."""
    random = Random(seed)
    cells = random.choice((1, 2, 2, 3))

    def phrase() -> Program:
        one, two, three = (random.randrange(cells) for _ in range(3))
        kinds: tuple[Program, ...] = (
            (("get", one), ("put", two)),
            (("get", two), ("put", one)),
            (("branch", one, 1), ("put", two)),
            (("get", one), ("branch", two, 1), ("put", one), ("put", three)),
            (("indirect", one), ("put", two)),
            (("add", one, 1),),
        )
        return random.choice(kinds)

    programs = random.choice((2, 3, 3, 4, 5))
    return TinyBlock(
        tuple(
            sum((phrase() for _ in range(random.choice((1, 1, 2)))), ()) for _ in range(programs)
        ),
        tuple(random.randrange(2) for _ in range(cells)),
    )


_WHAT = {
    Outcome.UNFINISHED: "it was declared done while a position was not executed, or an ESTIMATE "
    "is left in memory",
    Outcome.BROKEN: "a worker was given a position that is not in the block",
    Outcome.STUCK: "nobody can move, or all go round in circles",
}


class GivenUp(Exception):
    """A run has taken too many steps to say anything about it."""


def text_with(seed_bug: str | None) -> Text:
    """The scheduler's text, or the text with a seeded bug.

    Raises: `KeyError` for a name that no bug of the text has.
    """
    if seed_bug is None:
        return block_stm_text()
    bug = BUGS[seed_bug]
    return Text.of(bug.machine, bug.model())


def text_difference(case: Case, seed_bug: str | None) -> Difference | None:
    """What is wrong with the run of a case, if anything is.

    Raises: `GivenUp`.
    """
    assert case.turns is not None, "a case of the text"
    block = case.compile()
    run = Interpreter(text_with(seed_bug), block, case.workers)
    outcome = run.run(case.turns)
    if outcome is Outcome.ENDLESS:
        raise GivenUp(f"the run has not ended after {run.steps} steps")
    if outcome is Outcome.RIGHT:
        return None
    if outcome is Outcome.WRONG:
        expected, history = fold(block)
        return explain(block, expected, history, run.result(), run.history())
    kind = outcome.name.lower()
    return Difference(Oracle.LIVENESS, kind, kind, "the block ends", _WHAT[outcome])


def without_commits(text: Text) -> Text:
    """The text without the rolling commit, which the paper and the executor do not have."""
    return replace(
        text,
        standing={
            at: tuple(name for name in names if name not in vars(Commit))
            for at, names in text.standing.items()
        },
    )


def search_bad_run(
    seed_bug: str | None,
    near: Collection[str] = (),
    most_steps: int = MOST_STEPS,
    *,
    commits: bool = True,
    wanted: Wanted | None = None,
) -> Found:
    """A run from the initial state that goes wrong, of the text or by a bug of it, if one is found.
    `near`: the actions that are suspected, those of the bug unless others are named. `commits`:
    with the rolling commit. `wanted`: which bad runs are looked for, any by default.

    Raises: `KeyError` for a name that no bug of the text has.
    """
    suspected = near or (BUGS[seed_bug].changes if seed_bug is not None else ())
    text = text_with(seed_bug)
    return search(
        text if commits else without_commits(text),
        [b for i in range(DRAWN) for b in (BLOCKS[i % len(BLOCKS)], drawn_block(i))],
        near=tuple(suspected),
        most_steps=most_steps,
        smaller=smaller,
        wanted=wanted or (lambda run: run),
    )


def case_of(run: BadRun) -> Case:
    """The run as a case that `pel replay` plays."""
    assert isinstance(run.block, TinyBlock)
    return Case(run.block, "tiny", run.workers, (), turns=run.turns)


def smaller(block: TinyBlock) -> Iterator[TinyBlock]:
    """The block without one of its programs, or without one of their instructions."""
    programs, initial = block.programs, block.initial_values
    for i in range(len(programs)):
        yield TinyBlock((*programs[:i], *programs[i + 1 :]), initial)
    for i, program in enumerate(programs):
        for k in range(len(program) if len(program) > 1 else 0):
            less = (*program[:k], *program[k + 1 :])
            yield TinyBlock((*programs[:i], less, *programs[i + 1 :]), initial)

"""Each seeded bug of scheduler and memory is found by seeded random walks on the tiny machine, or
is known not to be; and each is the bug of the same name in the specification's text."""

from random import Random

import pytest

from pel_fuzz.canaries.scheduler import MODULES, SCHEDULER_BUGS
from pel_fuzz.tiny import TinyBlock
from pel_parallel import executor
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_proof.bugs import BUGS as BUGS_OF_THE_TEXT
from pel_spec.fold import agree, fold

MOST_RUNS = 1500
"""Within so many runs a bug shows, or is one of `MISSED`. Most show within a hundred."""

BENIGN = {name for name, bug in SCHEDULER_BUGS.items() if bug.benign is not None}

MISSED = {
    "active-looked-at-first",
    "aborted-in-two-steps",
    "counted-after-fetch",
    "counted-before-lowering",
    "counted-before-resuming",
    "done-at-first-look",
    "enters-without-work",
    "estimate-is-skipped",
    "first-writes-kept",
    "incarnated-in-two-steps",
    "last-location-is-news",
    "published-before-recorded",
    "quits-without-work",
    "ready-before-marked",
    "retry-takes-it-unasked",
    "wakes-again",
    "stale-abort",
    "suspension-forgets-writes",
    "waits-in-two-lists",
    "written-once-written-ever",
}
"""Bugs that do no harm in so many random walks: two switches must fall on the right steps while an
abort is under way, or on the right block. Better strategies, and attacks, are measured by them;
that their steps are wrong is seen all the same (`tests/fuzz/test_conformance.py`)."""

ROLLING_COMMIT = {name for name, bug in BUGS_OF_THE_TEXT.items() if "commit" in bug.changes[0]}
ONLY_IN_THE_EXECUTOR = {"absent-reads-unchecked", "first-versions-kept", "waits-unlocked"}


def shows(block: TinyBlock, workers: int, seed: int, probability: float) -> str | None:
    """What goes wrong in one run, if anything does."""
    runtime = GreenletController(RandomWalk(seed, probability), step_limit=20_000)
    try:
        run = run_block(block, workers=workers, runtime=runtime)
    except Exception as error:  # a bug may raise anything
        return type(error).__name__
    return None if agree(fold(block)[0], run.result) else "wrong result"


def hunt(blocks: tuple[TinyBlock, ...], most_runs: int) -> tuple[int, str] | None:
    """The first run in which something goes wrong; the runs are the same for every bug."""
    plan = Random(0)
    for run in range(most_runs):
        workers, probability = plan.choice((2, 3, 3, 4)), plan.choice((0.02, 0.1, 0.3, 0.6))
        found = shows(blocks[run % len(blocks)], workers, run, probability)
        if found is not None:
            return run, found
    return None


def test_nothing_goes_wrong_without_a_bug(drawn_blocks: tuple[TinyBlock, ...]) -> None:
    assert hunt(drawn_blocks, MOST_RUNS) is None


WAYS = {
    "new-location-unnoticed": "wrong result",
    "resumed-not-handed-out": "Incomplete",
    "stays-locked": "Deadlock",
    "execution-never-chosen": "Livelock",
    "end-looked-at-before-fetch": "IndexError",
}
"""How some of them show: all the ways that there are."""


@pytest.mark.parametrize("name", sorted(SCHEDULER_BUGS.keys() - MISSED - BENIGN))
def test_a_bug_is_found(drawn_blocks: tuple[TinyBlock, ...], name: str) -> None:
    with SCHEDULER_BUGS[name].plant():
        found = hunt(drawn_blocks, MOST_RUNS)
    assert found is not None
    assert found[1] == WAYS.get(name, found[1])


@pytest.mark.parametrize("name", sorted(BENIGN))
def test_a_benign_change_does_no_harm(drawn_blocks: tuple[TinyBlock, ...], name: str) -> None:
    with SCHEDULER_BUGS[name].plant():
        assert hunt(drawn_blocks, MOST_RUNS // 3) is None


def test_every_bug_of_the_text_is_there_under_its_name() -> None:
    assert SCHEDULER_BUGS.keys() - BENIGN > MISSED
    ours = {name for name, bug in SCHEDULER_BUGS.items() if bug.in_text}
    assert SCHEDULER_BUGS.keys() - ours == ONLY_IN_THE_EXECUTOR
    assert len(ROLLING_COMMIT) == 5
    assert ours == BUGS_OF_THE_TEXT.keys() - ROLLING_COMMIT
    assert {name for name in ours if BUGS_OF_THE_TEXT[name].benign is not None} == BENIGN


def test_bugs_stand_in_the_module_of_the_same_name() -> None:
    mine = {cls.__name__: m.__name__ for m in MODULES for cls in vars(m).values() if is_bug(cls, m)}
    for bug in BUGS_OF_THE_TEXT.values():
        if bug.name not in ROLLING_COMMIT:
            module = bug.part.__module__.rpartition(".")[2]
            assert mine[bug.part.__name__] == f"pel_fuzz.canaries.{module}", bug.name


def is_bug(cls: object, module: object) -> bool:
    named = isinstance(cls, type) and not cls.__name__.startswith("_")
    return named and cls.__module__ == getattr(module, "__name__", None)


@pytest.mark.parametrize("name", SCHEDULER_BUGS)
def test_a_planted_bug_is_gone_afterwards(name: str) -> None:
    parts = ("Scheduler", "Memory", "Executor")
    before = [getattr(executor, part) for part in parts]
    bug = SCHEDULER_BUGS[name]
    assert bug.name == name
    assert bug.story.endswith(".") and "Benign" not in bug.story
    with pytest.raises(KeyError), bug.plant():
        assert [getattr(executor, part) for part in parts] != before
        raise KeyError
    assert [getattr(executor, part) for part in parts] == before

"""Seeded bugs of the scheduler's text: each fails a named obligation, the benign changes none."""

import re

import pytest

from pel_proof.bugs import BUGS, MODULES, failing
from pel_proof.finite.counterexample import Search
from pel_proof.machine import parameters
from pel_spec.kernel import State, methods

FAILS = {
    "done-at-first-look": "cd_observe_again/done_is_quiet",
    "active-looked-at-first": "cd_val_idx/done_is_quiet",
    "active-not-looked-at": "cd_val_idx/done_is_quiet",
    "counted-after-fetch": "val_enter/no_unchecked_read",
    "counted-out-twice": "try_incarnate/num_active_counts",
    "fetched-in-two-steps": "exec_fetch_store/no_lost_execution",
    "validation-fetched-in-two-steps": "val_fetch_store/no_lost_source",
    "end-looked-at-before-fetch": "exec_fetch/held_versions",
    "incarnated-in-two-steps": "incarnate/one_executor",
    "leaves-with-a-verdict": "leave/no_unchecked_read",
    "quits-without-work": "idle/ended_is_done",
    "estimate-is-a-version": "read_cell/reads_are_below",
    "estimate-is-skipped": "read_cell/valid_or_moved",
    "reads-its-own-position": "read_cell/blocking_is_below",
    "looks-before-it-locks": "look_blocking/no_lost_wakeup",
    "waits-for-what-is-there": "look_blocking/no_lost_wakeup",
    "stays-locked": "stay/lock_has_a_holder",
    "suspended-after-listing": "suspend/aborting_is_owned",
    "unlocked-before-listing": "mark_suspended/blocking_is_below",
    "waits-in-two-lists": "suspend/waits_once",
    "suspension-forgets-writes": "mark_suspended/last_written_locations",
    "last-location-is-news": "write_cell/no_lost_gap",
    "removed-location-left": "record_done/last_written_locations",
    "written-once-written-ever": "record_done/published_cells",
    "first-writes-kept": "record_done#1/published_cells",
    "published-before-recorded": "publish/recording",
    "new-location-unnoticed": "finish_execution/no_lost_gap",
    "not-validated-itself": "finish_execution/no_unchecked_read",
    "lowers-past-itself": "lower_val_idx/no_unchecked_read",
    "counted-before-lowering": "lower_val_count/check_done",
    "counted-before-resuming": "resume_count/check_done",
    "finish-looked-before-publish": "finish_execution/no_unchecked_read",
    "dependents-unlocked": "swap_deps#1/no_lost_wakeup",
    "waiters-taken-before-publish": "publish/no_lost_wakeup",
    "wakes-again": "swap_deps/woken_left_the_list",
    "resumed-not-handed-out": "resume_done/no_lost_execution",
    "first-read-set-kept": "load_reads/no_unchecked_read",
    "estimate-validates": "check_read/no_lost_source",
    "writer-alone-compared": "check_read/no_lost_source",
    "stale-abort": "try_validation_abort#1/aborter_owns",
    "aborted-in-two-steps": "abort/one_aborter",
    "no-estimate": "load_aborted/marking",
    "ready-before-marked": "try_validation_abort#1/unexecuted_has_no_values",
    "abort-keeps-incarnation": "set_ready/one_answer_per_incarnation",
    "abort-lowers-nothing": "lower_after_abort/no_lost_source",
    "abort-lowers-too-little": "lower_after_abort/no_lost_source",
    "no-retry": "retry/no_lost_execution",
    "retry-takes-it-unasked": "retry/one_executor",
    "commit-checks-nothing": "commit_load/commit_checked",
    "invalid-is-flushed": "commit_check/commit_checked",
    "commits-what-is-there": "commit#1/committed_reads_hold",
    "commits-without-a-look": "commit/committed_reads_hold",
    "commits-out-of-order": "commit_look/commit_in_order",
}
"""An invariant that each bug breaks, and in which step."""

NOT_ENDING = {
    "execution-never-chosen": "execution/is_fetched",
    "enters-without-work": "choose_validation/calm",
}
"""Bugs with which nothing goes wrong but that it does not end: what of progress each fails."""

BENIGN = (
    *("every-write-is-news", "resume-keeps-incarnation", "abort-lowers-to-itself"),
    "old-reads-looked-up",
)


def test_every_bug_is_in_one_of_the_tables() -> None:
    assert sorted((*FAILS, *NOT_ENDING, *BENIGN)) == sorted(BUGS)
    assert len(FAILS) + len(NOT_ENDING) >= 24


@pytest.mark.parametrize("name", [*FAILS, *NOT_ENDING])
def test_each_bug_fails_an_obligation_that_is_named_here(name: str) -> None:
    expected = FAILS.get(name) or NOT_ENDING[name]
    assert BUGS[name].benign is None
    assert any(verdict.obligation.name == expected for verdict in failing(BUGS[name]))


@pytest.mark.parametrize("name", FAILS)
def test_the_text_confirms_a_finite_counterexample(name: str) -> None:
    step, invariant = FAILS[name].split("/")
    found = Search(BUGS[name].model(), BUGS[name].machine).find(step, invariant)
    assert found is not None
    assert found.invariant == invariant
    assert found.before.n <= 3


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_change_is_proved_and_says_why_nothing_goes_wrong(name: str) -> None:
    assert BUGS[name].benign
    assert list(failing(BUGS[name])) == []


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_one_small_change_of_the_text_that_runs(name: str) -> None:
    bug = BUGS[name]
    assert bug.why
    assert 1 <= len(bug.changes) <= 4
    state = bug.machine(2, 2, ("x",))
    assert set(bug.changes) <= set(bug.actions)
    assert all(callable(getattr(state, action)) for action in bug.actions)
    assert bug.model().actions.keys() == bug.actions.keys()


def test_actions_are_overridden_with_the_parameters_of_the_text() -> None:
    for bug in BUGS.values():
        model = bug.model()
        for action in bug.changes:
            assert "w" in parameters(model.actions[action])


def test_each_class_of_the_modules_is_a_bug() -> None:
    found = {
        part
        for module in MODULES
        for part in vars(module).values()
        if isinstance(part, type) and issubclass(part, State) and methods(part)
        if part.__module__ == module.__name__
    }
    assert found == {bug.part for bug in BUGS.values()}


def test_what_is_like_a_published_bug_says_which() -> None:
    like = [bug.like for bug in BUGS.values() if bug.like]
    assert len(like) >= 8
    assert all(re.fullmatch(r"[a-z-]+ (\d+|GREVM-\d+)", where) for where in like)

"""Counterexamples to induction: small, native, and confirmed by the text itself."""

import pytest

from pel_proof.bugs import BUGS, failing
from pel_proof.finite.counterexample import INITIAL, Counterexample, Search, broken, confirm
from pel_proof.machine import abstract_machine, block_stm
from pel_proof.symbolic import Scope
from pel_spec.kernel import Number, shared
from pel_spec.optimistic import Optimistic, OptimisticInvariants
from pel_spec.scheduler.blockstm import INVARIANTS, BlockStm
from pel_spec.scheduler.state import At, Status

SOME = (
    ("stale-abort", "try_validation_abort#1", "aborter_owns", Scope(1, 1, 1)),
    ("abort-lowers-nothing", "lower_after_abort", "no_unchecked_read", Scope(2, 1, 1)),
    ("done-at-first-look", "cd_observe_again", "done_is_quiet", Scope(1, 1, 1)),
    ("dependents-unlocked", "swap_deps", "no_lost_wakeup", Scope(3, 2, 1)),
)
"""Bugs, what they break, and how small a state shows it."""


def searched(name: str) -> Search:
    return Search(BUGS[name].model(), BUGS[name].machine)


@pytest.mark.parametrize(("bug", "step", "invariant", "scope"), SOME)
def test_the_text_confirms_it(bug: str, step: str, invariant: str, scope: Scope) -> None:
    found = searched(bug).find(step, invariant)
    assert found is not None
    before, after = found.before, found.after
    assert (before.n, len(before.workers), len(before.locations)) == (
        scope.positions,
        scope.workers,
        scope.locations,
    )
    assert all(getattr(type(before), name)(before) for name in INVARIANTS)
    again = before.copy()
    getattr(type(before), found.action)(again, **found.arguments)
    assert not getattr(type(again), invariant)(again)
    assert list(broken(again, INVARIANTS)) == list(broken(after, INVARIANTS))


def test_numbers_and_workers_are_as_small_as_can_be() -> None:
    """Nobody does anything but the one whose step it is; the aborted incarnation is the first."""
    found = searched("abort-lowers-nothing").find("lower_after_abort", "no_unchecked_read")
    assert found is not None
    state = found.before
    assert [state.pc[w] for w in state.workers] == [At.LOWER_ABORT]
    assert [state.status[i] for i in state.positions] == [Status.READY, Status.EXECUTED]
    assert [state.inc[i] for i in state.positions] == [1, 0]
    assert (state.dec_cnt, state.committed) == (0, 0)


def test_it_is_told() -> None:
    found = searched("dependents-unlocked").find("swap_deps", "no_lost_wakeup")
    assert found is not None
    told = found.explain()
    assert told.startswith("swap_deps(w=")
    assert "breaks no_lost_wakeup" in told
    assert "Somebody will take the list" in told
    assert "SWAP_DEPS -> RESUME" in told


def test_what_is_proved_has_none() -> None:
    search = Search(block_stm(), BlockStm, [Scope(2, 1, 1), Scope(2, 2, 1)])
    for invariant in ("no_lost_wakeup", "no_unchecked_read", "done_is_quiet"):
        assert search.find("swap_deps", invariant) is None
        assert search.find(INITIAL, invariant) is None


def test_the_beginning() -> None:
    class BeginsDone(BlockStm):
        exec_idx = shared("exec_idx", initial=-1)

    found = Search(block_stm(), BeginsDone).find(INITIAL, "ranges")
    assert found is not None
    assert "the initial state does not have ranges" in found.explain()


def test_the_abstract_machine_has_some_too() -> None:
    """Where a commit does not look at what it commits."""

    class Trusting(Optimistic, OptimisticInvariants):
        def commit(s, upto: Number) -> None:
            s.committed = upto

    commit = Trusting.commit
    commit.__annotations__["upto"] = "Number"  # as in a lifted action
    model = abstract_machine().with_actions({"commit": commit})
    found = Search(model, Trusting).find("commit", "committed_is_published")
    assert found is not None
    assert found.after.committed == 1


def test_a_state_that_the_text_does_not_confirm_is_refused() -> None:
    found = searched("stale-abort").find("try_validation_abort#1", "aborter_owns")
    assert found is not None
    unbroken = Counterexample(found.action, found.arguments, "ranges", found.before, found.after)
    with pytest.raises(RuntimeError, match="does not break ranges"):
        confirm(unbroken, INVARIANTS)
    elsewhere = Counterexample(
        found.action, found.arguments, found.invariant, found.after, found.after
    )
    with pytest.raises(RuntimeError, match="aborter_owns"):
        confirm(elsewhere, INVARIANTS)


@pytest.mark.parametrize("name", ["estimate-is-skipped", "writer-alone-compared", "no-retry"])
def test_whatever_fails_has_one(name: str) -> None:
    bug, search = BUGS[name], searched(name)
    found = [v.obligation for v in failing(bug) if v.obligation.family == "invariants"]
    assert found
    for obligation in found:
        assert search.find(obligation.step, obligation.about) is not None, obligation.name

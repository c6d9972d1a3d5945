"""Progress and the committed prefix: proved; refused where a liveness bug is; and true of runs."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from inspect import getsource
from random import Random
from typing import Any

import pytest

from pel_proof import lift
from pel_proof.finite.explore import Move, domains, moves, signatures
from pel_proof.finite.vacuity import vacuous
from pel_proof.machine import Model, block_stm
from pel_proof.obligations import Setting
from pel_proof.progress import prefix, termination
from pel_proof.progress import steps as progress
from pel_proof.progress.ledger import (
    BEGIN,
    LEDGER,
    READY,
    RESUME,
    Kind,
    Payment,
    unfounded,
)
from pel_proof.progress.statements import Accounts, Stages, Todo
from pel_proof.progress.steps import CLIMBS, DOWN, Family
from pel_proof.progress.termination import Claim, bounds, gaps, statement
from pel_proof.solve import Verdict, discharge
from pel_proof.symbolic import Scope, World
from pel_spec.kernel import Place, Worker, Writer, methods, require
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm
from pel_spec.scheduler.execution import Reading
from pel_spec.scheduler.state import At, Status
from pel_spec.scheduler.tasks import DoneCheck, Tasks
from pel_spec.scheduler.validation import Validation

FAMILIES = {**progress.FAMILIES, **prefix.FAMILIES}


def judged(model: Model, *families: str) -> Iterator[Verdict]:
    world = World()
    with world.active():
        setting = Setting.of(model, world)
        paths = tuple(setting.paths())
        for family in families:
            yield from discharge(FAMILIES[family](setting, paths))


# ---- proved --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_obligation_is_proved(family: str) -> None:
    verdicts = list(judged(block_stm(), family))
    assert verdicts
    assert {v.obligation.family for v in verdicts} == {family}
    assert [v.obligation.name for v in verdicts if not v.proved] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_hypotheses_hold_of_some_state(family: str) -> None:
    build: Family = FAMILIES[family]
    scopes = [Scope(2, 1, 1), Scope(2, 2, 1)]
    assert vacuous(block_stm(), lambda s: build(s, tuple(s.paths())), scopes) == []


# ---- refused -------------------------------------------------------------------------------------


class EntersWithoutWork(Tasks):
    """Who looks for a validation becomes active before it knows that there is one: two in turn keep
    the block from ever being done."""

    def choose_validation(s, w: Worker) -> int:
        require(s.pc[w] == At.CHOOSE_VALIDATION)
        s.pc[w] = At.VAL_ENTER
        return s.val_idx


class SpinsOnALock(Reading):
    """Who finds the list locked reads again: the lock's holder may be waiting for its turn."""

    def read_estimate(s, w: Worker) -> None:
        require(s.pc[w] == At.READ_ESTIMATE)
        if s.locked[s.blocking[w]]:
            s.pc[w] = At.EXECUTE
        else:
            s.locked[s.blocking[w]] = True
            s.pc[w] = At.LOOK_BLOCKING


class WaitsWithTheLock(Reading):
    """Who has locked the list waits until its position is executed."""

    def look_blocking(s, w: Worker) -> bool:
        require(s.pc[w] == At.LOOK_BLOCKING and s.finished(s.blocking[w]))
        s.pc[w] = At.STAY
        return True


class PrefersTheHigher(Tasks):
    """The higher index first, and not the other where that one is at its end."""

    def prefer_exec_idx(s, w: Worker) -> int:
        require(s.pc[w] == At.PREFER_EXEC)
        s.pc[w] = At.CHOOSE_VALIDATION if s.preferred[w] > s.exec_idx else At.CHOOSE_EXECUTION
        return s.exec_idx


class CountsItself(DoneCheck):
    """The done check waits until one worker is active, taking itself for it."""

    def cd_num_active(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_ACTIVE)
        s.pc[w] = At.CD_AGAIN if s.num_active == 1 else At.IDLE
        return s.num_active


class LooksUntilItIsRight(Validation):
    """Where a read has changed, the validation begins again."""

    def check_read(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.VALIDATE and s.todo[w, x])
        i, c = s.held[w], s.held_inc[w]
        require(s.newest_below(k, i, x))
        if s.same_version(i, c, x, k):
            s.todo[w, x] = False
        else:
            s.pc[w] = At.LOAD_READS
        return s.mem[k, x]


class AbortsTheWrongIncarnation(Validation):
    """A verdict about an earlier incarnation aborts the present one, and so on for ever."""

    def try_validation_abort(s, w: Worker) -> bool:
        require(s.pc[w] == At.TRY_ABORT)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.pc[w] = At.LEAVE
            return False
        s.status[i] = Status.ABORTING
        s.pc[w] = At.LOAD_ABORTED
        return True


class AbortsWhatIsCommitted(Validation):
    """A verdict that was pending aborts what is committed meanwhile."""

    def try_validation_abort(s, w: Worker) -> bool:
        require(s.pc[w] == At.TRY_ABORT)
        i = s.held[w]
        if not s.finished(i) or s.inc[i] != s.held_inc[w]:
            s.pc[w] = At.LEAVE
            return False
        s.status[i] = Status.ABORTING
        s.pc[w] = At.LOAD_ABORTED
        return True


REFUSED = [
    (EntersWithoutWork, "payments", "choose_validation/may_miss_val.given"),
    (SpinsOnALock, "descent", "read_estimate/leads_down"),
    (WaitsWithTheLock, "not_stuck", "LOOK_BLOCKING/can_move"),
    (PrefersTheHigher, "takes_work", "validation/is_fetched"),
    (CountsItself, "ends_block", "after_choose_execution/is_done"),
    (LooksUntilItIsRight, "descent", "check_read#1/leads_down"),
    (AbortsTheWrongIncarnation, "payments", "try_validation_abort#1/may_fail.taken"),
    (AbortsTheWrongIncarnation, "settled", "try_validation_abort#1/settled"),
    (AbortsWhatIsCommitted, "committed", "try_validation_abort#1/status"),
]


@pytest.fixture(scope="module")
def lifted() -> dict[str, type]:
    return lift.lift((*lift.BLOCK_STM, sys.modules[__name__]))


@pytest.mark.parametrize(("bug", "family", "obligation"), REFUSED)
def test_a_liveness_bug_fails_the_obligation_that_is_about_it(
    lifted: dict[str, type], bug: type, family: str, obligation: str
) -> None:
    wrong = block_stm().with_actions(methods(lifted[bug.__name__]))
    failed = [v.obligation.name for v in judged(wrong, family) if not v.proved]
    assert obligation in failed


def test_an_action_that_is_missing_is_missed() -> None:
    for missing, family in {"idle": "not_stuck", "val_fetch": "takes_work"}.items():
        verdicts = judged(block_stm().with_actions({missing: None}), family)
        assert not all(v.proved for v in verdicts)


# ---- put together --------------------------------------------------------------------------------


def test_the_theorem_follows_from_its_parts() -> None:
    assert list(gaps()) == []
    lines = "\n".join(statement())
    for name in (*termination.ASSUMPTIONS, *termination.PRINCIPLES):
        assert name in lines
    for claim in termination.TERMINATION:
        assert claim.says in lines


def without(kind: Kind) -> tuple[Payment, ...]:
    return tuple(payment for payment in LEDGER if kind not in payment.what)


def test_what_is_paid_for_in_a_circle_is_not_paid_for() -> None:
    in_a_circle = Payment((READY,), ((BEGIN, "same"),), "may_make_ready")
    at_large = Payment((RESUME,), ((BEGIN, "any"),), "may_wake")
    assert unfounded(LEDGER) == set()
    assert {BEGIN, READY} <= unfounded((*without(READY), in_a_circle))
    assert {BEGIN, RESUME} <= unfounded((*without(RESUME), at_large))
    assert BEGIN in unfounded(without(RESUME))


def test_what_is_missing_is_named() -> None:
    assert any("set_ready" in gap or "try_incarnate" in gap for gap in gaps(without(READY)))
    assert any("set_done: leads up" in gap for gap in gaps(without(Kind("set_done"))))
    odd = Claim("odd", "", ("no_family",), uses=("later",), assumes=("luck",), by=("magic",))
    missing = set(gaps(claims=(odd,)))
    for name in ("no_family", "later", "luck", "magic"):
        assert any(name in gap for gap in missing), name
    assert "takes_work: is proved, and not used" in missing


# ---- true of runs --------------------------------------------------------------------------------

SIGNATURES = signatures(block_stm().actions)
NEXT = {
    at: {name: a for name, a in ACTIONS.items() if re.search(rf"At\.{at.name}\b", getsource(a))}
    for at in At
}
"""The actions whose text names a place: no others can come next there."""
ACCOUNTS = {kind: payment.account for payment in LEDGER for kind in payment.what}
KINDS = tuple(ACCOUNTS)


class Run:
    """A random run of the text to its end, and what happened in it."""

    def __init__(self, seed: int, positions: int, workers: int, locations: str) -> None:
        self.random = Random(seed)
        self.state: Any = BlockStm(positions, workers, locations)
        self.happened: list[tuple[Kind, dict[str, Any]]] = []
        self.seen: set[tuple[str, bool]] = set()
        self.steps = 0
        while not all(self.state.pc[w] == At.ENDED for w in self.state.workers):
            self.step()
            assert self.steps < 20_000

    def step(self) -> None:
        """One step of any worker that can take one."""
        w = self.random.choice(self.state.workers)
        if self.state.pc[w] == At.READ_ESTIMATE and self.random.random() < 0.9:
            return  # what it has met has time to go
        everything = frozenset(self.state.locations)
        writes = everything if self.random.random() < 0.8 else frozenset[str]()
        values = {**domains(self.state, writes=[writes]), "Worker": [w]}
        found = list(moves(self.state, NEXT[self.state.pc[w]], SIGNATURES, values))
        if not found:
            assert self.state.pc[w] in (At.ENDED, At.READ_ESTIMATE, At.SWAP_DEPS)
            return
        (action, given), after = self.pick(found)
        before, self.state = self.state, after
        self.steps += 1
        arguments = dict(zip(SIGNATURES[action], given, strict=True))
        is_climb = any(happens(kind, action, after, w) for kind in CLIMBS)
        assert is_climb or leads_down(before, after, w), (action, given)
        for kind in KINDS:
            if happens(kind, action, after, w):
                i = arguments["k"] if kind.position == "k" else after.held[w]
                index = {"i": i, "w": w, "u": w, "x": arguments.get("x")}
                self.happened.append((kind, index))
        keeps_the_prefix(before, after)

    def pick(self, found: list[tuple[Move, Any]]) -> tuple[Move, Any]:
        """One of the moves: transitions read before they end, and commits are rare."""
        reads = [move for move in found if move[0].action == "read_cell"]
        if reads and self.random.random() < 0.8:
            return self.random.choice(reads)
        tasks = [move for move in found if move[0].action != "commit_next"]
        return self.random.choice(tasks if tasks and self.random.random() < 0.9 else found)

    def number(self, kind: Kind, **wanted: Any) -> int:
        """How many steps of a kind there were at this index."""
        return sum(
            k == kind and all(index[name] == value for name, value in wanted.items())
            for k, index in self.happened
        )

    def given(self, payment: Payment, index: dict[str, Any]) -> int:
        """How many permits the account of a payment was given at an index."""
        number = int(payment.opening)
        for kind, relation in payment.by:
            for k, other in self.happened:
                below = other["i"] < index.get("i", 0)
                same = all(other[name] == value for name, value in index.items() if name != "x")
                own = other["w"] == index.get("w", other["w"])
                number += (
                    k == kind
                    and {
                        "same": same and other["x"] in (None, index.get("x", other["x"])),
                        "lower": below and own,
                        "own": own,
                        "any": True,
                    }[relation]
                )
        return number


def happens(kind: Kind, action: str, after: Any, w: int) -> bool:
    return kind.action == action and kind.to in (None, after.pc[w])


def leads_down(before: Any, after: Any, w: int) -> bool:
    """The descent, once more, on native states."""
    if before.pc[w] != after.pc[w]:
        return DOWN.index(after.pc[w]) > DOWN.index(before.pc[w])
    left, now = (
        {
            (name, y)
            for name, todo in methods(Todo).items()
            for y in (s.positions if name == "unwoken" else s.locations)
            if todo(s, w, y)
        }
        for s in (before, after)
    )
    return now < left


def keeps_the_prefix(before: Any, after: Any) -> None:
    """A settled prefix stays as it is."""
    for i in before.positions:
        if not Stages.settled(before, i):
            break
        assert Stages.settled(after, i)
        assert after.inc[i] == before.inc[i]
        assert all(after.mem[i, x] == before.mem[i, x] for x in before.locations)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [Run(seed, 5, 4, "x") for seed in range(60)]


def test_runs_end(runs: list[Run]) -> None:
    for run in runs:
        assert run.state.done
        assert all(run.state.finished(i) for i in run.state.positions)


def test_whatever_is_in_the_ledger_happens(runs: list[Run]) -> None:
    assert {kind for run in runs for kind, _ in run.happened} == set(KINDS)


@pytest.mark.parametrize("payment", LEDGER, ids=lambda payment: payment.account)
def test_no_more_is_taken_than_given(runs: list[Run], payment: Payment) -> None:
    names = signatures(methods(Accounts))[payment.account]
    for run in runs:
        indices = {
            tuple(sorted((name, index[name]) for name in names))
            for kind, index in run.happened
            if kind in payment.what
        }
        for found in indices:
            index = dict(found)
            taken = sum(run.number(kind, **index) for kind in payment.what)
            assert taken <= run.given(payment, index)


def test_whatever_happens_is_in_the_bounds(runs: list[Run]) -> None:
    most = bounds(5, 4, 1)
    assert most[BEGIN, 0] == 1
    parameters = signatures(methods(Accounts))
    for run in runs:
        of_all = Counter(kind for kind, _ in run.happened)
        of_one = Counter((kind, index["i"]) for kind, index in run.happened)
        for (kind, i), bound in most.items():
            has_position = "i" in parameters[ACCOUNTS[kind]]
            assert (of_one[kind, i] if has_position else of_all[kind]) <= bound

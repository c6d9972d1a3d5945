"""Work is finite in every run, fair or not: each step that begins something anew is paid for.

A `Payment` says that steps of some kinds are not more than steps of other kinds (plus one, where
the account opens with a permit): the former take a permit (`statements.Accounts`), and only the
latter give one. Z3 proves that of each action; `unfounded` then looks at how payments hang
together: what is paid for at the same position must not go round in a circle, what is paid for at a
lower position may, by induction on the position. So every kind of step in the ledger is taken
finitely often, in whatever order workers take their turns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import z3

from pel_proof import lift
from pel_proof.machine import Path, parameters
from pel_proof.obligations import Obligation, Setting, initial
from pel_proof.progress import statements
from pel_proof.symbolic import Term, all_, any_, implies, not_
from pel_spec.kernel import methods
from pel_spec.scheduler.state import At

Relation = Literal["same", "lower", "own", "any"]
"""Which steps pay: of the same position (and worker, if the account has one); of a lower position
(and the same worker); of the same worker at any position; or any."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The steps by one action that lead to one place, or anywhere; and their position: the one that
    the worker holds, or the one that it wakes."""

    action: str
    to: At | None = None
    position: Literal["held", "k"] = "held"

    def happens(self, path: Path) -> Term:
        """Is this way through an action a step of this kind?"""
        if path.action != self.action:
            return z3.BoolVal(False)
        return (
            z3.BoolVal(True) if self.to is None else path.after.pc[path.arguments["w"]] == self.to
        )

    def at(self, path: Path) -> Term:
        """The position of the step."""
        if self.position == "k":
            return path.arguments["k"]
        return path.after.held[path.arguments["w"]]


BEGIN, RESTART = Kind("try_incarnate", At.EXECUTE), Kind("stay")
ABORT, READY = Kind("try_validation_abort", At.LOAD_ABORTED), Kind("set_ready")
LOCK, RESUME = Kind("read_estimate"), Kind("resume_one", position="k")
WRITE, REMOVE, MARK = Kind("write_cell"), Kind("remove_cell"), Kind("mark_estimate")
PUBLISH, TAKE = Kind("publish"), Kind("swap_deps")
LOWER_EXEC, LOWER_VAL = Kind("resume_done"), Kind("lower_val_idx")
LOWER_ABORT = Kind("lower_after_abort")
FETCH_EXEC, MISS_EXEC = Kind("exec_fetch", At.TRY_INCARNATE), Kind("exec_fetch", At.LEAVE)
FETCH_VAL, MISS_VAL = Kind("val_fetch", At.VAL_LOOK), Kind("val_fetch", At.LEAVE)
START_EXEC = Kind("choose_execution", At.EXEC_ENTER)
START_VAL = Kind("choose_validation", At.VAL_ENTER)
COMMIT, DONE = Kind("commit", At.COMMIT_ADVANCE), Kind("set_done")


@dataclass(frozen=True, slots=True)
class Payment:
    """Steps of the kinds in `what`, for each value of the account's parameters, are at most those
    of the kinds in `by`, each in its relation to it; and one more if the account is `opening`."""

    what: tuple[Kind, ...]
    by: tuple[tuple[Kind, Relation], ...]
    account: str
    opening: bool = False
    leans_on: tuple[str, ...] = ()


CHANGES: tuple[tuple[Kind, Relation], ...] = ((WRITE, "lower"), (REMOVE, "lower"), (MARK, "lower"))

LEDGER = (
    Payment((BEGIN,), ((READY, "same"), (RESUME, "same")), "may_begin", opening=True),
    Payment((READY,), ((ABORT, "same"),), "may_make_ready"),
    Payment((RESUME,), ((TAKE, "lower"),), "may_wake", leans_on=("waits_below", "held_versions")),
    Payment(
        (ABORT, RESTART),
        CHANGES,
        "may_fail",
        leans_on=("abort_has_a_cause", "restart_has_a_cause", "executor_owns", "held_versions"),
    ),
    Payment((WRITE,), ((BEGIN, "same"),), "may_write"),
    Payment((REMOVE,), ((BEGIN, "same"),), "may_remove"),
    Payment((MARK,), ((ABORT, "same"),), "may_mark"),
    Payment((LOCK,), ((BEGIN, "same"), (RESTART, "same")), "may_lock"),
    Payment((PUBLISH,), ((BEGIN, "same"),), "may_publish"),
    Payment((TAKE,), ((PUBLISH, "same"),), "may_take"),
    Payment((LOWER_EXEC,), ((TAKE, "same"),), "may_lower_exec"),
    Payment((LOWER_VAL,), ((PUBLISH, "same"),), "may_lower_val"),
    Payment((LOWER_ABORT,), ((ABORT, "same"),), "may_lower_after_abort"),
    Payment((FETCH_EXEC,), ((LOWER_EXEC, "any"),), "may_fetch_exec", opening=True),
    Payment(
        (FETCH_VAL,), ((LOWER_VAL, "any"), (LOWER_ABORT, "any")), "may_fetch_val", opening=True
    ),
    Payment((MISS_EXEC,), ((LOWER_EXEC, "any"),), "may_miss_exec", opening=True),
    Payment((MISS_VAL,), ((LOWER_VAL, "any"), (LOWER_ABORT, "any")), "may_miss_val", opening=True),
    Payment(
        (START_EXEC,), ((FETCH_EXEC, "own"), (MISS_EXEC, "own")), "may_start_exec", opening=True
    ),
    Payment((START_VAL,), ((FETCH_VAL, "own"), (MISS_VAL, "own")), "may_start_val", opening=True),
    Payment(
        (COMMIT,),
        (),
        "may_commit",
        opening=True,
        leans_on=("executor_owns", "aborter_owns", "woken_is_aborting", "held_versions"),
    ),
    Payment((DONE,), (), "may_say_done", opening=True),
)
"""All that is begun anew, but for looking for work (`idle`) and for commits (`commit_next`)."""


@cache
def words(part: str) -> Mapping[str, Callable[..., Term]]:
    """What a part of `statements` says, lifted."""
    return methods(lift.lift((statements,))[part])


def accounts() -> Mapping[str, Callable[..., Term]]:
    """The accounts, lifted."""
    return words("Accounts")


def payment_obligations(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """What each payment claims, of each way through each action: a step that is to be paid for
    finds the permit there, and takes it; and no other than those that pay gives one."""
    entries = [_Entry(setting, payment) for payment in LEDGER]
    start = (*setting.size, initial(setting))
    for entry in entries:
        if not entry.payment.opening:
            goal = implies(*entry.bounds, not_(entry.before))
            yield Obligation("payments", "initial", entry.payment.account, start, goal)
    for path in paths:
        for entry in entries:
            yield from entry.obligations(path)


class _Entry:
    """A payment, and its account at arbitrary parameters, before a step. A parameter `w` is the
    worker that takes the step: nobody else changes what is its own (`progress.on_its_own`)."""

    def __init__(self, setting: Setting, payment: Payment) -> None:
        self.setting, self.payment, world = setting, payment, setting.world
        self.account = accounts()[payment.account]
        self.indices = {
            p: world.parameter(p, d) if p == "w" else z3.Const(f"of:{p}", world.sorts[d])
            for p, d in parameters(self.account).items()
        }
        domains = parameters(self.account).items()
        self.bounds = [b for p, d in domains for b in world.bounds(d, self.indices[p])]
        self.before = setting.before.say(self.account, *self.indices.values())
        names = payment.leans_on
        self.leans_on = tuple((name, term) for name, term in setting.invariants if name in names)

    def obligations(self, path: Path) -> Iterator[Obligation]:
        """A step takes the permit, gives it, or leaves it alone."""
        payment, after = self.payment, path.after.say(self.account, *self.indices.values())
        known = (*self.setting.size, *path.guards, *path.named)
        for kind in payment.what:
            if path.action == kind.action:
                there = (*self.bounds, kind.happens(path), *self._related(path, kind, "same"))
                goal = implies(*there, all_(self.before, not_(after)))
                about = f"{payment.account}.taken"
                yield Obligation("payments", path.name, about, known, goal, self.leans_on)
        if after.eq(self.before) or z3.is_false(z3.simplify(after)):
            return
        given = [
            all_(kind.happens(path), *self._related(path, kind, relation))
            for kind, relation in payment.by
            if kind.action == path.action
        ]
        goal = implies(*self.bounds, after, any_(self.before, *given))
        about = f"{payment.account}.given"
        yield Obligation("payments", path.name, about, known, goal, self.leans_on)

    def _related(self, path: Path, kind: Kind, relation: Relation) -> Iterator[Term]:
        """Is the step, in that relation, one of these parameters?"""
        if "x" in self.indices and "x" in path.arguments and relation == "same":
            yield self.indices["x"] == path.arguments["x"]
        if "u" in self.indices and relation == "same":
            yield self.indices["u"] == path.arguments["w"]
        if "i" in self.indices and relation == "same":
            yield self.indices["i"] == kind.at(path)
        if "i" in self.indices and relation == "lower":
            yield kind.at(path) < self.indices["i"]


def unfounded(ledger: Iterable[Payment]) -> set[Kind]:
    """The kinds of which the ledger does not show that there are finitely many steps: they hang on
    themselves, or on what is not paid for.

    A kind is finite at a position if all that pay for it are. By induction on the position it may
    hang on any kinds at lower ones, but not on itself at its own, and not on itself at any. (Of
    workers, and of locations that a block touches, there are finitely many.)"""
    paid = {kind: payment.by for payment in ledger for kind in payment.what}
    everywhere: Mapping[Kind, set[Kind]] = {k: {o for o, _ in by} for k, by in paid.items()}
    here = {k: {o for o, relation in by if relation != "lower"} for k, by in paid.items()}
    at_large = {k: {o for o, r in by if r in ("own", "any")} for k, by in paid.items()}
    return {
        kind
        for kind in paid
        if kind in _reached(here[kind], here)
        or kind in _reached(at_large[kind], everywhere)
        or not _reached({kind}, everywhere) <= paid.keys()
    }


def _reached(start: set[Kind], edges: Mapping[Kind, set[Kind]]) -> set[Kind]:
    """All that can be reached from there, itself included."""
    reached: set[Kind] = set()
    left = set(start)
    while left:
        kind = left.pop()
        reached.add(kind)
        left |= edges.get(kind, set()) - reached
    return reached

"""Nobody is stuck, every step comes nearer to an end, and an idle worker finds what there is to do.

Each family is about single steps, and is proved for any number of everything. `termination` puts
them together. What a worker may begin anew (`CLIMBS`) is paid for in the `ledger`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import z3

from pel_proof.machine import Path, parameters
from pel_proof.obligations import Obligation, Setting
from pel_proof.progress.ledger import (
    ABORT,
    DONE,
    RESTART,
    START_EXEC,
    START_VAL,
    Kind,
    payment_obligations,
    words,
)
from pel_proof.schemas import Lemma, Recursion, induction
from pel_proof.symbolic import Term, all_, any_, exists, forall, implies, ite, not_
from pel_spec.kernel import BEFORE, fields
from pel_spec.scheduler.state import ABSENT, At

Family = Callable[[Setting, Sequence[Path]], Iterator[Obligation]]
"""Obligations of a kind, from a setting and all ways through all actions."""

DOWN = (
    *(At.LOAD_ABORTED, At.MARK, At.LOWER_ABORT, At.ABORT_COUNT, At.RETRY),
    *(At.EXEC_ENTER, At.EXEC_FETCH, At.TRY_INCARNATE),
    *(At.EXECUTE, At.READ_ESTIMATE, At.LOOK_BLOCKING, At.STAY, At.MARK_SUSPENDED, At.SUSPEND),
    *(At.RECORD, At.PUBLISH, At.SWAP_DEPS, At.RESUME, At.RESUME_COUNT, At.FINISH),
    *(At.LOWER, At.LOWER_COUNT, At.VAL_ENTER, At.VAL_FETCH, At.VAL_LOOK),
    *(At.LOAD_READS, At.VALIDATE, At.TRY_ABORT, At.LEAVE),
    *(At.COMMIT_LOOK, At.COMMIT_LOAD, At.COMMIT_CHECK, At.COMMIT_ADVANCE),
    *(At.START_WORKER, At.LOAD_DONE, At.PREFER_VAL, At.PREFER_EXEC),
    *(At.CHOOSE_VALIDATION, At.CHOOSE_EXECUTION),
    *(At.CD_OBSERVE, At.CD_EXEC, At.CD_VAL, At.CD_ACTIVE, At.CD_AGAIN, At.SET_DONE),
    *(At.IDLE, At.END_WORKER, At.ENDED),
)
"""The way down: every step leads to a later place, or makes a finite to-do set smaller where it is,
or is a climb."""

FREE = (Kind("idle"), Kind("commit_next"))
"""Climbs that nothing pays for: looking for work once more, and taking up the next commit. That
they do not go on for ever is a matter of fairness."""

CLIMBS = (ABORT, RESTART, START_EXEC, START_VAL, DONE, *FREE)
"""All steps up. Those that are not free are in the ledger."""

LOWERING = {"exec_idx": ("resume_done",), "val_idx": ("lower_val_idx", "lower_after_abort")}
"""The actions that lower each index."""

LOOK_FOR_WORK = ("load_done", "prefer_val_idx", "prefer_exec_idx")
DONE_CHECK = (
    *("cd_observe", "cd_exec_idx", "cd_val_idx", "cd_num_active", "cd_observe_again"),
    *("set_done", "load_done", "end_worker"),
)


def todo_sets() -> Mapping[str, Callable[..., Term]]:
    """The to-do sets, lifted."""
    return words("Todo")


def stages() -> Mapping[str, Callable[..., Term]]:
    """The stages of positions and of the block, lifted."""
    return words("Stages")


def knowing(setting: Setting, *names: str) -> tuple[tuple[str, Term], ...]:
    """Some of the invariants, by name."""
    return tuple((name, term) for name, term in setting.invariants if name in names)


def _step(setting: Setting, path: Path) -> tuple[Term, ...]:
    """What is known of a step."""
    return (*setting.size, *path.guards, *path.named)


# ---- nobody is stuck -----------------------------------------------------------------------------


def newest_writer(setting: Setting) -> tuple[z3.FuncDeclRef, Lemma]:
    """Below each position there is a newest entry at each location, or none at all, so whatever is
    looked up is found: by induction on the position, over the writer that a scan would find."""
    s, world = setting.before, setting.world
    found = z3.Function("newest", z3.IntSort(), world.sorts["Place"], z3.IntSort())
    scan = Recursion(
        found,
        lambda _: z3.IntVal(BEFORE),
        lambda i, x, before: ite(s.mem[i, x] != ABSENT, i, before),
    )
    newest_below = type(s).newest_below
    lemma = induction(
        "newest_writer",
        lambda i: forall("Place", lambda x: s.say(newest_below, found(i, x), i, x)),
        world.n,
        [forall("Place", scan.begins)],
        lambda i: [forall("Place", lambda x: scan.unfolds(i, x))],
    )
    return found, lemma


def not_stuck(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """Wherever a worker stands before its end, one of its actions is enabled. Only where a list is
    locked it may have to wait: then another worker holds the lock, and can move."""
    newest, lemma = newest_writer(setting)
    for obligation in lemma.obligations:
        yield replace(obligation, family="not_stuck")
    s, w = setting.before, setting.world.parameter("w", "Worker")
    enabled: dict[At, list[Term]] = {at: [] for at in At}
    readable: list[Term] = []
    for path in paths:
        arguments, guard = path.arguments, all_(*path.guards)
        if "k" in arguments and "x" in arguments:  # a lookup: it finds what is there
            found = newest(s.held[w], arguments["x"])
            guard = z3.substitute(guard, (arguments["k"], found))
        if path.action == "read_cell":
            readable.append(guard)
        others = [a for name, a in arguments.items() if name in ("x", "k") and _has(guard, a)]
        for at in _places(guard, s.pc[w]):
            enabled[at].append(z3.Exists(others, guard) if others else guard)
    known = (*setting.size, lemma.at(s.held[w]))
    leans_on = knowing(setting, "held_versions")
    for at in [at for at in At if at != At.ENDED]:
        here = (*known, s.pc[w] == at, *_not_waiting(s, w, at))
        yield Obligation("not_stuck", at.name, "can_move", here, any_(*enabled[at]), leans_on)
    x = setting.world.parameter("x", "Place")
    here = (*known, s.pc[w] == At.EXECUTE, not_(s.reads[s.held[w], s.held_inc[w], x]))
    yield Obligation("not_stuck", "EXECUTE", "can_read", here, any_(*readable), leans_on)
    yield from _lock_holders(setting)


def _not_waiting(s: Any, w: Term, at: At) -> Iterator[Term]:
    """The two places where a worker may have to wait."""
    if at == At.READ_ESTIMATE:
        yield not_(s.locked[s.blocking[w]])
    if at == At.SWAP_DEPS:
        yield not_(s.locked[s.held[w]])


def _lock_holders(setting: Setting) -> Iterator[Obligation]:
    """Who waits waits for a worker that does not wait itself."""
    s, b = setting.before, z3.Int("b")
    locks = type(s).locks
    waits = (At.READ_ESTIMATE, At.SWAP_DEPS)
    goal = exists(
        "Worker",
        lambda u: all_(
            s.say(locks, u), s.blocking[u] == b, *(s.pc[u] != at for at in (*waits, At.ENDED))
        ),
    )
    known = (*setting.size, *setting.world.bounds("Position", b), s.locked[b])
    leans_on = knowing(setting, "lock_has_a_holder")
    yield Obligation("not_stuck", "lock", "its_holder_can_move", known, goal, leans_on)


def _places(guard: Term, pc: Term) -> set[At]:
    """Where a guard may let a worker stand: the places that it names."""
    if z3.is_eq(guard) and guard.arg(0).eq(pc):
        return {At(guard.arg(1).as_long())}
    inner = guard.children() if z3.is_and(guard) or z3.is_or(guard) else []
    return {at for part in inner for at in _places(part, pc)}


def _has(term: Term, variable: Term) -> bool:
    """Does a term contain a variable?"""
    seen, left = set(), [term]
    while left:
        part = left.pop()
        if part.eq(variable):
            return True
        if part.get_id() not in seen:
            seen.add(part.get_id())
            left += [part.body()] if z3.is_quantifier(part) else part.children()
    return False


# ---- every step leads down -----------------------------------------------------------------------


def descent(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """Every step of a worker leads to a later place of `DOWN`; or, where it stands, takes one
    element off a to-do set and adds none; or is one of the `CLIMBS`."""
    rank = z3.Function("rank", z3.IntSort(), z3.IntSort())
    ranks = tuple(rank(int(at)) == -number for number, at in enumerate(DOWN))
    for path in paths:
        s, w = setting.before, path.arguments["w"]
        climbs = [kind.happens(path) for kind in CLIMBS if kind.action == path.action]
        if any(z3.is_true(climb) for climb in climbs):
            continue
        before, after = s.pc[w], path.after.pc[w]
        smaller = all_(after == before, _takes_one(setting, path))
        goal = any_(rank(after) < rank(before), smaller, *climbs)
        known = (*_step(setting, path), *ranks)
        yield Obligation("descent", path.name, "leads_down", known, goal)


def _takes_one(setting: Setting, path: Path) -> Term:
    """Is what the step is about taken off a to-do set, and nothing added to any?"""
    s, w = setting.before, path.arguments["w"]
    if not path.arguments.keys() & {"x", "k"}:
        return z3.BoolVal(False)
    taken, kept = list[Term](), list[Term]()
    for todo in todo_sets().values():
        domain = list(parameters(todo).values())[1]
        y = setting.world.parameter(f"any:{domain}", domain)
        kept.append(implies(path.after.say(todo, w, y), s.say(todo, w, y)))
        name = {"Place": "x", "Position": "k"}[domain]
        if name in path.arguments:
            y = path.arguments[name]
            taken.append(all_(s.say(todo, w, y), not_(path.after.say(todo, w, y))))
    return all_(any_(*taken), *kept)


def on_its_own(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """Nobody else changes where a worker stands, what it holds and loaded, or its to-do sets."""
    s, world = setting.before, setting.world
    u = z3.Const("u", world.sorts["Worker"])
    x, unread = z3.Const("x", world.sorts["Place"]), todo_sets()["unread"]
    leans_on = knowing(setting, "executor_owns", "one_executor", "held_versions")
    for path in paths:
        known = (*_step(setting, path), u != path.arguments["w"])
        for name, field in fields(setting.model.state).items():
            indices = [z3.Const(f"any:{d}", world.sorts[d]) for d in field.indices[1:]]
            if field.kind == "own":
                old, new = getattr(s, name)[(u, *indices)], getattr(path.after, name)[(u, *indices)]
                if not new.eq(old):
                    yield Obligation("on_its_own", path.name, name, known, new == old)
        version = (s.held[u], s.held_inc[u], x)
        if not path.after.reads[version].eq(s.reads[version]):
            goal = implies(path.after.say(unread, u, x), s.say(unread, u, x))
            yield Obligation("on_its_own", path.name, "unread", known, goal, leans_on)


# ---- indices -------------------------------------------------------------------------------------


def indices(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """The indices are raised by fetches, by one, and lowered by `LOWERING` alone, by workers that
    are active. The count of decreases never goes down; and who has lowered an index is about to
    count it."""
    s = setting.before
    for path in paths:
        known, after, w = _step(setting, path), path.after, path.arguments["w"]
        for index, lowering in LOWERING.items():
            old, new = getattr(s, index), getattr(after, index)
            if new.eq(old):
                continue
            moved = new <= old if path.action in lowering else new == old + 1
            goal = all_(moved, s.say(type(s).active, w))
            yield Obligation("indices", path.name, index, known, goal)
            if path.action in lowering:
                counts = (At.RESUME_COUNT, At.LOWER_COUNT, At.ABORT_COUNT)
                goal = any_(*(after.pc[w] == place for place in counts))
                yield Obligation("indices", path.name, "is_counted", known, goal)
        if not after.dec_cnt.eq(s.dec_cnt):
            yield Obligation("indices", path.name, "dec_cnt", known, after.dec_cnt > s.dec_cnt)


# ---- work is found, or the block ends ------------------------------------------------------------


def takes_work(setting: Setting, _: Sequence[Path]) -> Iterator[Obligation]:
    """If a position is left to execute or to validate, a worker that looks for work, alone, takes
    it: whatever it loads says the same until it has fetched. Who found nothing looks again."""
    s, w, n = setting.before, setting.world.parameter("w", "Worker"), setting.world.n
    left = any_(s.exec_idx < n, s.val_idx < n)
    start = (*setting.size, s.pc[w] == At.LOAD_DONE, not_(s.done), left)
    ways = {
        "validation": (s.val_idx < s.exec_idx, At.VAL_LOOK, ("val_enter", "val_fetch")),
        "execution": (s.val_idx >= s.exec_idx, At.TRY_INCARNATE, ("exec_enter", "exec_fetch")),
    }
    for kind, (case, at, last) in ways.items():
        names = (*LOOK_FOR_WORK, f"choose_{kind}", *last)
        for known, demands, after in _run(setting, names):
            goal = all_(*demands, after.pc[w] == at)
            here = (*start, case, *known)
            leans_on = knowing(setting, "ranges")
            yield Obligation("takes_work", kind, "is_fetched", here, goal, leans_on)
    for known, demands, after in _run(setting, ("idle",)):
        goal = all_(*demands, after.pc[w] == At.LOAD_DONE)
        here = (*setting.size, s.pc[w] == At.IDLE, *known)
        yield Obligation("takes_work", "idle", "looks_again", here, goal)


def ends_block(setting: Setting, _: Sequence[Path]) -> Iterator[Obligation]:
    """Where there is nothing left to do, and nobody is active, a worker that looks for work finds
    that out, ends the block, and then itself."""
    s, w = setting.before, setting.world.parameter("w", "Worker")
    calm = s.say(stages()["calm"])
    start = (*setting.size, s.pc[w] == At.LOAD_DONE, not_(s.done), calm)
    leans_on = knowing(setting, "ranges", "num_active_counts")
    first = z3.Const("first", setting.world.sorts["Worker"])  # whoever would have number 0
    known = (*start, first == s.at_place[0])
    nobody = Obligation("ends_block", "calm", "is_counted", known, s.num_active == 0, leans_on)
    yield nobody
    for kind in ("validation", "execution"):
        case = s.val_idx < s.exec_idx if kind == "validation" else s.val_idx >= s.exec_idx
        for known, demands, after in _run(setting, (*LOOK_FOR_WORK, f"choose_{kind}", *DONE_CHECK)):
            goal = all_(*demands, after.done, after.pc[w] == At.ENDED)
            here = (*start, nobody.goal, case, *known)
            yield Obligation("ends_block", f"after_choose_{kind}", "is_done", here, goal)


def stays_calm(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """Once there is nothing left to do and nobody active, that stays so, and no decrease is counted
    any more; and a block that is done stays done."""
    s, calm = setting.before, stages()["calm"]
    is_calm = s.say(calm)
    for path in paths:
        known, after = _step(setting, path), path.after
        goal = implies(is_calm, after.say(calm))
        yield Obligation("stays_calm", path.name, "calm", known, goal)
        for name in ("dec_cnt", "num_active"):
            if not getattr(after, name).eq(getattr(s, name)):
                goal = implies(is_calm, getattr(after, name) == getattr(s, name))
                yield Obligation("stays_calm", path.name, name, known, goal)
        if not after.done.eq(s.done):
            yield Obligation("stays_calm", path.name, "done", known, implies(s.done, after.done))


def _run(
    setting: Setting, names: Sequence[str]
) -> Iterator[tuple[tuple[Term, ...], tuple[Term, ...], Any]]:
    """Some actions of one worker, one after the other: what is known on the way, what has to hold
    for them to be enabled, and the state they lead to. Where one is missing, that never holds."""
    world, actions = setting.world, setting.model.actions

    def run() -> tuple[list[Term], Any]:
        after, world.demands = setting.before.copy(), []
        for name in names:
            if name not in actions:
                world.demands.append(z3.BoolVal(False))
                continue
            domains = parameters(actions[name])
            actions[name](after, **{p: world.parameter(p, d) for p, d in domains.items()})
        demands, world.demands = world.demands, None
        return demands, after

    for demands, after in world.paths(run):
        yield (*world.path, *world.named), tuple(demands), after


FAMILIES: Mapping[str, Family] = {
    "not_stuck": not_stuck,
    "descent": descent,
    "on_its_own": on_its_own,
    "payments": payment_obligations,
    "indices": indices,
    "takes_work": takes_work,
    "ends_block": ends_block,
    "stays_calm": stays_calm,
}
"""What there is to be proved of progress; each says what in its docstring."""


def progress_obligations(setting: Setting) -> Iterator[Obligation]:
    """All of progress. The setting's world is to be active."""
    paths = tuple(setting.paths())
    for family in FAMILIES.values():
        yield from family(setting, paths)

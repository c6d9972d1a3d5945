"""The committed prefix: what is committed is final; and once a prefix is settled, it stays so.

A rolling commit is right because of the former. The latter holds also where nobody commits: a
settled position keeps its incarnation and its entries whatever is still going on above it; and the
next one begins at most once more, after which it is settled too.
"""

from collections.abc import Iterator, Mapping, Sequence

import z3

from pel_proof.machine import Path
from pel_proof.obligations import Obligation, Setting
from pel_proof.progress.ledger import BEGIN, RESTART
from pel_proof.progress.steps import Family, knowing, stages
from pel_proof.symbolic import Term, all_, forall, implies
from pel_spec.scheduler.state import Status

BEGINS = (BEGIN, RESTART)
"""The steps by which an incarnation begins, or begins again."""

LEANS_ON = (
    *("ranges", "executor_owns", "one_executor", "aborter_owns", "woken_is_aborting"),
    *("one_answer_per_incarnation", "published_cells", "reads_are_below"),
    *("valid_or_moved", "validators_check_reads", "abort_has_a_cause"),
)
"""The invariants by which a settled prefix stays settled."""


def _known(setting: Setting, path: Path) -> tuple[Term, ...]:
    return (*setting.size, *path.guards, *path.named)


def _settled_below(setting: Setting, m: Term) -> Term:
    """All positions below are settled."""
    settled = stages()["settled"]
    return forall("Position", lambda i: implies(i < m, setting.before.say(settled, i)))


def committed_is_final(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """No action changes the status, the incarnation, the entries or the read set of a committed
    position; only `commit` makes one committed; and the prefix grows by one, when
    `commit_advance` says so."""
    s, world = setting.before, setting.world
    i, x = z3.Int("i"), z3.Const("x", world.sorts["Place"])
    inside = (*world.bounds("Position", i), s.status[i] == Status.COMMITTED)
    leans_on = knowing(setting, "executor_owns", "aborter_owns", "woken_is_aborting")
    version = (i, s.inc[i], x)
    for path in paths:
        after, known = path.after, (*_known(setting, path), *inside)
        fields = {
            "status": (s.status[i], after.status[i]),
            "incarnation": (s.inc[i], after.inc[i]),
            "entries": (s.mem[i, x], after.mem[i, x]),
            "written": (s.last_written[i, x], after.last_written[i, x]),
            "reads": (s.reads[version], after.reads[version]),
            "sources": (s.source[version], after.source[version]),
            "incarnations_read": (s.source_inc[version], after.source_inc[version]),
        }
        for name, (old, new) in fields.items():
            if not new.eq(old):
                yield Obligation("committed", path.name, name, known, new == old, leans_on)
        if not after.committed.eq(s.committed):
            here = _known(setting, path)
            grown = after.committed == s.committed + 1
            goal = grown if path.action == "commit_advance" else after.committed == s.committed
            yield Obligation("committed", path.name, "prefix", here, goal)
        if path.action != "commit" and not after.status[i].eq(s.status[i]):
            here = (*_known(setting, path), *world.bounds("Position", i))
            goal = implies(after.status[i] == Status.COMMITTED, s.status[i] == Status.COMMITTED)
            yield Obligation("committed", path.name, "only_by_commit", here, goal)
    goal = s.say(stages()["settled"], i)
    known = (*setting.size, *inside)
    yield Obligation("committed", "committed", "is_settled", known, goal, setting.invariants)


def settled_prefix(setting: Setting, paths: Sequence[Path]) -> Iterator[Obligation]:
    """Where all positions below `m` are settled, they stay settled whatever is done, each with its
    incarnation and its entries. And an incarnation of `m` that begins then is its last: it is
    steady from its beginning, so neither aborted nor suspended nor begun again; and when it is
    executed, it is settled."""
    s, world = setting.before, setting.world
    i, m, x = z3.Int("i"), z3.Int("m"), z3.Const("x", world.sorts["Place"])
    settled, steady = stages()["settled"], stages()["steady"]
    bounds = (*setting.size, m >= 0, m <= world.n, _settled_below(setting, m))
    is_steady = all_(m < world.n, s.say(steady, m))
    leans_on = knowing(setting, *LEANS_ON)
    for path in paths:
        known, after = (*bounds, *path.guards, *path.named), path.after
        inside = all_(i >= 0, i < m)
        goals = {
            "settled": implies(inside, after.say(settled, i)),
            "steady": implies(is_steady, after.say(steady, m)),
        }
        if not after.inc[i].eq(s.inc[i]):
            goals["incarnation"] = implies(inside, after.inc[i] == s.inc[i])
            goals["last_incarnation"] = implies(is_steady, after.inc[m] == s.inc[m])
        if not after.mem[i, x].eq(s.mem[i, x]):
            goals["entries"] = implies(inside, after.mem[i, x] == s.mem[i, x])
        for kind in BEGINS:
            if path.action == kind.action:
                begun = kind.at(path)
                goals["begins_no_more"] = implies(is_steady, kind.happens(path), begun != m)
                goals["begins_steady"] = implies(kind.happens(path), after.say(steady, begun))
        for name, goal in goals.items():
            yield Obligation("settled", path.name, name, known, goal, leans_on)
    known = (*bounds, is_steady, s.say(type(s).finished, m))
    goal = s.say(settled, m)
    yield Obligation("settled", "executed", "is_settled", known, goal, setting.invariants)


FAMILIES: Mapping[str, Family] = {
    "committed": committed_is_final,
    "settled": settled_prefix,
}
"""What there is to be proved of the committed prefix; each says what in its docstring."""


def prefix_obligations(setting: Setting) -> Iterator[Obligation]:
    """All of the committed prefix. The setting's world is to be active."""
    paths = tuple(setting.paths())
    for family in FAMILIES.values():
        yield from family(setting, paths)

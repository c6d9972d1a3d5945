"""Hypothesis drives the text: any enabled action, by any worker, with any reads and writes.

After each step all invariants hold, and the abstract machine, which runs alongside as `refinement`
says, is in the state that Block-STM's stands for. Machines with a seeded bug are caught.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from random import Random
from typing import Any, ClassVar

import pytest
import z3
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from pel_proof import machine
from pel_proof.finite.explore import Move, domains, moves, signatures
from pel_proof.obligations import Setting
from pel_proof.refine import WHERE_READ
from pel_proof.symbolic import Scope, World
from pel_spec.kernel import Disabled, fields, methods, require
from pel_spec.optimistic import Optimistic, OptimisticInvariants
from pel_spec.scheduler import blockstm
from pel_spec.scheduler.state import At, Status

WORKERS, PLACES = 3, ("x", "y")
SIGNATURES = signatures(machine.block_stm().actions)
SMALL = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=8,
    stateful_step_count=10,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

STOPS = (
    *(At.PREFER_VAL, At.CHOOSE_VALIDATION, At.CHOOSE_EXECUTION, At.VAL_ENTER, At.EXEC_ENTER),
    *(At.TRY_INCARNATE, At.EXECUTE, At.READ_ESTIMATE, At.LOOK_BLOCKING, At.RECORD, At.PUBLISH),
    *(At.SWAP_DEPS, At.RESUME, At.FINISH, At.LOAD_READS, At.VALIDATE, At.TRY_ABORT, At.MARK),
    *(
        At.LOWER_ABORT,
        At.RETRY,
        At.COMMIT_LOAD,
        At.COMMIT_CHECK,
        At.CD_EXEC,
        At.CD_VAL,
        At.CD_AGAIN,
    ),
)
"""Where it tells most if a worker is overtaken by others."""

EARLY = "0:EXECUTE 1:EXECUTE 1:RECORD 1:EXECUTE "
"""Position 1 is executed and 2 about to be, and position 0 has not written yet."""

ESTIMATE = EARLY + "0:RECORD 0:LOWER_ABORT "
"""Then it has, and position 1 is aborted, and marked."""

HIGHER = EARLY + "2:RECORD 2:LEAVE 0:RECORD 0:LOWER_ABORT "
"""Meanwhile position 3 was executed, too early as well."""

TWO_VERDICTS = "0:EXECUTE 0:RECORD 1:EXECUTE 1:RECORD 2:CD_OBSERVE 0:LOWER 1:LEAVE 2:LOAD_READS "
"""Position 1 has not read what 0 wrote; two workers will see that."""

PRELUDES = {
    "nothing": (2, ""),
    "too few to execute": (2, "0:EXEC_ENTER 1:EXEC_ENTER 2:EXEC_ENTER"),
    "too few to validate": (1, "0:EXECUTE 1:VAL_ENTER 2:VAL_ENTER 1:LEAVE"),
    "nothing left to validate": (1, "0:EXECUTE 1:VAL_ENTER 2:CHOOSE_VALIDATION 1:LEAVE"),
    "a read too early": (3, EARLY),
    "an ESTIMATE": (3, ESTIMATE),
    "an ESTIMATE met": (4, HIGHER + "1:READ_ESTIMATE"),
    "an ESTIMATE met too late": (3, ESTIMATE + "1:READ_ESTIMATE 0:SWAP_DEPS"),
    "a suspension": (3, ESTIMATE + "1:LEAVE 2:CD_EXEC 0:SWAP_DEPS"),
    "a suspension that is over": (3, ESTIMATE + "1:LEAVE 2:CD_EXEC 0:RESUME_COUNT"),
    "a suspension and an abort": (4, HIGHER + "1:LEAVE 2:RETRY 0:RESUME_COUNT"),
    "taken by another": (4, HIGHER + "1:LEAVE 2:TRY_INCARNATE 0:SWAP_DEPS 0:EXECUTE 1:EXECUTE"),
    "two verdicts": (3, TWO_VERDICTS + "2:TRY_ABORT 0:TRY_ABORT"),
    "a version long gone": (3, TWO_VERDICTS + "0:PUBLISH"),
    "a commit too early": (3, EARLY + "0:SWAP_DEPS 2!COMMIT_ADVANCE 2!COMMIT_CHECK"),
    "a commit too late": (3, EARLY + "0:SWAP_DEPS 2!COMMIT_ADVANCE 2!COMMIT_LOAD 0:PUBLISH"),
    "a commit of two": (1, "0:FINISH 1!COMMIT_CHECK 2!COMMIT_CHECK"),
}
"""How many positions, and who goes on until where, before anything is left to chance: so that what
is seldom is not. With an exclamation mark, a worker would rather commit."""


class AbstractMachine(Optimistic, OptimisticInvariants):
    """The abstract machine, with its invariants."""


def likely(move: Move, commits: bool) -> tuple[bool, bool, int]:
    """What comes first: all reads, then many writes; and a commit or a task."""
    writes = len(move.arguments[1]) if move.action == "load_written" else 0
    return (move.action == "commit_next") != commits, move.action != "read_cell", -writes


class Text(RuleBasedStateMachine):
    """Block-STM, and the abstract machine alongside."""

    actions: ClassVar[Mapping[str, Callable[..., Any]]] = blockstm.ACTIONS
    prelude: ClassVar[str] = "an ESTIMATE"
    taken: ClassVar[set[tuple[str, At | None]]] = set()
    reached: ClassVar[set[tuple[str, str, bool]]] = set()

    @initialize(places=st.integers(1, 2))
    def begin(self, places: int) -> None:
        n, script = PRELUDES[self.prelude]
        self.state = blockstm.BlockStm(n, WORKERS, PLACES[:places])
        self.abstract = AbstractMachine(n, 0, PLACES[:places])
        for word in script.split():
            w, at = int(word[0]), At[word[2:]]
            self.go_on(w, {at}, word[1] == "!")
            self.reached.add((self.prelude, word, self.state.pc[w] == at))

    @rule(
        w=st.integers(0, WORKERS - 1),
        until=st.sets(st.sampled_from(STOPS), max_size=6),
        commits=st.booleans(),
        luck=st.integers(0, 2**32),
    )
    def go_on(self, w: int, until: set[At], commits: bool, luck: int = 0) -> None:
        """A worker goes on until it stands there, and mostly does what is likely."""
        random = Random(luck)
        for _ in range(60):
            pick = random.randrange(8) if luck and random.random() < 0.3 else 0
            if not self.step(w, pick, commits) or self.state.pc[w] in until:
                return

    @rule(at=st.sampled_from(STOPS), commits=st.booleans())
    def gather(self, at: At, commits: bool) -> None:
        """All workers go on until they stand there."""
        for w in self.state.workers:
            self.go_on(w, {at}, commits)

    @rule(w=st.integers(0, WORKERS - 1), pick=st.integers(0, 7))
    def do_anything(self, w: int, pick: int) -> None:
        """One step of a worker."""
        self.step(w, pick)

    def step(self, w: int, pick: int, commits: bool = False) -> bool:
        """One of the enabled actions of a worker, if it has any."""
        ranges = {**domains(self.state), "Worker": [w]}
        enabled = list(moves(self.state, self.actions, SIGNATURES, ranges))
        if enabled:
            enabled.sort(key=lambda found: likely(found[0], commits))
            self.take(*enabled[pick % len(enabled)], w)
        return bool(enabled)

    def take(self, move: Move, after: blockstm.BlockStm, w: int) -> None:
        """The step, there and in the abstract machine."""
        if move.action in blockstm.REFINES:
            try:
                blockstm.REFINES[move.action](self.state, self.abstract, *move.arguments)
            except Disabled as refused:
                raise AssertionError(f"the abstract machine cannot do {move}") from refused
        stays = self.state.pc[w] == after.pc[w]
        self.taken.add((move.action, None if stays else At(after.pc[w])))
        self.state = after
        broken = [name for name, holds in blockstm.INVARIANTS.items() if not holds(after)]
        broken += [name for name, holds in ABSTRACT.items() if not holds(self.abstract)]
        assert not broken, (move, broken)
        assert not list(differences(after, self.abstract)), move


ABSTRACT = methods(OptimisticInvariants)


def differences(s: Any, m: AbstractMachine) -> Iterator[str]:
    """Fields of the abstract machine that are not what the state stands for."""
    ranges = {"Position": s.positions, "Place": s.locations}
    for name, field in fields(AbstractMachine).items():
        stands_for, found = getattr(s, f"as_{name}"), getattr(m, name)
        for at in product(*(ranges[domain] for domain in field.indices)):
            value = found[at if len(at) > 1 else at[0]] if at else found
            if value != stands_for(*at) and (name not in WHERE_READ or m.reads[at]):
                yield name


def ways() -> set[tuple[str, At | None]]:
    """Every action, and where each of its ways leaves its worker; `None` if it stays."""
    found: set[tuple[str, At | None]] = set()
    world = World(Scope(1, 1, 1))
    with world.active():
        for path in Setting.of(machine.block_stm(), world).paths():
            leaves = [z3.simplify(path.after.pc[path.arguments["w"]])]
            while leaves:
                leaf = leaves.pop()
                if z3.is_int_value(leaf):
                    found.add((path.action, At(leaf.as_long())))
                elif leaf.decl().kind() == z3.Z3_OP_ITE:
                    leaves += leaf.children()[1:]
                else:
                    found.add((path.action, None))
    return found


def test_invariants_hold_whatever_is_done() -> None:
    Text.taken.clear()
    Text.reached.clear()
    for prelude in PRELUDES:
        run_state_machine_as_test(type("Begun", (Text,), {"prelude": prelude}), settings=SMALL)
    assert ways() - Text.taken == set()
    assert not [prelude for *prelude, there in Text.reached if not there]


# Canaries.


def never_lowers(s: Any, w: int) -> None:
    """`finish_execution`, which forgets that what it wrote is news."""
    require(s.pc[w] == At.FINISH)
    s.pc[w] = At.LEAVE if s.val_idx <= s.held[w] else At.LOAD_READS


def keeps_the_lock(s: Any, w: int) -> None:
    """`suspend`, which does not unlock the list."""
    require(s.pc[w] == At.SUSPEND)
    s.waits[s.blocking[w], s.held[w]] = True
    s.pc[w] = At.LEAVE


def repeats_a_number(s: Any, w: int) -> None:
    """`set_ready` with the same incarnation."""
    require(s.pc[w] == At.MARK and not s.has_todo(w))
    s.status[s.held[w]] = Status.READY
    s.pc[w] = At.LOWER_ABORT


def ignores_estimates(s: Any, w: int, x: str, k: int) -> None:
    """`read_cell`, which takes an ESTIMATE for a version."""
    require(s.pc[w] == At.EXECUTE)
    i, c = s.held[w], s.held_inc[w]
    require(not s.reads[i, c, x] and s.newest_below(k, i, x))
    s.reads[i, c, x] = True
    s.source[i, c, x] = k
    s.source_inc[i, c, x] = s.mem[k, x]


BUGS = {
    "finish_execution": never_lowers,
    "suspend": keeps_the_lock,
    "set_ready": repeats_a_number,
    "read_cell": ignores_estimates,
}


@pytest.mark.parametrize("action", BUGS)
def test_a_seeded_bug_is_caught(action: str) -> None:
    class Wrong(Text):
        actions: ClassVar[Any] = {**blockstm.ACTIONS, action: BUGS[action]}

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Wrong, settings=settings(SMALL, phases=[Phase.generate]))

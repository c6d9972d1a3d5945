"""The laws of the machines' text, and of the lifter; and for each a bad sample that it refuses.

The laws are in `tools/house/machine_laws.py`. Each bad sample is the real text with one thing
changed, so a law that does not look there is noticed.
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from house import machine_laws as laws
from house import tree
from house.machines import KINDS, Machine
from pel_parallel.conflicts import LOOKS_AT
from pel_proof.lift import Lifter, NotLiftable
from pel_proof.symbolic import SymbolicState, World
from pel_spec.kernel import log, shared
from pel_spec.scheduler.blockstm import ACTION_PARTS, ACTIONS, INVARIANT_PARTS, INVARIANTS
from pel_spec.scheduler.validation import Commit

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = {module.name: module for module in tree.modules(ROOT)}
SCHEDULER = [m for name, m in MODULES.items() if name.startswith("pel_spec.scheduler.")]
PARTS = [part.__name__ for part in ACTION_PARTS]

BLOCK_STM = (
    laws.ghost_violations,
    laws.writing_violations,
    laws.object_violations,
    laws.private_violations,
    laws.guard_violations,
    laws.form_violations,
    laws.worker_violations,
)
ABSTRACT = (laws.writing_violations, laws.guard_violations, laws.form_violations)


def test_the_text_is_read_whole() -> None:
    machine = Machine.of(SCHEDULER, PARTS)
    assert {action.name for action in machine.actions} == set(ACTIONS)
    named = [part.__name__ for part in INVARIANT_PARTS]
    assert {m.name for m in machine.methods if m.owner.name in named} == set(INVARIANTS)
    assert {declared.kind for declared in machine.fields.values()} == set(KINDS)


@pytest.mark.parametrize("law", BLOCK_STM, ids=lambda law: law.__name__)
def test_block_stm_is_lawful(law: Callable[[Machine], list[str]]) -> None:
    assert law(Machine.of(SCHEDULER, PARTS)) == []


@pytest.mark.parametrize("law", ABSTRACT, ids=lambda law: law.__name__)
def test_the_abstract_machine_is_lawful(law: Callable[[Machine], list[str]]) -> None:
    machine = Machine.of([MODULES["pel_spec.optimistic"]], ["Optimistic"])
    assert len(machine.actions) == 5
    assert law(machine) == []


BAD = {
    "an action reads a ghost": (
        *("tasks", "s.num_active == 0", "s.at_place[0] == w and s.num_active == 0"),
        *("ghost", "cd_num_active reads the ghost ['at_place']"),
    ),
    "an action reads a ghost through a predicate": (
        *("state", "return any(s.todo[w, x]", "return any(s.checked[w, x] and s.todo[w, x]"),
        *("ghost", "leave reads the ghost ['checked']"),
    ),
    "an action writes a ghost": (
        *("tasks", "s.done = True", "s.changes[w] = 0"),
        *("ghost", "set_done writes the ghost ['changes']"),
    ),
    "a ghost method writes what is real": (
        *("ghosts", "s.changes[i] += 1", "s.changes[i] += 1; s.dec_cnt += 1"),
        *("ghost", "ghost_changed writes ['dec_cnt'], which is no ghost"),
    ),
    "a ghost method returns something": (
        *("ghosts", "s.changes[i] += 1", "return s.changes[i]"),
        *("ghost", "ghost_changed returns something"),
    ),
    "an action uses what a ghost method returns": (
        *("tasks", "s.ghost_enter(w)", "s.preferred[w] = s.ghost_enter(w)"),
        *("ghost", "val_enter uses what a ghost method returns"),
    ),
    "a predicate calls a ghost method": (
        *("predicates", "return (\n", "s.ghost_changed(k)\n        return (\n"),
        *("ghost", "will_check calls a ghost method, and is no action"),
    ),
    "an invariant changes the state": (
        *("validity", "return all(s.since", "s.dec_cnt = 0\n        return all(s.since"),
        *("writing", "clocks changes the state, and is no action"),
    ),
    "a predicate has a guard": (
        *("state", "return s.pc[w] >= At.VAL_FETCH", "require(True)\n        return True"),
        *("writing", "active has a guard, and is no action"),
    ),
    "an action calls another": (
        *("tasks", "s.done = True", "s.leave(w)"),
        *("writing", "set_done calls the action leave"),
    ),
    "two loads in one action": (
        *("tasks", "s.exec_idx >= s.n", "s.exec_idx >= s.n and s.val_idx >= s.n"),
        *("object", "cd_exec_idx touches several objects: exec_idx[], val_idx[]"),
    ),
    "two positions in one action": (
        *("execution", "s.status[k] = Status.READY", "s.status[s.held[w]] = s.status[k]"),
        *("object", "resume_one touches several objects: status[k], status[s.held[w]]"),
    ),
    "a predicate looks elsewhere": (
        *("state", "s.mem[k, x] != ABSENT)", "s.status[k] == s.mem[k, x])"),
        *("object", "read_cell touches several objects: cell[x], status[k]"),
    ),
    "two locations in one action": (
        *("validation", "s.mem[s.held[w], x] = ESTIMATE", "s.mem[s.held[w], x] = s.mem[0, w]"),
        *("object", "mark_estimate touches several objects: cell[w], cell[x]"),
    ),
    "many locations at once": (
        *("validation", "s.mem[s.held[w], x] = ESTIMATE", "s.mem[s.held[w], :] = ESTIMATE"),
        *("object", "mark_estimate touches many objects at once: cell[:]"),
    ),
    "many positions at once": (
        *("validation", "return s.dec_cnt - 1", "return all(s.inc[k] for k in s.positions)"),
        *("object", "lower_abort_count touches many objects at once: status[every k]"),
    ),
    "an index that moves": (
        *("tasks", "s.status[i] = Status.EX", "s.held[w] = 0; s.status[i] = Status.EX"),
        *("object", "try_incarnate changes ['held'], which name what it touches"),
    ),
    "another worker's variable": (
        *("execution", "s.lowest[w] = min(s.lowest[w], k)", "s.lowest[k] = min(s.lowest[w], k)"),
        *("private", "resume_one looks at lowest of another worker"),
    ),
    "the log of another position": (
        *("validation", "s.todo[w, :] = s.reads[i, c, :]", "s.todo[w, :] = s.reads[0, c, :]"),
        *("private", "load_reads looks at reads of a position that it has not"),
    ),
    "a log that is written later": (
        *("execution", "s.pc[w] == At.STAY", "s.pc[w] == At.FINISH"),
        *("private", "stay writes reads, and does not execute"),
    ),
    "a guard after a change": (
        *("tasks", "s.done = True", "s.done = True\n        require(s.n > 0)"),
        *("guard", "set_done has a guard after a change"),
    ),
    "a guard on some paths": (
        *("execution", "s.blocking[w] = k", "require(k > 0)\n            s.blocking[w] = k"),
        *("guard", "read_cell has a guard on some paths only"),
    ),
    "a guard after a ghost": (
        *("tasks", "s.num_active -= 1", "require(s.n > 0)\n        s.num_active -= 1"),
        *("guard", "leave has a guard after a change"),
    ),
    "a name on some paths": (
        *("execution", "s.blocking[w] = k", "c = s.blocking[w] = k"),
        *("guard", "read_cell gives the name c twice, or on some paths"),
    ),
    "a parameter without a domain": (
        *("execution", "x: Place, k: Writer) -> int", "x: Place, k: int) -> int"),
        *("form", "read_cell: k has no domain of the kernel"),
    ),
    "an invariant that says nothing": (
        *("validity", '"""Nobody knows of changes that have not happened."""', '"""Clocks"""'),
        *("form", "clocks does not say in a sentence what it is"),
    ),
    "a state with another name": (
        *("ghosts", "def ghost_changed(s,", "def ghost_changed(self,"),
        *("form", "ghost_changed does not call its state s"),
    ),
    "an action of nobody": (
        *("tasks", "def idle(s, w: Worker)", "def idle(s, v: Worker, w: Worker)"),
        *("worker", "idle is not an action of a worker"),
    ),
    "an action from anywhere": (
        *("tasks", "require(s.pc[w] == At.SET_DONE)", "require(not s.done)"),
        *("worker", "set_done does not say where its worker stands"),
    ),
    "an action that the paper has nowhere": (
        *("tasks", "Algorithm 1, `run`.", "Here it begins."),
        *("worker", "start_worker cites no algorithm of the paper"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_text_is_refused(name: str) -> None:
    module, old, new, law, message = BAD[name]
    full = f"pel_spec.scheduler.{module}"
    assert old in MODULES[full].source
    changed = replace(MODULES[full], source=MODULES[full].source.replace(old, new, 1))
    machine = Machine.of([changed if m.name == full else m for m in SCHEDULER], PARTS)
    found = getattr(laws, f"{law}_violations")(machine)
    assert found
    assert any(line.endswith(message) for line in found), found


# The executor's steps.


def test_the_executor_takes_the_steps_of_the_text() -> None:
    steps = laws.steps_taken(m for m in MODULES.values() if m.package == "pel_parallel")
    rolling = {name for name in ACTIONS if hasattr(Commit, name)}
    assert steps - set(ACTIONS) == set()
    assert set(ACTIONS) - steps in (set(), rolling)


def test_the_executor_knows_which_of_its_steps_only_look() -> None:
    machine = Machine.of(SCHEDULER, PARTS)
    taken = laws.steps_taken(m for m in MODULES.values() if m.package == "pel_parallel")
    assert laws.commuting_violations(machine, taken, LOOKS_AT) == []
    for wrong in LOOKS_AT - {"val_look"}, LOOKS_AT | {"val_fetch"}, LOOKS_AT | {"idle"}:
        (found,) = laws.commuting_violations(machine, taken, wrong)
        (name,) = wrong ^ LOOKS_AT
        assert f".{name} " in found
    assert laws.commuting_violations(machine, taken, LOOKS_AT | {"x"}) == ["no action is called x"]


def test_a_look_that_changes_something_is_seen() -> None:
    full = "pel_spec.scheduler.tasks"
    source = MODULES[full].source.replace("s.pc[w] = At.END_WORKER if", "s.done = False if", 1)
    changed = replace(MODULES[full], source=source)
    machine = Machine.of([changed if m.name == full else m for m in SCHEDULER], PARTS)
    (found,) = laws.commuting_violations(machine, LOOKS_AT, LOOKS_AT)
    assert "load_done changes what is shared" in found


def test_steps_are_found_by_name() -> None:
    source = "self._step(w, 'a', ())\nsync.step(w, 'b')\nstep(w)\nself.step(w, name)\nf(w, 'c')"
    assert laws.steps_taken([tree.Module("m", "m.py", source)]) == {"a", "b"}


# What the lifter takes.

REFUSED = {
    "a loop": "for i in s.positions: s.dec_cnt += 1",
    "an endless loop": "while s.done: pass",
    "a with": "with s.lock: s.done = True",
    "a try": "try: s.done = True\n  except Disabled: s.done = False",
    "a raise": "raise Disabled",
    "an assertion": "assert s.done",
    "a deletion": "del s.done",
    "an inner function": "def f(): return 1",
    "a lambda": "return (lambda: s.done)()",
    "a list": "return [s.done]",
    "a comprehension": "return [i for i in s.positions]",
    "a generator": "return (i for i in s.positions)",
    "a walrus": "return (i := s.dec_cnt) > i",
    "a yield": "yield s.done",
    "an import": "import os",
    "a global": "global x",
    "a match": "match s.done:\n   case True: s.done = False",
    "an annotated name": "i: int = s.dec_cnt",
    "a product": "return s.n * s.n",
    "a quotient": "return s.n // 2",
    "an inversion": "return ~s.n",
    "bits": "return s.n & 1",
    "an identity": "return s.done is True",
    "a fraction": "return s.n > 0.5",
    "a text": "return f'{s.n}'",
    "a starred": "s.f(*s.positions)",
    "a keyword": "require(guard=s.done)",
    "a builtin": "return len(s.positions) > 0",
    "the lowest of three": "s.n = min(s.n, 1, 2)",
    "the lowest of one": "s.n = min(s.positions)",
    "another's method": "return s.mem.get(0)",
    "an unknown function": "return helper(s)",
    "all of a set": "return all(s.things)",
    "all of a range": "return all(s.mem[i] for i in range(3))",
    "all of something else": "return all(s.mem[i] for i in s.writers)",
    "all of another state": "return all(s.mem[i] for i in t.positions)",
    "a pair": "return all(s.mem[i] for i, j in s.positions)",
    "a row with a name": "row = s.mem[0, :]",
    "a row in a pair": "i, row = 0, s.mem[0, :]",
    "a row that is passed on": "s.f(s.mem[0, :])",
    "a pass": "pass",
    "a branch that is no step's": "if s.done: return s.n\n  return 0",
}


def lift_class(source: str) -> str:
    (found,) = ast.parse(source).body
    assert isinstance(found, ast.ClassDef)
    return ast.unparse(ast.fix_missing_locations(Lifter().visit_ClassDef(found)))


def lifted(body: str) -> str:
    return lift_class(f"class C(State):\n def f(s):\n  {body}\n")


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_lifter_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(NotLiftable):
        lifted(REFUSED[name])


@pytest.mark.parametrize(
    "source",
    [
        "@staticmethod\n def f(s): return s.done",
        "@property\n def g(s): return s.done",
        "@property\n def slots(s): return range(s.num_active - 1)",
        "@property\n def positions(s): return range(s.n)",
        "def f(s, i=0): return s.done",
        "def f(s, *i): return s.done",
        "def f(s, *, i): return s.done",
        "def f(s, **i): return s.done",
        "async def f(s): return s.done",
        "x = 1",
        "x = helper()",
        "def f(s): return s.done\n f = cache(f)",
        "class D: ...",
    ],
)
def test_odd_members_are_refused(source: str) -> None:
    for text in (f"class C(State):\n {source}", "@mark\nclass C(State):\n def f(s): return 1"):
        with pytest.raises(NotLiftable):
            Lifter().visit(ast.parse(text).body[0])


def test_steps_may_have_branches() -> None:
    branch = "if s.done: s.dec_cnt = 0"
    for head, first in (("f(s)", "require(s.n > 0)"), ("ghost_f(s)", ""), ("f(s, m)", "")):
        lift_class(f"class C(State):\n def {head}:\n  {first}\n  {branch}\n")


def test_what_it_refuses_is_named() -> None:
    with pytest.raises(NotLiftable, match=r"line 3: this call is not lifted: len\(s\.things\)"):
        lifted("return len(s.things)")
    with pytest.raises(NotLiftable, match="Mult is not lifted"):
        lifted("return s.n * s.n")


@pytest.mark.parametrize(
    ("native", "lifting"),
    [
        ("return a and b or not c", "return any_(all_(a, b), not_(c))"),
        ("return 0 <= a < b", "return all_(0 <= a, a < b)"),
        ("return a in (1, 2)", "return among(a, (1, 2))"),
        ("return a not in b", "return not_(among(a, b))"),
        ("return a if b else -c", "return ite(b, a, -c)"),
        ("s.a = min(b, c)", "s.a = lowest(b, c)"),
        ("s.a[w, :] = s.b[w, :]", "s.a[w, :] = s.b[w, :]"),
        (
            "return all(a for i in s.positions if b)",
            "return forall('Position', lambda i: implies(b, a))",
        ),
        (
            "return any(a for i in s.workers for j in s.slots if b if c)",
            "return exists('Worker', 'Slot', lambda i, j: all_(b, c, a))",
        ),
    ],
)
def test_what_it_knows_is_rewritten(native: str, lifting: str) -> None:
    assert lifted(native) == f"class C(State):\n\n    def f(s):\n        {lifting}"


# What formulas do not take, whatever is lifted.


class Odd(SymbolicState):
    """Two fields, of which one is no row's."""

    reads = log("Position", "Incarnation", "Place", initial=False)
    count = shared("count", "Position", "Incarnation", initial=0)


def test_an_index_that_is_missing_is_refused() -> None:
    with World().active() as world:
        s = Odd(world)
        with pytest.raises(TypeError, match="reads has 3 indices, not 2"):
            s.reads[0, :] = True
        with pytest.raises(TypeError, match="count has 2 indices, not 1"):
            s.count[0]


def test_a_row_that_no_state_goes_through_is_refused() -> None:
    with World().active() as world, pytest.raises(TypeError, match="no rows over Incarnation"):
        Odd(world).count[0, :] = 1


def test_slots_are_of_the_state_that_is_spoken_of() -> None:
    with World().active() as world, pytest.raises(TypeError, match="may speak of its slots"):
        world.quantify(True, ("Slot",), lambda p: True)

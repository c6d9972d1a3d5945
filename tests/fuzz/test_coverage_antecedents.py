"""The premises of the invariants: read right from the text, and reached."""

import ast
import inspect
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from pel_fuzz.coverage.antecedents import COMMITS, Antecedent, antecedents
from pel_fuzz.coverage.states import reached
from pel_fuzz.tiny import TinyBlock, from_json
from pel_parallel.choices import Default, RandomWalk, Recorded, schedule_of
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_proof.runs.interpreter import Interpreter
from pel_proof.runs.text import block_stm_text
from pel_spec.scheduler.blockstm import INVARIANT_PARTS, INVARIANTS
from pel_spec.scheduler.state import Status

BLOCK = TinyBlock(((("get", 0), ("put", 0)),) * 3)
RARE = Path(__file__).parent / "reached_pairs.json"
BY_NAME = {each.name: each for each in antecedents()}


def states(seed: int, steps: int = 250) -> Iterator[Any]:
    """States of a random run of the text, which commits now and then."""
    random = Random(seed)
    run = Interpreter(block_stm_text(), BLOCK, 3)
    for _ in range(steps):
        yield run.state
        moves = run.moves()
        if not moves:
            return
        likely = [m for m in moves if m.action != "commit_next"]
        run.take(random.choice(likely if likely and random.random() < 0.9 else moves))


class Emptied(ast.NodeTransformer):
    """Makes the conclusions false: an `all` then says that its premise never holds."""

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        tests = any(clause.ifs for clause in node.generators)
        slots = any(ast.unparse(clause.iter) == "s.slots" for clause in node.generators)
        node.elt = ast.Constant(not (tests or slots))
        return node


def emptied() -> dict[str, Callable[[Any], bool]]:
    """The invariants, each saying that none of its premises holds."""
    found = {}
    for part in INVARIANT_PARTS:
        module = sys.modules[part.__module__]
        for owner in ast.parse(inspect.getsource(module)).body:
            if not isinstance(owner, ast.ClassDef) or owner.name != part.__name__:
                continue
            for node in owner.body:
                if isinstance(node, ast.FunctionDef):
                    body = node.body[-1]
                    assert isinstance(body, ast.Return) and body.value is not None
                    said = ast.fix_missing_locations(Emptied().visit(body.value))
                    code = compile(f"lambda s: {ast.unparse(said)}", node.name, "eval")
                    found[node.name] = eval(code, dict(vars(module)))
    return found


def test_every_invariant_with_a_premise_is_there() -> None:
    unconditional = set(INVARIANTS) - {each.invariant for each in antecedents()}
    assert unconditional == {"ranges", "clocks"}
    assert len(BY_NAME) == len(antecedents()) == 76, "docs/coverage.md says how many"


def test_a_premise_holds_where_its_invariant_would_break_without_its_conclusion() -> None:
    premises = emptied()
    of = defaultdict[str, list[Antecedent]](list)
    for each in antecedents():
        of[each.invariant].append(each)
    compares = {name for name, some in of.items() if any(" != u" in each.name for each in some)}
    assert compares == {"one_executor", "one_aborter", "one_lock_holder"}
    seen = set[str]()
    for seed in range(12):
        for state in states(seed):
            for name in of.keys() - compares:
                held = any(each.holds(state) for each in of[name])
                assert held == (not premises[name](state)), name
                seen |= {name} if held else set()
    assert len(seen) > 35


def test_of_one_and_the_same_two_are_wanted() -> None:
    two = BY_NAME["one_executor: s.executes(w) and s.executes(u) and w != u"]
    alone = Interpreter(block_stm_text(), BLOCK, 1)
    for _ in range(60):
        assert not two.holds(alone.state)
        alone.step(0)
    together = [state for seed in range(3) for state in states(seed) if two.holds(state)]
    assert together


def test_cases_are_told_apart() -> None:
    looks = [name for name in BY_NAME if name.startswith("check_done: ")]
    assert looks == [
        "check_done: At.CD_EXEC <= s.pc[w] <= At.CD_AGAIN",
        "check_done: s.pc[w] == At.CD_VAL and s.observed[w] == s.dec_cnt",
        "check_done: s.pc[w] == At.CD_ACTIVE and s.observed[w] == s.dec_cnt",
    ]
    assert {"done_is_quiet: s.done", "done_is_quiet: s.pc[w] == At.SET_DONE"} <= BY_NAME.keys()


def test_only_a_commit_makes_true_what_is_a_commit_s() -> None:
    rolling = {each.name for each in antecedents() if each.rolling}
    assert len(rolling) == 9
    seen = set[str]()
    for seed in range(40):
        for state in states(seed):
            found = {name for name in rolling if BY_NAME[name].holds(state)}
            seen |= found
            commits = any(state.pc[w] in COMMITS for w in state.workers) or state.committed
            commits = commits or any(state.status[i] == Status.COMMITTED for i in state.positions)
            assert commits or not found
    assert seen == rolling, rolling - seen


def reached_by(choices: Any, workers: int = 3) -> frozenset[str]:
    return reached(run_block(BLOCK, workers=workers, runtime=GreenletController(choices)))


def test_a_run_without_switches_reaches_little() -> None:
    little = reached_by(Default())
    much = frozenset[str]().union(*(reached_by(RandomWalk(seed, 0.4)) for seed in range(25)))
    assert little < much
    assert len(little) < 40
    assert len(much) > 55


def test_our_executor_reaches_whatever_needs_no_commit() -> None:
    """By the rare runs of `tools/reached_pairs.py`."""
    found = frozenset[str]()
    for each in json.loads(RARE.read_text(encoding="utf-8")):
        runtime = GreenletController(Recorded(schedule_of(each["schedule"])))
        run = run_block(from_json(each["block"]), workers=each["workers"], runtime=runtime)
        found |= reached(run, found)
    assert found == {each.name for each in antecedents() if not each.rolling}


def test_what_is_known_is_not_looked_for_again() -> None:
    all_of_it = reached_by(RandomWalk(3, 0.4))
    some = frozenset(sorted(all_of_it)[:5])
    run = run_block(BLOCK, workers=3, runtime=GreenletController(RandomWalk(3, 0.4)))
    assert reached(run, some) == all_of_it - some


def test_states_after_a_step_that_the_text_does_not_allow_do_not_count() -> None:
    run = run_block(BLOCK, workers=3, runtime=GreenletController(RandomWalk(3, 0.4)))
    assert run.trace is not None
    first = run.trace[0]._replace(action="set_done")
    broken = run_block(BLOCK, workers=3, runtime=GreenletController(Default()))
    object.__setattr__(broken, "trace", (first, *run.trace[1:]))
    assert reached(broken) == frozenset()


def test_a_premise_is_asked_in_any_state() -> None:
    for state in states(1, 40):
        assert {each.holds(state) for each in antecedents()} == {True, False}

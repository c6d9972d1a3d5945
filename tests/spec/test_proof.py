"""All of it is proved, and none of it is proved whatever the text says."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import z3

from pel_proof import lift
from pel_proof.machine import abstract_machine, block_stm, simulation
from pel_proof.obligations import Obligation, Setting
from pel_proof.refine import refinement_obligations
from pel_proof.schemas import each, induction, strong_induction
from pel_proof.serial import Theorem
from pel_proof.solve import discharge, leans_on, solver
from pel_proof.suite import FAMILIES, obligations
from pel_proof.symbolic import Term, World
from pel_proof.tally import Tally


@contextmanager
def general(model: object) -> Iterator[Setting]:
    """A general state of a model, in a world that is active meanwhile."""
    world = World()
    with world.active():
        yield Setting.of(model, world)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_proved(family: str) -> None:
    tally = Tally.of(discharge(obligations((family,))))
    assert [v.obligation.name for v in tally.failures] == []
    assert tally.holds


def test_a_verdict_does_not_depend_on_the_order() -> None:
    """Each obligation on a solver of its own, from the last to the first of one invariant's."""
    found = list(obligations(("invariants",), about="no_lost_wakeup"))
    for obligation in reversed(found):
        (verdict,) = discharge([obligation])
        assert verdict.proved, obligation.name


def test_a_resource_limit_makes_it_fail() -> None:
    found = obligations(("invariants",), about="no_lost_gap")
    tally = Tally.of(discharge(found, resources=50))
    assert not tally.holds


# ---- the theorem ---------------------------------------------------------------------------------


def unproved(found: list[Obligation]) -> set[str]:
    return {v.obligation.name for v in discharge(found) if not v.proved}


def test_the_theorem_needs_determinism() -> None:
    class Forgetful(Theorem):
        def deterministic(self, i: Term) -> Term:
            return z3.BoolVal(True)

    with general(abstract_machine()) as setting:
        found = [o for lemma in Forgetful(setting).lemmas() for o in lemma.obligations]
        assert unproved(found) == {"step/memory_is_the_folds"}


def test_the_theorem_needs_reads_that_hold() -> None:
    """Without the machine's invariants a committed read can be anything."""
    with general(abstract_machine()) as setting:
        theorem = Theorem(setting)
        theorem.known = setting.size
        found = [o for lemma in theorem.lemmas() for o in lemma.obligations]
        assert "each/reads_the_last" in unproved(found)


def test_the_theorems_hypotheses_hold_of_something() -> None:
    """With two committed positions, one that reads what the other has written."""
    with general(abstract_machine()) as setting:
        theorem, m = Theorem(setting), setting.before
        x = z3.Const("x:witness", theorem.place)
        checked = solver(50_000_000)
        checked.set(mbqi=True)
        zero, one = z3.IntVal(0), z3.IntVal(1)
        checked.add(*setting.size, theorem.n == 2, m.committed == 2)
        checked.add(m.reads[1, x], m.source[1, x] == 0, m.wrote[0, x], m.checked[1, x])
        checked.add(theorem.deterministic(zero), theorem.deterministic(one))
        for name in ("ranges", "committed_is_published", "reads_are_below"):
            checked.add(dict(setting.invariants)[name])
        assert checked.check() != z3.unsat


@pytest.mark.parametrize("schema", [each, strong_induction])
def test_a_false_statement_is_not_proved(schema: object) -> None:
    n = z3.Int("n")
    lemma = schema("false", lambda i: i * 2 < n, n, lambda i: [])  # type: ignore[operator]
    assert unproved(list(lemma.obligations)) != set()


def test_an_induction_needs_base_and_step() -> None:
    n = z3.Int("n")
    odd = induction("odd", lambda i: i % 2 == 1, n, [], lambda i: [])
    assert unproved(list(odd.obligations)) == {"base/odd", "step/odd"}
    even = induction("even", lambda i: i % 2 == 0, n, [], lambda i: [])
    assert unproved(list(even.obligations)) == {"step/even"}
    fine = induction("fine", lambda i: i >= 0, n, [], lambda i: [])
    assert unproved(list(fine.obligations)) == set()


def test_a_conclusion_holds_within_its_range_only() -> None:
    n = z3.Int("n")
    lemma = each("in_range", lambda i: i < n, n, lambda i: [])
    assert unproved(list(lemma.obligations)) == set()
    checked = solver()
    checked.add(lemma.at(n))  # says nothing: n is not below n
    assert checked.check() == z3.sat


# ---- the refinement ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "fails"),
    [
        ("read_cell", "read_cell#1/reads"),
        ("publish", "publish/published"),
        ("check_read", "check_read/checked"),
        ("try_validation_abort", "try_validation_abort#1/published"),
        ("mark_suspended", "mark_suspended/reads"),
        ("stay", "stay/reads"),
        ("set_done", "set_done/committed"),
        ("commit_advance", "commit_advance/committed"),
    ],
)
def test_each_abstract_step_is_needed(left_out: str, fails: str) -> None:
    steps = {name: step for name, step in simulation().items() if name != left_out}
    with general(block_stm()) as setting:
        found = refinement_obligations(
            setting, abstract_machine().state, steps, only=lambda name: name == left_out
        )
        assert fails in unproved(list(found))


@pytest.mark.parametrize("family", ["invariants", "refinement"])
def test_every_way_through_every_action_is_proved(family: str) -> None:
    with general(block_stm()) as setting:
        ways = {path.name for path in setting.paths()}
    assert len(ways) > len(block_stm().actions)
    found = [o for o in obligations((family,)) if not o.about.startswith("relation")]
    steps = {o.step.split("~")[0] for o in found}
    assert steps - {"initial", "step"} == ways


def test_the_refinement_needs_the_invariants() -> None:
    """With fewer of them known, an abort could be of what is committed."""
    with general(block_stm()) as setting:
        fewer = tuple(pair for pair in setting.invariants if pair[0] != "committed_prefix")
        weaker = Setting(setting.model, setting.world, setting.before, fewer)
        found = refinement_obligations(weaker, abstract_machine().state, simulation())
        assert "stay/allowed.2" in unproved(list(found))


def test_a_simulation_takes_actions_only() -> None:
    """It cannot say that all is committed without the guards of a commit."""

    def set_done(s: Any, m: Any, w: Any) -> None:
        m.committed = s.n

    with general(block_stm()) as setting, pytest.raises(TypeError, match="does not set committed"):
        list(
            refinement_obligations(
                setting,
                abstract_machine().state,
                {"set_done": set_done},
                only=lambda name: name == "set_done",
            )
        )


def test_a_simulation_stays_within_the_block() -> None:
    def stay(s: Any, m: Any, w: Any) -> None:
        m.abort(s.n)

    with general(block_stm()) as setting:
        found = refinement_obligations(
            setting, abstract_machine().state, {"stay": stay}, only=lambda name: name == "stay"
        )
        assert "stay/allowed.1" in unproved(list(found))


READS_AGAIN = """
from pel_spec.kernel import Place, Worker, Writer, require
from pel_spec.scheduler.execution import Reading
from pel_spec.scheduler.state import ESTIMATE, At

class ReadsAgain(Reading):
    def read_cell(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.EXECUTE)
        i, c = s.held[w], s.held_inc[w]
        require(not s.reads[i, c + 1, x] and s.newest_below(k, i, x))
        if k >= 0 and s.mem[k, x] == ESTIMATE:
            s.blocking[w] = k
            s.pc[w] = At.READ_ESTIMATE
        else:
            s.reads[i, c + 1, x] = False
            s.reads[i, c, x] = True
            s.source[i, c, x] = k
            s.source_inc[i, c, x] = s.mem[k, x]
        return s.mem[k, x]
"""
"""A location can be read twice, with two results: `reads` is asked of the wrong incarnation, and
then written there, to no effect. It was proved right while one name stood for two terms."""


def test_a_masked_second_read_is_found(tmp_path: Path) -> None:
    path = tmp_path / "reads_again.py"
    path.write_text(READS_AGAIN)
    spec = spec_from_file_location("reads_again", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["reads_again"] = module
    try:
        spec.loader.exec_module(module)
        lifted = lift.lift((*lift.BLOCK_STM, module))
    finally:
        del sys.modules["reads_again"]
    read_cell = vars(lifted["ReadsAgain"])["read_cell"]
    with general(block_stm().with_actions({"read_cell": read_cell})) as setting:
        found = refinement_obligations(
            setting, abstract_machine().state, simulation(), only=lambda name: name == "read_cell"
        )
        assert any(name.startswith("read_cell#1/allowed") for name in unproved(list(found)))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_name_stands_for_one_term(family: str) -> None:
    """The names of overwritten terms, which are given as equations, are given once."""
    for obligation in obligations((family,)):
        names = [
            str(term.arg(0))
            for term in obligation.hypotheses
            if z3.is_eq(term) and str(term.arg(0)).startswith("old:")
        ]
        assert len(names) == len(set(names)), obligation.name


# ---- what leans on what --------------------------------------------------------------------------


def test_why_names_what_a_proof_used() -> None:
    (step,) = [
        o for o in obligations(("invariants",), about="one_executor") if o.step == "try_incarnate#1"
    ]
    used = leans_on(step)
    assert used is not None
    assert "executor_owns" in used
    without = Obligation(
        step.family,
        step.step,
        step.about,
        step.hypotheses,
        step.goal,
        tuple(pair for pair in step.named if pair[0] not in used),
    )
    assert leans_on(without) is None


def test_the_text_is_what_is_lifted() -> None:
    lifted = lift.lift(lift.BLOCK_STM)
    assert set(block_stm().actions) <= {n for part in lifted.values() for n in vars(part)}

"""cvc5 agrees with Z3, refuses what is false, and its proofs are there."""

import pytest
import z3

from pel_proof.export import file_name, smtlib
from pel_proof.obligations import Obligation
from pel_proof.second_solver import ask
from pel_proof.suite import FAMILIES, obligations


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "invariants"])
def test_cvc5_agrees(family: str) -> None:
    """On the first obligation about each thing, and on some of the others."""
    seen = set[str]()
    for number, obligation in enumerate(obligations((family,))):
        if obligation.about not in seen or number % 9 == 0:
            seen.add(obligation.about)
            said = ask(obligation)
            assert said.proved, f"{obligation.name}: {said.answer}"


@pytest.mark.parametrize("about", ["no_lost_wakeup", "no_lost_execution", "num_active_counts"])
def test_cvc5_agrees_about_invariants(about: str) -> None:
    for number, obligation in enumerate(obligations(("invariants",), about=about)):
        if number % 10 == 0:
            assert ask(obligation).proved, obligation.name


def test_cvc5_gives_a_proof() -> None:
    first = next(o for o in obligations(("theorem",)) if o.about == "last_is_last")
    said = ask(first, proof=True)
    assert said.proved
    assert "step" in said.proof or "assume" in said.proof


def test_what_is_false_is_not_proved() -> None:
    x = z3.Int("x")
    said = ask(Obligation("test", "step", "about", (x > 0,), x > 1), proof=True)
    assert (said.proved, said.answer, said.proof) == (False, "sat", "")


def test_every_script_has_a_file_of_its_own() -> None:
    found = list(obligations(tuple(name for name in FAMILIES if name != "invariants")))
    names = {file_name(obligation) for obligation in found}
    assert len(names) == len(found)
    assert all(name.endswith(".smt2") and "/" not in name for name in names)


def test_a_script_says_what_it_is() -> None:
    x = z3.Int("x")
    text = smtlib(Obligation("family", "step", "about", (x > 0,), x > 1))
    assert text.startswith("; family: step/about\n(set-logic ALL)\n")
    assert text.rstrip().endswith("(check-sat)")


def test_what_cvc5_cannot_read_is_not_proved() -> None:
    x, y = z3.Int("same"), z3.Bool("same")
    said = ask(Obligation("test", "step", "about", (x > 0, y), x > 1))
    assert not said.proved
    assert said.answer.startswith("error")

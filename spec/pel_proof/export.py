"""Obligations as SMT-LIB 2 text, for any solver: `unsat` means discharged."""

import z3

from pel_proof.obligations import Obligation


def smtlib(obligation: Obligation) -> str:
    """One obligation as a script of its own."""
    script = z3.Solver()
    script.add(*obligation.known, z3.Not(obligation.goal))
    text = script.to_smt2().replace("(set-info :status unknown)\n", "")
    return f"; {obligation.family}: {obligation.name}\n(set-logic ALL)\n{text}"


def file_name(obligation: Obligation) -> str:
    """A name for its file, which no other obligation has."""
    readable = f"{obligation.family}.{obligation.step}.{obligation.about}"
    return "".join(c if c.isalnum() or c in "._-~" else "-" for c in readable) + ".smt2"

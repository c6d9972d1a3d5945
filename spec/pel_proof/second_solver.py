"""cvc5 decides the same obligations, from their SMT-LIB text, and gives a proof of each.

What Z3's quantifier instantiation, or our use of its interface, got wrong, an independent solver
would have to get wrong in the same way. Its proofs are checked by its own proof checker as they are
made, and can be written out for an external one.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from pel_proof.export import smtlib
from pel_proof.obligations import Obligation

RESOURCES = 4_000_000
"""cvc5's own count of work: the same verdict on every machine."""

STRATEGIES: tuple[dict[str, str], ...] = ({}, {"full-saturate-quant": "true"})
"""Tried in turn: matching on what is there, then instantiating with everything there is."""


class SecondSolverMissing(Exception):
    """cvc5 is not installed."""


@dataclass(frozen=True, slots=True)
class SecondVerdict:
    """What cvc5 says. `proof` is empty where none was asked for, or could be given."""

    obligation: Obligation
    proved: bool
    answer: str
    proof: str
    seconds: float


def ask(obligation: Obligation, *, proof: bool = False) -> SecondVerdict:
    """Let cvc5 decide one obligation.

    Raises: `SecondSolverMissing`.
    """
    started, text = perf_counter(), smtlib(obligation)
    answer, found = "unknown", ""
    for options in STRATEGIES:
        try:
            answer, found = _run(text, options, proof)
        except RuntimeError as error:  # cvc5's own, of any kind
            answer, found = f"error: {error}", ""
        if answer == "unsat":
            break
    return SecondVerdict(obligation, answer == "unsat", answer, found, perf_counter() - started)


def _run(text: str, options: dict[str, str], proof: bool) -> tuple[str, str]:
    cvc5 = _cvc5()
    manager = cvc5.TermManager()
    solver = cvc5.Solver(manager)
    wanted = {"produce-proofs": "true", "check-proofs": "true"} if proof else {}
    for name, value in ({"rlimit": str(RESOURCES)} | options | wanted).items():
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
    symbols, printed = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        printed += str(command.invoke(solver, symbols))
    answer = printed.strip()
    if not proof or answer != "unsat":
        return answer, ""
    return answer, str(solver.proofToString(solver.getProof()[0]))


def _cvc5() -> Any:
    try:
        import cvc5  # noqa: PLC0415
    except ImportError:
        raise SecondSolverMissing("cvc5 is not installed (it is in the extra `dev`)") from None
    return cvc5

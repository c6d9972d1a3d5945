"""What the ledger and the ladder take for granted of their words."""

import pytest
import z3

from pel_proof.machine import block_stm, parameters
from pel_proof.progress.ledger import words
from pel_proof.symbolic import Term, World
from pel_spec.kernel import fields


def fields_in(term: Term) -> set[str]:
    """The fields that a formula speaks of."""
    found, left = set[str](), [term]
    while left:
        here = left.pop()
        if z3.is_quantifier(here):
            left.append(here.body())
        elif z3.is_app(here):
            found.add(here.decl().name())
            left += here.children()
    return found & fields(block_stm().state).keys()


@pytest.mark.parametrize("part", ["Accounts", "Todo"])
def test_what_is_a_workers_is_its_own(part: str) -> None:
    """Payments and descent ask of the steps of a worker alone what becomes of its accounts and its
    to-do sets: so nobody else may be able to change them."""
    declared = fields(block_stm().state)
    world = World()
    with world.active():
        state = block_stm().state(world)
        for name, statement in words(part).items():
            domains = parameters(statement)
            if "w" in domains:
                given = [world.parameter(p, domain) for p, domain in domains.items()]
                found = fields_in(state.say(statement, *given))
                others = {f for f in found if declared[f].kind not in ("own", "log")}
                assert not others, f"{name} looks at {others}"

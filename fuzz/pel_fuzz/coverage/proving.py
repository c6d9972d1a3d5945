"""Can a pair of actions meet at all? Asked of the proof, about ten times a second."""

from functools import cache

from pel_fuzz.conformance.forms import FORMS
from pel_fuzz.coverage.pairs import Pair
from pel_proof.machine import block_stm
from pel_proof.neighbours import Neighbours
from pel_proof.runs.text import block_stm_text
from pel_proof.solve import PROVED, decide


@cache
def _neighbours() -> Neighbours:
    objects = {action: form.object for action, form in FORMS.items()}
    return Neighbours(block_stm(), block_stm_text(), objects)


def proved_impossible(pair: Pair) -> bool:
    """Is it proved, of any number of workers, positions and locations, that a pair never meets?
    If not, nothing is known of it."""
    return all(decide(each) == PROVED for each in _neighbours().obligations(*pair))

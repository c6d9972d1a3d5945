"""Seeded bugs of scheduler and multi-version memory: all that the specification's text has, under
the same names, and some more.

Five bugs of the text concern the rolling commit, which the executor does not have. Published bugs
carry their number in the bug zoo, the others the class. All of them need an unlucky interleaving:
on one worker, most give the right result every time.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pel_fuzz.canaries import executing, finishing, handing_out, validating
from pel_fuzz.canaries.bug import Bug
from pel_fuzz.canaries.planting import PLANTABLE

MODULES: Final = (handing_out, executing, finishing, validating)
"""Where they are written."""

SCHEDULER_BUGS: Final[Mapping[str, Bug]] = MappingProxyType(dict(PLANTABLE))
"""All of them by name, benign changes included."""

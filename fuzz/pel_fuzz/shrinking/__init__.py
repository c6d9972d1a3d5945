"""A difference made small: the fewest transitions, then workers, then preemptions, then switches.

Hypothesis shrinks the block while the interleaving is a few fixed walks (`block`), then the
interleaving of the run that is left is made simple (`interleaving`). A simpler interleaving may
allow a smaller block again, so both are repeated. `trial` says what counts as the same difference:
one of the same signature. Every step is deterministic; the time budget bounds how far it goes.
"""

from pel_fuzz.shrinking.interleaving import delta_debug
from pel_fuzz.shrinking.together import shrink_finding

__all__ = ["delta_debug", "shrink_finding"]

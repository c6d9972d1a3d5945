"""Every seeded bug, by name."""

from collections.abc import Mapping

from pel_fuzz.canaries.bug import Bug
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.canaries.seam import SEAM_BUGS

BUGS: Mapping[str, Bug] = {**SCHEDULER_BUGS, **SEAM_BUGS}

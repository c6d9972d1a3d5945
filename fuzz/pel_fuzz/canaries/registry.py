"""Every seeded bug, by name."""

from collections.abc import Mapping

from pel_fuzz.canaries.bug import Bug
from pel_fuzz.canaries.scheduler import RARE_SCHEDULER_BUGS, SCHEDULER_BUGS
from pel_fuzz.canaries.seam import SEAM_BUGS

BUGS: Mapping[str, Bug] = {**SCHEDULER_BUGS, **RARE_SCHEDULER_BUGS, **SEAM_BUGS}

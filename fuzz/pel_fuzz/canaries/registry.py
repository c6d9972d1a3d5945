"""Every seeded bug, by name."""

from collections.abc import Mapping

from pel_fuzz.canaries.bug import Bug
from pel_fuzz.canaries.faulty import FAULT_BUGS
from pel_fuzz.canaries.scheduler import SCHEDULER_BUGS
from pel_fuzz.canaries.seam import SEAM_BUGS

BUGS: Mapping[str, Bug] = {**SCHEDULER_BUGS, **SEAM_BUGS, **FAULT_BUGS}
"""Seeded bugs of scheduler, memory and seam, and those that only faults show; benign ones too."""

"""Block-STM as a whole: its actions, its invariants, and how it refines the abstract machine."""

from pel_spec.kernel import methods
from pel_spec.scheduler.execution import Finishing, Reading, Recording
from pel_spec.scheduler.ownership import Ownership, Waiting
from pel_spec.scheduler.refinement import Abstraction, Steps
from pel_spec.scheduler.tasks import DoneCheck, Tasks
from pel_spec.scheduler.validation import Commit, Validation
from pel_spec.scheduler.validity import Causes, Committing, Memory, Validity

ACTION_PARTS = (Tasks, DoneCheck, Reading, Recording, Finishing, Validation, Commit)
INVARIANT_PARTS = (Ownership, Waiting, Memory, Validity, Committing, Causes)

ACTIONS = methods(*ACTION_PARTS)
INVARIANTS = methods(*INVARIANT_PARTS)
REFINES = methods(Steps)


class BlockStm(
    Tasks,
    DoneCheck,
    Reading,
    Recording,
    Finishing,
    Validation,
    Commit,
    Ownership,
    Waiting,
    Memory,
    Validity,
    Committing,
    Causes,
    Abstraction,
):
    """The machine: all of its parts in one state."""

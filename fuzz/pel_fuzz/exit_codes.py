"""Exit codes of every `pel` command: one meaning each, so that a script can trust them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command concluded. A fault of the harness never looks like a difference."""

    AGREE = 0
    """Everything that had to agree agreed, and something was really compared."""
    DIFFER = 1
    """Two executors differ, or the specification is violated."""
    BAD_INPUT = 2
    """The input or the command line is wrong; the message names the file and the field."""
    INCONCLUSIVE = 3
    """Neither could be shown (too large, out of time, not parallel); the message says why."""
    INTERNAL = 70
    """Our own fault (`EX_SOFTWARE` of BSD sysexits): please report it."""
    INTERRUPTED = 130
    """Stopped by the user (128 + SIGINT); what was found until then is kept."""

"""How a client can fail on a case. It is not trusted: each of these ends the case, nothing else.

`BadStatus`, `Killed` and `Refused` are what the client did itself, and make a difference: the block
is valid, and it gave no result. The others leave the question open: a clock, a limit of ours or a
misread answer is no judge of the block.
"""

import signal

from pel_fuzz.drive.failures import ClientFailure, NoStart

__all__ = [
    "BadStatus",
    "ClientFailure",
    "Garbage",
    "Killed",
    "NoStart",
    "Refused",
    "Stopped",
    "TooLate",
    "TooManyProcesses",
    "TooMuchMemory",
    "TooMuchOutput",
    "Twice",
    "ended_badly",
]


class BadStatus(ClientFailure):
    """Its process ended by itself, with a status that says that it failed."""

    kind = "exit"
    is_verdict = True


class Killed(ClientFailure):
    """Its process was ended by a signal that we did not send: it crashed."""

    kind = "signal"
    is_verdict = True


class Refused(ClientFailure):
    """It answered, in good form, that it has no result."""

    kind = "refused"
    is_verdict = True


class TooLate(ClientFailure):
    """It did not end, or answer, in time."""

    kind = "timeout"


class TooMuchMemory(ClientFailure):
    """Its processes together took more memory than they may."""

    kind = "memory"


class TooManyProcesses(ClientFailure):
    """It had more processes at once than it may."""

    kind = "processes"


class TooMuchOutput(ClientFailure):
    """It wrote more than it may, to a stream or to files."""

    kind = "output"


class Garbage(ClientFailure):
    """What it answered is not what the interface says."""

    kind = "garbage"


class Twice(ClientFailure):
    """It answered more than once, so none of its answers counts."""

    kind = "twice"


class Stopped(Exception):
    """The case was given up, by the user or by the campaign's time budget: nobody failed."""


def ended_badly(status: int, errors: str) -> ClientFailure:
    """The failure that an exit status other than 0 stands for; negative: the signal's number."""
    if status > 0:
        return BadStatus(f"ended with exit status {status}", errors)
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return Killed(f"ended by signal {-status} ({name})", errors)

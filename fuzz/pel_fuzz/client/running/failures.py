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
    "TakenAway",
    "TooLate",
    "TooManyProcesses",
    "TooMuchMemory",
    "TooMuchOutput",
    "Twice",
    "Unreachable",
    "ended_badly",
]


_SIGNALS = {each.value: each.name for each in signal.Signals}
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals by which no program crashes."""


class BadStatus(ClientFailure):
    """Its process ended by itself, with a status that says that it failed, or with no answer."""

    is_verdict = True

    def __init__(self, status: int, errors: str = "") -> None:
        super().__init__(f"ended with exit status {status}", errors)
        self.kind = f"exit.{status}"


class Killed(ClientFailure):
    """Its process was ended by a signal that we did not send: it crashed."""

    is_verdict = True

    def __init__(self, number: int, errors: str = "") -> None:
        name = _SIGNALS.get(number, str(number))
        super().__init__(f"ended by signal {name}", errors)
        self.kind = f"signal.{name}"


class TakenAway(ClientFailure):
    """Its process was ended from outside, by nobody whom we know: mostly by a system that has run
    out of memory, or somebody who shuts it down."""

    kind = "killed"


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


class Unreachable(ClientFailure):
    """It takes no connection: it has not even been given the block."""

    kind = "unreachable"


class Twice(ClientFailure):
    """It answered more than once, so none of its answers counts."""

    kind = "twice"


class Stopped(Exception):
    """The case was given up, by the user or by the campaign's time budget: nobody failed."""


def ended_badly(status: int, errors: str) -> ClientFailure:
    """The failure that an end with no result stands for; negative: the signal's number."""
    if status >= 0:
        return BadStatus(status, errors)
    if -status in _FROM_OUTSIDE:
        return TakenAway(f"ended by signal {_SIGNALS[-status]}, which we did not send", errors)
    return Killed(-status, errors)

"""How an executor that is driven from outside can fail its driver. It is not trusted: each of these
ends the run, and nothing else.

None says anything about the block. `Ended` and `Refused` are what the executor did, and make a
difference; `NoAnswer` and `Babble` leave the question open, because a clock is no judge and a
misread line none either.
"""


def quoted(errors: str) -> str:
    """What an executor wrote on standard error, each line marked: none can pass for one of ours."""
    return "\n".join(f"| {line}" for line in errors.splitlines())


class ClientFailure(Exception):
    """The executor did not do its part. `kind` is a stable name, `errors` the beginning of what it
    wrote on standard error."""

    kind = "failure"
    is_verdict = False

    def __init__(self, problem: str, errors: str = "") -> None:
        super().__init__(f"{problem}\n{quoted(errors)}" if errors else problem)
        self.problem, self.errors = problem, errors


class Ended(ClientFailure):
    """Its process ended, or closed its output, in the middle of a run."""

    kind = "exit"
    is_verdict = True


class Refused(ClientFailure):
    """It said itself that the run has failed."""

    kind = "error"
    is_verdict = True


class NoAnswer(ClientFailure):
    """It did not answer in time, which is no verdict: it may be slow."""

    kind = "timeout"


class Babble(ClientFailure):
    """What it said is not of the protocol, or not what may be said at this moment."""

    kind = "protocol"


class NoStart(Exception):
    """The command cannot be run, or does not speak the protocol: a mistake of the user's."""

    def __init__(self, command: str, problem: str) -> None:
        super().__init__(f"{command}: {problem}")
        self.command, self.problem = command, problem

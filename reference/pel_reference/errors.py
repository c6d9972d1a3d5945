"""Errors: bad input, as a line for people naming file and field, and a block that is invalid."""


class InputError(Exception):
    """A file that a user gave cannot be used.

    `source` is the file as the user named it, `field` a path inside it such as
    `txs[3].gasPrice` (empty when the file as a whole is wrong), `problem` what is wrong there.
    """

    def __init__(self, source: str, field: str, problem: str) -> None:
        super().__init__(source, field, problem)  # all of it: errors travel between processes
        self.source, self.field, self.problem = source, field, problem

    def __str__(self) -> str:
        place = f"{self.source}: {self.field}" if self.field else self.source
        return f"{place}: {self.problem}"


class UnsupportedFork(InputError):
    """The input is well formed, but asks for a fork that the executor does not know."""


class InvalidBlock(Exception):
    """The block as a whole cannot be valid, whatever its header says; `reason` is short and stable.

    Before the requests of Prague no block can fail like this: an invalid transaction is rejected,
    and the block goes on.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

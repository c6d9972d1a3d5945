"""The one error that bad input raises: a line for people, naming the file and the field."""


class InputError(Exception):
    """A file that a user gave cannot be used.

    `source` is the file as the user named it, `field` a path inside it such as
    `txs[3].gasPrice` (empty when the file as a whole is wrong), `problem` what is wrong there.
    """

    def __init__(self, source: str, field: str, problem: str) -> None:
        self.source, self.field, self.problem = source, field, problem
        place = f"{source}: {field}" if field else source
        super().__init__(f"{place}: {problem}")


class UnsupportedFork(InputError):
    """The input is well formed, but asks for a fork that the executor does not know."""

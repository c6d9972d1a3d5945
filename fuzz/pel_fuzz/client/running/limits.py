"""How much a client may take: time, memory, output. Beyond it the client is ended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one case.

    `memory_bytes` is resident memory of all of its processes together, `output_bytes` holds for its
    standard output, its standard error, each file and the folder that it is given; `errors_bytes`
    of its standard error are kept for people. `processes` bounds how many it may have at once.
    """

    seconds: float = 60.0
    memory_bytes: int = 4 << 30
    output_bytes: int = 64 << 20
    errors_bytes: int = 16_000
    processes: int = 256

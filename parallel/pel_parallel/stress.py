"""Plain threads under stress: what lies between the points at which a controller can switch.

A controller switches before steps only, so whatever happens between two steps, or inside the body
of one, is a single moment to it. On plain threads it is not: `OpcodeStress` lets a worker give the
processor away between any two instructions of the interpreter in this package's own code.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import sleep
from types import CodeType, FrameType
from typing import Any

from pel_parallel.sync import RecordingRuntime

OURS = str(Path(__file__).parent)
"""Where the code is that is slowed down: nothing else has shared state in common."""

YIELD_SHARE = 0.005
"""Of the instructions, the share after which a worker gives the processor away."""


@contextmanager
def switch_interval(seconds: float) -> Iterator[None]:
    """Let the interpreter switch threads this often: microseconds, to find what lies between the
    points where a controller can switch."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class OpcodeStress(RecordingRuntime):
    """Recorded plain threads that are interrupted between instructions, at places drawn for each
    worker from `seed`. Which thread goes on is the operating system's choice all the same: a run is
    not reproducible."""

    def __init__(
        self, seed: int, share: float = YIELD_SHARE, *, step_limit: int | None = None
    ) -> None:
        super().__init__(step_limit=step_limit)
        self.seed, self.share = seed, share

    def _work(self, worker: int, body: Callable[[int], None]) -> None:
        before = sys.gettrace()
        sys.settrace(self._interruptions(Random(f"{self.seed}/{worker}")))
        try:
            super()._work(worker, body)
        finally:
            sys.settrace(before)

    def _interruptions(self, random: Random) -> Callable[[FrameType, str, Any], Any]:
        """What the interpreter calls in this thread: at each call, and at each instruction of a
        function of ours."""
        draw, share, known = random.random, self.share, dict[CodeType, bool]()

        def inside(frame: FrameType, event: str, _: Any) -> Any:
            if event == "opcode" and draw() < share:
                sleep(0)
            return inside

        def entered(frame: FrameType, event: str, _: Any) -> Any:
            code = frame.f_code
            ours = known.get(code)
            if ours is None:
                ours = known[code] = code.co_filename.startswith(OURS)
            if not ours:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return inside

        return entered

"""Who goes next, said by a string of bytes: free choice for whatever draws, and shrinks, bytes."""

from collections.abc import Sequence

from pel_parallel.choices import Default, Pending

FIRST_SWITCH = 192
"""Bytes below stand for the default, so that of bytes drawn at random one in four is a switch."""


class FreeChoice(Default):
    """Byte `own * workers + worker` says who goes when that worker is about to take that step.

    A byte belongs to a worker's own step and not to a moment of the run, so what is changed at one
    step leaves the meaning of the others alone. Small bytes, and none where the string has ended,
    are the default: strings that are shorter and smaller are runs with fewer switches. A worker
    that idles, waits or has ended is followed by the next one, without a choice.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._workers = 0

    def begin(self, workers: int) -> None:
        """A run of so many workers begins."""
        self._workers = workers

    def choose(
        self, worker: int, own: int, runnable: Sequence[int], default: int, pending: Pending
    ) -> int:
        """The default, or one of the others, as the byte says."""
        at = own * self._workers + worker
        if default != worker or at >= len(self.data):
            return default
        switch = self.data[at] - FIRST_SWITCH
        if switch < 0:
            return default
        return runnable[(runnable.index(worker) + 1 + switch % (len(runnable) - 1)) % len(runnable)]

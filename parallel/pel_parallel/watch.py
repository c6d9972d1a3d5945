"""Has a run on plain threads come to a standstill? Decided by counting, never by a clock."""

from collections.abc import Set as AbstractSet

LOOKS = frozenset(
    (
        "idle",
        "load_done",
        "prefer_val_idx",
        "prefer_exec_idx",
        "choose_validation",
        "choose_execution",
        "cd_observe",
        "cd_exec_idx",
        "cd_val_idx",
        "cd_num_active",
        "cd_observe_again",
    )
)
"""The actions that only look, and with which a worker without work goes round and round."""

ROUNDS = 3
"""Idle steps of each worker in a stage: between two of them lies one whole futile round."""
STAGES = 3
"""Stages without any change. By the end of the first, no worker is inside a task any more; the
second is then a time in which nothing changed and everybody looked in vain; the third makes sure
that what was counted late has been counted."""


class Watch:
    """Counts what each worker does. A count is written by its worker alone and read by all; it may
    be read late, never early, and that only delays the verdict."""

    def __init__(self, workers: int) -> None:
        self._work = [0] * workers
        self._looks = [0] * workers
        self._idles = [0] * workers
        self._since: list[tuple[list[int], list[int]]] = [([], []) for _ in range(workers)]
        self._stage = [0] * workers

    def stepped(self, worker: int, action: str) -> None:
        """`worker` has taken a step."""
        if action == "idle":
            self._idles[worker] += 1
            self._looks[worker] = 0
        elif action in LOOKS:
            self._looks[worker] += 1
        else:
            self._work[worker] += 1

    def work_of(self, worker: int) -> int:
        """How many steps `worker` has taken, without the rounds in which it found nothing to do:
        how many those are is up to the clock, as long as others are at work."""
        return self._work[worker] + self._looks[worker]

    def hopeless(self, worker: int, still: AbstractSet[int]) -> bool:
        """As far as the idle `worker` can tell: nothing will ever change again.

        `still`: those who cannot move by themselves, because they wait or have ended.
        """
        work_before, idles_before = self._since[worker]
        work, idles = self._work.copy(), self._idles.copy()
        if work != work_before:
            self._since[worker] = (work, idles)
            self._stage[worker] = 0
        elif all(
            other in still or idles[other] >= idles_before[other] + ROUNDS
            for other in range(len(idles))
        ):
            self._since[worker] = (work, idles)
            self._stage[worker] += 1
        return self._stage[worker] == STAGES

"""An executor in another language, run after run: its process, its runs, what is wrong with them.

One process makes thousands of runs. After a run that failed it is ended and another one started:
nothing that a failed run leaves behind can reach the next.
"""

from types import TracebackType
from typing import NamedTuple, Self

from pel_fuzz.drive.client import ANSWER_SECONDS, Client, Note
from pel_fuzz.drive.driver import Driver, Taken
from pel_fuzz.drive.failures import ClientFailure
from pel_fuzz.drive.judge import client_difference, result_difference, stuck_difference
from pel_fuzz.drive.messages import Answer
from pel_fuzz.executors import for_workers
from pel_fuzz.interleavings import Steered
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference
from pel_parallel.errors import Deadlock, Livelock, StepLimit
from pel_parallel.sync import Schedule
from pel_spec.fold import Result, fold

STEP_LIMIT = 20_000
"""Steps of a run on a few workers before it is given up: a hundred times what a run of a tiny block
takes."""


class Made(NamedTuple):
    """One run: what is wrong with it, if anything is, and how it went.

    `answer` is `None` where it did not come to an end.
    """

    difference: Difference | None
    answer: Answer | None
    story: tuple[Taken, ...]
    schedule: Schedule
    preemptions: int


class External:
    """Runs blocks on an executor, which is started when it is first needed. A context manager.

    Raises, from `run`: `NoStart`; `Drift`, where a schedule that must fit does not.
    """

    def __init__(
        self,
        command: str,
        answer_seconds: float = ANSWER_SECONDS,
        step_limit: int = STEP_LIMIT,
        note: Note | None = None,
    ) -> None:
        self.command, self.answer_seconds, self.step_limit = command, answer_seconds, step_limit
        self._note = note
        self.runs = self.steps = self.starts = 0
        self._client: Client | None = None
        self._meant: tuple[TinyBlock, Result] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def start(self) -> Client:
        """The process, once it has said what it speaks.

        Raises: `NoStart`.
        """
        if self._client is None:
            self.starts += 1
            self._client = Client(self.command, self.answer_seconds, self._note)
        return self._client

    def run(self, block: TinyBlock, workers: int, steered: Steered) -> Made:
        """One run of `block`, compared with what the block means."""
        expected = self._meaning(block)
        limit = for_workers(self.step_limit, workers)
        driver = Driver(self.start(), steered.steering(), limit)
        answer: Answer | None = None
        difference: Difference | None = None
        try:
            answer = driver.run(self.runs, workers, block)
        except (Deadlock, Livelock, StepLimit) as stuck:
            difference = stuck_difference(stuck, driver.story)
        except ClientFailure as failure:
            difference = client_difference(failure, driver.story)
        finally:
            self.runs += 1
            self.steps += len(driver.story)
            if answer is None:
                self.close()
        if answer is not None:
            difference = result_difference(block, expected, answer)
        story = tuple(driver.story)
        return Made(difference, answer, story, driver.schedule(), driver.preemptions)

    def _meaning(self, block: TinyBlock) -> Result:
        if self._meant is None or self._meant[0] is not block:
            self._meant = block, fold(block)[0]
        return self._meant[1]

"""The process of an executor, and the lines to and from it. Nothing that it does is trusted: every
wait has an end, every buffer a bound, and whatever it started ends with it."""

import math
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeAlias

from pel_fuzz.drive.failures import Babble, Ended, NoAnswer, NoStart, Refused
from pel_fuzz.drive.messages import LONGEST_LINE, check_greeting, encode, greeting
from pel_fuzz.formats.header import FormatError
from pel_fuzz.verdict import printable, shorten

ANSWER_SECONDS: Final = 10.0
"""How long one answer may take, and how long a line may stay unread."""
START_SECONDS: Final = 30.0
"""How long the first line may take: some runtimes are slow to start, and fast then."""
ANSWERS_A_RUN: Final = 6
"""How many times as long a whole run may take: an executor that is slow at every step ends, too."""
KEPT_ERRORS: Final = 4000
"""Bytes of its standard error that are kept: the first, which name the cause."""
_CHUNK: Final = 1 << 16
_LAST_WORDS_SECONDS: Final = 0.5

Note: TypeAlias = Callable[[str, bytes], None]
"""Told of each line: `> ` before one that is sent, `< ` before one that came."""


class Client:
    """One process that speaks the protocol. A context manager: its process group ends with it.

    Raises, at the start: `NoStart`. Later on, from `send` and `receive`: a `ClientFailure`.
    """

    def __init__(
        self, command: str, answer_seconds: float = ANSWER_SECONDS, note: Note | None = None
    ) -> None:
        self.command, self.answer_seconds, self._note = command, answer_seconds, note
        self.lines = 0
        self._patience, self._run_ends = START_SECONDS, math.inf
        self._received, self._errors = bytearray(), bytearray()
        try:
            self._process = subprocess.Popen(
                shlex.split(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError, IndexError) as error:
            detail = error.strerror if isinstance(error, OSError) else str(error)
            raise NoStart(command, f"cannot be run: {detail}") from None
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = [pipe for pipe in pipes if pipe is not None]
        self._to, self._from, self._errors_from = (pipe.fileno() for pipe in self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._reading, self._writing = select.poll(), select.poll()
        self._reading.register(self._from, select.POLLIN)
        self._writing.register(self._to, select.POLLOUT)
        for polled in (self._reading, self._writing):
            polled.register(self._errors_from, select.POLLIN)
        self._listening = True  # to its standard error, which it may close
        self._handed_over = False
        try:
            self.name = self._greet()
            self._patience = answer_seconds
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it has started; they are not asked."""
        with suppress(ProcessLookupError, PermissionError):  # all of them have ended already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def begin_run(self) -> None:
        """From now on the time of a run is counted.

        A process that has ended by now, while lines still come, was a launcher: nothing can be told
        from its end later on.
        """
        self._handed_over = self._process.poll() is not None
        self._run_ends = time.monotonic() + ANSWERS_A_RUN * self.answer_seconds

    def send(self, line: bytes) -> None:
        """Send a line.

        Raises: `Ended`, `NoAnswer`.
        """
        if self._note is not None:
            self._note("> ", line.rstrip())
        left = memoryview(line)
        deadline = 0.0
        while left:
            try:
                left = left[os.write(self._to, left) :]
            except BlockingIOError:
                deadline = deadline or time.monotonic() + self._patience
                self._wait_to_write(deadline)
            except BrokenPipeError:
                self._ended("reads no more")

    def receive(self) -> bytes:
        """The next line, without its end.

        Raises: `Ended`, `NoAnswer`, `Babble`.
        """
        end = self._received.find(b"\n")
        if end < 0:
            end = self._read_line()
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        self.lines += 1
        if self._note is not None:
            self._note("< ", line)
        return line

    def nothing_more(self) -> None:
        """Now that it must be silent.

        Raises: `Babble`, where it has said more already.
        """
        if self._received:
            self.lines += 1
            self.babble("it has to wait for an order before it says more")

    def babble(self, problem: str) -> NoReturn:
        """Complain of the last line.

        Raises: `Babble`.
        """
        raise Babble(f"line {self.lines} of its answers: {problem}", self._said())

    # ---- waiting ------------------------------------------------------------------------

    def _greet(self) -> str:
        try:
            self.send(encode(greeting()))
            return check_greeting(self.receive())
        except FormatError as error:
            raise NoStart(self.command, f"line 1 of its answers: {shorten(error)}") from None
        except (Ended, NoAnswer, Babble, Refused) as failure:
            raise NoStart(self.command, str(failure)) from None

    def _read_line(self) -> int:
        """Read until a whole line is there; where it ends."""
        deadline = time.monotonic() + self._patience
        while True:
            if not self._wait(self._reading, deadline):
                self._late("answer")
            searched = len(self._received)
            chunk = _take(self._from)
            if chunk is None:
                continue
            if not chunk:
                self._ended("says no more")
            self._received += chunk
            end = self._received.find(b"\n", searched)
            if max(end, searched) > LONGEST_LINE:
                self.lines += 1
                self.babble(f"longer than {LONGEST_LINE} bytes")
            if end >= 0:
                return end

    def _wait(self, polled: select.poll, deadline: float) -> bool:
        """Wait for what is polled, and keep its standard error meanwhile; `False`: in vain."""
        until = min(deadline, self._run_ends)
        while True:
            left = until - time.monotonic()
            ready = polled.poll(left * 1000) if left > 0 else ()
            if not ready:
                return False
            for pipe, _ in ready:
                if pipe != self._errors_from:
                    return True
                self._keep_errors()

    def _wait_to_write(self, deadline: float) -> None:
        if not self._wait(self._writing, deadline):
            self._late("read")

    def _keep_errors(self) -> bool:
        """Take what it wrote on standard error; whether there was anything."""
        chunk = _take(self._errors_from)
        if chunk == b"":
            for polled in (self._reading, self._writing):
                polled.unregister(self._errors_from)
            self._listening = False
        self._errors += (chunk or b"")[: KEPT_ERRORS - len(self._errors)]
        return bool(chunk)

    def _late(self, what: str) -> NoReturn:
        """It took too long; or it has ended, and a child of its own holds the pipe."""
        status = None if self._handed_over else self._process.poll()
        if status is not None:
            self._ended_with(status)
        seconds = self._patience
        if time.monotonic() >= self._run_ends:
            what, seconds = "end the run", ANSWERS_A_RUN * seconds
        raise NoAnswer(f"did not {what} in {seconds:g} s", self._said())

    def _ended(self, how: str) -> NoReturn:
        """It has closed a pipe: with what status, if it really ends."""
        try:
            status = self._process.wait(_LAST_WORDS_SECONDS)
        except subprocess.TimeoutExpired:
            raise Ended(f"{how}, but its process goes on", self._said()) from None
        self._ended_with(status)

    def _ended_with(self, status: int) -> NoReturn:
        told = f"exit status {status}" if status >= 0 else f"signal {-status}"
        raise Ended(f"ended in the middle ({told})", self._said())

    def _said(self) -> str:
        """What it wrote on standard error until now, as lines that can be printed."""
        while self._listening and len(self._errors) < KEPT_ERRORS and self._keep_errors():
            pass
        return printable(self._errors.decode(errors="replace").replace("\r\n", "\n"))


def _take(pipe: int) -> bytes | None:
    """What can be read at once: nothing at its end, `None` where nothing is there yet."""
    try:
        return os.read(pipe, _CHUNK)
    except BlockingIOError:
        return None

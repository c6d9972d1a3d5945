"""One process of a client, from its start to the end of all that it has started.

Nothing that it does is trusted: every wait has an end, every buffer a bound.
"""

import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from pel_fuzz.client.running.failures import (
    NoStart,
    Stopped,
    TooLate,
    TooManyProcesses,
    TooMuchMemory,
    TooMuchOutput,
)
from pel_fuzz.client.running.folder import is_within
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.tree import Tree
from pel_fuzz.verdict import printable

LOOK_SECONDS: Final = 0.1
"""How often its memory, its processes and its folder are looked at."""
_CHUNK: Final = 1 << 16
_WAIT_SECONDS: Final = 0.02


Stop: TypeAlias = Callable[[], bool]
"""Asked again and again while a client works: whether it is to be given up at once."""


def never() -> bool:
    """Not to be given up."""
    return False


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended by itself: `status` as `subprocess` has it, negative for a signal.

    `errors` is its standard error for people, cut in the middle where it is long; `log` all of it.
    """

    status: int
    output: bytes
    errors: str
    seconds: float
    log: bytes


def cut(text: bytes, most_bytes: int) -> str:
    """A log for people: its beginning and its end, which name the cause."""
    if len(text) > most_bytes:
        half = most_bytes // 2
        gap = f"\n... {len(text) - 2 * half} bytes left out ...\n".encode()
        text = text[:half] + gap + text[-half:]
    return printable(text.decode(errors="replace")).strip()


class Process:
    """A client's process while it lives: a context manager, with which all of it ends.

    `folder` is what it is given to write to, and is watched. Raises, at the start: `NoStart`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        limits: Limits,
        stdin: bytes | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._limits, self._folder = limits, folder
        self._tree, self._opened = Tree(), ExitStack()
        self._streams: dict[int, bytearray] = {}
        self._selector = self._opened.enter_context(selectors.DefaultSelector())
        try:
            self._process = self._start(argv, cwd, stdin, environment or {})
        except BaseException:
            self._opened.close()
            raise

    def _start(
        self, argv: Sequence[str], cwd: Path, stdin: bytes | None, environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        with tempfile.TemporaryFile() as given:
            given.write(stdin or b"")
            given.seek(0)
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=self._tree.environment(environment),
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except (OSError, ValueError, IndexError) as error:
                told = error.strerror if isinstance(error, OSError) else str(error)
                raise NoStart(shlex.join(argv), f"cannot be run: {told}") from None
        self._tree.started(process.pid)
        self._tree.limit_files(self._limits.output_bytes)
        assert process.stdout is not None and process.stderr is not None
        self._output, self._errors = process.stdout.fileno(), process.stderr.fileno()
        for pipe in (process.stdout, process.stderr):
            self._opened.enter_context(pipe)
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)
            self._streams[pipe.fileno()] = bytearray()
        return process

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
        """End the process and all that it has started."""
        try:
            self._tree.end()
        finally:
            self._process.kill()
            self._process.wait()
            self._opened.close()

    @property
    def output(self) -> bytes:
        """Its standard output until now."""
        return bytes(self._streams[self._output])

    @property
    def log(self) -> bytes:
        """Its standard error until now."""
        return bytes(self._streams[self._errors])

    @property
    def errors(self) -> str:
        """Its standard error until now, for people."""
        return cut(self.log, self._limits.errors_bytes)

    def forget(self) -> None:
        """Keep only what it writes from now on: the next case begins."""
        for stream in self._streams.values():
            stream.clear()

    def poll(self) -> int | None:
        """Its status, once it has ended by itself."""
        return self._process.poll()

    def listen(self, seconds: float = 0.0) -> None:
        """Take what it writes, for so long at most.

        Raises: `TooMuchOutput`.
        """
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return
        for key, _ in self._selector.select(seconds):
            self._take(key.fd)

    def check(self) -> None:
        """Look at all that it takes.

        Raises: `TooMuchMemory`, `TooManyProcesses`, `TooMuchOutput`.
        """
        limits, taken = self._limits, self._tree.look()
        if taken.memory_bytes > limits.memory_bytes:
            raise TooMuchMemory(f"took more than {limits.memory_bytes} bytes", self.errors)
        if taken.processes > limits.processes:
            raise TooManyProcesses(f"had more than {limits.processes} processes", self.errors)
        self.check_folder()

    def check_folder(self) -> None:
        """Look at what it has written to its folder.

        Raises: `TooMuchOutput`.
        """
        most = self._limits.output_bytes
        if self._folder is not None and not is_within(self._folder, most):
            raise TooMuchOutput(f"filled its folder beyond {most} bytes", self.errors)

    def late(self) -> TooLate:
        """The complaint that its time is over."""
        return TooLate(f"did not end in {self._limits.seconds:g} s", self.errors)

    def drain(self) -> None:
        """Take what it has written before its end. What others hold open is not waited for.

        Raises: `TooMuchOutput`.
        """
        while ready := self._selector.select(0) if self._selector.get_map() else ():
            for key, _ in ready:
                self._take(key.fd)

    def _take(self, pipe: int) -> None:
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return
        stream = self._streams[pipe]
        stream += chunk
        if not chunk:
            self._selector.unregister(pipe)
        elif len(stream) > self._limits.output_bytes:
            name = "output" if pipe == self._output else "error"
            del stream[self._limits.output_bytes :]
            most = self._limits.output_bytes
            raise TooMuchOutput(f"wrote more than {most} bytes on its standard {name}", self.errors)


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    limits: Limits,
    stdin: bytes | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stop: Stop = never,
) -> Ended:
    """Run a command to its end, within limits. A status other than 0 is the caller's to judge.

    Raises: `NoStart`, `TooLate`, `TooMuchMemory`, `TooManyProcesses`, `TooMuchOutput`; `Stopped`,
    when `stop` says so.
    """
    start = look = time.monotonic()
    deadline = start + limits.seconds
    with Process(
        argv, cwd=cwd, limits=limits, stdin=stdin, folder=folder, environment=environment
    ) as process:
        while (status := process.poll()) is None:
            process.listen(_WAIT_SECONDS)
            now = time.monotonic()
            if now >= deadline:
                raise process.late()
            if stop():
                raise Stopped
            if now - look >= LOOK_SECONDS:
                process.check()
                look = now
        process.drain()
        if status == -signal.SIGXFSZ:
            most = limits.output_bytes
            raise TooMuchOutput(f"wrote a file of more than {most} bytes", process.errors)
        process.check_folder()  # it may have failed because of that
        seconds = time.monotonic() - start
        return Ended(status, process.output, process.errors, seconds, process.log)

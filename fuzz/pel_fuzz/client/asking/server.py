"""A transition tool as a server: one process that answers block after block over HTTP.

EELS's daemon listens on a Unix socket, besu's `t8n-server` on a port; both take the same object. A
server that dies or fails is ended and started anew for the next block. One that runs already, given
by its address, is only asked: nothing of it can be watched but the clock and the answer's size.
"""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from pel_fuzz.client.asking.answer import Answer, read_document
from pel_fuzz.client.asking.interface import MOST_TOLD, answer_in, ask
from pel_fuzz.client.asking.t8n import split_command
from pel_fuzz.client.running.failures import (
    ClientFailure,
    Garbage,
    NoStart,
    Refused,
    Stopped,
    TooLate,
    TooMuchOutput,
    Unreachable,
    ended_badly,
)
from pel_fuzz.client.running.folder import remove
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.process import LOOK_SECONDS, Process, Stop, cut, never
from pel_reference.block import Block

SOCKET, PORT = "{socket}", "{port}"
"""Placeholders in a server's command: where it is to listen."""
START_SECONDS: Final = 60.0
"""How long a server may take until it listens: some runtimes are slow to start."""
_SILENCE: Final = "without sending a response"
"""How httpx says that the other side hung up before it said anything."""
_WAIT_SECONDS: Final = 0.02
_LAST_WORDS_SECONDS: Final = 0.3


class TransitionServer:
    """A server of blocks. A context manager. Either `command` starts it, or it is there at `url`.

    Raises: `NoStart`, for a command without `{socket}` or `{port}`, or an address that is none.
    """

    def __init__(
        self,
        command: str | None,
        limits: Limits,
        fork_names: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
    ) -> None:
        self.limits, self._names = limits, dict(fork_names or {})
        self.command = command if command is not None else url or ""
        self._url, self._process, self._words = url, None, list[str]()
        self._socket: Path | None = None
        self._folder: str | None = None
        self._log = self._errors = b""
        self.starts = 0
        if command is None:
            _check_url(url or "")
            return
        self._words = split_command(command)
        if not any(place in word for word in self._words for place in (SOCKET, PORT)):
            raise NoStart(command, "has neither {socket} nor {port}: where is it to listen?")

    _process: Process | None

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
        """End the server's processes, if they are ours."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        try:
            if process is not None:
                process.close()
        finally:
            if folder is not None:
                remove(folder)

    @property
    def can_be_heard(self) -> bool:
        """Whether it is our process."""
        return bool(self._words)

    @property
    def log(self) -> bytes:
        """What its process wrote, on both streams, while it had the last block."""
        return self._log

    @property
    def errors(self) -> str:
        """What its process wrote on its standard error meanwhile, for people."""
        return cut(self._errors, self.limits.errors_bytes)

    def execute(self, block: Block, stop: Stop = never) -> Answer:
        """The server's answer to a block.

        Raises: `ClientFailure`, `NoStart`, `Stopped`.
        """
        self._log = self._errors = b""
        asked = ask(block, self._names)
        state = {"fork": asked.fork, "chainid": asked.chain_id, "reward": asked.reward}
        given = {"alloc": asked.alloc, "env": asked.env, "txs": asked.txs}
        try:
            self._start(stop)
            text = asyncio.run(self._ask({"state": state, "input": given}, stop))
            self._listen()
            document = read_document("answer", text, self.errors)
            return answer_in(document, len(block.transactions), self.errors)
        except (ClientFailure, Stopped) as failure:
            self._listen(_LAST_WORDS_SECONDS)
            if isinstance(failure, ClientFailure):
                failure.errors = self.errors
            self.close()  # the next block is not to meet what this one has left
            raise

    def _listen(self, seconds: float = 0.0) -> None:
        """Take what it has written for this block, and what it writes for a while yet."""
        process, end = self._process, time.monotonic() + seconds
        if process is None:
            return
        with contextlib.suppress(TooMuchOutput):
            process.drain()
            while time.monotonic() < end:
                process.listen(_WAIT_SECONDS)
        self._log, self._errors = process.output + b"\n" + process.log, process.log

    # ---- its process ------------------------------------------------------------------------

    def _start(self, stop: Stop) -> None:
        if not self._words:
            return
        if self._process is not None and self._process.poll() is None:
            self._process.forget()
            return
        self.close()
        self.starts += 1
        self._folder = tempfile.mkdtemp(prefix="pel-")
        folder = Path(self._folder)
        self._socket, port = folder / "s", _free_port()
        values = {SOCKET: str(self._socket), PORT: str(port)}
        self._process = Process(
            [_filled(word, values) for word in self._words],
            cwd=Path.cwd(),
            limits=self.limits,
            folder=folder,
            environment={"TMPDIR": str(folder)},
        )
        uses_socket = any(SOCKET in word for word in self._words)
        self._url = "http://localhost/" if uses_socket else f"http://127.0.0.1:{port}/"
        self._await(("", 0) if uses_socket else ("127.0.0.1", port), stop)

    def _await(self, port: tuple[str, int], stop: Stop) -> None:
        """Wait until it listens.

        Raises: `NoStart`, if it ends before or takes too long.
        """
        process = self._process
        assert process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._is_listening(port):
            process.listen(_WAIT_SECONDS)
            status = process.poll()
            if status is not None:
                process.listen(0)
                why = f"ended before it listened, with status {status}"
                raise NoStart(self.command, _with(why, process.errors))
            if stop():
                raise Stopped
            if time.monotonic() >= deadline:
                why = f"does not listen after {START_SECONDS:g} s"
                raise NoStart(self.command, _with(why, process.errors))

    def _is_listening(self, port: tuple[str, int]) -> bool:
        by_name = port == ("", 0)
        family = socket.AF_UNIX if by_name else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(str(self._socket) if by_name else port) == 0

    # ---- its answer -------------------------------------------------------------------------

    async def _ask(self, question: object, stop: Stop) -> bytes:
        """The body of its answer. Its process is watched meanwhile."""
        deadline = time.monotonic() + self.limits.seconds
        asking = asyncio.create_task(self._post(question))
        look = time.monotonic()
        try:
            while not asking.done():
                await asyncio.wait({asking}, timeout=_WAIT_SECONDS)
                now = time.monotonic()
                if stop():
                    raise Stopped
                if now >= deadline and not asking.done():
                    raise TooLate(f"did not answer in {self.limits.seconds:g} s", self._said())
                if self._process is not None:
                    self._process.listen(0)
                    if now - look >= LOOK_SECONDS:
                        self._process.check()
                        look = now
            return asking.result()
        except httpx.HTTPError as error:
            raise await self._broken_off(error) from None
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError, ClientFailure):
                await asking

    async def _post(self, question: object) -> bytes:
        uses_socket = self._process is not None and any(SOCKET in word for word in self._words)
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket) if uses_socket else None)
        headers = {"Accept-Encoding": "identity", "Connection": "close"}
        async with (
            httpx.AsyncClient(transport=transport, timeout=None, trust_env=False) as client,
            client.stream("POST", self._url or "", json=question, headers=headers) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self.limits.output_bytes:
                    most = self.limits.output_bytes
                    raise TooMuchOutput(f"answered with more than {most} bytes", self._said())
        if response.status_code != httpx.codes.OK:
            told = bytes(body[:MOST_TOLD]).decode(errors="replace")
            raise Refused(f"answered with HTTP {response.status_code}: {told}", self._said())
        if "content-encoding" in response.headers:
            raise Garbage("answered in an encoding that it was not asked for", self._said())
        if not body.strip():
            raise Refused("answered with nothing, as a server does that failed", self._said())
        return bytes(body)

    async def _broken_off(self, error: httpx.HTTPError) -> ClientFailure:
        """Why there is no answer: its process ended, or what it sent is not HTTP."""
        if isinstance(error, httpx.ConnectError):
            return Unreachable(f"takes no connection: {error}", self._said())
        deadline = time.monotonic() + _LAST_WORDS_SECONDS
        while self._process is not None and time.monotonic() < deadline:
            status = self._process.poll()
            if status is not None:
                self._process.listen(0)
                return ended_badly(status, self._said())
            await asyncio.sleep(_WAIT_SECONDS)
        told = f"{type(error).__name__}: {error}".removesuffix(": ")
        silent = isinstance(error, httpx.RemoteProtocolError) and _SILENCE in told
        if silent or isinstance(error, httpx.ReadError | httpx.WriteError):
            return Refused(f"broke off the connection: {told}", self._said())
        return Garbage(f"its answer is not HTTP: {told}", self._said())

    def _said(self) -> str:
        return "" if self._process is None else self._process.errors


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise NoStart(url, str(error)) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise NoStart(url, "must be http://HOST:PORT/")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _filled(word: str, values: Mapping[str, str]) -> str:
    for place, value in values.items():
        word = word.replace(place, value)
    return word


def _with(problem: str, errors: str) -> str:
    return f"{problem}\n{errors}".rstrip()

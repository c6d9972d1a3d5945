"""A transition tool by its command line: `evm t8n` and the others that take the same options.

Every case has a process of its own and a folder of its own, which is gone afterwards. What the tool
leaves there is read without following links, waiting for pipes, or reading more than it may write.
"""

import json
import os
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pel_fuzz.client.asking.answer import Answer, read_answer, read_document
from pel_fuzz.client.asking.interface import Asked, answer_in, ask
from pel_fuzz.client.running.failures import Garbage, NoStart, TooMuchOutput, Twice, ended_badly
from pel_fuzz.client.running.folder import work_folder
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.client.running.process import Ended, Stop, cut, never, run_process
from pel_reference.block import Block

FLAGS: Final = (
    "--input.alloc={alloc}",
    "--input.env={env}",
    "--input.txs={txs}",
    "--state.fork={fork}",
    "--state.chainid={chainid}",
    "--state.reward={reward}",
    "--output.basedir={basedir}",
    "--output.result={result}",
    "--output.alloc={post}",
    "--output.body={body}",
)
"""What is put behind a command that has no placeholder itself."""
PLACEHOLDERS: Final = tuple(flag.partition("=")[2] for flag in FLAGS)
RESULT, POST, BODY = "result.json", "post.json", "body.rlp"


def split_command(command: str) -> list[str]:
    """The words of a command line. No shell reads it.

    Raises: `NoStart`.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise NoStart(command, str(error)) from None
    if not words:
        raise NoStart(command, "is empty")
    return words


class TransitionTool:
    """A transition tool that is started for each block. A context manager.

    `fork_names` are the tool's own names of forks, by ours.
    """

    can_be_heard = True

    def __init__(
        self, command: str, limits: Limits, fork_names: Mapping[str, str] | None = None
    ) -> None:
        self.command, self.limits = command, limits
        self._words = split_command(command)
        if not any(place in word for word in self._words for place in PLACEHOLDERS):
            self._words += FLAGS
        self._names = dict(fork_names or {})
        self._log = self._errors = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    @property
    def log(self) -> bytes:
        """What the last process wrote, on both streams."""
        return self._log

    @property
    def errors(self) -> str:
        """What the last process wrote on its standard error, for people."""
        return cut(self._errors, self.limits.errors_bytes)

    def execute(self, block: Block, stop: Stop = never) -> Answer:
        """The tool's answer to a block.

        Raises: `ClientFailure`, `NoStart`, `Stopped`.
        """
        self._log = self._errors = b""
        asked = ask(block, self._names)
        with work_folder() as folder:
            out = folder / "out"
            out.mkdir()
            inside = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
            try:
                ended = self._run(folder, asked, stop)
                return self._answer(inside, ended, len(block.transactions))
            finally:
                os.close(inside)

    def _run(self, folder: Path, asked: Asked, stop: Stop) -> Ended:
        for name, part in (("alloc", asked.alloc), ("env", asked.env), ("txs", asked.txs)):
            (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
        out = folder / "out"
        values = {
            "{alloc}": str(folder / "alloc.json"),
            "{env}": str(folder / "env.json"),
            "{txs}": str(folder / "txs.json"),
            "{fork}": asked.fork,
            "{chainid}": str(asked.chain_id),
            "{reward}": str(asked.reward),
            "{basedir}": str(out),
            "{result}": RESULT,
            "{post}": POST,
            "{body}": BODY,
        }
        ended = run_process(
            [_filled(word, values) for word in self._words],
            cwd=Path.cwd(),
            limits=self.limits,
            folder=folder,
            environment={"TMPDIR": str(folder)},
            stop=stop,
        )
        self._log, self._errors = ended.output + b"\n" + ended.log, ended.log
        return ended

    def _answer(self, inside: int, ended: Ended, transactions: int) -> Answer:
        errors = ended.errors
        if ended.status != 0:
            raise ended_badly(ended.status, errors)
        most = self.limits.output_bytes
        result, alloc = _read(inside, RESULT, most, errors), _read(inside, POST, most, errors)
        printed = ended.output.lstrip()
        if result is None and alloc is None:
            if not printed.startswith(b"{"):
                raise Garbage("left no result, neither in its file nor on its output", errors)
            document = read_document("standard output", printed, errors)
            return answer_in(document, transactions, errors)
        if result is None:
            raise Garbage(f"left no {RESULT}", errors)
        if _is_answer(printed):
            raise Twice("answered in a file and on its standard output", errors)
        document = read_document(RESULT, result, errors)
        post = None if alloc is None else read_document(POST, alloc, errors)
        return read_answer(document, post, transactions, errors)


def _filled(word: str, values: Mapping[str, str]) -> str:
    for place, value in values.items():
        word = word.replace(place, value)
    return word


def _is_answer(printed: bytes) -> bool:
    """Whether a standard output holds an answer too, and not only words."""
    if not printed.startswith(b"{"):
        return False
    try:
        return read_document("standard output", printed).has("result")
    except Garbage:
        return False


def _read(inside: int, name: str, most_bytes: int, errors: str) -> bytes | None:
    """A file that the tool was to write; `None`, if there is none.

    Raises: `Garbage`, for what is no plain file; `TooMuchOutput`.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(name, flags, dir_fd=inside)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Garbage(f"{name} cannot be read: {error.strerror}", errors) from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Garbage(f"{name} is no plain file", errors)
        with os.fdopen(file, "rb", closefd=False) as stream:
            text = stream.read(most_bytes + 1)
    finally:
        os.close(file)
    if len(text) > most_bytes:
        raise TooMuchOutput(f"{name} is longer than {most_bytes} bytes", errors)
    return text

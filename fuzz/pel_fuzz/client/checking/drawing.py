"""Blocks for a campaign, drawn and executed by the reference in other processes.

Those take a while to start, so the first blocks are drawn here. A block is a function of its
address, so who draws it does not show.
"""

import copyreg
import io
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from pel_fuzz.client.checking.blocks import ClientBlock
from pel_fuzz.client.running.process import Stop

_WAIT_SECONDS: Final = 0.1


class Drawing:
    """Draws blocks for several threads. A context manager, with which its processes end at once."""

    def __init__(self, block_at: Callable[[int], ClientBlock], jobs: int) -> None:
        self._block_at, self._here = block_at, threading.Lock()
        self._others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        ignore = (signal.SIGINT, signal.SIG_IGN)
        self._pool = ProcessPoolExecutor(jobs, context, signal.signal, ignore)
        self._ready: Future[Any] = self._pool.submit(_pack, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What they are still drawing is wanted by nobody.
        for child in multiprocessing.active_children():
            if child not in self._others:
                child.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def begin(self, index: int) -> "Future[bytes] | None":
        """Have a block drawn, if there are processes for it already."""
        if not self._ready.done():
            return None
        return self._pool.submit(_draw, self._block_at, index)

    def block(self, index: int, begun: "Future[bytes] | None", stop: Stop) -> ClientBlock | None:
        """The block at an index; `None`, if it is wanted no more."""
        if begun is None:
            with self._here:
                return None if stop() else self._block_at(index)
        while not stop():
            with suppress(TimeoutError):
                block: ClientBlock = pickle.loads(begun.result(timeout=_WAIT_SECONDS))
                return block
        return None


def _draw(block_at: Callable[[int], ClientBlock], index: int) -> bytes:
    return _pack(block_at(index))


def _pack(value: object) -> bytes:
    """A value as bytes; read-only mappings, which blocks are full of, cannot be pickled as such."""
    packed = io.BytesIO()
    pickler = pickle.Pickler(packed)
    pickler.dispatch_table = copyreg.dispatch_table.copy()
    pickler.dispatch_table[MappingProxyType] = lambda proxy: (_read_only, (dict(proxy),))
    pickler.dump(value)
    return packed.getvalue()


def _read_only(mapping: dict[Any, Any]) -> "MappingProxyType[Any, Any]":
    return MappingProxyType(mapping)

"""All that a client has started, found and ended: also what has left its group, session or parent.

A process belongs to a client if it descends from one that does, is in the client's session, was
seen to belong before, or carries the client's mark in its environment, which is inherited. Only a
process that gets rid of all four between two looks is missed.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import NamedTuple

import psutil

MARK = "PEL_CLIENT_MARK"
"""The variable that every process of a client inherits."""
MOST_ROUNDS = 50
"""Times that what is left is killed: a process may start others while it is being killed."""
_ROUND_SECONDS = 0.01
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)


class Taken(NamedTuple):
    """What the processes of a client take together."""

    processes: int
    memory_bytes: int


class Tree:
    """The processes of one client. It is made before the client is started, with `environment`."""

    def __init__(self) -> None:
        self._mark = token_hex(16)
        self._root: int | None = None
        self._seen: dict[int, psutil.Process] = {}

    def environment(self, others: Mapping[str, str]) -> dict[str, str]:
        """The environment that the client has to be started with: ours, `others` and the mark."""
        return {**os.environ, **others, MARK: self._mark}

    def started(self, pid: int) -> None:
        """The client's first process, which leads a session of its own."""
        self._root = pid
        with suppress(*_GONE):
            self._seen[pid] = psutil.Process(pid)

    def limit_files(self, most_bytes: int) -> None:
        """Bound the size of each file that it writes, where the system can."""
        root = self._seen.get(self._root or -1)
        if root is not None and hasattr(root, "rlimit"):
            with suppress(*_GONE, ValueError):
                root.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, most_bytes))

    def look(self) -> Taken:
        """Find its processes, and what they take. Shared pages count for each of them."""
        self._find_descendants()
        memory = count = 0
        for process in list(self._seen.values()):
            with suppress(*_GONE):
                if process.is_running():
                    memory += process.memory_info().rss
                    count += 1
        return Taken(count, memory)

    def end(self) -> None:
        """Kill everything that belongs to it; nobody is asked."""
        for _ in range(MOST_ROUNDS):
            self._find_descendants()
            self._find_marked()
            alive = [process for process in self._seen.values() if _is_alive(process)]
            if not alive:
                return
            for process in alive:
                with suppress(*_GONE):
                    if os.getpgid(process.pid) == self._root:  # all of the group at once
                        os.killpg(self._root, signal.SIGKILL)
                    process.kill()
            time.sleep(_ROUND_SECONDS)

    def _find_descendants(self) -> None:
        parents = _parents()
        found = {pid for pid, process in self._seen.items() if _is_alive(process)}
        grown = True
        while grown:
            new = {pid for pid, parent in parents.items() if parent in found} - found
            grown = bool(new)
            found |= new
        self._remember(found)

    def _find_marked(self) -> None:
        self._remember({pid for pid in psutil.pids() if self._is_ours(pid)})

    def _is_ours(self, pid: int) -> bool:
        with suppress(*_GONE):
            if os.getsid(pid) == self._root and pid != os.getpid():
                return True
        with suppress(*_GONE):
            return psutil.Process(pid).environ().get(MARK) == self._mark
        return False

    def _remember(self, pids: set[int]) -> None:
        for pid in pids - self._seen.keys():
            with suppress(*_GONE):
                self._seen[pid] = psutil.Process(pid)


def _parents() -> dict[int, int]:
    """Each process's parent."""
    return dict(_each_parent())


def _each_parent() -> Iterator[tuple[int, int]]:
    for process in psutil.process_iter():
        with suppress(*_GONE):
            yield process.pid, process.ppid()


def _is_alive(process: psutil.Process) -> bool:
    with suppress(*_GONE):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

"""All that a client has started, found and ended: also what has left its group, session or parent.

A process belongs to a client if it descends from one that does, is in the client's session, was
seen to belong before, or carries the client's mark in its environment, which is inherited. Only a
process that gets rid of all four between two looks is missed, or one that goes on and on being
replaced by its child, faster than we look.
"""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex
from typing import NamedTuple

import psutil

MARK = "PEL_CLIENT_MARK"
"""The variable that every process of a client inherits."""
MOST_ROUNDS, CLEAN_ROUNDS = 500, 3
"""Times that what is left is looked for and killed, and looks in a row that must find nothing: a
process may start another one and end while we look."""
UNCERTAIN_ROUNDS = 60
"""Looks in which a process that shows no environment may yet turn out to be the client's: it has
none for a moment while it becomes another program."""
_ROUND_SECONDS = 0.003
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)


class Taken(NamedTuple):
    """What the processes of a client take together."""

    processes: int
    memory_bytes: int


class Tree:
    """The processes of one client. It is made right before the client is started, with
    `environment`: what is there then belongs to others."""

    def __init__(self) -> None:
        self._others = frozenset(psutil.pids())
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
        clean = 0
        for number in range(MOST_ROUNDS):
            self._find_descendants()
            uncertain = self._find_marked() and number < UNCERTAIN_ROUNDS
            alive = [process for process in self._seen.values() if _is_alive(process)]
            clean = 0 if alive or uncertain else clean + 1
            if clean == CLEAN_ROUNDS:
                return
            for process in alive:
                self._kill(process)
            time.sleep(_ROUND_SECONDS)

    def _kill(self, process: psutil.Process) -> None:
        with suppress(*_GONE):
            if self._root is not None and os.getpgid(process.pid) == self._root:
                os.killpg(self._root, signal.SIGKILL)  # all of the group at once
            process.kill()

    def _new(self) -> list[int]:
        """The processes that have come since it was made."""
        return [pid for pid in psutil.pids() if pid not in self._others]

    def _find_descendants(self) -> None:
        parents: dict[int, int] = {}
        for pid in self._new():
            with suppress(*_GONE):
                parents[pid] = psutil.Process(pid).ppid()
        found = {pid for pid, process in self._seen.items() if _is_alive(process)}
        grown = True
        while grown:
            new = {pid for pid, parent in parents.items() if parent in found} - found
            grown = bool(new)
            found |= new
        self._remember(found)

    def _find_marked(self) -> bool:
        """Find what carries the mark; whether there is a process of which nobody can tell."""
        uncertain = False
        for pid in self._new():
            if pid in self._seen:
                continue
            is_ours = self._is_ours(pid)
            uncertain |= is_ours is None
            if is_ours:
                self._remember({pid})
        return uncertain

    def _is_ours(self, pid: int) -> bool | None:
        with suppress(*_GONE):
            if os.getsid(pid) == self._root:
                return True
        with suppress(*_GONE):
            process = psutil.Process(pid)
            environment = process.environ()
            if environment or process.status() == psutil.STATUS_ZOMBIE:
                return environment.get(MARK) == self._mark
            return False if _is_kernels(process) else None
        return False

    def _remember(self, pids: set[int]) -> None:
        for pid in pids - self._seen.keys():
            with suppress(*_GONE):
                self._seen[pid] = psutil.Process(pid)


def _is_kernels(process: psutil.Process) -> bool:
    """Whether it is a thread of the kernel, which has no environment either."""
    parent = process.parent()
    return parent is not None and parent.name() == "kthreadd"


def _is_alive(process: psutil.Process) -> bool:
    with suppress(*_GONE):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

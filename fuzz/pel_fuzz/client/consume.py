"""A client over a folder of tests: run on each file, its verdicts read, what differs kept apart.

The tests are right, so a failure is a difference. But a client that passes everything, because it
executes nothing or compares nothing, would look like one that agrees. So it also gets canaries:
tests with a wrong claim, which it has to refuse, though it passes the right ones from the same
place. And one that refuses everything, because the
command is wrong or its fork is not known, would look like one that differs everywhere. So where
nothing at all has passed it gets a block without transactions.
"""

import json
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pel_fuzz.client.failures import Stopped
from pel_fuzz.client.fixture_run import FixtureClient, Said, Told
from pel_fuzz.client.fixtures import BLOCKCHAIN_TEST, Fixture, dump_test, read_fixture
from pel_fuzz.client.forging import canaries
from pel_fuzz.client.plain_block import plain_block
from pel_fuzz.client.process import Stop
from pel_reference.engine_payload import has_engine
from pel_reference.errors import InputError, UnsupportedFork
from pel_reference.fork_names import canonical_fork
from pel_reference.sealing import Unsealable, seal

CANARIES: Final = 3
"""Wrong tests that a client gets: one for each claim that can be wrong."""
UNREADABLE: Final = "unreadable"
"""How the reason begins, where a file was left out because it cannot be read."""
_IN_HAND: Final = 2
"""Files that wait for each worker."""


@dataclass(frozen=True, slots=True)
class ConsumePlan:
    """Which files are run, and how: those whose place in the order falls to the shard."""

    files: tuple[Path, ...]
    format: str = BLOCKCHAIN_TEST
    shard: int = 0
    of: int = 1
    jobs: int = 1

    def own(self) -> list[Path]:
        """The shard's files, in order."""
        return [path for place, path in enumerate(self.files) if place % self.of == self.shard]


@dataclass(frozen=True, slots=True)
class FileRun:
    """One file that was run: what was told of each of its tests; or not run, because `left_out`."""

    path: Path
    told: tuple[Told, ...] = ()
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """A wrong test that the client was given: what it claims, and what was told of it.

    `right` is what was told of the right test, given in the same way; `None` where the wrong one
    was not refused.
    """

    claim: str
    told: Told
    right: Told | None


def run_files(
    client: FixtureClient, plan: ConsumePlan, deadline: float | None = None
) -> Generator[FileRun, None, None]:
    """Each file of the shard, in order, run by a few workers, until `deadline` (of the monotonic
    clock). A run that the deadline cuts off is none. Closing the iterator ends every client.

    Raises: `NoStart`.
    """
    ended = threading.Event()

    def stop() -> bool:
        return ended.is_set() or _is_over(deadline)

    pool = ThreadPoolExecutor(plan.jobs)
    waiting: deque[Future[FileRun | None]] = deque()
    files = iter(plan.own())
    try:
        while True:
            while len(waiting) < _IN_HAND * plan.jobs and not stop():
                path = next(files, None)
                if path is None:
                    break
                waiting.append(pool.submit(_run_file, client, plan.format, path, stop))
            if not waiting:
                return
            run = waiting.popleft().result()
            if run is None:
                return
            yield run
    finally:
        ended.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _run_file(client: FixtureClient, wanted: str, path: Path, stop: Stop) -> FileRun | None:
    try:
        fixture = read_fixture(path)
    except InputError as error:
        return FileRun(path, left_out=f"{UNREADABLE}: {error.problem}")
    if fixture is None:
        return FileRun(path, left_out="holds no test")
    if fixture.format != wanted:
        return FileRun(path, left_out=f"is {fixture.format}")
    try:
        if fixture.is_packed:
            told = _run_copy(client, fixture, fixture.names, stop)
        else:
            told = client.run(path, fixture.names, stop)
        if len(told) > 1 and any(each.of_file and each.said is not Said.PASS for each in told):
            told = _run_each(client, fixture, told, stop)
    except Stopped:
        return None
    return FileRun(path, tuple(told))


def _run_each(
    client: FixtureClient, fixture: Fixture, together: Sequence[Told], stop: Stop
) -> list[Told]:
    """Each test of a file by itself. Where all pass, what failed together still failed."""
    alone = [each for name in fixture.names for each in _run_copy(client, fixture, [name], stop)]
    is_lost = any(each.said is Said.FAIL for each in together)
    if is_lost and all(each.said is Said.PASS for each in alone):
        words = "with the other tests of its file, not alone"
        return [replace(each, message=f"{each.message}; {words}") for each in together]
    return alone


def _run_copy(
    client: FixtureClient, fixture: Fixture, names: Sequence[str], stop: Stop
) -> list[Told]:
    """Some of the tests of a file, in a file of their own."""
    with tempfile.TemporaryDirectory(prefix="pel-copy-") as folder:
        path = Path(folder, fixture.path.name.removesuffix(".gz"))
        tests = {name: fixture.tests[name] for name in names}
        path.write_text(json.dumps(tests), encoding="utf-8")
        return [replace(told, path=fixture.path) for told in client.run(path, names, stop)]


def run_canaries(
    client: FixtureClient, plan: ConsumePlan, deadline: float | None = None
) -> list[Canary]:
    """Give the client wrong tests, made of the shard's own, until `deadline`.

    Raises: `NoStart`.
    """
    found: list[Canary] = []
    with tempfile.TemporaryDirectory(prefix="pel-canary-") as folder:
        for number, forged in enumerate(canaries(_some(plan), CANARIES)):
            path = Path(folder, f"canary_{number}.json")
            try:
                told = _run_test(client, path, forged.name, forged.test, deadline)
                right = None
                if told.said is Said.FAIL:
                    right = _run_test(client, path, forged.name, forged.right, deadline)
            except Stopped:
                break
            found.append(Canary(forged.claim, told, right))
    return found


def _run_test(
    client: FixtureClient, path: Path, name: str, test: dict[str, Any], deadline: float | None
) -> Told:
    """One test in a file of its own."""
    path.write_text(json.dumps({name: test}), encoding="utf-8")
    (told,) = client.run(path, [name], lambda: _is_over(deadline))
    return told


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _some(plan: ConsumePlan) -> Iterator[Fixture]:
    """The shard's tests, from all over it."""
    files = plan.own()
    step = max(len(files) // CANARIES, 1)
    order = [place for first in range(step) for place in range(first, len(files), step)]
    for place in order:
        try:
            fixture = read_fixture(files[place])
        except InputError:
            continue
        if fixture is not None and fixture.format == plan.format:
            yield fixture


def run_control(
    client: FixtureClient, plan: ConsumePlan, deadline: float | None = None
) -> Told | None:
    """Give the client a block without transactions, of a fork of the shard's tests.

    Result: what it told; `None` where no such block can be made, or `deadline` is over.
    Raises: `NoStart`.
    """
    for fixture in _some(plan):
        test = _control(plan.format, next(iter(fixture.tests.values())).get("network"))
        if test is None:
            continue
        with tempfile.TemporaryDirectory(prefix="pel-control-") as folder:
            try:
                return _run_test(client, Path(folder, "control.json"), "control", test, deadline)
            except Stopped:
                return None
    return None


def _control(wanted: str, network: Any) -> dict[str, Any] | None:
    try:
        sealed = seal(plain_block(canonical_fork(str(network))))
    except (UnsupportedFork, Unsealable):
        return None
    has_format = wanted == BLOCKCHAIN_TEST or has_engine(sealed.block.fork)
    return dump_test(sealed, wanted) if has_format else None


def refused(canaries_run: Sequence[Canary]) -> tuple[list[Canary], list[Canary]]:
    """The canaries that the client refused as it passed the right tests, and those it passed."""
    return (
        [each for each in canaries_run if each.right is not None and each.right.said is Said.PASS],
        [each for each in canaries_run if each.told.said is Said.PASS],
    )

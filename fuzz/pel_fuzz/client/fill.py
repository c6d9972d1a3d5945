"""Filling a folder with the fuzzer's blocks, in the encodings that reach clients.

A triple is the block as it was drawn, rejected transactions and all, with what it comes to. The
other two are blocks of a chain: sealed as the first one after a genesis of ours, and executed
there. What cannot be sealed is left out of them, and counted.
"""

import json
import multiprocessing
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pel_fuzz.client.blocks import (
    LEAST_GAS,
    LEAST_TRANSACTIONS,
    SMALLEST_TRANSACTIONS,
    ClientBlock,
    client_block_at,
)
from pel_fuzz.client.fixture_index import Filled, FilledTest, write_indices, write_json
from pel_fuzz.client.fixtures import (
    ENGINE_TEST,
    FOLDERS,
    FORMATS,
    TRIPLE,
    dump_test,
)
from pel_reference.alloc_json import dump_alloc
from pel_reference.engine_payload import has_engine
from pel_reference.environment_json import dump_environment
from pel_reference.sealing import SealedBlock, Unsealable, seal
from pel_reference.t8n_result import dump_transition
from pel_reference.transaction_json import dump_transactions
from pel_reference.triple import NO_REWARD

BEFORE_ENGINE: Final = "no engine payloads before the merge"


@dataclass(frozen=True, slots=True)
class FillPlan:
    """Which blocks: those of a seed with `start` <= index < `start + cases`, of which a shard takes
    every one that its number falls to.

    `small` asks for no least size; `leave_out` are features that no block may have.
    """

    seed: int
    cases: int
    fork: str | None = None
    formats: tuple[str, ...] = FORMATS
    shard: int = 0
    of: int = 1
    start: int = 0
    small: bool = False
    leave_out: frozenset[str] = frozenset()
    jobs: int = 1

    def indices(self) -> list[int]:
        """The shard's indices, in order."""
        every = range(self.start, self.start + self.cases)
        return [index for index in every if index % self.of == self.shard]

    def block_at(self, index: int) -> ClientBlock:
        """The block at an index: the one that `pel client check` runs."""
        return client_block_at(
            self.seed,
            index,
            self.fork,
            least_transactions=SMALLEST_TRANSACTIONS if self.small else LEAST_TRANSACTIONS,
            least_gas=0 if self.small else LEAST_GAS,
            leave_out=self.leave_out,
        )


@dataclass(slots=True)
class FillReport:
    """What was written, and what was left out and why."""

    plan: FillPlan
    cases: int = 0
    tests: Counter[str] = field(default_factory=Counter)
    forks: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    root_hash: str = ""
    interrupted: bool = False

    def add(self, filled: Filled) -> None:
        """Count one block."""
        self.cases += 1
        self.forks[filled.fork] += 1
        self.transactions += filled.transactions
        self.tests.update(test.format for test in filled.tests)
        self.skipped.update(f"{name}: {reason}" for name, reason in filled.skipped)

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        plan = self.plan
        return {
            "seed": plan.seed,
            "start": plan.start,
            "shard": f"{plan.shard + 1}/{plan.of}",
            "cases": self.cases,
            "tests": dict(sorted(self.tests.items())),
            "forks": dict(sorted(self.forks.items())),
            "transactions": self.transactions,
            "skipped": dict(sorted(self.skipped.items())),
            "root_hash": self.root_hash,
            "interrupted": self.interrupted,
        }


def fill(folder: Path, plan: FillPlan) -> Generator[Filled, None, None]:
    """Write each block of the plan, in the order of index; the index files come last.

    Closing the iterator ends it: the index files then tell of what is there.
    """
    done: list[Filled] = []
    try:
        for filled in _fill_all(folder, plan):
            done.append(filled)
            yield filled
    finally:
        write_indices(folder, done)


def _fill_all(folder: Path, plan: FillPlan) -> Iterator[Filled]:
    one = partial(_fill_one, folder, plan)
    if plan.jobs == 1 or len(plan.indices()) == 1:
        yield from map(one, plan.indices())
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(plan.jobs, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        yield from pool.map(one, plan.indices())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _fill_one(folder: Path, plan: FillPlan, index: int) -> Filled:
    """Write one block in every encoding that it can have."""
    drawn = plan.block_at(index)
    fork = drawn.block.fork
    name = f"pel_{plan.seed}_{index}_{fork}"
    tests: list[FilledTest] = []
    skipped: list[tuple[str, str]] = []
    if TRIPLE in plan.formats:
        tests.append(_write_triple(folder, name, drawn))
    sealed: SealedBlock | None = None
    wanted = [each for each in plan.formats if each != TRIPLE]
    if ENGINE_TEST in wanted and not has_engine(fork):
        wanted.remove(ENGINE_TEST)
        skipped.append((ENGINE_TEST, BEFORE_ENGINE))
    try:
        sealed = seal(drawn.block) if wanted else None
    except Unsealable as error:
        skipped += [(each, error.reason) for each in wanted]
    if sealed is not None:
        tests += [_write_test(folder, name, each, drawn, sealed) for each in wanted]
    return Filled(name, fork, len(drawn.block.transactions), tuple(tests), tuple(skipped))


def _write_triple(folder: Path, name: str, drawn: ClientBlock) -> FilledTest:
    """A folder of files as transition tools take them, with the expected result."""
    block = drawn.block
    place = Path(FOLDERS[TRIPLE], block.fork.lower(), name)
    # At 0 tools touch the fee recipient, which shows where nothing else does.
    reward = block.env.block_reward_wei or NO_REWARD
    parts = {
        "alloc": dump_alloc(block.alloc),
        "env": dump_environment(block.env),
        "txs": dump_transactions(block.transactions),
        "state": {"fork": block.fork, "chainid": block.chain_id, "reward": reward},
        "exp": dump_transition(block, drawn.expected),
    }
    for part, value in parts.items():
        write_json(folder / place / f"{part}.json", value)
    return FilledTest(name, TRIPLE, block.fork, place.as_posix(), _hash_of(parts))


def _write_test(
    folder: Path, name: str, wanted: str, drawn: ClientBlock, sealed: SealedBlock
) -> FilledTest:
    """A file with one test."""
    test = dump_test(sealed, wanted)
    own_hash = _hash_of(test)
    seed, index = drawn.origin
    info = {
        "hash": own_hash,
        "comment": "made by pel client fill",
        "filling-transition-tool": f"pel {version('pel')}",
        "description": f"A contended block: seed {seed}, index {index}, "
        f"{len(sealed.block.transactions)} transactions.",
        "fixture-format": wanted,
        "features": ", ".join(sorted(drawn.features)),
    }
    fork = sealed.block.fork
    place = Path(FOLDERS[wanted], fork.lower(), f"{name}.json")
    write_json(folder / place, {name: test | {"_info": info}})
    return FilledTest(name, wanted, fork, place.as_posix(), own_hash)


def _hash_of(value: Any) -> str:
    """The hash that execution-spec-tests give a test: of its JSON without `_info`, keys sorted."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return "0x" + sha256(text.encode()).hexdigest()

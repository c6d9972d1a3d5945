"""Real mainnet blocks and consensus fixtures, through the optimistic executor.

The reference's own tests show that it reproduces every expected value; here the optimistic
executor agrees with the fold with 1, 2, 4 and 8 workers, under control and on threads, and what it
settles to is what the file expects.
"""

from functools import cache
from pathlib import Path

import pytest

from pel_fuzz.diffing import HowToDiff, diff_chain
from pel_fuzz.executors import run_controlled, run_on_threads, step_limit
from pel_fuzz.inputs import GivenBlock, read_input
from pel_fuzz.interleavings import Walk
from pel_reference.blockchain_test import ChainTest
from pel_reference.settle import settle
from pel_reference.transitions import EvmBlock, compile_block
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History
from pel_spec.serializability import check_preset

SHARED = Path(__file__).parents[3] / "shared" / "data"
BLOCKS = sorted((SHARED / "mainnet").glob("*.json.gz")) if SHARED.is_dir() else []
FIXTURES = sorted((SHARED / "fixtures").glob("*.json.gz")) if SHARED.is_dir() else []

needs_data = pytest.mark.skipif(not BLOCKS, reason="the shared data folder is not beside the tree")


@cache
def _meaning(path: Path) -> tuple[GivenBlock, EvmBlock, Result, History]:
    given = read_input(path)
    assert isinstance(given, GivenBlock)
    compiled = compile_block(given.block)
    return given, compiled, *fold(compiled)


@needs_data
@pytest.mark.parametrize("lane", ["control", "threads"])
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.name.split(".")[0])
def test_a_mainnet_block(path: Path, workers: int, lane: str) -> None:
    given, compiled, expected, history = _meaning(path)
    if lane == "control":
        run = run_controlled(compiled, workers, Walk(workers, 0.02), step_limit(history, workers))
    else:
        run = run_on_threads(compiled, workers, 0)
    assert agree(expected, run.result)
    assert check_preset(run.history) is None
    assert list(given.unmet(settle(compiled, run.result))) == []


def _tests() -> list[ChainTest]:
    found: list[ChainTest] = []
    for path in FIXTURES:
        tests = read_input(path)
        assert isinstance(tests, tuple)
        found += tests
    return found


@needs_data
@pytest.mark.parametrize("lane", ["control", "threads"])
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_every_consensus_fixture(workers: int, lane: str) -> None:
    how = HowToDiff(workers, walks=1, seed=1, threads=lane == "threads", eels=False)
    reports = [diff_chain(test, how) for test in _tests()]
    assert [report.name for report in reports if report.differences] == []
    assert sum(report.blocks for report in reports) >= 100
    unsupported = [report for report in reports if report.unsupported is not None]
    assert len(unsupported) == 5
    assert all("Osaka" in str(report.unsupported) for report in unsupported)

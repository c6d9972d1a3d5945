"""Given blocks instead of generated ones: every executor on a user's file, everything compared."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pel_fuzz.cases import Case
from pel_fuzz.examine import examine
from pel_fuzz.inputs import GivenBlock
from pel_fuzz.interleavings import Walk
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.block import Block, BlockResult
from pel_reference.blockchain_test import ChainTest, run_chain_test
from pel_reference.eels import EelsFailure, run_block_eels
from pel_reference.eels_chain import run_chain_test_eels
from pel_reference.errors import InvalidBlock, UnsupportedFork
from pel_reference.forks import rules_for
from pel_reference.sequential import run_block


@dataclass(frozen=True, slots=True)
class HowToDiff:
    """How closely to look: `walks` interleavings with `workers`, or as many runs on `threads`."""

    workers: int
    walks: int
    seed: int
    threads: bool
    eels: bool

    def case(self, block: Block) -> Case:
        """The block as a case that asks for every tier."""
        probabilities = (0.05, 0.3, 0.01)
        return Case(
            subject=block,
            kind="evm",
            workers=self.workers,
            interleavings=tuple(
                Walk(self.seed + number, probabilities[number % len(probabilities)])
                for number in range(self.walks)
            ),
            eels=self.eels,
        )


@dataclass(slots=True)
class DiffReport:
    """What was compared in one named block or chain, and what differed."""

    name: str
    blocks: int = 0
    unsupported: str | None = None
    one_oracle: bool = False
    differences: list[Difference] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


def diff_block(given: GivenBlock, how: HowToDiff) -> DiffReport:
    """Fold, optimistic runs, the reference, EELS where asked for, and what the file expects."""
    report = DiffReport(given.name)
    try:
        result = _result(given.block, how, report)
    except UnsupportedFork as unsupported:
        report.unsupported = unsupported.problem
    except InvalidBlock as invalid:
        report.unsupported = f"no block with these transactions is valid: {invalid.reason}"
    except EelsFailure as failure:
        report.unsupported = f"EELS gave no verdict: {failure}"
    else:
        report.blocks += 1
        report.differences += _unmet(given, result)
    return report


def _result(block: Block, how: HowToDiff, report: DiffReport) -> BlockResult:
    """Compare, and give what the reference says: ours, or EELS where it alone knows the fork."""
    try:
        rules_for(block.fork)
    except UnsupportedFork:
        if not how.eels:
            raise
        report.one_oracle = True
        return run_block_eels(block)
    _compare(block, how, report)
    return run_block(block)


def _unmet(given: GivenBlock, result: BlockResult) -> Iterator[Difference]:
    for name, wanted, got in given.unmet(result):
        yield Difference(
            Oracle.REFERENCE, f"expected.{name}", f"{name} (file)", shorten(wanted), shorten(got)
        )


def _compare(block: Block, how: HowToDiff, report: DiffReport) -> None:
    examination = examine(how.case(block), threads=how.threads, stop_at_first=False)
    report.counters.update(examination.counters)
    report.differences += [finding.difference for finding in examination.findings]


def diff_chain(test: ChainTest, how: HowToDiff) -> DiffReport:
    """Every valid block of a test through every executor, and the test's own expectations."""
    report = DiffReport(test.name)

    def run(block: Block) -> BlockResult:
        _compare(block, how, report)
        report.blocks += 1
        return run_block(block)

    outcome = run_chain_test(test, run)
    if outcome.unsupported is not None and how.eels:
        try:
            outcome, report.one_oracle = run_chain_test_eels(test), True
        except EelsFailure as failure:
            report.unsupported = f"EELS gave no verdict: {failure}"
            return report
        report.blocks = outcome.blocks_run
    report.unsupported = outcome.unsupported
    report.differences += [
        Difference(Oracle.REFERENCE, "fixture", problem, "as the test says", "otherwise")
        for problem in outcome.problems
    ]
    return report

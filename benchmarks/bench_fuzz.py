"""What a differential case costs, as ratios taken in one run, the baseline named in each line.

python benchmarks/bench_fuzz.py
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pel_fuzz.cases import Case, case_at
from pel_fuzz.conformance.check import check_run
from pel_fuzz.examine import examine
from pel_fuzz.executors import run_controlled
from pel_fuzz.interleavings import Walk
from pel_fuzz.tiers import reference_outcome
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.executor import run_block
from pel_reference.settle import settle
from pel_reference.transitions import EvmBlock, compile_block
from pel_spec.fold import fold
from pel_spec.serializability import check_preset

T = TypeVar("T")

CASES, SEED = 24, 1
REPEATS = 3


@dataclass(slots=True)
class Sample:
    """Cases of one kind and size, compiled once."""

    name: str
    cases: list[Case]
    compiled: list[EvmBlock | TinyBlock]


def evm_sample(size: int) -> Sample:
    """EVM blocks of all forks, of `size` transactions or a few more."""
    strategy = blocks(size=(size, size))
    cases = [
        Case(
            subject=draw_case(strategy, SEED, index).value.block,
            kind="evm",
            workers=3,
            interleavings=(Walk(index, 0.1), Walk(index, 0.3)),
            reference=False,
        )
        for index in range(CASES)
    ]
    subjects = [case.subject for case in cases]
    compiled = [compile_block(each) for each in subjects if not isinstance(each, TinyBlock)]
    return Sample(f"EVM, {size} transactions", cases, list(compiled))


def tiny_sample() -> Sample:
    """Cases of the tiny machine, as campaigns draw them."""
    drawn = (case_at(SEED, index)[0] for index in range(400))
    cases = [replace(case, twin=False) for case in drawn if isinstance(case.subject, TinyBlock)]
    return Sample(
        "tiny machine", cases, [c.subject for c in cases if isinstance(c.subject, TinyBlock)]
    )


def seconds(work: Callable[[T], object], items: Sequence[T]) -> float:
    """CPU seconds of `work` on all items, the fastest of a few repeats; results are dropped."""

    def once() -> float:
        start = time.process_time()
        for item in items:
            work(item)
        return time.process_time() - start

    return min(once() for _ in range(REPEATS))


def run_all(pair: tuple[Case, EvmBlock | TinyBlock]) -> None:
    """Every interleaving of a case, run and nothing else."""
    case, block = pair
    for interleaving in case.interleavings:
        run_controlled(block, case.workers, interleaving)


def report(sample: Sample) -> None:
    """Time each part of a differential case on one sample, and print the ratios."""
    folds = [fold(block) for block in sample.compiled]
    pairs = list(zip(sample.cases, sample.compiled, strict=True))
    in_fold = seconds(fold, sample.compiled)
    on_one = seconds(lambda block: run_block(block, workers=1), sample.compiled)
    controlled = seconds(run_all, pairs)
    checking = seconds(lambda result: check_preset(result[1]), folds)
    runs = [
        run_controlled(block, case.workers, each)
        for case, block in pairs
        for each in case.interleavings
    ]
    replaying = seconds(check_run, runs)
    whole = seconds(examine, sample.cases)
    print(f"\n{sample.name}: {len(sample.cases)} cases")
    print(f"  optimistic, one worker on threads / fold        {on_one / in_fold:6.2f}")
    print(f"  history check / fold                            {checking / in_fold:6.2f}")
    print(f"  replay through the text / controlled run        {replaying / controlled:6.2f}")
    print(f"  whole differential case / the same unreplayed   {whole / (whole - replaying):6.2f}")
    executions = in_fold + controlled
    print(f"  whole differential case / its executions alone  {whole / executions:6.2f}")
    print(f"  cases a second (fold against optimistic)        {len(sample.cases) / whole:6.1f}")
    evm = [
        (block, result[0])
        for block, result in zip(sample.compiled, folds, strict=True)
        if isinstance(block, EvmBlock)
    ]
    if evm:
        reference = seconds(lambda pair: reference_outcome(pair[0].block), evm)
        settling = seconds(lambda pair: settle(*pair), evm)
        print(f"  reference / fold                                {reference / in_fold:6.2f}")
        print(f"  settling (roots) / fold                         {settling / in_fold:6.2f}")
        with_reference = whole + reference + settling
        print(f"  cases a second (with the reference too)         {len(evm) / with_reference:6.1f}")


def main() -> None:
    """Print all samples."""
    for sample in (tiny_sample(), evm_sample(8), evm_sample(32)):
        report(sample)


if __name__ == "__main__":
    main()

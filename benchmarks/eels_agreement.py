"""The two references against each other, on generated blocks of every fork: a Markdown page.

    python benchmarks/eels_agreement.py --blocks 300 --seed 1 > docs/eels-agreement.md

Exits with 1 where they differ, after the table.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from pel_fuzz.campaign import default_jobs
from pel_fuzz.tiers import eels_can_judge, eels_difference
from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.errors import UnsupportedFork
from pel_reference.forks import RULES

HEAD = (
    "# The reference against EELS\n\n"
    "Generated blocks, whole, through the reference (py-evm's own state and tries) and through "
    "EELS, which share nothing: receipts, logs, gas, rejections, post-state, requests and roots "
    "agree. Made by `benchmarks/eels_agreement.py`, where the command stands. Block `i` of a fork "
    "is drawn at address (seed, i); blocks that EELS cannot judge (decision 11) are passed over "
    "and counted.\n"
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one fork showed: blocks and transactions compared, passed over, and the differences."""

    fork: str
    blocks: int
    transactions: int
    passed_over: int
    last_index: int
    differences: tuple[str, ...]
    unknown: bool = False


def compare(job: tuple[str, int, int]) -> Agreement:
    """Compare so many blocks of one fork."""
    fork, seed, wanted = job
    compared, transactions, passed_over, index = 0, 0, 0, 0
    differences = []
    strategy = blocks(fork=fork)
    while compared < wanted:
        block = draw_case(strategy, seed, index).value.block
        index += 1
        if not eels_can_judge(block):
            passed_over += 1
            continue
        try:
            found = eels_difference(block)
        except UnsupportedFork:
            return Agreement(fork, 0, 0, 0, 0, (), unknown=True)
        compared, transactions = compared + 1, transactions + len(block.transactions)
        if found is not None:
            differences.append(f"index {index - 1}: {found.field}: {found.expected}, {found.got}")
    return Agreement(fork, compared, transactions, passed_over, index - 1, tuple(differences))


def main() -> int:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forks", nargs="+", default=list(RULES))
    given = parser.parse_args()
    jobs = [(fork, given.seed, given.blocks) for fork in given.forks]
    print(HEAD)
    print("| fork | seed | indices | blocks compared | transactions | passed over | differences |")
    print("|---|---|---|---|---|---|---|")
    differing = 0
    with ProcessPoolExecutor(default_jobs()) as pool:
        for one in pool.map(compare, jobs):
            if one.unknown:
                print(f"| {one.fork} | | | EELS does not know it | | | |", flush=True)
                continue
            told = "; ".join(one.differences) or "none"
            print(
                f"| {one.fork} | {given.seed} | 0 to {one.last_index} | {one.blocks} "
                f"| {one.transactions} | {one.passed_over} | {told} |",
                flush=True,
            )
            differing += len(one.differences)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

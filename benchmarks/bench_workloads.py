"""What generated blocks cost to draw, and what becomes of their transactions, by fork.

    python benchmarks/bench_workloads.py [BLOCKS A FORK]

Columns: CPU milliseconds to draw a block (signing included; again with signatures kept, as a
shrinker does), and for 16 transactions; the mean number of transactions; the shares of them that
are included, that succeed, and that read something other than a nonce from a lower transaction.
"""

import sys
import time
from collections import Counter

from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_reference.block import Block
from pel_reference.evm_transitions import Outcome
from pel_reference.forks import RULES
from pel_reference.locations import NONCE
from pel_reference.transitions import compile_block
from pel_spec.fold import fold

SEED = 1
WARM_UP = 5


def _draw(fork: str, count: int) -> tuple[list[Block], float]:
    """Blocks, and the CPU seconds that it took to draw them."""
    strategy = blocks(fork=fork)
    start = time.process_time()
    drawn = [draw_case(strategy, SEED, index).value.block for index in range(count)]
    return drawn, time.process_time() - start


def _count(block: Block, counts: Counter[str]) -> None:
    compiled = compile_block(block)
    result, history = fold(compiled)
    tx_index = {p: transition.tx_index for p, transition in enumerate(compiled.transitions)}
    for incarnation in history.committed():
        position = incarnation.version.position
        if tx_index[position] is None:
            continue
        outcome = result.effects[position].outcome
        assert isinstance(outcome, Outcome)
        counts["given"] += 1
        counts["included"] += outcome.rejected is None
        counts["succeeded"] += outcome.rejected is None and outcome.status
        counts["dependent"] += any(
            read.location[0] != NONCE
            and read.version is not None
            and tx_index.get(read.version.position) is not None
            for read in incarnation.reads
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{count} blocks a fork; CPU milliseconds")
    print("fork                 block  again  16 txs   size  included  succeed  dependent")
    for fork in RULES:
        _draw(fork, WARM_UP)
        drawn, cold = _draw(fork, count)
        _, warm = _draw(fork, count)
        counts: Counter[str] = Counter()
        for block in drawn:
            _count(block, counts)
        given = counts["given"]
        shares = (counts[share] / given for share in ("included", "succeeded", "dependent"))
        print(
            f"{fork:18} {cold / count * 1e3:7.2f} {warm / count * 1e3:6.2f}"
            f" {cold / given * 16e3:7.2f} {given / count:6.1f}",
            *(f"{share:9.1%}" for share in shares),
            flush=True,
        )


if __name__ == "__main__":
    main()

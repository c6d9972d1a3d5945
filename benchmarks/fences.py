"""Which stores of the scheduler need a fence? The table of docs/fences.md.

    python benchmarks/fences.py [--order tso|pso] [--budget 400000] [--store NAME]

Each store of the text is delayed alone, in two small blocks with two workers, and all runs are
searched, breadth first, until one goes wrong or the budget of situations is used up.
"""

import argparse
from collections.abc import Hashable, Mapping

from pel_proof.runs.weak_memory import STORES, Order, Outcome, Program, search
from pel_spec.kernel import BEFORE


def reads(*wanted: str, writes: frozenset[Hashable] = frozenset()) -> Program:
    """A transition that reads some locations, and then writes some."""

    def program(read: Mapping[Hashable, int]) -> Hashable | frozenset[Hashable]:
        return next((x for x in wanted if x not in read), writes)

    return program


def first_try(read: Mapping[Hashable, int]) -> Hashable | frozenset[Hashable]:
    """A transition that writes y only while nobody has written x: its entry is removed later."""
    if X not in read:
        return X
    return frozenset({Y}) if read[X] == BEFORE else frozenset()


X, Y = "x", "y"
BLOCKS = {
    "0 writes x; 1 reads x": ([reads(writes=frozenset({X})), reads(X)], [X]),
    "0 writes x; 1 reads x, writes y; 2 reads y": (
        [reads(writes=frozenset({X})), reads(X, writes=frozenset({Y})), reads(Y)],
        [X, Y],
    ),
    "0 writes x; 1 writes y unless it reads x; 2 reads y": (
        [reads(writes=frozenset({X})), first_try, reads(Y)],
        [X, Y],
    ),
}


def told(outcome: Outcome) -> str:
    """One cell of the table."""
    if outcome.wrong:
        return f"**needs a fence**: after {len(outcome.run)} steps {outcome.wrong}"
    reach = "all" if outcome.exhausted else "the first"
    return f"nothing wrong in {reach} {outcome.situations} situations"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=400_000)
    parser.add_argument("--store", choices=STORES, help="only this one")
    parser.add_argument("--order", type=Order, choices=list(Order), default=Order.TSO)
    options = parser.parse_args()
    print(f"| its store is delayed | {' | '.join(BLOCKS)} |\n|---|{'---|' * len(BLOCKS)}")
    for name in (options.store,) if options.store else ("", *STORES):
        delayed = frozenset({name} - {""})
        cells = [
            told(search(programs, locations, 2, delayed, options.budget, options.order))
            for programs, locations in BLOCKS.values()
        ]
        print(f"| {f'`{name}`' if name else 'nothing'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

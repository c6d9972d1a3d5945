"""What counting coverage costs: its share of the time that campaigns take, by kind of case.

python benchmarks/bench_coverage.py [cases]
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from pel_fuzz.campaign import Plan
from pel_fuzz.coverage import states
from pel_fuzz.coverage.pairs import Meetings
from pel_fuzz.coverage.traces import Traces
from pel_fuzz.examine import examine

PARTS = {"traces": (Traces, "add"), "pairs": (Meetings, "add"), "antecedents": (states, "reached")}


@contextmanager
def timed(spent: Counter[str]) -> Iterator[None]:
    """Add up the processor's time in each part."""

    def measured(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            started = time.process_time()
            result = work(*arguments)
            spent[part] += time.process_time() - started
            return result

        return run

    with ExitStack() as stack:
        for part, (owner, name) in PARTS.items():
            stack.enter_context(patch.object(owner, name, measured(part, getattr(owner, name))))
        yield


def main(cases: int) -> None:
    """Measure and print."""
    plan = Plan(seed=3, max_cases=cases, eels=False)
    totals: dict[str, Counter[str]] = {"tiny": Counter(), "evm": Counter()}
    for index in plan.indices():
        case, _ = plan.case_at(index)
        spent = totals[case.kind]
        started = time.process_time()
        with timed(spent):
            examine(case, watched=True)
        spent["all"] += time.process_time() - started
        spent["cases"] += 1
    totals["both"] = totals["tiny"] + totals["evm"]
    for kind, spent in totals.items():
        shares = ", ".join(f"{part} {spent[part] / spent['all']:.1%}" for part in PARTS)
        print(f"{kind:5} {spent['cases']:4} cases, {spent['all']:6.1f} s: {shares}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)

"""Found differences become small: fewer transactions, then fewer switches, same signature."""

import time

from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.campaign import planted
from pel_fuzz.cases import Case, Switches, case_at
from pel_fuzz.examine import Finding, examine
from pel_fuzz.shrinking import delta_debug, shrink_finding
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.workloads.draws import Choices

FOR_EVER = float("inf")


@given(st.lists(st.integers(0, 30), max_size=40), st.sets(st.integers(0, 30), max_size=4))
def test_delta_debugging_leaves_only_what_is_needed(items: list[int], needed: set[int]) -> None:
    def shows(some: list[int]) -> bool:
        return needed <= set(some)

    if not shows(items):
        return
    kept = delta_debug(items, shows, FOR_EVER)
    assert sorted(kept) == sorted(needed)


def test_without_time_nothing_is_removed() -> None:
    assert delta_debug([1, 2, 3], lambda _: True, time.monotonic() - 1) == [1, 2, 3]


def _first_tiny_finding(seed: int) -> tuple[Case, Finding, Choices]:
    for index in range(200):
        case, choices = case_at(seed, index)
        if isinstance(case.subject, TinyBlock):
            found = examine(case).findings
            if found:
                return case, found[0], choices
    raise AssertionError("the seeded bug was not found")


def test_a_scheduler_bug_shrinks_to_a_few_transactions_and_switches() -> None:
    with planted("abort-lowers-nothing"):
        case, finding, choices = _first_tiny_finding(1)
        small, difference = shrink_finding(case, finding, choices, 60)
        assert difference.signature == finding.difference.signature
        assert isinstance(small.subject, TinyBlock) and isinstance(case.subject, TinyBlock)
        assert len(small.subject.programs) <= 4
        (interleaving,) = small.interleavings
        assert isinstance(interleaving, Switches) and len(interleaving.switches) <= 8
        again = [f.difference.signature for f in examine(small).findings]
        assert difference.signature in again
    assert not examine(small).findings, "the healthy executor must pass the shrunk case"

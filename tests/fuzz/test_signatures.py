"""Signatures: the same for one defect on many blocks, and nothing in them of any one block."""

import re
from collections import Counter

import pytest

from pel_fuzz.campaign import Plan, run_campaign
from pel_fuzz.known import Known, refusal_of
from pel_fuzz.verdict import Difference, Oracle

CASES, MOST = 8, 7
"""Cases a bug, and how many signatures one bug may have in them: a scheduler's defect shows at
different actions."""
BUGS = (
    "abort-keeps-incarnation",
    "counted-before-lowering",
    "cumulative-gas-restarts",
    "failed-block-stays-claimed",
    "fetched-in-two-steps",
    "leaves-with-a-verdict",
    "logs-reversed",
    "no-estimate",
    "receipt-gas-before-refund",
    "slot-unlogged",
    "warm-list-survives",
    "writes-kept",
)
NUMBER = re.compile(r"0x|[0-9]{2}|[\[\]()]")
"""What belongs to a block: an address, a hash, a value, an index. Digits of names (G1a) do not."""


@pytest.mark.parametrize("bug", BUGS)
def test_one_bug_has_few_signatures_and_none_names_a_block(bug: str) -> None:
    plan = Plan(seed=5, max_cases=CASES, eels=False, seed_bug=bug, stop_at_first=False)
    found: Counter[str] = Counter()
    for report in run_campaign(plan):
        found.update(finding.difference.signature for finding in report.examination.findings)
    assert found and len(found) <= MOST
    for signature in found:
        oracle, kind, anomaly = signature.split(":")
        assert oracle in set(Oracle) and kind and anomaly
        assert not NUMBER.search(signature), signature
        assert refusal_of(signature) is None  # so a list of known differences can name it


@pytest.mark.parametrize("place", [{}, {"position": 3}, {"position": 4, "tx_index": 2}])
def test_values_places_and_words_do_not_matter(place: dict[str, int]) -> None:
    difference = Difference(
        Oracle.RESULT, "write.cell", "write of cell 0x1", "1", "2", words="tx 1", **place
    )
    assert difference.signature == "result:write.cell:-"
    assert Known(0, "result:*:-", "", None).covers(difference.signature)  # type: ignore[arg-type]

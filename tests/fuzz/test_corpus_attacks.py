"""The corpus of attacks: each case fails at once with its bug, and passes without."""

from pathlib import Path

import pytest

from pel_fuzz.campaign import planted
from pel_fuzz.canaries.registry import BUGS
from pel_fuzz.examine import examine
from pel_fuzz.formats.case_json import read_case

ATTACKS = Path(__file__).resolve().parents[2] / "corpus" / "attacks"
NAMES = sorted(path.stem for path in ATTACKS.glob("*.json"))


def test_there_are_attacks_of_most_bugs() -> None:
    in_text = {name for name, bug in BUGS.items() if bug.in_text and bug.benign is None}
    assert set(NAMES) <= in_text
    assert len(NAMES) > len(in_text) * 3 // 4


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_needs_its_bug(name: str) -> None:
    kept = read_case(str(ATTACKS / f"{name}.json"))
    assert kept.seed_bug == name
    assert not examine(kept.case).findings
    with planted(name):
        found = examine(kept.case, stop_at_first=False).findings
    assert kept.signature in {finding.difference.signature for finding in found}

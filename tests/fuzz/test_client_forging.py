"""Canaries for clients are wrong, and in nothing but what they claim."""

import json
from pathlib import Path

import pytest

from pel_fuzz.client.fixtures.fill import FillPlan, fill
from pel_fuzz.client.fixtures.fixtures import (
    BLOCKCHAIN_TEST,
    ENGINE_TEST,
    fixture_files,
    read_fixture,
)
from pel_fuzz.client.fixtures.forging import CLAIMS, NotForgeable, canaries, forge
from pel_fuzz.inputs import read_input
from pel_reference.blockchain_test import run_chain_test


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Prague block, as a test of both formats."""
    folder = tmp_path_factory.mktemp("filled")
    plan = FillPlan(4, 1, "Prague", (BLOCKCHAIN_TEST, ENGINE_TEST), small=True)
    assert len(list(fill(folder, plan))) == 1
    return folder


@pytest.mark.parametrize("wanted", [BLOCKCHAIN_TEST, ENGINE_TEST])
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_canary_is_told_only_by_execution(
    wanted: str, claim: str, filled: Path, tmp_path: Path
) -> None:
    fixtures = [read_fixture(path) for path in fixture_files(filled)]
    fixture = next(each for each in fixtures if each is not None and each.format == wanted)
    forged = forge(fixture, fixture.names[0], claim)
    path = tmp_path / "canary.json"
    path.write_text(json.dumps({"canary": forged.test}))
    (test,) = read_input(path)  # type: ignore[misc]
    assert test.unsupported is None
    result = run_chain_test(test)
    (refused, *_) = result.problems
    assert refused == f"blocks[0]: refused: wrong {claim}"
    # The hash of the last block is that of the wrong block: only its execution is in the way.
    assert test.last_block_hash.hex() in json.dumps(forged.test)


def test_a_test_that_ends_in_an_invalid_block_makes_no_canary(filled: Path) -> None:
    path = fixture_files(filled / "blockchain_tests")[0]
    fixture = read_fixture(path)
    assert fixture is not None
    fixture.tests[fixture.names[0]]["blocks"][0]["expectException"] = "X"
    with pytest.raises(NotForgeable):
        forge(fixture, fixture.names[0], CLAIMS[0])
    assert list(canaries([fixture], 3)) == []


def test_one_test_is_enough_for_every_claim(filled: Path) -> None:
    fixture = read_fixture(fixture_files(filled / "blockchain_tests")[0])
    assert fixture is not None
    assert [each.claim for each in canaries([fixture], 3)] == list(CLAIMS)

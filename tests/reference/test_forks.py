"""Names of forks, transitions, and rules that EELS must share."""

import pytest

from pel_reference.eels_forks import EELS_FORKS, eels_fork_at
from pel_reference.errors import UnsupportedFork
from pel_reference.fork_names import FORK_ORDER, canonical_fork, is_from, mainnet_fork, resolve_fork
from pel_reference.forks import GAS_PER_BLOB, RULES, rules_at, rules_for

pytest.importorskip("ethereum", reason="EELS is not installed")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        *(("Merge", "Paris"), ("Tangerine Whistle", "EIP150"), ("tangerine_whistle", "EIP150")),
        *(("SpuriousDragon", "EIP158"), ("Petersburg", "ConstantinopleFix"), ("LONDON", "London")),
        *(("DAOFork", "Homestead"), ("bpo1", "BPO1"), ("MuirGlacier", "MuirGlacier")),
    ],
)
def test_aliases(name: str, canonical: str) -> None:
    assert canonical_fork(name) == canonical


def test_canonical_names_are_their_own() -> None:
    assert [canonical_fork(name) for name in FORK_ORDER] == list(FORK_ORDER)


@pytest.mark.parametrize(
    ("name", "number", "timestamp", "fork"),
    [
        *(("BerlinToLondonAt5", 4, 99, "Berlin"), ("BerlinToLondonAt5", 5, 0, "London")),
        ("PragueToOsakaAtTime15k", 99_999, 14_999, "Prague"),
        ("PragueToOsakaAtTime15k", 1, 15_000, "Osaka"),
        ("EIP158ToByzantiumAt5", 5, 0, "Byzantium"),
        ("HomesteadToEIP150At5", 4, 0, "Homestead"),
    ],
)
def test_transitions(name: str, number: int, timestamp: int, fork: str) -> None:
    assert resolve_fork(name, number, timestamp) == fork


@pytest.mark.parametrize(
    "name", ["", "Nonsense", "ArrowGlacierToParisAtDiffC0000", "ToAt5", "x" * 10_000]
)
def test_unknown_names(name: str) -> None:
    with pytest.raises(UnsupportedFork, match="block: fork: unknown fork"):
        rules_at(name, 0, 0)


@pytest.mark.parametrize("name", ["Osaka", "BPO2", "Amsterdam"])
def test_forks_that_py_evm_does_not_know(name: str) -> None:
    with pytest.raises(UnsupportedFork, match="file: fork: py-evm does not know"):
        rules_for(name, "file")


def test_forks_that_eels_does_not_know() -> None:
    with pytest.raises(UnsupportedFork, match="EELS does not know the fork Constantinople"):
        eels_fork_at("Constantinople", 0, 0)


def test_order() -> None:
    assert is_from("London", "London")
    assert is_from("Prague", "Frontier")
    assert not is_from("EIP158", "Byzantium")


@pytest.mark.parametrize("fork", [fork for fork in RULES if fork in EELS_FORKS])
def test_rules_are_those_of_eels(fork: str) -> None:
    rules, eels = RULES[fork], eels_fork_at(fork, 0, 0)
    assert rules.block_reward_wei == getattr(eels.fork, "BLOCK_REWARD", 0)
    if rules.bomb_delay_blocks and not rules.proof_of_stake:
        assert rules.bomb_delay_blocks == eels.fork.BOMB_DELAY_BLOCKS
    assert rules.proof_of_stake is not hasattr(eels.fork, "BLOCK_REWARD")
    assert rules.withdrawals is hasattr(eels.blocks, "Withdrawal")
    assert rules.requests is hasattr(eels.fork, "process_general_purpose_requests")
    assert rules.fee_market is hasattr(eels.fork, "calculate_base_fee_per_gas")
    if rules.blobs is not None:
        assert rules.blobs.max_gas == eels.fork.MAX_BLOB_GAS_PER_BLOCK
        assert eels.fork.calculate_total_blob_gas.__globals__["GAS_PER_BLOB"] == GAS_PER_BLOB


@pytest.mark.parametrize(
    ("number", "timestamp", "fork"),
    [
        *((0, 0, "Frontier"), (1_149_999, 0, "Frontier"), (1_150_000, 0, "Homestead")),
        *((15_537_393, 0, "GrayGlacier"), (15_537_394, 0, "Paris")),
        *((17_034_870, 1_681_338_455, "Shanghai"), (19_426_587, 1_710_338_135, "Cancun")),
        (30_000_000, 1_900_000_000, "BPO2"),
    ],
)
def test_mainnet(number: int, timestamp: int, fork: str) -> None:
    assert mainnet_fork(number, timestamp) == fork

"""The table of features: what is in it occurs, within a number of cases that is written here."""

import pytest

from pel_fuzz.workloads.blocks import blocks
from pel_fuzz.workloads.draws import draw_case
from pel_fuzz.workloads.features import FEATURES, features_of
from pel_fuzz.workloads.observed import observed_features
from pel_reference.fork_names import FORK_ORDER
from pel_reference.forks import RULES
from pel_reference.sequential import run_block

CASES = dict.fromkeys(RULES, 150) | {"Cancun": 200, "Prague": 250}
"""Within how many cases of a fork each of its features has occurred; seed 0."""

OBSERVED = {
    "logs": ("Frontier", ("cells",)),
    "failed": ("Berlin", ("depths",)),
    "rejected-in-the-middle": ("Berlin", ("mischief",)),
    "block-gas-exhausted": ("Berlin", ("race",)),
    "admitted-after-exhaustion": ("Prague", ("race",)),
    "nonce-depends": ("London", ("mischief",)),
    "funds-missing": ("Istanbul", ("purses",)),
    "account-created": ("Homestead", ("creation",)),
    "creation-collided": ("Paris", ("creation",)),
    "fee-recipient-born": ("Frontier", ("touches",)),
    "empty-account-left": ("EIP150", ("touches",)),
    "empty-account-cleared": ("EIP158", ("touches",)),
    "fee-recipient-never-born": ("Paris", ("touches",)),
    "account-destroyed": ("Byzantium", ("destruction",)),
    "revived": ("Shanghai", ("destruction",)),
    "code-changed": ("Constantinople", ("destruction",)),
    "liquidated": ("London", ("lending",)),
    "flash-swap-repaid": ("Cancun", ("exchange",)),
    "blob-gas-exhausted": ("Cancun", ("blobs",)),
    "delegation-set": ("Prague", ("delegation",)),
    "delegation-ended": ("Prague", ("delegation",)),
    "requests": ("Prague", ("system",)),
}
"""Where to look for each observed feature: a fork and themes."""
OBSERVED_CASES = 25


@pytest.mark.parametrize("fork", RULES)
def test_every_feature_occurs(fork: str) -> None:
    strategy, missing = blocks(fork=fork), set(features_of(fork))
    for index in range(CASES[fork]):
        if not missing:
            break
        missing -= draw_case(strategy, 0, index).value.features
    assert not missing


@pytest.mark.parametrize("feature", OBSERVED)
def test_every_observed_feature_occurs(feature: str) -> None:
    fork, themes = OBSERVED[feature]
    strategy = blocks(fork=fork, themes=themes)
    blocks_drawn = (draw_case(strategy, 0, index).value.block for index in range(OBSERVED_CASES))
    assert any(feature in observed_features(block, run_block(block)) for block in blocks_drawn)


def test_the_table_above_is_complete() -> None:
    observed = {name for name, feature in FEATURES.items() if feature.is_observed}
    assert observed == OBSERVED.keys()
    assert all(name in features_of(fork, is_observed=True) for name, (fork, _) in OBSERVED.items())


@pytest.mark.parametrize("fork", ["Frontier", "Shanghai", "Prague"])
def test_nothing_is_observed_that_the_fork_cannot_have(fork: str) -> None:
    strategy = blocks(fork=fork)
    for index in range(8):
        block = draw_case(strategy, 6, index).value.block
        seen = observed_features(block, run_block(block))
        assert seen <= features_of(fork, is_observed=True)


def test_features_have_forks_and_sentences() -> None:
    for name, feature in FEATURES.items():
        assert feature.first_fork in FORK_ORDER, name
        assert feature.last_fork is None or feature.last_fork in FORK_ORDER, name
        assert any(feature.is_in(fork) for fork in RULES), name
        assert feature.sentence.endswith("."), name
    sentences = [feature.sentence for feature in FEATURES.values()]
    assert len(set(sentences)) == len(sentences)

"""Generated blocks: well-formed, dense, mostly valid, the same for everybody, and they shrink."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pel_fuzz.workloads.blocks import (
    CONTENTIONS,
    THEMES_BY_NAME,
    Contention,
    GeneratedBlock,
    blocks,
)
from pel_fuzz.workloads.draws import draw_case, shrink
from pel_fuzz.workloads.features import features_of
from pel_fuzz.workloads.observed import observed_features
from pel_reference.block import Block
from pel_reference.errors import UnsupportedFork
from pel_reference.evm_transitions import Outcome
from pel_reference.fork_names import canonical_fork
from pel_reference.forks import RULES
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.signing import recover_sender
from pel_reference.transitions import compile_block
from pel_reference.triple import dump_triple, parse_block
from pel_spec.fold import fold

FORKS = tuple(RULES)
FEW_FORKS = ("Frontier", "Berlin", "Prague")


def _drawn(fork: str | None, count: int, seed: int = 0, **knobs: object) -> list[GeneratedBlock]:
    strategy = blocks(fork=fork, **knobs)  # type: ignore[arg-type]
    return [draw_case(strategy, seed, index).value for index in range(count)]


def _check_state(block: Block) -> None:
    for address, account in block.alloc.items():
        assert len(address) == 20
        assert 0 <= account.nonce < 2**64
        assert 0 <= account.balance < 2**256
        assert all(0 < value < 2**256 for value in account.storage.values())
        assert all(0 <= slot < 2**256 for slot in account.storage)


@pytest.mark.parametrize("fork", FORKS)
def test_blocks_are_well_formed(fork: str) -> None:
    for generated in _drawn(fork, 12):
        block = generated.block
        assert canonical_fork(block.fork) == fork
        assert generated.features <= features_of(fork)
        assert 8 <= len(block.transactions) <= 64 + 4
        _check_state(block)
        for transaction in block.transactions:
            assert transaction.sender == recover_sender(transaction)


@pytest.mark.parametrize("fork", FORKS)
def test_blocks_go_through_the_file_format(fork: str) -> None:
    for generated in _drawn(fork, 6):
        document = dump_triple(generated.block)
        assert parse_block(Field("test", "", document)) == generated.block


@pytest.mark.parametrize("fork", FORKS)
def test_the_reference_takes_every_block(fork: str) -> None:
    for generated in _drawn(fork, 3, seed=4, size=(8, 16)):
        result = run_block(generated.block)
        indices = {receipt.tx_index for receipt in result.receipts}
        indices |= {rejected.tx_index for rejected in result.rejected}
        assert indices == set(range(len(generated.block.transactions)))


@pytest.mark.parametrize("fork", FEW_FORKS)
def test_most_transactions_are_included_and_succeed(fork: str) -> None:
    counts: Counter[str] = Counter()
    for generated in _drawn(fork, 40, seed=2):
        compiled = compile_block(generated.block)
        result = fold(compiled)[0]
        assert not result.faults
        for transition, effects in zip(compiled.transitions, result.effects, strict=True):
            if transition.tx_index is not None:
                outcome = effects.outcome
                assert isinstance(outcome, Outcome)
                counts["included"] += outcome.rejected is None
                counts["succeeded"] += outcome.rejected is None and outcome.status
        counts["given"] += len(generated.block.transactions)
    assert counts["included"] > 0.85 * counts["given"]
    assert counts["succeeded"] > 0.6 * counts["given"]


@pytest.mark.parametrize("fork", FEW_FORKS)
def test_most_transactions_depend_on_lower_ones(fork: str) -> None:
    """On something else than the nonce of their own sender, at that."""
    dependent = transactions = 0
    for generated in _drawn(fork, 50, seed=3):
        compiled = compile_block(generated.block)
        tx_index = {p: t.tx_index for p, t in enumerate(compiled.transitions)}
        for incarnation in fold(compiled)[1].committed():
            if tx_index[incarnation.version.position] is None:
                continue
            transactions += 1
            dependent += any(
                read.location[0] != "nonce"
                and read.version is not None
                and tx_index.get(read.version.position) is not None
                for read in incarnation.reads
            )
    assert dependent > 0.6 * transactions


def test_forks_are_drawn_and_each_has_a_share() -> None:
    drawn = Counter(each.block.fork for each in _drawn(None, 250, size=(1, 2)))
    assert set(drawn) == set(FORKS)
    assert drawn["Prague"] > drawn["Frontier"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_strategy_is_an_ordinary_one(data: st.DataObject) -> None:
    fork = data.draw(st.sampled_from(FORKS))
    generated = data.draw(blocks(fork=fork, size=(2, 6)))
    assert generated.features <= features_of(fork)
    _check_state(generated.block)
    assert len(generated.block.transactions) <= 6 + 4


@pytest.mark.parametrize("contention", CONTENTIONS)
def test_contention_says_how_many_send(contention: Contention) -> None:
    themes = ("cells",)
    for generated in _drawn("London", 6, contention=contention, themes=themes):
        senders = {transaction.sender for transaction in generated.block.transactions}
        # Beside them, the few who send what nobody else's fate may depend on.
        assert len(senders) <= contention.senders + 4


def test_themes_can_be_chosen() -> None:
    tried = Counter(f for each in _drawn("Berlin", 20, themes=("exchange",)) for f in each.features)
    assert tried["swap"] > 15
    assert not tried["farming"] and not tried["metamorph"] and not tried["gas-race"]


def test_a_fork_without_any_of_the_themes_still_gives_blocks() -> None:
    for generated in _drawn("Frontier", 3, themes=("delegation",)):
        assert generated.block.transactions


def test_names_of_themes_are_unique() -> None:
    assert len(THEMES_BY_NAME) == len({theme.name for theme in THEMES_BY_NAME.values()}) > 10


@pytest.mark.parametrize("fork", ["Osaka", "nowhere"])
def test_unsupported_forks_are_refused(fork: str) -> None:
    with pytest.raises(UnsupportedFork):
        draw_case(blocks(fork=fork), 0, 0)


def test_a_large_block_shrinks_to_the_few_transactions_that_matter() -> None:
    """A destroyed contract comes back: one transaction destroys it, one creates it again."""
    strategy = blocks(fork="Berlin", themes=("destruction",))

    def revives(generated: GeneratedBlock) -> bool:
        block = generated.block
        return "revived" in observed_features(block, run_block(block))

    drawn = (draw_case(strategy, 1, index) for index in range(100))
    large = next(each for each in drawn if revives(each.value))
    small = shrink(strategy, large.choices, revives, max_evaluations=400)
    assert len(large.value.block.transactions) > 8
    assert len(small.value.block.transactions) == 2
    assert len(small.value.block.alloc) <= 5


def test_the_simplest_block_is_empty_and_the_simplest_transaction_a_transfer() -> None:
    strategy = blocks(fork="Prague")
    large = draw_case(strategy, 1, 0)
    assert not shrink(strategy, large.choices, lambda _: True).value.block.transactions
    one = shrink(strategy, large.choices, lambda each: bool(each.block.transactions))
    (transaction,) = one.value.block.transactions
    assert (transaction.type, transaction.data, transaction.gas_limit) == (0, b"", 21_000)

"""Blocks for clients: large, reproducible, and such that a client can be judged by them."""

from concurrent.futures import Future
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings

from pel_fuzz.client.checking.blocks import (
    ANCESTORS,
    LEAST_GAS,
    LEAST_TRANSACTIONS,
    client_block_at,
    client_blocks,
    judged,
)
from pel_fuzz.client.checking.drawing import Drawing
from pel_fuzz.workloads.draws import draw_case
from pel_reference.block import Account
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.transaction_json import dump_transactions
from pel_reference.triple import dump_triple, parse_block


@pytest.mark.parametrize("index", range(6))
def test_a_block_is_large_and_has_the_reference_s_result(index: int) -> None:
    found = client_block_at(21, index)
    assert len(found.block.transactions) >= LEAST_TRANSACTIONS - 6  # unreadable ones are gone
    assert found.expected.gas_used >= LEAST_GAS
    assert found.expected == run_block(found.block)
    assert found.origin == (21, index) and found.drawn_fork is None


def test_a_block_is_a_function_of_its_address() -> None:
    assert client_block_at(3, 7) == client_block_at(3, 7) != client_block_at(3, 8)


def test_its_choices_draw_it_again() -> None:
    found = client_block_at(3, 7, "Prague")
    address = 7 + (found.redrawn << 64)
    again = draw_case(client_blocks("Prague"), 3, address)
    assert (again.value.block, again.choices) == (found.block, found.choices)


def test_every_ancestor_that_can_be_asked_for_is_given() -> None:
    """Tools end on a hash that they are asked for and not given (geth's with status 4)."""
    env = client_block_at(3, 7).block.env
    assert sorted(env.block_hashes) == list(range(env.number - ANCESTORS, env.number))
    assert env.block_hashes[env.number - 1] == env.parent_hash


@settings(max_examples=15, deadline=None)
@given(block=client_blocks(least_transactions=8))
def test_every_tool_can_read_it(block: object) -> None:
    given = block.block  # type: ignore[attr-defined]
    assert parse_block(Field("block", "", dump_triple(given))) == given
    for transaction in given.transactions:
        assert not (transaction.type == 3 and not transaction.blob_versioned_hashes)
        assert not (transaction.type in (3, 4) and transaction.to is None)
        assert transaction.r and transaction.s
    assert len(dump_transactions(given.transactions)) == len(given.transactions)


def test_features_can_be_left_out() -> None:
    for index in range(5):
        found = client_block_at(
            3, index, "London", least_transactions=8, least_gas=0, leave_out=frozenset({"ommers"})
        )
        assert "ommers" not in found.features and not found.block.env.ommers


def test_states_that_no_chain_has_are_not_judged() -> None:
    found = client_block_at(3, 7, "Prague")
    for account in (Account(), Account(balance=1, storage={0: 1})):
        odd = replace(found.block, alloc={**found.block.alloc, b"\x77" * 20: account})
        assert judged(odd) is None
    assert judged(found.block) == found.expected


def test_other_processes_draw_the_same() -> None:
    # Of functions here other processes know nothing.
    small = partial(client_block_at, 3, fork="Prague", least_transactions=8, least_gas=0)
    with Drawing(small, 1) as drawing:
        assert drawing.block(1, None, lambda: False) == small(1)
        begun: Future[bytes] | None = None
        while begun is None:
            begun = drawing.begin(2)
        assert drawing.block(2, begun, lambda: False) == small(2)
        assert drawing.block(4, drawing.begin(4), lambda: True) is None

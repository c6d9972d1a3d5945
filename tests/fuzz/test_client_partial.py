"""Answers that give only a part of what there is to compare: no silence is taken for agreement."""

import json
from typing import Any

import pytest

from pel_fuzz.client.asking.answer import read_answer, read_document
from pel_fuzz.client.checking.blocks import ClientBlock, client_block_at
from pel_fuzz.client.checking.judge import Judgement, judge
from pel_reference.t8n_result import dump_transition


@pytest.fixture(scope="module")
def block() -> ClientBlock:
    """A block with transactions of several types."""
    return client_block_at(11, 0, "Prague", least_transactions=16, least_gas=0)


def judged(block: ClientBlock, result: dict[str, Any]) -> Judgement:
    """What is said of a result without a state."""
    answer = read_answer(
        read_document("tool", json.dumps(result).encode()), None, len(block.block.transactions)
    )
    return judge(block.block, block.expected, answer)


def test_what_only_some_receipts_give_is_told(block: ClientBlock) -> None:
    result = dump_transition(block.block, block.expected)["result"]
    del result["receipts"][3]["gasUsed"], result["receipts"][5]["status"]
    for receipt in result["receipts"]:
        if receipt["type"] == "0x0":
            del receipt["type"]
    judgement = judged(block, result)
    assert judgement.difference is None
    assert judgement.unseen == {"receipts.gas_used", "receipts.status", "alloc"}
    assert {"receipts.gas_used", "receipts.status", "receipts.type"} <= judgement.compared


def test_an_answer_that_needs_no_execution_is_none(block: ClientBlock) -> None:
    result = dump_transition(block.block, block.expected)["result"]
    kept = {key: result[key] for key in ("txRoot", "withdrawalsRoot", "rejected")}
    assert judged(block, kept).is_empty and judged(block, {}).is_empty
    assert not judged(block, kept | {"gasUsed": result["gasUsed"]}).is_empty
    assert not judged(block, kept | {"txRoot": "0x" + "7" * 64}).is_empty

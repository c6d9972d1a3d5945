"""Where two results differ: everything is compared, and the first cause comes first."""

from dataclasses import fields, replace
from typing import Any

import pytest

from pel_reference.block import Account, Block, BlockResult, Log, Receipt, Rejected
from pel_reference.compare import alloc_differences, differences
from pel_reference.sequential import run_block

ONE, TWO = b"\xc1" * 20, b"\xc2" * 20


@pytest.fixture(scope="module")
def block(maker: Any) -> Block:
    made = maker("Prague")
    made.contract(ONE, "1 0 SSTORE 7 0 0 LOG1 8 0 0 LOG1")
    made.send(1, ONE)
    made.send_raw(2, ONE, nonce=7)
    made.send(3, ONE)
    found: Block = made.block()
    return found


@pytest.fixture(scope="module")
def result(block: Block) -> BlockResult:
    return run_block(block)


def test_equal_results(block: Block, result: BlockResult) -> None:
    assert differences(result, run_block(block)) == []


@pytest.mark.parametrize("name", [field.name for field in fields(BlockResult)])
def test_no_field_is_forgotten(result: BlockResult, name: str) -> None:
    others: dict[str, Any] = {
        "alloc": {**result.alloc, ONE: Account()},
        "receipts": result.receipts[:1],
        "rejected": (),
        "requests": (b"\1\1",),
        "gas_used": 1,
        "blob_gas_used": 1,
    }
    changed = replace(result, **{name: others.get(name, b"\x99" * 32)})
    (first, *_) = differences(result, changed)
    assert first.field.startswith({"alloc": "accounts"}.get(name, name))


@pytest.mark.parametrize("name", [field.name for field in fields(Receipt)])
def test_no_field_of_a_receipt_is_forgotten(result: BlockResult, name: str) -> None:
    receipt = result.receipts[0]
    others: dict[str, Any] = {
        "tx_index": 1,
        "type": 2,
        "status": False,
        "gas_used": 5,
        "cumulative_gas_used": 5,
        "logs": receipt.logs[:1],
    }
    changed = replace(receipt, **{name: others.get(name, b"\x99")})
    found = differences(result, replace(result, receipts=(changed, *result.receipts[1:])))
    assert found[0].field.startswith("receipts[0]")
    assert found[0].tx_index == 0


def test_causes_come_before_effects(result: BlockResult) -> None:
    receipt = replace(result.receipts[1], gas_used=1, status=False)
    changed = replace(
        result,
        receipts=(result.receipts[0], receipt),
        rejected=(Rejected(1, "other"),),
        gas_used=5,
        alloc={**result.alloc, TWO: Account(balance=1)},
        state_root=bytes(32),
    )
    assert [found.field for found in differences(result, changed)] == [
        *("receipts[2].status", "receipts[2].gas_used", "rejected[1]", "gas_used"),
        *(f"accounts[0x{TWO.hex()}]", "state_root"),
    ]
    assert differences(result, replace(result, rejected=(Rejected(1, "x"),)), reasons=False) == []


def test_logs_are_told_apart(result: BlockResult) -> None:
    receipt = result.receipts[0]
    swapped = replace(receipt, logs=receipt.logs[::-1])
    found = differences(result, replace(result, receipts=(swapped, result.receipts[1])))
    assert [one.field for one in found] == ["receipts[0].logs[0]", "receipts[0].logs[1]"]
    longer = replace(receipt, logs=(*receipt.logs, Log(ONE, (), b"")))
    (length,) = differences(result, replace(result, receipts=(longer, result.receipts[1])))
    assert str(length) == "receipts[0].logs.length: 2 against 3"


def test_accounts_field_by_field() -> None:
    left = {ONE: Account(1, 2, b"\3", {4: 5, 6: 7}), TWO: Account()}
    right = {ONE: Account(2, 3, b"\4", {4: 9, 8: 7})}
    path = f"accounts[0x{ONE.hex()}]"
    assert [str(found) for found in alloc_differences(left, right)] == [
        f"{path}.nonce: 1 against 2",
        f"{path}.balance: 2 against 3",
        f"{path}.code: 0x03 against 0x04",
        f"{path}.storage[0x4]: 5 against 9",
        f"{path}.storage[0x6]: 7 against 0",
        f"{path}.storage[0x8]: 0 against 7",
        f"accounts[0x{TWO.hex()}]: exists against nothing",
    ]

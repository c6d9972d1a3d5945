"""Where two results of the same block differ, the first thing first."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from pel_reference.block import Account, Alloc, BlockResult, Receipt


@dataclass(frozen=True, slots=True)
class Difference:
    """One field with two values.

    `field` is a path such as `receipts[3].gas_used` or `accounts[0x..].storage[0x1]`; `tx_index`
    says which transaction it belongs to, where it belongs to one; `None` as a value means that one
    side does not have the thing at all.
    """

    field: str
    tx_index: int | None
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.field}: {_show(self.left)} against {_show(self.right)}"


def _show(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return "nothing" if value is None else str(value)


def _receipt_differences(left: BlockResult, right: BlockResult) -> Iterator[Difference]:
    by_index = [{r.tx_index: r for r in result.receipts} for result in (left, right)]
    for tx_index in sorted(by_index[0].keys() | by_index[1].keys()):
        one, other = by_index[0].get(tx_index), by_index[1].get(tx_index)
        path = f"receipts[{tx_index}]"
        if one is None or other is None:
            yield Difference(path, tx_index, one and "included", other and "included")
        else:
            yield from _one_receipt(path, one, other)


def _one_receipt(path: str, left: Receipt, right: Receipt) -> Iterator[Difference]:
    for field in fields(Receipt):
        one, other = getattr(left, field.name), getattr(right, field.name)
        if one == other:
            continue
        if field.name == "logs":
            yield from _log_differences(path, left, right)
        else:
            yield Difference(f"{path}.{field.name}", left.tx_index, one, other)


def _log_differences(path: str, left: Receipt, right: Receipt) -> Iterator[Difference]:
    if len(left.logs) != len(right.logs):
        yield Difference(f"{path}.logs.length", left.tx_index, len(left.logs), len(right.logs))
    for index, (one, other) in enumerate(zip(left.logs, right.logs, strict=False)):
        if one != other:
            yield Difference(f"{path}.logs[{index}]", left.tx_index, one, other)


def _rejected_differences(
    left: BlockResult, right: BlockResult, reasons: bool
) -> Iterator[Difference]:
    by_index = [{r.tx_index: r.reason for r in result.rejected} for result in (left, right)]
    for tx_index in sorted(by_index[0].keys() | by_index[1].keys()):
        one, other = by_index[0].get(tx_index), by_index[1].get(tx_index)
        if (one is None) != (other is None) or (reasons and one != other):
            yield Difference(f"rejected[{tx_index}]", tx_index, one, other)


def _field_differences(
    left: BlockResult, right: BlockResult, names: tuple[str, ...]
) -> Iterator[Difference]:
    for name in names:
        one, other = getattr(left, name), getattr(right, name)
        if one != other:
            yield Difference(name, None, one, other)


def _account_differences(path: str, left: Account, right: Account) -> Iterator[Difference]:
    for name in ("nonce", "balance", "code"):
        one, other = getattr(left, name), getattr(right, name)
        if one != other:
            yield Difference(f"{path}.{name}", None, one, other)
    for slot in sorted(left.storage.keys() | right.storage.keys()):
        before, after = left.storage.get(slot, 0), right.storage.get(slot, 0)
        if before != after:
            yield Difference(f"{path}.storage[{slot:#x}]", None, before, after)


def alloc_differences(left: Alloc, right: Alloc) -> Iterator[Difference]:
    """Where two states differ: existence, then field by field, in the order of the addresses."""
    for address in sorted(left.keys() | right.keys()):
        one, other = left.get(address), right.get(address)
        path = f"accounts[0x{address.hex()}]"
        if one is None or other is None:
            yield Difference(path, None, one and "exists", other and "exists")
        elif one != other:
            yield from _account_differences(path, one, other)


def differences(left: BlockResult, right: BlockResult, *, reasons: bool = True) -> list[Difference]:
    """All fields that differ, in a fixed order; empty where everything agrees.

    The order is that of causes before effects: receipts and rejections by transaction, gas,
    withdrawals and requests, accounts, and roots last. `reasons` says whether the words count in
    which a transaction is rejected: EELS uses others.
    """
    return [
        *_receipt_differences(left, right),
        *_rejected_differences(left, right, reasons),
        *_field_differences(left, right, ("gas_used", "blob_gas_used", "requests")),
        *alloc_differences(left.alloc, right.alloc),
        *_field_differences(
            left,
            right,
            (
                *("logs_bloom", "logs_hash", "transactions_root", "receipts_root"),
                *("withdrawals_root", "requests_hash", "state_root"),
            ),
        ),
    ]

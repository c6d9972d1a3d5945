"""What a block turned out to have had in it, once it ran: the observed features."""

from collections.abc import Callable
from types import MappingProxyType

from pel_fuzz.workloads.landmarks import PHOENIX_MARK_SLOT, phoenix_address
from pel_fuzz.workloads.world import build_for, can_run, named_address
from pel_reference.block import Account, Block, BlockResult
from pel_reference.validity import (
    BLOB_GAS_EXHAUSTED,
    BLOCK_GAS_EXHAUSTED,
    FUNDS_INSUFFICIENT,
    NONCE_TOO_HIGH,
    NONCE_TOO_LOW,
    is_delegation,
)

_Judge = Callable[[Block, BlockResult], bool]
_NOBODY = Account()


def _has_reason(*reasons: str) -> _Judge:
    return lambda _, result: any(r.reason in reasons for r in result.rejected)


def _last_included(result: BlockResult) -> int:
    return max((receipt.tx_index for receipt in result.receipts), default=-1)


def _rejected_in_the_middle(_: Block, result: BlockResult) -> bool:
    return any(rejected.tx_index < _last_included(result) for rejected in result.rejected)


def _admitted_after_exhaustion(_: Block, result: BlockResult) -> bool:
    return any(
        rejected.reason == BLOCK_GAS_EXHAUSTED and rejected.tx_index < _last_included(result)
        for rejected in result.rejected
    )


def _changes(block: Block, result: BlockResult, change: Callable[[Account, Account], bool]) -> bool:
    """Whether some account's past and present (an empty account for none) are such a change."""
    return any(
        change(block.alloc.get(address, _NOBODY), result.alloc.get(address, _NOBODY))
        for address in block.alloc.keys() | result.alloc.keys()
    )


def _account_destroyed(block: Block, result: BlockResult) -> bool:
    return _changes(
        block,
        result,
        lambda before, after: (
            bool(before.code) and not after.code and not is_delegation(before.code)
        ),
    )


def _account_created(block: Block, result: BlockResult) -> bool:
    return any(
        account.code and address not in block.alloc for address, account in result.alloc.items()
    )


def _code_changed(block: Block, result: BlockResult) -> bool:
    return _changes(
        block,
        result,
        lambda before, after: (
            bool(before.code and after.code)
            and before.code != after.code
            and not is_delegation(before.code)
        ),
    )


def _revived(block: Block, result: BlockResult) -> bool:
    address = phoenix_address(block.fork)
    before, after = block.alloc.get(address, _NOBODY), result.alloc.get(address, _NOBODY)
    return (
        PHOENIX_MARK_SLOT in before.storage
        and bool(after.code)
        and PHOENIX_MARK_SLOT not in after.storage
    )


def _creation_collided(block: Block, result: BlockResult) -> bool:
    return any(
        not receipt.status and receipt.contract_address in block.alloc
        for receipt in result.receipts
        if receipt.contract_address is not None
    )


def _empty_account_left(block: Block, result: BlockResult) -> bool:
    return any(
        account.is_empty and not account.storage and address not in block.alloc
        for address, account in result.alloc.items()
    )


def _empty_account_cleared(block: Block, result: BlockResult) -> bool:
    return any(
        account.is_empty and address not in result.alloc for address, account in block.alloc.items()
    )


def _recipient_born(block: Block, result: BlockResult) -> bool:
    return block.env.coinbase not in block.alloc and block.env.coinbase in result.alloc


def _recipient_never_born(block: Block, result: BlockResult) -> bool:
    return block.env.coinbase not in block.alloc and block.env.coinbase not in result.alloc


def _succeeds(contract: str, function: str) -> _Judge:
    """Whether a transaction that calls this function of a library contract succeeds."""

    def judge(block: Block, result: BlockResult) -> bool:
        if not can_run(block.fork, contract):
            return False
        selector = build_for(block.fork, contract).functions[function].selector
        return any(
            receipt.status
            and block.transactions[receipt.tx_index].to == named_address(contract)
            and block.transactions[receipt.tx_index].data.startswith(selector)
            for receipt in result.receipts
        )

    return judge


_JUDGES: MappingProxyType[str, _Judge] = MappingProxyType(
    {
        "logs": lambda _, result: any(receipt.logs for receipt in result.receipts),
        "failed": lambda _, result: any(not receipt.status for receipt in result.receipts),
        "rejected-in-the-middle": _rejected_in_the_middle,
        "block-gas-exhausted": _has_reason(BLOCK_GAS_EXHAUSTED),
        "admitted-after-exhaustion": _admitted_after_exhaustion,
        "blob-gas-exhausted": _has_reason(BLOB_GAS_EXHAUSTED),
        "nonce-depends": _has_reason(NONCE_TOO_LOW, NONCE_TOO_HIGH),
        "funds-missing": _has_reason(FUNDS_INSUFFICIENT),
        "account-destroyed": _account_destroyed,
        "account-created": _account_created,
        "creation-collided": _creation_collided,
        "code-changed": _code_changed,
        "revived": _revived,
        "empty-account-left": _empty_account_left,
        "empty-account-cleared": _empty_account_cleared,
        "fee-recipient-born": _recipient_born,
        "fee-recipient-never-born": _recipient_never_born,
        "liquidated": _succeeds("lending", "liquidate"),
        "flash-swap-repaid": _succeeds("borrower", "borrow"),
        "delegation-set": lambda block, result: _changes(
            block, result, lambda b, a: not is_delegation(b.code) and is_delegation(a.code)
        ),
        "delegation-ended": lambda block, result: _changes(
            block, result, lambda b, a: is_delegation(b.code) and not is_delegation(a.code)
        ),
        "requests": lambda _, result: bool(result.requests),
    }
)


def observed_features(block: Block, result: BlockResult) -> frozenset[str]:
    """The observed features of a generated block that came to this result."""
    return frozenset(name for name, judge in _JUDGES.items() if judge(block, result))

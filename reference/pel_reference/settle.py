"""Settling: from what the transitions of a block left to the block's result.

The ordered commit. It decides nothing: it adds up gas, encodes receipts, and reads the post-state
out of the memory. It takes the transitions in the preset order, and is linear in what they wrote.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pel_reference.block import Account, Alloc, BlockResult, Receipt, Rejected
from pel_reference.block_result import make_block_result, make_receipt
from pel_reference.errors import InvalidBlock
from pel_reference.evm_transitions import Outcome
from pel_reference.locations import BALANCE, CODE, EXISTS, FEE, NONCE, STORAGE, WIPE
from pel_reference.requests import collect_requests
from pel_reference.roots import state_root
from pel_reference.state_trie import StateTrie
from pel_reference.transitions import EvmBlock
from pel_spec.fold import Memory, Result
from pel_spec.vocabulary import PRE_STATE, Version


class FailedRun(Exception):
    """A transition ended in an internal error that was validated: there is no result to settle.

    `position` is the lowest such transition's, `fault` what it said.
    """

    def __init__(self, position: int, fault: str) -> None:
        self.position, self.fault = position, fault
        super().__init__(f"position {position}: {fault}")


class _Written:
    """A memory, sorted by account: what each account's locations were last written to."""

    def __init__(self, memory: Memory) -> None:
        self.fields: dict[bytes, dict[str, tuple[Any, Version]]] = {}
        self.slots: dict[bytes, dict[int, tuple[int, Version]]] = {}
        self.fees: list[tuple[int, int]] = []
        for location, (value, version) in memory.items():
            kind, name, *slot = cast("tuple[Any, ...]", location)
            if kind == STORAGE:
                self.slots.setdefault(name, {})[slot[0]] = (cast(int, value), version)
            elif kind == FEE:
                self.fees.append((name, cast(int, value)))
            elif kind in (BALANCE, NONCE, CODE, WIPE, EXISTS):
                self.fields.setdefault(name, {})[kind] = (value, version)

    def fees_above(self, position: int) -> int:
        """What the fee recipient was credited since that position, in wei."""
        return sum(fee for at, fee in self.fees if at > position)

    def addresses(self) -> set[bytes]:
        return self.fields.keys() | self.slots.keys()


def _storage(evm_block: EvmBlock, written: _Written, address: bytes) -> dict[int, int]:
    """The slots that are not 0: those before the block and those written, less what is wiped."""
    fields = written.fields.get(address, {})
    wiped_at = fields[WIPE][1].position if WIPE in fields else PRE_STATE.position
    before = evm_block.block.alloc.get(address)
    storage = dict(before.storage) if before is not None and wiped_at < 0 else {}
    for slot, (value, version) in written.slots.get(address, {}).items():
        if version.position >= wiped_at:
            storage[slot] = value
    return {slot: value for slot, value in sorted(storage.items()) if value}


def _account(evm_block: EvmBlock, written: _Written, address: bytes) -> Account | None:
    """The account after the block, `None` where it does not exist."""
    before = evm_block.block.alloc.get(address)
    old = before or Account()
    fields = written.fields.get(address, {})
    balance, written_in_full = fields.get(BALANCE, (old.balance, PRE_STATE))
    if address == evm_block.facts.fee_recipient:
        balance += written.fees_above(written_in_full.position)
    account = Account(
        nonce=fields.get(NONCE, (old.nonce, PRE_STATE))[0],
        balance=balance,
        code=fields.get(CODE, (old.code, PRE_STATE))[0],
        storage=_storage(evm_block, written, address),
    )
    if evm_block.facts.elides_existence:
        exists = _exists_by_emptiness(account)
    else:
        exists = fields.get(EXISTS, (before is not None, PRE_STATE))[0]
    return account if exists else None


def _exists_by_emptiness(account: Account) -> bool:
    """Whether an account exists whose existence was elided. Source: EIP-161."""
    return not account.is_empty


def post_state(evm_block: EvmBlock, memory: Memory) -> Alloc:
    """Every account that exists after the block, in the order of their addresses."""
    written = _Written(memory)
    changed = written.addresses() | {evm_block.facts.fee_recipient}

    def accounts() -> Iterator[tuple[bytes, Account]]:
        for address in sorted(evm_block.block.alloc.keys() | changed):
            if address in changed:
                account = _account(evm_block, written, address)
            else:
                account = evm_block.block.alloc[address]
            if account is not None:
                yield address, account

    return dict(accounts())


def _roots_between(evm_block: EvmBlock, result: Result) -> Mapping[int, bytes]:
    """The state root after each transaction, by position, in forks whose receipts hold it."""
    if evm_block.rules.receipt_status:
        return {}
    facts = evm_block.facts
    trie = StateTrie(evm_block.block.alloc, facts.fee_recipient, facts.elides_existence)
    roots = {}
    for position, effects in enumerate(result.effects):
        trie.apply(effects.writes)
        roots[position] = trie.root
    return roots


def _receipts(
    evm_block: EvmBlock, result: Result
) -> tuple[tuple[Receipt, ...], tuple[Rejected, ...]]:
    """The receipts of what is in the block, and the rest with the reasons."""
    receipts: list[Receipt] = []
    rejected: list[Rejected] = []
    roots = _roots_between(evm_block, result)
    gas_used = 0
    for tx_index, position in enumerate(evm_block.transaction_positions):
        outcome = _outcome(result, position)
        if outcome.rejected is not None:
            rejected.append(Rejected(tx_index, outcome.rejected))
            continue
        receipt = make_receipt(
            evm_block.block.transactions[tx_index],
            tx_index,
            status=outcome.status,
            gas_used=outcome.gas_used,
            gas_used_before=gas_used,
            logs=outcome.logs,
            contract_address=outcome.contract_address,
            state_root=roots.get(position),
        )
        gas_used = receipt.cumulative_gas_used
        receipts.append(receipt)
    return tuple(receipts), tuple(rejected)


def _outcome(result: Result, position: int) -> Outcome:
    outcome = result.effects[position].outcome
    assert isinstance(outcome, Outcome)
    return outcome


def _requests(result: Result) -> tuple[bytes, ...]:
    """The block's requests that are not empty, in the order of their types."""
    outcomes = (_outcome(result, position) for position in range(len(result.effects)))
    return collect_requests(
        (o.request_type, o.request) for o in outcomes if o.request_type is not None
    )


def settle(evm_block: EvmBlock, result: Result) -> BlockResult:
    """The result of the block, from the memory and the effects that any executor came to.

    Raises: `FailedRun` for an internal error; `InvalidBlock` where no block with these
    transactions can be valid.
    """
    if result.faults:
        raise FailedRun(*result.faults[0])
    for position in range(len(result.effects)):
        reason = _outcome(result, position).invalid_block
        if reason is not None:
            raise InvalidBlock(reason)
    receipts, rejected = _receipts(evm_block, result)
    alloc = post_state(evm_block, result.memory)
    return make_block_result(
        evm_block.rules,
        evm_block.block,
        alloc=alloc,
        state_root=state_root(alloc),
        receipts=receipts,
        rejected=rejected,
        requests=_requests(result),
    )

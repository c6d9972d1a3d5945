"""A transaction for people: who sends what where, what comes of it, and whom it depends on."""

from dataclasses import dataclass
from typing import Any, Final

from eth_hash.auto import keccak

from pel_reference.alloc_json import hex_bytes
from pel_reference.block import Block, Transaction
from pel_reference.locations import render_location
from pel_reference.sealing import SealedBlock
from pel_reference.transaction_rlp import encode_transaction
from pel_reference.transitions import EvmBlock, compile_block
from pel_reference.validity import DELEGATION_PREFIX
from pel_spec.fold import fold
from pel_spec.vocabulary import PRE_STATE, Location

_SELECTOR_BYTES: Final = 4
_LAST_PRECOMPILE: Final = 0x11
_MOST_LISTED: Final = 6
"""Locations of one writer that are named."""


@dataclass(frozen=True, slots=True)
class Described:
    """A transaction of a sealed block. `tx_index` counts the block as it was given, `sealed_index`
    the one that was sealed, without rejected transactions."""

    tx_index: int
    sealed_index: int
    hash: bytes
    sender: bytes
    to: bytes | None
    action: str
    outcome: str
    depends_on: tuple[str, ...]

    def lines(self) -> list[str]:
        """What there is to say, a line each."""
        at = f" ({self.sealed_index} of the sealed block)"
        place = f"{self.tx_index}{at if self.sealed_index != self.tx_index else ''}"
        to = "a creation" if self.to is None else f"to {hex_bytes(self.to)}"
        return [
            f"transaction {place}, hash {hex_bytes(self.hash)}",
            f"from {hex_bytes(self.sender)}, {to}",
            self.action,
            self.outcome,
            *self.depends_on,
        ]

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "tx_index": self.tx_index,
            "sealed_index": self.sealed_index,
            "hash": hex_bytes(self.hash),
            "from": hex_bytes(self.sender),
            "to": None if self.to is None else hex_bytes(self.to),
            "action": self.action,
            "outcome": self.outcome,
            "depends_on": list(self.depends_on),
        }


def describe(sealed: SealedBlock, index: int) -> Described:
    """Transaction `index` of a sealed block."""
    transaction = sealed.block.transactions[index]
    assert transaction.sender is not None
    return Described(
        tx_index=sealed.kept[index],
        sealed_index=index,
        hash=keccak(encode_transaction(transaction)),
        sender=transaction.sender,
        to=transaction.to,
        action=_action(sealed.block, transaction),
        outcome=_outcome(sealed, index),
        depends_on=tuple(_dependencies(sealed, index)),
    )


def _action(block: Block, transaction: Transaction) -> str:
    value = f"{transaction.value} wei" if transaction.value else "no value"
    extras = [
        f"{len(transaction.access_list)} addresses in its access list",
        f"{len(transaction.blob_versioned_hashes)} blobs",
        f"{len(transaction.authorizations)} authorizations",
    ]
    told = ", ".join(extra for extra in extras if not extra.startswith("0 "))
    start = f"type {transaction.type}, nonce {transaction.nonce}, gas limit {transaction.gas_limit}"
    return f"{start}, {value}: " + "; ".join(filter(None, (_target(block, transaction), told)))


def _target(block: Block, transaction: Transaction) -> str:
    """What runs, as far as the state before the block says it."""
    to, data = transaction.to, transaction.data
    if to is None:
        return f"runs {len(data)} bytes of initcode"
    account = block.alloc.get(to)
    selector = f", selector {hex_bytes(data[:_SELECTOR_BYTES])}" if data else ""
    if account is not None and account.code:
        kind = "a delegated account" if account.code[:3] == DELEGATION_PREFIX else "a contract"
        return f"calls {kind} with {len(data)} bytes of data{selector}"
    if 1 <= int.from_bytes(to, "big") <= _LAST_PRECOMPILE:
        return f"goes to a precompiled contract's address with {len(data)} bytes of data"
    return "goes to an account that has no code before the block"


def _outcome(sealed: SealedBlock, index: int) -> str:
    receipt = sealed.result.receipts[index]
    created = ""
    if receipt.contract_address is not None and receipt.status:
        created = f", and creates {hex_bytes(receipt.contract_address)}"
    used, logs = receipt.gas_used, len(receipt.logs)
    return f"it ends with status {int(receipt.status)}, uses {used} gas, has {logs} logs{created}"


def _dependencies(sealed: SealedBlock, index: int) -> list[str]:
    """What it reads that others of the block have written, by writer, the nearest first."""
    compiled = compile_block(sealed.block)
    _, history = fold(compiled)
    position = compiled.transaction_positions[index]
    by_writer: dict[int, list[Location]] = {}
    for read in history.incarnations[position].reads:
        if read.version is not None and read.version != PRE_STATE:
            by_writer.setdefault(read.version.position, []).append(read.location)
    return [
        f"reads of {_writer(sealed, compiled, writer)}: {_listed(locations)}"
        for writer, locations in sorted(by_writer.items(), reverse=True)
    ]


def _writer(sealed: SealedBlock, compiled: EvmBlock, position: int) -> str:
    index = compiled.transitions[position].tx_index
    return f"position {position}" if index is None else f"transaction {sealed.kept[index]}"


def _listed(locations: list[Location]) -> str:
    named = [render_location(location) for location in locations[:_MOST_LISTED]]
    more = len(locations) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

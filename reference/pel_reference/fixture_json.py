"""Sealed blocks as tests in the formats of execution-spec-tests: writing `blockchain_test`.

Numbers are written as they are there: hex with an even number of digits, at least two. What
`blockchain_test_engine` adds is in `engine_payload`.
"""

from typing import Any

from pel_reference.alloc_json import hex_bytes
from pel_reference.block import Account, Alloc, Authorization, Transaction, Withdrawal
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.header import Header
from pel_reference.sealing import SealedBlock


def padded(number: int) -> str:
    """A number as hex with whole bytes: 0x00, 0x0a, 0x0100."""
    digits = f"{number:x}"
    return "0x" + digits.zfill(len(digits) + len(digits) % 2)


def _dump_account(account: Account) -> dict[str, Any]:
    return {
        "nonce": padded(account.nonce),
        "balance": padded(account.balance),
        "code": hex_bytes(account.code),
        "storage": {padded(s): padded(value) for s, value in sorted(account.storage.items())},
    }


def dump_state(alloc: Alloc) -> dict[str, Any]:
    """A state, every field of each account given."""
    return {hex_bytes(address): _dump_account(alloc[address]) for address in sorted(alloc)}


_LATER_FIELDS = {
    "baseFeePerGas": "base_fee_wei",
    "withdrawalsRoot": "withdrawals_root",
    "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas",
    "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash",
}
"""What a header's fields since London are called here."""


def dump_header(header: Header) -> dict[str, str]:
    """A header with its hash; fields that its fork lacks are left out."""
    dumped = {
        "parentHash": hex_bytes(header.parent_hash),
        "uncleHash": hex_bytes(header.ommers_hash),
        "coinbase": hex_bytes(header.coinbase),
        "stateRoot": hex_bytes(header.state_root),
        "transactionsTrie": hex_bytes(header.transactions_root),
        "receiptTrie": hex_bytes(header.receipts_root),
        "bloom": hex_bytes(header.bloom),
        "difficulty": padded(header.difficulty),
        "number": padded(header.number),
        "gasLimit": padded(header.gas_limit),
        "gasUsed": padded(header.gas_used),
        "timestamp": padded(header.timestamp),
        "extraData": hex_bytes(header.extra_data),
        "mixHash": hex_bytes(header.mix_hash),
        "nonce": hex_bytes(header.nonce),
    }
    for name, attribute in _LATER_FIELDS.items():
        value = getattr(header, attribute)
        if value is not None:
            dumped[name] = hex_bytes(value) if isinstance(value, bytes) else padded(value)
    return dumped | {"hash": hex_bytes(header.hash)}


def _dump_authorization(authorization: Authorization) -> dict[str, str]:
    dumped = {
        "chainId": padded(authorization.chain_id),
        "address": hex_bytes(authorization.address),
        "nonce": padded(authorization.nonce),
        "v": padded(authorization.y_parity),
        "r": padded(authorization.r),
        "s": padded(authorization.s),
        "yParity": padded(authorization.y_parity),
    }
    signer = authorization.authority()
    return dumped if signer is None else dumped | {"signer": hex_bytes(signer)}


def _dump_lists(transaction: Transaction) -> dict[str, Any]:
    """What only typed transactions have."""
    dumped: dict[str, Any] = {}
    if transaction.type >= 1:
        dumped["accessList"] = [
            {"address": hex_bytes(address), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
            for address, slots in transaction.access_list
        ]
    if transaction.type == 3:
        dumped["blobVersionedHashes"] = [hex_bytes(h) for h in transaction.blob_versioned_hashes]
    if transaction.type == 4:
        dumped["authorizationList"] = [_dump_authorization(a) for a in transaction.authorizations]
    return dumped


def _dump_transaction(transaction: Transaction, chain_id: int) -> dict[str, Any]:
    """An included transaction, which has a sender."""
    assert transaction.sender is not None
    numbers = {
        "gasPrice": transaction.gas_price,
        "maxPriorityFeePerGas": transaction.max_priority_fee_per_gas,
        "maxFeePerGas": transaction.max_fee_per_gas,
        "maxFeePerBlobGas": transaction.max_fee_per_blob_gas,
    }
    return {
        "type": padded(transaction.type),
        "chainId": padded(transaction.chain_id if transaction.chain_id is not None else chain_id),
        "nonce": padded(transaction.nonce),
        **{name: padded(value) for name, value in numbers.items() if value is not None},
        "gasLimit": padded(transaction.gas_limit),
        "to": hex_bytes(transaction.to) if transaction.to is not None else "",
        "value": padded(transaction.value),
        "data": hex_bytes(transaction.data),
        **_dump_lists(transaction),
        "v": padded(transaction.v),
        "r": padded(transaction.r),
        "s": padded(transaction.s),
        "sender": hex_bytes(transaction.sender),
    }


def _dump_withdrawal(withdrawal: Withdrawal) -> dict[str, str]:
    return {
        "index": padded(withdrawal.index),
        "validatorIndex": padded(withdrawal.validator_index),
        "address": hex_bytes(withdrawal.address),
        "amount": padded(withdrawal.amount_gwei),
    }


def _dump_block(sealed: SealedBlock) -> dict[str, Any]:
    block = sealed.block
    dumped: dict[str, Any] = {
        "blockHeader": dump_header(sealed.header),
        "transactions": [_dump_transaction(each, block.chain_id) for each in block.transactions],
        "uncleHeaders": [],
    }
    if block.env.withdrawals is not None:
        dumped["withdrawals"] = [_dump_withdrawal(each) for each in block.env.withdrawals]
    return dumped | {"rlp": hex_bytes(sealed.encoded), "blocknumber": str(block.env.number)}


def _dump_config(fork: str, chain_id: int) -> dict[str, Any]:
    """The chain's configuration; the schedule of blobs is that of mainnet. Source: EIP-7840."""
    config: dict[str, Any] = {"network": fork, "chainid": padded(chain_id)}
    schedule = {
        name: {
            "target": padded(rules.blobs.target_blobs),
            "max": padded(rules.blobs.max_blobs),
            "baseFeeUpdateFraction": padded(rules.blobs.base_fee_fraction),
        }
        for name, rules in RULES.items()
        if rules.blobs is not None and is_from(fork, name)
    }
    return config | {"blobSchedule": schedule} if schedule else config


def dump_common(sealed: SealedBlock) -> dict[str, Any]:
    """What both formats hold: the chain's configuration, its genesis, the states, its last hash."""
    block = sealed.block
    return {
        "network": block.fork,
        "genesisBlockHeader": dump_header(sealed.genesis),
        "pre": dump_state(block.alloc),
        "postState": dump_state(sealed.result.alloc),
        "lastblockhash": hex_bytes(sealed.header.hash),
        "config": _dump_config(block.fork, block.chain_id),
    }


def dump_blockchain_test(sealed: SealedBlock) -> dict[str, Any]:
    """The block as a `blockchain_test`, without what its file says of its origin (`_info`)."""
    return dump_common(sealed) | {
        "genesisRLP": hex_bytes(sealed.genesis_encoded),
        "blocks": [_dump_block(sealed)],
        "sealEngine": "NoProof",
    }

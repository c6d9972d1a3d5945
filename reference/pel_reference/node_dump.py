"""A block dumped from a node, made into a block that can be run.

Two answers of a node's JSON-RPC go in: `eth_getBlockByNumber` with full transactions, and
`debug_traceBlockByNumber` with the prestate tracer (not in its `diffMode`). The tracer shows for
each transaction what it touches, as it is *before that transaction*; here that becomes the state
before the block.

What the answers do not hold stays out: hashes of ancestors other than the parent, accounts that
only withdrawals and rewards touch, ommers. An account without anything is taken for one that does
not exist, as some nodes show those so. So the state is partial, and only receipts, logs and gas
can be held against the header.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pel_reference.alloc_json import parse_account
from pel_reference.block import Account, Alloc, Block, Environment
from pel_reference.environment_json import parse_withdrawals
from pel_reference.fork_names import canonical_fork, is_from, mainnet_fork
from pel_reference.forks import Rules, rules_for
from pel_reference.json_input import Field
from pel_reference.sequential import BlockRun
from pel_reference.system_calls import BEACON_ROOTS, HISTORY_STORAGE
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES
from pel_reference.transaction_json import parse_transactions

MAINNET_CHAIN_ID = 1
EXPECTED_FIELDS = ("receiptsRoot", "logsBloom", "gasUsed", "transactionsRoot")


@dataclass(frozen=True, slots=True)
class DumpedBlock:
    """A block from a node, and what its header expects of it, as in the node's JSON."""

    block: Block
    expected: Mapping[str, str]


def _answer(document: Field) -> Field:
    """The answer itself, where the whole JSON-RPC response was saved."""
    value = document.value
    if not isinstance(value, dict) or not {"jsonrpc", "result", "error"} & value.keys():
        return document
    error = document.get("error")
    if error is not None:
        raise error.error(f"the node answered with an error: {str(error.value)[:200]}")
    return document.require("result")


def _optional_number(header: Field, name: str) -> int | None:
    field = header.get(name)
    return field.number() if field is not None else None


def _optional_hash(header: Field, name: str) -> bytes | None:
    field = header.get(name)
    return field.data(32) if field is not None else None


def _environment(header: Field, rules: Rules) -> Environment:
    withdrawals = header.get("withdrawals")
    number = header.require("number").number(64)
    parent_hash = header.require("parentHash").data(32)
    merged = rules.proof_of_stake
    return Environment(
        coinbase=header.require("miner").address(),
        gas_limit=header.require("gasLimit").number(63),
        number=number,
        timestamp=header.require("timestamp").number(64),
        difficulty=0 if merged else header.require("difficulty").number(),
        prev_randao=header.require("mixHash").data(32) if merged else None,
        base_fee_wei=_optional_number(header, "baseFeePerGas"),
        excess_blob_gas=_optional_number(header, "excessBlobGas"),
        parent_hash=parent_hash,
        parent_beacon_block_root=_optional_hash(header, "parentBeaconBlockRoot"),
        block_hashes=MappingProxyType({number - 1: parent_hash} if number else {}),
        withdrawals=parse_withdrawals(withdrawals) if withdrawals else None,
        block_reward_wei=rules.block_reward_wei,
    )


def _chain_id(header: Field, given: int | None) -> int:
    if given is not None:
        return given
    for transaction in header.require("transactions").elements():
        chain_id = transaction.get("chainId")
        if chain_id is not None:
            return chain_id.number(64)
    return MAINNET_CHAIN_ID


def _rules(header: Field, fork: str | None, chain_id: int) -> Rules:
    if fork is not None:
        return rules_for(canonical_fork(fork, "command line"), "command line")
    if chain_id != MAINNET_CHAIN_ID:
        raise header.error("a block of this chain needs the name of its fork")
    number = header.require("number").number(64)
    return rules_for(mainnet_fork(number, header.require("timestamp").number(64)), header.source)


class _PreState:
    """The state before the block, found while the block runs.

    A thing that a transaction sees first was there before the block, unless a lower transaction
    made it. To tell the two apart the transactions are executed, each on the state that is known by
    then, which holds all that it touches.
    """

    def __init__(self, run: BlockRun) -> None:
        self._database: Any = run.state._account_db
        self._accounts: dict[bytes, Account] = {}
        self._slots: dict[bytes, dict[int, int]] = {}
        self._made_in_block: set[bytes] = set()

    def add(self, address: bytes, seen: Account) -> None:
        """Take in what a transaction shows of an account before it is executed."""
        if seen.is_empty and not seen.storage:
            return  # some nodes show an account so that does not exist
        if address not in self._accounts and address not in self._made_in_block:
            if self._database.account_exists(address):
                self._made_in_block.add(address)
            else:
                self._accounts[address] = replace(seen, storage={})
                self._slots[address] = {}
                self._database.load(address, self._accounts[address])
        if address in self._made_in_block:
            return
        for slot, value in seen.storage.items():
            # Tracers may leave out slots that are 0: a value that is there by now was made here.
            if self._database.get_storage(address, slot) != value:
                self._slots[address][slot] = value
                self._database.load_slot(address, slot, value)

    def alloc(self) -> Alloc:
        """Everything that was there before the block, as far as it was shown."""
        return {
            address: replace(account, storage=self._slots[address])
            for address, account in self._accounts.items()
        }


def _missing_system_contracts(rules: Rules, alloc: Alloc) -> dict[bytes, Account]:
    """The fork's system contracts that no transaction touched, with nothing stored in them."""
    wanted = set(SYSTEM_CONTRACT_CODES) if rules.requests else set()
    if rules.beacon_root:
        wanted.add(BEACON_ROOTS)
    if rules.parent_hash_history:
        wanted.add(HISTORY_STORAGE)
    return {
        address: Account(nonce=1, code=SYSTEM_CONTRACT_CODES[address])
        for address in sorted(wanted)
        if address not in alloc
    }


def _collect_pre_state(block: Block, rules: Rules, traces: Field) -> Alloc:
    run = BlockRun(block, rules)
    pre_state = _PreState(run)
    shown = list(_answer(traces).elements())
    if len(shown) != len(block.transactions):
        raise traces.error(f"{len(shown)} traces of {len(block.transactions)} transactions")
    for tx_index, (trace, transaction) in enumerate(zip(shown, block.transactions, strict=True)):
        accounts = _answer(trace)
        if accounts.has("pre") and accounts.has("post"):
            raise accounts.error("made in the tracer's diffMode: it must be off")
        for key, value in accounts.entries():
            pre_state.add(accounts.key_as_field(key).address(), parse_account(value))
        run.transact(tx_index, transaction)
        if run.rejected:
            raise trace.error(f"the transaction does not execute on it: {run.rejected[0].reason}")
    return pre_state.alloc()


def _expected(header: Field, name: str) -> str:
    """A field of the header as it stands there, once it is known to be what it should be."""
    field = header.require(name)
    if name == "gasUsed":
        return hex(field.number(64))
    return "0x" + field.data(256 if name == "logsBloom" else 32).hex()


def block_from_node(
    header: Field, traces: Field, fork: str | None = None, chain_id: int | None = None
) -> DumpedBlock:
    """The block from a node's answers: `header` with its transactions, and the prestate `traces`.

    `fork` is needed off mainnet only, `chain_id` where no transaction says it.

    Raises: `InputError`, also for traces that do not belong to the block; `UnsupportedFork`.
    """
    answer = _answer(header)
    chain = _chain_id(answer, chain_id)
    rules = _rules(answer, fork, chain)
    block = Block(
        fork=rules.fork,
        chain_id=chain,
        env=_environment(answer, rules),
        alloc={},
        transactions=parse_transactions(
            answer.require("transactions"), chain, is_from(rules.fork, "EIP158")
        ),
    )
    alloc = dict(_collect_pre_state(block, rules, traces))
    alloc |= _missing_system_contracts(rules, alloc)
    expected = {name: _expected(answer, name) for name in EXPECTED_FIELDS}
    return DumpedBlock(replace(block, alloc=alloc), MappingProxyType(expected))

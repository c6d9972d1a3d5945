"""Hand-made blocks of real, signed transactions for the tests of the seam."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import pytest

from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import (
    Account,
    Authorization,
    Block,
    BlockResult,
    Environment,
    Transaction,
)
from pel_reference.fork_names import is_from
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.signing import address_of, sign, sign_authorization
from pel_reference.system_calls import CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from pel_reference.transitions import EvmBlock, compile_block
from pel_spec.fold import Result, fold
from pel_spec.fold import agree as same_results
from pel_spec.history import History
from pel_spec.serializability import check_preset
from pel_spec.transition import Effects, RecordedView, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Value, Version

ETHER = 10**18
BASE_FEE_WEI = 7
CHAIN_ID = 1
FEE_RECIPIENT = b"\xcb" * 20


def key(number: int) -> bytes:
    """The secret key of one of the test accounts. Range: `number` > 0."""
    return number.to_bytes(32, "big")


def who(number: int) -> bytes:
    """The address of one of the test accounts."""
    return address_of(key(number))


@dataclass
class BlockMaker:
    """Collects accounts and transactions, and signs the latter with the nonces that they need."""

    fork: str
    alloc: dict[bytes, Account] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    nonces: dict[bytes, int] = field(default_factory=dict)
    env: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(1, 9):
            self.put(who(number), balance=10 * ETHER)
        if is_from(self.fork, "Prague"):
            for address in (WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS):
                self.contract(address, "0 SLOAD 1 ADD 0 SSTORE 0 SLOAD 0 MSTORE 32 0 RETURN")

    def put(self, address: bytes, **values: Any) -> bytes:
        """Put an account into the pre-state."""
        self.alloc[address] = Account(**values)
        return address

    def contract(
        self,
        address: bytes,
        source: str,
        storage: Mapping[int, int] | None = None,
        balance: int = 0,
    ) -> bytes:
        """Put a contract into the pre-state."""
        code = assemble(source).code
        return self.put(address, nonce=1, balance=balance, code=code, storage=storage or {})

    def send(self, sender: int, to: bytes | None, **values: Any) -> Transaction:
        """Add a transaction with the sender's next nonce."""
        address = who(sender)
        start = self.alloc[address].nonce if address in self.alloc else 0
        nonce = self.nonces.get(address, start)
        self.nonces[address] = nonce + 1
        return self.send_raw(sender, to, nonce=nonce, **values)

    def send_raw(self, sender: int, to: bytes | None, **values: Any) -> Transaction:
        """Add a transaction whose nonce is given, which the next one does not count."""
        given = {"type": 0, "value": 0, "data": b"", "gas_limit": 200_000, **values}
        if given["type"] < 2:
            given.setdefault("gas_price", 10 + BASE_FEE_WEI)
        else:
            given.setdefault("max_fee_per_gas", 100)
            given.setdefault("max_priority_fee_per_gas", 3)
        if given["type"]:
            given.setdefault("chain_id", CHAIN_ID)
        signed = sign(Transaction(to=to, v=0, r=0, s=0, **given), key(sender))
        self.transactions.append(signed)
        return signed

    def block(self) -> Block:
        """The block, with what its fork asks of a header."""
        fork = self.fork
        known: dict[str, Any] = {
            "coinbase": FEE_RECIPIENT,
            "gas_limit": 30_000_000,
            "number": 300,
            "timestamp": 1_700_000_000,
            "block_hashes": {number: number.to_bytes(32, "big") for number in range(44, 300)},
        }
        if is_from(fork, "London"):
            known["base_fee_wei"] = BASE_FEE_WEI
        if is_from(fork, "Paris"):
            known["prev_randao"] = b"\x0a" * 32
        else:
            known |= {"difficulty": 131_072, "block_reward_wei": 2 * ETHER}
        if is_from(fork, "Shanghai"):
            known["withdrawals"] = ()
        if is_from(fork, "Cancun"):
            known |= {"excess_blob_gas": 0, "parent_beacon_block_root": b"\x0b" * 32}
        env = Environment(**(known | self.env))
        return Block(fork, CHAIN_ID, env, dict(self.alloc), tuple(self.transactions))


@dataclass(frozen=True)
class Agreement:
    """A block on which the fold over the seam and the reference agreed, and what they came to."""

    evm_block: EvmBlock
    result: Result
    history: History
    settled: BlockResult

    def account(self, address: bytes) -> Account | None:
        """The account after the block."""
        return self.settled.alloc.get(address)

    def reads(self, tx_index: int) -> set[Any]:
        """The locations that a transaction read."""
        position = self.evm_block.transaction_positions[tx_index]
        return {read.location for read in self.history.incarnations[position].reads}

    def writes(self, tx_index: int) -> Mapping[Any, Any]:
        """What a transaction wrote."""
        return self.result.effects[self.evm_block.transaction_positions[tx_index]].writes


class Speculation:
    """The smallest optimistic executor: every transition runs early, and again if that was wrong.

    Early, a transition sees of those below it only what `sees` lets it see. Later its reads are
    looked up again, in the preset order and now over all below it, and it runs again, in the same
    workspace, where a version has changed. All run early first, or (`at_once`) each in its turn.
    """

    def __init__(
        self, block: TransitionBlock, sees: Callable[[int, int], bool], at_once: bool = False
    ) -> None:
        self._block = block
        self._sees = sees
        self._at_once = at_once
        self._workspace = block.workspace()
        self._written: dict[Location, dict[int, tuple[Value, Version]]] = {}
        self.again = 0

    def _lookup(self, reader: int, early: bool, location: Location) -> tuple[Value, Version]:
        by_position = self._written.get(location, {})
        seen = [at for at in by_position if at < reader and (not early or self._sees(reader, at))]
        if seen:
            return by_position[max(seen)]
        return self._block.initial(location), PRE_STATE

    def _run(self, version: Version) -> tuple[RecordedView, Effects]:
        position, incarnation = version
        view = RecordedView(partial(self._lookup, position, incarnation == 0))
        effects = run_contained(self._block.transitions[position], view, self._workspace)
        for by_position in self._written.values():
            by_position.pop(position, None)
        for location, value in effects.writes.items():
            self._written.setdefault(location, {})[position] = value, version
        return view, effects

    def _holds(self, position: int, view: RecordedView) -> bool:
        return all(
            self._lookup(position, False, read.location)[1] == read.version
            for read in view.reads.values()
        )

    def run(self) -> Result:
        positions = range(len(self._block.transitions))
        early = (self._run(Version(position, 0)) for position in positions)
        effects = []
        for position, (view, first) in enumerate(early if self._at_once else list(early)):
            if self._holds(position, view):
                effects.append(first)
            else:
                self.again += 1
                effects.append(self._run(Version(position, 1))[1])
        memory = {at: found[max(found)] for at, found in self._written.items() if found}
        return Result(memory, tuple(effects))


SIGHTS: tuple[Callable[[int, int], bool], ...] = (
    lambda reader, writer: False,
    lambda reader, writer: (reader + writer) % 3 == 0,
)
"""What is seen early: nothing, and an inconsistent third of what lies below."""


def assert_agree(block: Block) -> Agreement:
    """The fold over the seam gives field by field what the reference gives, and its history is
    what it should be; executing too early, and again where validation asks for it, gives what the
    fold gives."""
    expected = run_block(block)
    evm_block = compile_block(block)
    result, history = fold(evm_block)
    settled = settle(evm_block, result)
    for item in fields(BlockResult):
        assert getattr(settled, item.name) == getattr(expected, item.name), item.name
    assert check_preset(history) is None
    for sees in SIGHTS:
        for at_once in (False, True):
            assert same_results(result, Speculation(evm_block, sees, at_once).run())
    return Agreement(evm_block, result, history, settled)


@pytest.fixture(scope="session")
def agree() -> Callable[[Block], Agreement]:
    """Run a block both ways; fail on the first field that differs."""
    return assert_agree


@pytest.fixture(scope="session")
def speculation() -> type[Speculation]:
    """Runs a block too early, and again where validation asks for it."""
    return Speculation


@pytest.fixture(scope="session")
def maker() -> type[BlockMaker]:
    """Makes blocks by hand."""
    return BlockMaker


@pytest.fixture(scope="session")
def accounts() -> Callable[[int], bytes]:
    """The addresses of the accounts that can send: 1 to 8 are funded in every block made here."""
    return who


@pytest.fixture(scope="session")
def authorize() -> Callable[..., Authorization]:
    """A signed authorization (EIP-7702) of one of the test accounts."""

    def signed(
        authority: int, address: bytes, nonce: int, chain_id: int = CHAIN_ID
    ) -> Authorization:
        return sign_authorization(Authorization(chain_id, address, nonce, 0, 0, 0), key(authority))

    return signed

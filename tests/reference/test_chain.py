"""Chains made by hand, with proof-of-work rewards and ommers, judged by our rules and by EELS."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from eth_hash.auto import keccak

from pel_reference.block import Account, Block, BlockResult, Environment, Ommer, Transaction
from pel_reference.blockchain_test import ChainTest, GivenBlock, iter_blocks, run_chain_test
from pel_reference.chain import Chain
from pel_reference.eels_chain import run_chain_test_eels
from pel_reference.errors import InvalidBlock
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.header import Header, decode_block, decode_header
from pel_reference.header_rules import (
    EMPTY_OMMERS_HASH,
    next_base_fee_wei,
    next_difficulty,
)
from pel_reference.roots import list_root, state_root
from pel_reference.sequential import run_block
from pel_reference.signing import address_of, sign
from pel_reference.transaction_decoding import rlp_decode
from pel_reference.transaction_rlp import encode_transaction, integer, rlp_encode

KEY = b"\x07" * 32
SENDER = address_of(KEY)
MINER, OTHER = b"\xcb" * 20, b"\xcc" * 20
GAS_LIMIT = 1_000_000
WORK_FORKS = [f for f in RULES if not is_from(f, "Paris") and f != "Constantinople"]
ETHER = 10**18

pytest.importorskip("ethereum", reason="EELS is not installed")


@dataclass
class Maker:
    """Makes the blocks of a proof-of-work chain, each with the header that its contents ask for."""

    fork: str
    alloc: dict[bytes, Account]

    def genesis(self) -> bytes:
        base_fee = [integer(10)] if is_from(self.fork, "London") else []
        return rlp_encode([self._fields(None, 0, 0, 131_072, base_fee, {}), [], []])

    def _fields(
        self,
        parent: Header | None,
        number: int,
        timestamp: int,
        difficulty: int,
        base_fee: list[bytes],
        roots: dict[str, bytes],
    ) -> list[bytes]:
        empty = list_root([])
        return [
            parent.hash if parent else bytes(32),
            roots.get("ommers", EMPTY_OMMERS_HASH),
            roots.get("coinbase", MINER),
            roots.get("state", state_root(self.alloc)),
            roots.get("transactions", empty),
            roots.get("receipts", empty),
            roots.get("bloom", bytes(256)),
            integer(difficulty),
            integer(number),
            integer(GAS_LIMIT),
            integer(int.from_bytes(roots.get("gas_used", b""), "big")),
            integer(timestamp),
            roots.get("extra", b""),
            bytes(32),
            bytes(8),
            *base_fee,
        ]

    def header(self, parent: Header, seconds: int, roots: dict[str, bytes]) -> list[bytes]:
        """The fields of a header that may follow `parent`."""
        number, timestamp = parent.number + 1, parent.timestamp + seconds
        difficulty = next_difficulty(
            RULES[self.fork],
            *(number, timestamp, parent.timestamp, parent.difficulty),
            parent.ommers_hash != EMPTY_OMMERS_HASH,
        )
        base_fee = []
        if parent.base_fee_wei is not None:
            fee = next_base_fee_wei(parent.gas_limit, parent.gas_used, parent.base_fee_wei)
            base_fee = [integer(fee)]
        return self._fields(parent, number, timestamp, difficulty, base_fee, roots)

    def block(self, parent: Header, nonce: int, ommers: list[list[bytes]]) -> tuple[bytes, Header]:
        """A block with one transfer; the state moves on."""
        draft = decode_header(self.header(parent, 10, {}))
        transaction = transfer(nonce)
        result = self._run(draft, transaction, [decode_header(ommer) for ommer in ommers])
        self.alloc = dict(result.alloc)
        roots = {
            "ommers": ommers_hash(ommers),
            "state": result.state_root,
            "transactions": result.transactions_root,
            "receipts": result.receipts_root,
            "bloom": result.logs_bloom,
            "gas_used": integer(result.gas_used),
        }
        fields = self.header(parent, 10, roots)
        item = rlp_decode(encode_transaction(transaction))
        return rlp_encode([fields, [item], ommers]), decode_header(fields)

    def _run(self, header: Header, transaction: Transaction, ommers: list[Header]) -> BlockResult:
        env = Environment(
            coinbase=header.coinbase,
            gas_limit=header.gas_limit,
            number=header.number,
            timestamp=header.timestamp,
            difficulty=header.difficulty,
            base_fee_wei=header.base_fee_wei,
            ommers=tuple(Ommer(o.coinbase, header.number - o.number) for o in ommers),
            block_reward_wei=RULES[self.fork].block_reward_wei,
        )
        return run_block(Block(self.fork, 1, env, self.alloc, (transaction,)))


def transfer(nonce: int) -> Transaction:
    return sign(Transaction(0, nonce, 21_000, OTHER, 5, b"", 0, 0, 0, gas_price=100), KEY)


def ommers_hash(items: list[list[bytes]]) -> bytes:
    digest: bytes = keccak(rlp_encode(items))
    return digest


@dataclass(frozen=True)
class Story:
    """A chain of two blocks, the second with some ommers; and what made it."""

    test: ChainTest
    maker: Maker
    genesis: Header
    first: Header


def story(fork: str, ommers: Callable[[Maker, Header, Header], list[list[bytes]]]) -> Story:
    """Genesis, a block, and a block that names these ommers."""
    pre = {SENDER: Account(balance=ETHER)}
    maker = Maker(fork, dict(pre))
    start = maker.genesis()
    genesis = decode_block(start).header
    one, first = maker.block(genesis, 0, [])
    two, second = maker.block(first, 1, ommers(maker, genesis, first))
    test = ChainTest(
        source="chain",
        name="story",
        network=fork,
        chain_id=1,
        genesis=genesis,
        genesis_encoded=start,
        pre=pre,
        blocks=(GivenBlock(one, None), GivenBlock(two, None)),
        last_block_hash=second.hash,
        post=dict(maker.alloc),
        post_root=None,
    )
    return Story(test, maker, genesis, first)


def sibling(maker: Maker, genesis: Header, extra: bytes = b"x") -> list[bytes]:
    """A header beside the first block."""
    return maker.header(genesis, 10, {"coinbase": OTHER, "extra": extra})


@pytest.mark.parametrize("fork", WORK_FORKS)
def test_ommers_are_taken_and_paid(fork: str) -> None:
    told = story(fork, lambda maker, genesis, _: [sibling(maker, genesis)])
    assert run_chain_test(told.test).passed
    assert run_chain_test_eels(told.test).passed
    reward = RULES[fork].block_reward_wei
    assert told.maker.alloc[OTHER].balance == 10 + reward * 7 // 8
    assert told.maker.alloc[MINER].balance >= 2 * reward + reward // 32


WRONG: dict[str, Callable[[Maker, Header, Header], list[list[bytes]]]] = {
    "ommer used before": lambda m, g, _: [sibling(m, g), sibling(m, g)],
    "too many ommers": lambda m, g, _: [sibling(m, g, bytes([n])) for n in range(3)],
    "ommer of a wrong depth": lambda m, _, first: [m.header(first, 10, {"extra": b"x"})],
    "wrong difficulty": lambda m, g, _: [[*sibling(m, g)[:7], b"\x05", *sibling(m, g)[8:]]],
    "gas limit moved too far": lambda m, g, _: [
        [*sibling(m, g)[:9], integer(5_000), *sibling(m, g)[10:]]
    ],
    "wrong number": lambda m, g, _: [[*sibling(m, g)[:8], b"\x02", *sibling(m, g)[9:]]],
}


@pytest.mark.parametrize("reason", list(WRONG))
def test_ommers_that_are_refused(reason: str) -> None:
    told = story("Byzantium", WRONG[reason])
    assert run_chain_test(told.test).problems[0] == f"blocks[1]: refused: {reason}"
    judged = run_chain_test_eels(told.test).problems
    assert judged[0].startswith("blocks[1]: refused")


def test_the_chain_itself_gives_no_ommers() -> None:
    encoded = story("Byzantium", lambda *_: []).test.blocks[0].encoded
    told = story("Byzantium", lambda *_: [rlp_decode(encoded)[0]])
    assert "ommer used before" in run_chain_test(told.test).problems[0]
    assert "refused" in run_chain_test_eels(told.test).problems[0]


def test_a_side_chain_may_win() -> None:
    """Of two blocks on the genesis the harder one, and what stands on it, is the end."""
    told = story("Byzantium", lambda *_: [])
    test = told.test
    other = Maker("Byzantium", dict(test.pre))
    side, _ = other.block(told.genesis, 0, [])
    chain = Chain("Byzantium", 1, test.genesis, test.pre, run_block)
    for encoded in (test.blocks[0].encoded, side, test.blocks[1].encoded):
        chain.add(encoded, "chain")
    assert chain.head_hash == test.last_block_hash
    assert chain.head_alloc == test.post


def test_blocks_come_with_their_hashes() -> None:
    told = story("Byzantium", lambda *_: [])
    first, second = iter_blocks(told.test)
    assert dict(first.block.env.block_hashes) == {0: told.genesis.hash}
    assert dict(second.block.env.block_hashes) == {0: told.genesis.hash, 1: told.first.hash}
    assert second.block.alloc == first.result.alloc
    assert second.header.state_root == second.result.state_root


def test_an_executor_that_lies_is_found_out() -> None:
    def lying(block: Block) -> BlockResult:
        return replace(run_block(block), gas_used=1)

    told = story("Byzantium", lambda *_: [])
    assert run_chain_test(told.test, lying).problems[0] == "blocks[0]: refused: wrong gas used"
    with pytest.raises(InvalidBlock, match="wrong gas used"):
        list(iter_blocks(told.test, lying))

"""The transition tools' triple: every shape that is read, and that writing is the inverse."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pel_reference.block import Account, Block, Environment, Ommer, Transaction, Withdrawal
from pel_reference.compare import differences
from pel_reference.errors import InputError, UnsupportedFork
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.signing import address_of
from pel_reference.t8n_result import dump_result, dump_transition
from pel_reference.transaction_rlp import encode_transaction, integer, rlp_encode
from pel_reference.triple import dump_triple, parse_block, read_block, read_block_files

Maker = Callable[[str], Any]
KEY = "0x" + "07" * 32
SENDER = address_of(b"\x07" * 32)
TARGET = b"\x22" * 20


def parse(document: Any) -> Block:
    return parse_block(Field("case.json", "", document))


def full_block(maker: Maker, authorize: Any, fork: str) -> Block:
    """A block with something in every field that its fork has."""
    made = maker(fork)
    made.put(b"\x11" * 20)
    made.put(b"\x12" * 20, nonce=2**64 - 1, balance=2**255, code=b"\1", storage={0: 1, 2: 3})
    lists = {"access_list": ((TARGET, (0, 2**256 - 1)), (SENDER, ()))}
    made.send(1, TARGET, value=1, data=b"\1\2")
    made.send(1, None, data=b"\0", chain_id=1)
    if is_from(fork, "Berlin"):
        made.send(2, TARGET, type=1, **lists)
    if is_from(fork, "London"):
        made.send(2, None, type=2, **lists)
    if is_from(fork, "Cancun"):
        made.send(3, TARGET, type=3, max_fee_per_blob_gas=9, blob_versioned_hashes=(b"\1" * 32,))
    if is_from(fork, "Prague"):
        made.send(3, TARGET, type=4, **lists, authorizations=(authorize(4, TARGET, 0),))
    made.env["parent_hash"] = b"\x44" * 32
    if is_from(fork, "Shanghai"):
        made.env["withdrawals"] = (Withdrawal(1, 2, TARGET, 3),)
    if not is_from(fork, "Paris"):
        made.env["ommers"] = (Ommer(TARGET, 6),)
    block: Block = made.block()
    return block


@pytest.mark.parametrize("fork", list(RULES))
def test_writing_is_the_inverse(maker: Maker, authorize: Any, fork: str) -> None:
    block = full_block(maker, authorize, fork)
    dumped = json.loads(json.dumps(dump_triple(block)))
    assert parse(dumped) == block
    assert differences(run_block(parse(dumped)), run_block(block)) == []


ENV = {
    "currentCoinbase": "0x" + "cb" * 20,
    "currentGasLimit": "0x989680",
    "currentNumber": "1",
    "currentTimestamp": 1000,
    "currentDifficulty": "0x20000",
    "currentRandom": "0x1",
    "currentBaseFee": "7",
    "_comment": "ignored",
}
TX = {
    "nonce": "0x0",
    "gasPrice": "0x10",
    "gas": "0x5208",
    "to": "0x" + "22" * 20,
    "value": "0x",
    "input": "0x",
    "secretKey": KEY,
    "_hash": "ignored",
}
ALLOC = {"0x" + SENDER.hex(): {"balance": "1000000000000000000"}}
TRIPLE = {"fork": "London", "alloc": ALLOC, "env": ENV, "txs": [TX]}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The triple with another value at a path; `None` takes the key out."""
    document: Any = json.loads(json.dumps(TRIPLE))
    *way, last = path.split("/")
    place = document
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    found: dict[str, Any] = document
    return found


def test_an_unsigned_transaction_is_signed() -> None:
    block = parse(TRIPLE)
    assert block.chain_id == 1
    assert block.transactions[0].sender == SENDER
    assert block.transactions[0].chain_id == 1
    assert run_block(block).gas_used == 21_000


@pytest.mark.parametrize(
    ("fork", "more", "chain_id"),
    [
        ("EIP150", {}, None),
        ("EIP158", {}, 1),
        ("London", {"protected": False}, None),
        ("London", {"v": "0x0", "r": "0x0", "s": "0x0"}, 1),
        ("London", {"type": "0x1", "accessList": []}, 1),
    ],
)
def test_how_it_is_signed(fork: str, more: dict[str, Any], chain_id: int | None) -> None:
    document = {**TRIPLE, "fork": fork, "txs": [{**TX, **more}]}
    (transaction,) = parse(document).transactions
    assert transaction.sender == SENDER
    assert transaction.chain_id == chain_id


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, 0),
        ({"accessList": []}, 1),
        ({"maxFeePerGas": 9, "maxPriorityFeePerGas": 1}, 2),
        (
            {
                "maxFeePerGas": 9,
                "maxPriorityFeePerGas": 1,
                "maxFeePerBlobGas": 1,
                "blobVersionedHashes": ["0x" + "01" * 32],
            },
            3,
        ),
        ({"maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "authorizationList": []}, 4),
    ],
)
def test_the_type_follows_from_the_fields(fields: dict[str, Any], kind: int) -> None:
    (transaction,) = parse({**TRIPLE, "txs": [{**TX, **fields}]}).transactions
    assert transaction.type == kind


def test_the_shape_of_a_server(tmp_path: Path) -> None:
    document = {
        "state": {"fork": "London", "chainid": 5, "reward": -1},
        "input": {"alloc": ALLOC, "env": ENV, "txs": [TX]},
    }
    block = parse(document)
    assert (block.chain_id, block.env.block_reward_wei) == (5, 0)
    assert block.transactions[0].chain_id == 5
    packed = tmp_path / "block.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert read_block(packed) == block


def test_three_files(tmp_path: Path) -> None:
    for name, part in (("alloc", ALLOC), ("env", ENV), ("txs", [TX])):
        (tmp_path / name).write_text(json.dumps(part))
    paths = [tmp_path / name for name in ("alloc", "env", "txs")]
    assert read_block_files(*paths, fork="London") == parse(TRIPLE)
    other = read_block_files(*paths, fork="london", chain_id=3, reward_wei=0)
    assert (other.fork, other.chain_id, other.env.block_reward_wei) == ("London", 3, 0)
    with pytest.raises(UnsupportedFork, match="command line: fork: unknown fork 'Nope'"):
        read_block_files(*paths, fork="Nope")


def test_the_reward_is_the_forks_own_unless_given() -> None:
    assert parse(TRIPLE).env.block_reward_wei == 2 * 10**18
    assert parse({**TRIPLE, "reward": "0x5"}).env.block_reward_wei == 5
    assert parse({**TRIPLE, "reward": "-1"}).env.block_reward_wei == 0
    assert parse({**TRIPLE, "fork": "Paris", "reward": 5}).env.block_reward_wei == 0


def test_transactions_as_rlp(maker: Maker, authorize: Any) -> None:
    transactions = full_block(maker, authorize, "Prague").transactions
    items = [encode_transaction(t) for t in transactions if t.type]
    legacy = [_legacy_fields(t) for t in transactions if not t.type]
    encoded = "0x" + rlp_encode([*legacy, *items]).hex()
    block = parse({**TRIPLE, "fork": "Prague", "env": {**ENV}, "txs": encoded})
    assert block.transactions == transactions


def _legacy_fields(t: Transaction) -> list[bytes]:
    numbers = [integer(n) for n in (t.nonce, t.gas_price or 0, t.gas_limit)]
    signature = [integer(n) for n in (t.v, t.r, t.s)]
    return [*numbers, t.to or b"", integer(t.value), t.data, *signature]


def env_of(fork: str, **changes: Any) -> Environment:
    env = {key: value for key, value in {**ENV, **changes}.items() if value is not None}
    return parse({**TRIPLE, "fork": fork, "env": env, "txs": []}).env


def test_what_follows_from_the_parent() -> None:
    fee = {"parentBaseFee": 1000, "parentGasLimit": 10_000_000, "parentGasUsed": 10_000_000}
    assert env_of("London", currentBaseFee=None, **fee).base_fee_wei == 1125
    blob = {"parentExcessBlobGas": "0x60000", "parentBlobGasUsed": "0x40000"}
    assert env_of("Cancun", **blob).excess_blob_gas == 0x40000
    assert env_of("Prague", **blob).excess_blob_gas == 0
    assert env_of("Cancun").excess_blob_gas == 0
    assert env_of("Cancun", currentExcessBlobGas=5, **blob).excess_blob_gas == 5
    parent = {"parentTimestamp": 990, "parentDifficulty": 0x20000}
    assert env_of("Frontier", currentDifficulty=None, **parent).difficulty == 0x20000 + 64
    ommers = {"parentUncleHash": "0x" + "11" * 32}
    for fork, hashes, difficulty in (("Byzantium", {}, 0), ("Byzantium", ommers, 64)):
        env = env_of(fork, currentDifficulty=None, **parent, **hashes)
        assert env.difficulty == 0x20000 + difficulty


def test_what_a_fork_does_not_have_is_left_out() -> None:
    more = {
        "withdrawals": [],
        "currentExcessBlobGas": 1,
        "parentBeaconBlockRoot": "0x" + "11" * 32,
        "ommers": [{"delta": 1, "address": "0x" + "11" * 20}],
    }
    old, new = env_of("Berlin", **more), env_of("Cancun", **more)
    assert (old.base_fee_wei, old.withdrawals, old.excess_blob_gas) == (None, None, None)
    assert (old.prev_randao, old.parent_beacon_block_root) == (None, None)
    assert len(old.ommers) == 1
    assert new.ommers == ()
    assert (new.difficulty, new.withdrawals, new.excess_blob_gas) == (0, (), 1)


def test_forks_that_only_eels_knows_can_be_read() -> None:
    full = {"fork": "Osaka", "env": {**ENV, "currentExcessBlobGas": 0}}
    assert parse({**TRIPLE, **full}).fork == "Osaka"
    derived = {**ENV, "parentExcessBlobGas": 1}
    with pytest.raises(UnsupportedFork, match=r"case\.json: fork: py-evm does not know the fork"):
        parse({**TRIPLE, "fork": "Osaka", "env": derived})


def test_an_account_that_is_empty_exists() -> None:
    alloc = {"0x" + "11" * 20: {}, "22" * 20: {"nonce": 1, "storage": {"0x1": "0x0", "2": 3}}}
    block = parse({**TRIPLE, "fork": "Frontier", "alloc": {**ALLOC, **alloc}})
    assert block.alloc[b"\x11" * 20] == Account()
    assert block.alloc[b"\x22" * 20] == Account(nonce=1, storage={2: 3})
    assert b"\x11" * 20 in run_block(block).alloc


ERRORS = [
    ("fork", None, "fork: is missing"),
    ("fork", "Lundun", "fork: unknown fork 'Lundun'"),
    ("fork", 7, "fork: must be a string"),
    ("alloc", [], "alloc: must be an object"),
    ("alloc/0xzz", {}, "alloc.0xzz: must be hex digits, two for each byte"),
    ("alloc/0x11", {}, "alloc.0x11: must be 20 bytes, not 1"),
    ("alloc/" + SENDER.hex(), {}, f"alloc.{SENDER.hex()}: is an address given twice"),
    ("alloc/" + "11" * 20, {"balance": 2**256 - 1}, "alloc: balances, rewards and withdrawals add"),
    ("env", None, "env: is missing"),
    ("env/currentNumber", "x", "env.currentNumber: must be an integer, decimal or 0x"),
    ("env/currentNumber", 1.5, "env.currentNumber: must be an integer"),
    ("env/currentNumber", True, "env.currentNumber: must be an integer"),
    ("env/currentNumber", -1, "env.currentNumber: must be from 0 to 2**64 - 1"),
    ("env/currentGasLimit", 2**63, "env.currentGasLimit: must be from 0 to 2**63 - 1"),
    ("env/currentGasLimit", "9" * 200, "env.currentGasLimit: must be an integer"),
    ("env/currentCoinbase", "0x00", "env.currentCoinbase: must be 20 bytes, not 1"),
    ("env/currentBaseFee", None, "env.currentBaseFee: is missing"),
    ("env/currentDifficulty", None, "env.currentDifficulty: is missing"),
    ("env/blockHashes", {"0x1": "0x00"}, "env.blockHashes.0x1: must be 32 bytes, not 1"),
    ("env/ommers", [{"delta": 7, "address": "0x" + "1" * 40}], "env.ommers[0].delta: must be from"),
    ("txs", {}, "txs: must be an array"),
    ("txs", "0x01", "txs: a list of a wrong length, or none"),
    ("txs", "0xc0c0", "txs: not RLP"),
    ("txs/0/gas", None, "txs[0].gas: is missing"),
    ("txs/0/gasPrice", 2**256, "txs[0].gasPrice: must be from 0 to 2**256 - 1"),
    ("txs/0/type", 5, "txs[0].type: type 5 is not known"),
    ("txs/0/to", "0x1234", "txs[0].to: must be 20 bytes, not 2"),
    ("txs/0/secretKey", "0x0", "txs[0].secretKey: is no secret key of secp256k1"),
    ("txs/0/secretKey", None, "txs[0].yParity: is missing"),
    ("txs/0/protected", "no", "txs[0].protected: must be true or false"),
    ("chainId", 2**64, "chainId: must be from 0 to 2**64 - 1"),
    ("reward", "much", "reward: must be an integer"),
]


@pytest.mark.parametrize(("path", "value", "message"), ERRORS)
def test_bad_input_names_file_and_field(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(changed(path, value))
    assert str(caught.value).startswith(f"case.json: {message}")


def test_parents_that_cannot_be() -> None:
    fee = {"parentBaseFee": 1000, "parentGasLimit": 10, "parentGasUsed": 0}
    with pytest.raises(InputError, match=r"env\.parentGasLimit: does not go with"):
        env_of("London", currentBaseFee=None, **fee)
    parent = {"parentTimestamp": 1000, "parentDifficulty": 0x20000}
    with pytest.raises(InputError, match=r"env\.parentTimestamp: must be before"):
        env_of("Frontier", currentDifficulty=None, **parent)
    with pytest.raises(InputError, match=r"env\.currentExcessBlobGas: excess blob gas above"):
        env_of("Cancun", currentExcessBlobGas=2**60)


@pytest.mark.parametrize("fork", ["Frontier", "Byzantium", "London", "Shanghai", "Prague"])
def test_the_result_as_a_transition_tool_writes_it(maker: Maker, authorize: Any, fork: str) -> None:
    block = full_block(maker, authorize, fork)
    wrong = replace(block.transactions[0], nonce=77)
    block = replace(block, transactions=(wrong, *block.transactions))
    result = run_block(block)
    dumped = dump_result(block, result)
    assert dumped["stateRoot"] == "0x" + result.state_root.hex()
    assert dumped["rejected"][0] == {"index": 0, "error": result.rejected[0].reason}
    assert [r["transactionIndex"] for r in dumped["receipts"]] == [
        hex(position) for position in range(len(result.receipts))
    ]
    assert [int(r["cumulativeGasUsed"], 16) for r in dumped["receipts"]] == [
        receipt.cumulative_gas_used for receipt in result.receipts
    ]
    assert ("root" in dumped["receipts"][0]) is (fork == "Frontier")
    assert ("currentBaseFee" in dumped) is is_from(fork, "London")
    assert ("withdrawalsRoot" in dumped) is is_from(fork, "Shanghai")
    assert ("requestsHash" in dumped) is (fork == "Prague")
    both = json.loads(json.dumps(dump_transition(block, result)))
    assert both["result"] == json.loads(json.dumps(dumped))
    again = parse({**dump_triple(block), "alloc": both["alloc"]})
    assert again.alloc == result.alloc

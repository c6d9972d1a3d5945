"""The transition tools' triple (`alloc`, `env`, `txs`) with its fork: reading and writing it.

One file holds an object with these keys; the shapes of the shared mainnet blocks, of our own case
files and of the `t8n-server` (`state` and `input`) are all read. Or three files hold one each.
Keys that nobody asks for (`_hash`, `expected` and others) are ignored.
"""

from pathlib import Path
from typing import Any

from pel_reference.alloc_json import dump_alloc, parse_alloc
from pel_reference.block import Block
from pel_reference.environment_json import block_position, dump_environment, parse_environment
from pel_reference.fork_names import is_from, resolve_fork
from pel_reference.forks import RULES
from pel_reference.json_input import Field, read_json_file
from pel_reference.transaction_json import dump_transactions, parse_transactions

DEFAULT_CHAIN_ID = 1
NO_REWARD = -1
WEI_PER_GWEI = 10**9
MAX_SUPPLY_WEI = 2**256


def _reward_wei(fork: str, reward: Field | None) -> int:
    """The miner's reward: as given, none where -1 is given, the fork's own where nothing is."""
    if reward is None:
        return RULES[fork].block_reward_wei if fork in RULES else 0
    return 0 if reward.value in (NO_REWARD, str(NO_REWARD)) else reward.number()


def _supply_wei(block: Block) -> int:
    """All the ether that there can be after the block, or more: a bound on every balance."""
    env = block.env
    withdrawn = sum(withdrawal.amount_gwei for withdrawal in env.withdrawals or ())
    rewards = env.block_reward_wei * (1 + 2 * len(env.ommers))
    balances = sum(account.balance for account in block.alloc.values())
    return balances + rewards + withdrawn * WEI_PER_GWEI


def parse_triple(
    fork: Field, alloc: Field, env: Field, txs: Field, chain_id: int, reward: Field | None
) -> Block:
    """The block that these parts describe.

    Raises: `InputError`, `UnsupportedFork`.
    """
    number, timestamp = block_position(env)
    canonical = resolve_fork(fork.text(), number, timestamp, fork.source)
    block = Block(
        fork=canonical,
        chain_id=chain_id,
        env=parse_environment(env, canonical, _reward_wei(canonical, reward)),
        alloc=parse_alloc(alloc),
        transactions=parse_transactions(txs, chain_id, is_from(canonical, "EIP158")),
    )
    if _supply_wei(block) >= MAX_SUPPLY_WEI:
        raise alloc.error("balances, rewards and withdrawals add up to 2**256 or more")
    return block


def parse_block(document: Field) -> Block:
    """The block in one JSON object.

    Raises: `InputError`, `UnsupportedFork`.
    """
    settings = document.get("state") or document
    parts = document.get("input") or document
    chain_id = settings.get("chainId", "chainid")
    return parse_triple(
        settings.require("fork"),
        parts.require("alloc"),
        parts.require("env"),
        parts.require("txs"),
        chain_id.number(64) if chain_id else DEFAULT_CHAIN_ID,
        settings.get("reward"),
    )


def read_block(path: str | Path) -> Block:
    """The block in one JSON file, plain or gzip.

    Raises: `InputError`, `UnsupportedFork`.
    """
    return parse_block(read_json_file(path))


def read_block_files(
    alloc: str | Path,
    env: str | Path,
    txs: str | Path,
    fork: str,
    chain_id: int = DEFAULT_CHAIN_ID,
    reward_wei: int | None = None,
) -> Block:
    """The block in three JSON files, plain or gzip; `reward_wei` as in `t8n`, -1 for none.

    Raises: `InputError`, `UnsupportedFork`.
    """
    return parse_triple(
        Field("command line", "fork", fork),
        read_json_file(alloc),
        read_json_file(env),
        read_json_file(txs),
        chain_id,
        None if reward_wei is None else Field("command line", "reward", reward_wei),
    )


def dump_triple(block: Block) -> dict[str, Any]:
    """The block as one JSON object, from which `parse_block` makes an equal one."""
    return {
        "fork": block.fork,
        "chainId": hex(block.chain_id),
        "reward": hex(block.env.block_reward_wei),
        "alloc": dump_alloc(block.alloc),
        "env": dump_environment(block.env),
        "txs": dump_transactions(block.transactions),
    }

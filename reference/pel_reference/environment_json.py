"""A block's environment as JSON, in the shape of a transition tool's `env`.

What the parent decides (base fee, excess blob gas, difficulty) may be given as such or by the
fields of the parent that it follows from.
"""

from types import MappingProxyType
from typing import Any

from pel_reference.alloc_json import hex_bytes
from pel_reference.block import Environment, Ommer, Withdrawal
from pel_reference.fork_names import is_from
from pel_reference.forks import rules_for
from pel_reference.header_rules import (
    EMPTY_OMMERS_HASH,
    MAX_OMMER_DEPTH,
    is_gas_limit_allowed,
    next_base_fee_wei,
    next_difficulty,
    next_excess_blob_gas,
)
from pel_reference.json_input import Field

MAX_EXCESS_BLOB_GAS = 1 << 29
"""Beyond it the price of blob gas is no longer a 256-bit number in every fork."""

GAS_BITS = 63


def _parse_withdrawal(field: Field) -> Withdrawal:
    return Withdrawal(
        index=field.require("index").number(64),
        validator_index=field.require("validatorIndex").number(64),
        address=field.require("address").address(),
        amount_gwei=field.require("amount").number(64),
    )


def parse_withdrawals(field: Field) -> tuple[Withdrawal, ...]:
    """Raises: `InputError`."""
    return tuple(_parse_withdrawal(element) for element in field.elements())


def _parse_ommer(field: Field) -> Ommer:
    delta = field.require("delta")
    number = delta.number(8)
    if not 1 <= number <= MAX_OMMER_DEPTH:
        raise delta.error(f"must be from 1 to {MAX_OMMER_DEPTH}")
    return Ommer(coinbase=field.require("address").address(), delta=number)


def _parse_block_hashes(field: Field | None) -> MappingProxyType[int, bytes]:
    hashes: dict[int, bytes] = {}
    if field is not None:
        for key, value in field.entries():
            hashes[field.key_as_field(key).number(64)] = value.data(32)
    return MappingProxyType(hashes)


def _parse_base_fee(env: Field, fork: str, gas_limit: int) -> int | None:
    if not is_from(fork, "London"):
        return None
    given = env.get("currentBaseFee")
    if given is not None:
        return given.number()
    if not env.has("parentBaseFee"):
        return env.require("currentBaseFee").number()
    parent_limit = env.require("parentGasLimit")
    parent_gas_limit = parent_limit.number(GAS_BITS)
    if not is_gas_limit_allowed(gas_limit, parent_gas_limit):
        raise parent_limit.error("does not go with currentGasLimit")
    return next_base_fee_wei(
        parent_gas_limit,
        env.require("parentGasUsed").number(GAS_BITS),
        env.require("parentBaseFee").number(),
    )


def _parse_excess_blob_gas(env: Field, fork: str) -> int | None:
    if not is_from(fork, "Cancun"):
        return None
    field = env.get("currentExcessBlobGas")
    if field is not None:
        excess = field.number(64)
    else:
        field = env
        parent_excess, parent_used = env.get("parentExcessBlobGas"), env.get("parentBlobGasUsed")
        excess = next_excess_blob_gas(
            rules_for(fork, env.source),
            parent_excess.number(64) if parent_excess else 0,
            parent_used.number(64) if parent_used else 0,
        )
    if excess > MAX_EXCESS_BLOB_GAS:
        raise field.error(f"excess blob gas above {MAX_EXCESS_BLOB_GAS}")
    return excess


def _parse_difficulty(env: Field, fork: str, number: int, timestamp: int) -> int:
    if is_from(fork, "Paris"):
        return 0
    given = env.get("currentDifficulty")
    if given is not None or not env.has("parentDifficulty"):
        return env.require("currentDifficulty").number()
    parent_time = env.require("parentTimestamp")
    parent_timestamp = parent_time.number(64)
    if parent_timestamp >= timestamp:
        raise parent_time.error("must be before currentTimestamp")
    ommers = env.get("parentUncleHash")
    return next_difficulty(
        rules_for(fork, env.source),
        number,
        timestamp,
        parent_timestamp,
        env.require("parentDifficulty").number(),
        ommers is not None and ommers.data(32) not in (EMPTY_OMMERS_HASH, bytes(32)),
    )


def _parse_random(env: Field, fork: str) -> bytes | None:
    if not is_from(fork, "Paris"):
        return None
    return env.require("currentRandom").number().to_bytes(32, "big")


def _optional_hash(env: Field, name: str) -> bytes | None:
    field = env.get(name)
    return field.data(32) if field is not None else None


def _parse_lists(env: Field, fork: str) -> dict[str, Any]:
    """Withdrawals and ommers, each in the forks that have them."""
    withdrawals, ommers = env.get("withdrawals"), env.get("ommers")
    found: dict[str, Any] = {}
    if is_from(fork, "Shanghai"):
        found["withdrawals"] = parse_withdrawals(withdrawals) if withdrawals else ()
    if ommers is not None and not is_from(fork, "Paris"):
        found["ommers"] = tuple(_parse_ommer(element) for element in ommers.elements())
    return found


def block_position(env: Field) -> tuple[int, int]:
    """The number and the timestamp of the block, which decide the fork of a transition's name.

    Raises: `InputError`.
    """
    return env.require("currentNumber").number(64), env.require("currentTimestamp").number(64)


def parse_environment(env: Field, fork: str, block_reward_wei: int) -> Environment:
    """The environment of a block of this fork (a canonical name).

    What the fork does not have is left out, whether it is given or not.

    Raises: `InputError`; `UnsupportedFork` where something must be derived by rules of a fork that
    only EELS knows.
    """
    number, timestamp = block_position(env)
    gas_limit = env.require("currentGasLimit").number(GAS_BITS)
    beacon_root = _optional_hash(env, "parentBeaconBlockRoot")
    return Environment(
        coinbase=env.require("currentCoinbase").address(),
        gas_limit=gas_limit,
        number=number,
        timestamp=timestamp,
        difficulty=_parse_difficulty(env, fork, number, timestamp),
        prev_randao=_parse_random(env, fork),
        base_fee_wei=_parse_base_fee(env, fork, gas_limit),
        excess_blob_gas=_parse_excess_blob_gas(env, fork),
        parent_hash=_optional_hash(env, "parentHash"),
        parent_beacon_block_root=beacon_root if is_from(fork, "Cancun") else None,
        block_hashes=_parse_block_hashes(env.get("blockHashes")),
        block_reward_wei=0 if is_from(fork, "Paris") else block_reward_wei,
        **_parse_lists(env, fork),
    )


def dump_withdrawal(withdrawal: Withdrawal) -> dict[str, str]:
    """A withdrawal, as environments and engine payloads hold it."""
    return {
        "index": hex(withdrawal.index),
        "validatorIndex": hex(withdrawal.validator_index),
        "address": hex_bytes(withdrawal.address),
        "amount": hex(withdrawal.amount_gwei),
    }


def _dump_optional(env: Environment) -> dict[str, Any]:
    """The fields that not every fork has."""
    hashes = {
        "currentRandom": env.prev_randao,
        "parentHash": env.parent_hash,
        "parentBeaconBlockRoot": env.parent_beacon_block_root,
    }
    numbers = {"currentBaseFee": env.base_fee_wei, "currentExcessBlobGas": env.excess_blob_gas}
    dumped: dict[str, Any] = {name: hex_bytes(h) for name, h in hashes.items() if h is not None}
    dumped |= {name: hex(number) for name, number in numbers.items() if number is not None}
    if env.withdrawals is not None:
        dumped["withdrawals"] = [dump_withdrawal(withdrawal) for withdrawal in env.withdrawals]
    if env.ommers:
        dumped["ommers"] = [
            {"delta": ommer.delta, "address": hex_bytes(ommer.coinbase)} for ommer in env.ommers
        ]
    return dumped


def dump_environment(env: Environment) -> dict[str, Any]:
    """The inverse of `parse_environment`; the block reward is not part of it."""
    return {
        "currentCoinbase": hex_bytes(env.coinbase),
        "currentGasLimit": hex(env.gas_limit),
        "currentNumber": hex(env.number),
        "currentTimestamp": hex(env.timestamp),
        "currentDifficulty": hex(env.difficulty),
        "blockHashes": {hex(n): hex_bytes(h) for n, h in sorted(env.block_hashes.items())},
        **_dump_optional(env),
    }

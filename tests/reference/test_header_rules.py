"""What follows from a parent header is what EELS makes of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_reference.eels_forks import EELS_FORKS, eels_fork_at
from pel_reference.fees import fake_exponential
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.header_rules import (
    is_gas_limit_allowed,
    next_base_fee_wei,
    next_difficulty,
    next_excess_blob_gas,
)

pytest.importorskip("ethereum", reason="EELS is not installed")

WORK_FORKS = [fork for fork in EELS_FORKS if not is_from(fork, "Paris")]
LIMITS = st.integers(5_000, 2**40)
FEES = st.integers(0, 2**80)
NEAR = st.integers(-40_000_000, 40_000_000)


def uint(value: int) -> Any:
    from ethereum_types.numeric import Uint  # noqa: PLC0415 (EELS is optional)

    return Uint(value)


@given(LIMITS, st.data(), FEES)
def test_base_fee(limit: int, data: st.DataObject, fee: int) -> None:
    used = data.draw(st.integers(0, limit) | st.sampled_from([limit // 2, limit]))
    judged = eels_fork_at("London", 0, 0).fork.calculate_base_fee_per_gas(
        *(uint(limit), uint(limit), uint(used), uint(fee))
    )
    assert next_base_fee_wei(limit, used, fee) == int(judged)


@given(LIMITS, NEAR | st.integers(-60, 60))
def test_gas_limit(parent: int, step: int) -> None:
    for limit in (max(parent + step, 0), max(parent + step * parent // 40_960, 0), 4_999):
        judged = eels_fork_at("Paris", 0, 0).fork.check_gas_limit(uint(limit), uint(parent))
        assert is_gas_limit_allowed(limit, parent) is judged


@pytest.mark.parametrize("fork", WORK_FORKS)
@settings(max_examples=50)
@given(
    number=st.integers(1, 20_000_000),
    seconds=st.integers(1, 2_000) | st.integers(1, 40),
    difficulty=st.integers(131_072, 2**60),
    ommers=st.booleans(),
)
def test_difficulty(fork: str, number: int, seconds: int, difficulty: int, ommers: bool) -> None:
    from ethereum_types.numeric import U256  # noqa: PLC0415 (EELS is optional)

    arguments = [uint(number), U256(1_000 + seconds), U256(1_000), uint(difficulty)]
    if is_from(fork, "Byzantium"):
        arguments.append(ommers)
    judged = eels_fork_at(fork, 0, 0).fork.calculate_block_difficulty(*arguments)
    found = next_difficulty(RULES[fork], number, 1_000 + seconds, 1_000, difficulty, ommers)
    assert found == int(judged)


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
@given(excess=st.integers(0, 2**28), blobs=st.integers(0, 9))
def test_excess_blob_gas(fork: str, excess: int, blobs: int) -> None:
    rules = RULES[fork].blobs
    assert rules is not None
    used = blobs * 131_072
    target = 131_072 * {"Cancun": 3, "Prague": 6}[fork]
    assert next_excess_blob_gas(RULES[fork], excess, used) == max(excess + used - target, 0)
    eels = eels_fork_at(fork, 0, 0).fork
    price = fake_exponential(1, excess, rules.base_fee_fraction)
    assert price == int(eels.calculate_blob_gas_price.__call__(_u64(excess)))


def _u64(value: int) -> Any:
    from ethereum_types.numeric import U64  # noqa: PLC0415 (EELS is optional)

    return U64(value)

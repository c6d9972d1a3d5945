"""Where py-evm (and EELS once) departs from the protocol: the reference must not.

Each case is judged by EELS; where a correction stands in `evm_corrections`, the case is also run
without it, to show that it is needed and that the case can tell.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pel_reference import evm_state
from pel_reference.block import Account, Block, BlockResult
from pel_reference.compare import differences
from pel_reference.eels import EelsFailure, run_block_eels
from pel_reference.eels_forks import eels_fork_at
from pel_reference.forks import RULES, Rules
from pel_reference.sequential import run_block
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES
from pel_reference.transaction_rlp import encode_transaction

pytest.importorskip("ethereum", reason="EELS is not installed")

ONE, TWO = b"\xc1" * 20, b"\xc2" * 20
BASE_FEE_WEI = 7
MAX_INITCODE = 49_152

Maker = Callable[[str], Any]


def both(block: Block) -> BlockResult:
    result = run_block(block)
    assert differences(result, run_block_eels(block), reasons=False) == []
    return result


def rejected(block: Block) -> list[str]:
    return [one.reason for one in both(block).rejected]


@pytest.fixture
def uncorrected(monkeypatch: pytest.MonkeyPatch) -> Callable[[Block], BlockResult]:
    """Runs a block on py-evm's State class as it comes."""

    def run(block: Block) -> BlockResult:
        with monkeypatch.context() as patch:
            patch.setattr(Rules, "state", property(lambda self: self.vm.get_state_class()))
            evm_state._state_class.cache_clear()
            try:
                return run_block(block)
            finally:
                evm_state._state_class.cache_clear()

    return run


def prague(maker: Maker) -> Any:
    made = maker("Prague")
    made.alloc |= {a: Account(nonce=1, code=code) for a, code in SYSTEM_CONTRACT_CODES.items()}
    return made


def test_1_calldata_floor_is_a_matter_of_validity(maker: Maker) -> None:
    made = prague(maker)
    made.send_raw(1, ONE, nonce=0, data=b"\xff" * 2_000, gas_limit=53_000)
    made.send_raw(1, ONE, nonce=0, data=b"\xff" * 2_000, gas_limit=101_000)
    assert rejected(made.block()) == ["gas limit below calldata floor"]


@pytest.mark.parametrize("length", [0, 300, 600, 900, 1_200, 2_000])
def test_2_receipts_hold_the_gas_that_is_charged(maker: Maker, accounts: Any, length: int) -> None:
    made = prague(maker)
    made.contract(ONE, " ".join(f"0 {n} SSTORE" for n in range(5)), dict.fromkeys(range(5), 1))
    before = made.alloc[accounts(1)].balance
    made.send(1, ONE, data=b"\xff" * length, gas_price=BASE_FEE_WEI)
    result = both(made.block())
    paid = before - result.alloc[accounts(1)].balance
    assert paid == result.receipts[0].gas_used * BASE_FEE_WEI
    if length == 2_000:
        assert result.gas_used == 101_000


def test_3_senders_with_code_are_refused(maker: Maker, accounts: Any) -> None:
    made = prague(maker)
    made.put(accounts(1), balance=10**18, code=b"\x00")
    made.send(1, ONE)
    assert rejected(made.block()) == ["sender has code"]


def test_4_tip_above_fee_is_refused(maker: Maker) -> None:
    made = prague(maker)
    made.send(1, ONE, type=2, max_fee_per_gas=8, max_priority_fee_per_gas=9)
    assert rejected(made.block()) == ["priority fee above maximum fee"]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_5_wrong_chain_id_is_refused(maker: Maker, kind: int) -> None:
    made = prague(maker)
    made.send(1, ONE, type=kind, chain_id=999)
    assert rejected(made.block()) == ["wrong chain id"]


def test_6_too_long_initcode_makes_a_creation_invalid(maker: Maker) -> None:
    made = prague(maker)
    made.send(1, None, data=bytes(MAX_INITCODE + 1), gas_limit=5_000_000)
    assert rejected(made.block()) == ["initcode too long"]


@pytest.mark.parametrize("opcode", ["CREATE", "CREATE2"])
@pytest.mark.parametrize("fork", ["Shanghai", "Cancun", "Prague"])
def test_too_long_initcode_fails_before_the_balance_is_looked_at(
    maker: Maker, uncorrected: Callable[[Block], BlockResult], fork: str, opcode: str
) -> None:
    """Source: EIP-3860."""
    made = prague(maker) if fork == "Prague" else maker(fork)
    salt = "5 " if opcode == "CREATE2" else ""
    made.contract(ONE, f"{salt}{MAX_INITCODE + 1} 0 1 {opcode} 0 SSTORE 1 1 SSTORE")
    made.contract(TWO, f"{salt}{MAX_INITCODE} 0 1 {opcode} 0 SSTORE 1 1 SSTORE")
    made.send(1, ONE)
    made.send(1, TWO)
    block = made.block()
    assert [receipt.status for receipt in both(block).receipts] == [False, True]
    assert differences(uncorrected(block), run_block(block))


def test_creation_by_a_delegated_sender_pays_for_initcode_once(
    maker: Maker, accounts: Any, uncorrected: Callable[[Block], BlockResult]
) -> None:
    """Source: EIP-3860, EIP-7702."""
    made = prague(maker)
    made.contract(ONE, "GAS 0 SSTORE 3200 0 0 CREATE 1 SSTORE GAS 2 SSTORE")
    delegated = made.alloc[accounts(1)]
    made.alloc[accounts(1)] = replace(delegated, code=b"\xef\x01\x00" + ONE, nonce=1)
    made.send(1, accounts(1), gas_limit=400_000)
    block = made.block()
    assert both(block).alloc[accounts(1)].storage[1]
    assert differences(uncorrected(block), run_block(block))


def test_everything_is_cold_in_a_system_call(maker: Maker) -> None:
    """Balances of a precompile, the fee recipient and the contract itself: the gas is kept."""
    made = prague(maker)
    address = list(SYSTEM_CONTRACT_CODES)[1]
    fee_recipient = made.block().env.coinbase.hex()
    reads = " ".join(
        f"GAS 0x{what} BALANCE POP GAS SWAP1 SUB {n} SSTORE"
        for n, what in enumerate(("02", fee_recipient, address.hex(), "02", fee_recipient))
    )
    made.contract(address, reads)
    made.contract(ONE, reads)
    made.send(1, ONE)
    result = both(made.block())
    cold, warm = 2_600 + 7, 100 + 7
    assert list(result.alloc[address].storage.values()) == [cold, cold, cold, warm, warm]
    assert list(result.alloc[ONE].storage.values()) == [warm, warm, cold, warm, warm]


@pytest.mark.parametrize("fork", list(RULES))
def test_collection_without_recursion_is_py_evms(
    maker: Maker, uncorrected: Callable[[Block], BlockResult], fork: str
) -> None:
    """Refunds, logs, deletions and touches of a tree of calls, some of which fail."""
    made = prague(maker) if fork == "Prague" else maker(fork)
    three = (3).to_bytes(20, "big").hex()
    leaf = f"0 0 SSTORE 7 0 0 LOG1 0x{ONE.hex()} SELFDESTRUCT"
    made.contract(b"\xd1" * 20, leaf, {0: 1}, balance=1)
    made.contract(b"\xd2" * 20, f"0 0 SSTORE 0 0 LOG0 0 0 0 0 0 0x{three} 10000 CALL INVALID")
    calls = [f"0 0 0 0 0 0x{(bytes([to]) * 20).hex()} 60000 CALL POP" for to in (0xD1, 0xD2, 0xEE)]
    made.contract(ONE, " ".join([*calls, "8 0 0 LOG1", *calls]))
    made.contract(TWO, f"0 0 0 0 0 0x{ONE.hex()} 400000 CALL POP {calls[0]} 1 0 0 LOG1")
    for to in (TWO, ONE, b"\xd2" * 20):
        made.send(1, to, gas_limit=800_000)
    block = made.block()
    assert differences(uncorrected(block), run_block(block)) == []


@pytest.mark.parametrize("fork", ["Frontier", "EIP150", "London", "Prague"])
def test_the_deepest_call(maker: Maker, fork: str) -> None:
    """A contract that calls itself until the depth of 1024 stops it."""
    made = prague(maker) if fork == "Prague" else maker(fork)
    gas = "40000 GAS SUB" if fork == "Frontier" else "GAS"
    made.contract(ONE, f"0 SLOAD 1 ADD 0 SSTORE 0 0 0 0 0 ADDRESS {gas} CALL POP")
    gas_limit = 90_000_000 if fork == "Frontier" else 2**61
    made.env["gas_limit"] = gas_limit
    address = made.send(1, ONE, gas_limit=gas_limit, gas_price=BASE_FEE_WEI).sender
    made.put(address, balance=2**80)
    assert both(made.block()).alloc[ONE].storage == {0: 1025}


def test_eels_takes_typed_transactions_of_another_chain(maker: Maker) -> None:
    """Why `eels` looks at the chain id itself. If this fails, EELS was mended: take that out."""
    from ethereum_types.numeric import U64  # noqa: PLC0415 (EELS is optional)

    made = maker("London")
    transaction = made.send(1, ONE, type=2, chain_id=999)
    fork = eels_fork_at("London", 0, 0)
    decoded = fork.transactions.decode_transaction(encode_transaction(transaction))
    assert fork.transactions.recover_sender(U64(1), decoded) == transaction.sender
    assert len(run_block_eels(made.block()).rejected) == 1


def test_a_breakdown_of_eels_is_no_verdict(maker: Maker) -> None:
    """EELS 2.20.0 overflows on an absurd length for MODEXP, which is only out of gas."""
    made = maker("Shanghai")
    made.send(1, (5).to_bytes(20, "big"), data=b"\xff" * 32 + bytes(64))
    block = made.block()
    assert not run_block(block).receipts[0].status
    with pytest.raises(EelsFailure, match="OverflowError"):
        run_block_eels(block)

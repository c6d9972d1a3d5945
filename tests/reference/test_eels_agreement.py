"""Hand-made blocks of every fork, on which the reference and EELS must agree in everything."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import Account, Block, BlockResult, Ommer, Withdrawal
from pel_reference.compare import differences
from pel_reference.eels import run_block_eels
from pel_reference.eels_forks import EELS_FORKS
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES
from pel_reference.roots import state_root
from pel_reference.sequential import run_block
from pel_reference.system_contracts import SYSTEM_CONTRACT_CODES

pytest.importorskip("ethereum", reason="EELS is not installed")

FORKS = [fork for fork in RULES if fork in EELS_FORKS]
ONE, TWO, DEAD, EMPTY = b"\xc1" * 20, b"\xc2" * 20, b"\xdd" * 20, b"\xee" * 20
RIPEMD = (3).to_bytes(20, "big")
CALL = "0 0 0 0 {value} 0x{to} {gas} CALL"


def call(to: bytes, value: int = 0, gas: int = 50_000) -> str:
    return CALL.format(value=value, to=to.hex(), gas=gas)


def both(block: Block) -> BlockResult:
    result = run_block(block)
    assert differences(result, run_block_eels(block), reasons=False) == []
    assert state_root(result.alloc) == result.state_root
    return result


def since(first: str) -> pytest.MarkDecorator:
    """Run the test for this fork and each later one that both oracles know."""
    forks = [fork for fork in FORKS if is_from(fork, first)]
    return pytest.mark.parametrize("fork", forks)


Maker = Callable[[str], Any]


@since("Frontier")
def test_transfers_rewards_and_ommers(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.send(1, EMPTY, value=5)
    made.send(1, None, value=7, data=b"")
    made.send(2, b"\x01".rjust(20, b"\0"), value=0)
    made.send_raw(3, EMPTY, nonce=9)
    made.send(3, EMPTY, value=10**20)
    if not is_from(fork, "Paris"):
        made.env["ommers"] = (Ommer(EMPTY, 1), Ommer(DEAD, 6))
        made.env["block_reward_wei"] = RULES[fork].block_reward_wei
    result = both(made.block())
    assert [receipt.tx_index for receipt in result.receipts] == [0, 1, 2]
    assert [rejected.tx_index for rejected in result.rejected] == [3, 4]


@since("Frontier")
def test_touches_of_empty_accounts(fork: str, maker: Maker) -> None:
    """Calls without value, failed ones, zero-value transfers, empty accounts that were there."""
    made = maker(fork)
    made.contract(ONE, f"{call(EMPTY)} POP {call(DEAD)} POP INVALID")
    made.contract(TWO, f"{call(ONE)} POP {call(EMPTY)} POP {call(RIPEMD)} STOP")
    if not is_from(fork, "Paris"):
        made.put(EMPTY)
        made.put(DEAD)
    made.send(1, TWO)
    made.send(2, EMPTY, value=0)
    made.send(3, b"\xef" * 20, value=0)
    result = both(made.block())
    assert (b"\xef" * 20 in result.alloc) is not is_from(fork, "EIP158")


@since("Frontier")
def test_selfdestruct_before_and_after_funding(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.contract(ONE, f"0x{EMPTY.hex()} SELFDESTRUCT", storage={1: 1}, balance=9)
    made.contract(TWO, f"{call(ONE)} POP {call(ONE, 5)} POP 7 0 SSTORE", balance=100)
    made.send(1, ONE)
    made.send(1, ONE, value=3)
    made.send(2, TWO)
    made.send(2, TWO, gas_limit=60_000)
    result = both(made.block())
    assert bool(result.alloc[ONE].code) is is_from(fork, "Cancun")


@since("Frontier")
def test_creations_and_collisions(fork: str, maker: Maker) -> None:
    """CREATE twice; the second address holds storage before, and a third one code."""
    made = maker(fork)
    deploy = assemble("0x60016000F3 0 MSTORE 5 27 RETURN").code
    make = f"0x{deploy.hex()} 0 MSTORE {len(deploy)} {32 - len(deploy)} 0 CREATE"
    made.contract(ONE, f"{make} 0 SSTORE {make} 1 SSTORE", balance=5)
    made.send(1, ONE)
    made.send(1, ONE, gas_limit=80_000)
    made.send(2, None, data=deploy, value=3)
    made.send(2, None, data=b"\xfe", gas_limit=60_000)
    both(made.block())


@since("Frontier")
def test_creation_onto_an_account_with_storage(fork: str, maker: Maker, accounts: Any) -> None:
    """Source: EIP-7610."""
    made = maker(fork)
    made.send(1, None, data=b"", gas_limit=60_000)
    created = both(made.block()).receipts[0].contract_address
    assert created is not None
    made.put(created, balance=1, storage={0: 1})
    result = both(made.block())
    assert not result.receipts[0].status
    assert result.receipts[0].gas_used == 60_000


@since("ConstantinopleFix")
def test_create2_revival(fork: str, maker: Maker) -> None:
    """The same address is created, destroyed, and created again in one block."""
    made = maker(fork)
    init = assemble("1 0 SSTORE 0x33FF 0 MSTORE 2 30 RETURN").code
    store = f"0x{init.hex()} 0 MSTORE"
    make = f"{store} 5 {len(init)} {32 - len(init)} 0 CREATE2"
    made.contract(ONE, f"{make} DUP1 0 SSTORE 0 0 0 0 0 6 SLOAD GAS CALL POP {make} 1 SSTORE")
    made.send(1, ONE, gas_limit=4_000_000)
    created = both(made.block()).alloc[ONE].storage[0]
    made.contract(ONE, f"{make} 1 SSTORE {call(created.to_bytes(20, 'big'))} 2 SSTORE")
    for _ in range(3):
        made.send(1, ONE, gas_limit=4_000_000)
    both(made.block())


@since("Frontier")
def test_logs_refunds_and_failures(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.contract(ONE, "0 0 SSTORE 0 1 SSTORE 7 8 32 0 LOG2 GAS 2 SSTORE", storage={0: 1, 1: 1})
    made.contract(TWO, f"{call(ONE)} 3 SSTORE 1 0 0 LOG1 GAS 0 SSTORE")
    made.send(1, TWO)
    made.send(1, TWO, gas_limit=45_000)
    made.send(2, ONE, gas_limit=22_000)
    result = both(made.block())
    assert result.receipts[0].logs


@since("London")
def test_zero_tips_leave_no_fee_recipient(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.send(1, EMPTY, value=1, type=2, max_fee_per_gas=7, max_priority_fee_per_gas=0)
    made.send(2, EMPTY, value=1, gas_price=7)
    made.env["block_reward_wei"] = 0
    block = made.block()
    assert block.env.coinbase not in both(block).alloc


@since("Berlin")
def test_access_lists(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.contract(ONE, f"3 SLOAD POP 0x{TWO.hex()} BALANCE POP GAS 0 SSTORE")
    made.send(1, ONE, type=1, access_list=((ONE, (3, 3, 4)), (TWO, ()), (ONE, ())))
    made.send(1, ONE, type=1)
    both(made.block())


@since("Shanghai")
def test_withdrawals(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.env["withdrawals"] = (
        Withdrawal(1, 1, EMPTY, 0),
        Withdrawal(2, 2, DEAD, 3),
        Withdrawal(3, 3, DEAD, 2**64 - 1),
    )
    result = both(made.block())
    assert EMPTY not in result.alloc
    assert result.alloc[DEAD].balance == (2**64 + 2) * 10**9


@since("Cancun")
def test_blobs_transient_storage_and_beacon_roots(fork: str, maker: Maker) -> None:
    made = maker(fork)
    made.alloc |= {a: Account(nonce=1, code=code) for a, code in SYSTEM_CONTRACT_CODES.items()}
    made.contract(
        ONE, "0 BLOBHASH 0 SSTORE BLOBBASEFEE 1 SSTORE 2 TLOAD 1 ADD DUP1 2 TSTORE 2 SSTORE"
    )
    blobs = tuple(b"\x01" + bytes([n]) * 31 for n in range(3))
    for sender in (1, 2, 3, 4):
        made.send(sender, ONE, type=3, max_fee_per_blob_gas=10**9, blob_versioned_hashes=blobs)
    made.env["excess_blob_gas"] = 10**7
    result = both(made.block())
    rejected = [r.reason for r in result.rejected]
    full = "not enough blob gas left in the block"
    assert rejected == ([full] if is_from(fork, "Prague") else [full, full])


@since("Prague")
def test_delegations(fork: str, maker: Maker, accounts: Any, authorize: Any) -> None:
    made = maker(fork)
    made.alloc |= {a: Account(nonce=1, code=code) for a, code in SYSTEM_CONTRACT_CODES.items()}
    made.contract(ONE, f"1 0 SSTORE {call(TWO)} 1 SSTORE GAS 2 SSTORE")
    made.contract(TWO, f"0x{accounts(5).hex()} EXTCODESIZE 0 SSTORE {call(accounts(5))} 1 SSTORE")
    auths = (
        *(authorize(5, ONE, 0), authorize(6, TWO, 0, chain_id=0), authorize(7, ONE, 3)),
        *(authorize(5, bytes(20), 1), authorize(8, ONE, 0, chain_id=2), authorize(5, TWO, 2)),
    )
    made.send(1, TWO, type=4, gas_limit=500_000, authorizations=auths)
    made.send(2, accounts(5), gas_limit=400_000)
    made.send(5, accounts(6), value=1, gas_limit=400_000)
    made.nonces[accounts(5)] = 3
    made.send(5, accounts(5), gas_limit=400_000)
    made.send(3, TWO, type=4, gas_limit=500_000, authorizations=(authorize(5, bytes(20), 4),))
    bad = replace(authorize(4, ONE, 0), y_parity=2)
    made.send(3, TWO, type=4, authorizations=(bad,))
    result = both(made.block())
    assert len(result.receipts) + len(result.rejected) == 6


def test_requests_of_all_kinds(maker: Maker) -> None:
    made = maker("Prague")
    made.alloc |= {a: Account(nonce=1, code=code) for a, code in SYSTEM_CONTRACT_CODES.items()}
    withdrawal, consolidation = list(SYSTEM_CONTRACT_CODES)[2:]
    made.send(1, withdrawal, value=10, data=b"\x07" * 56)
    made.send(2, consolidation, value=10, data=b"\x08" * 96)
    result = both(made.block())
    assert result.requests is not None
    assert [request[0] for request in result.requests] == [1, 2]
    assert both(maker("Prague").block()).requests


@pytest.mark.parametrize("name", ["Osaka", "BPO1", "BPO2"])
def test_eels_alone_runs_later_forks(maker: Maker, name: str) -> None:
    made = maker("Prague")
    made.send(1, EMPTY, value=1)
    made.send(1, EMPTY, value=1, gas_limit=2**24 + 1)
    block = replace(made.block(), fork=name)
    result = run_block_eels(block)
    assert [receipt.tx_index for receipt in result.receipts] == [0]
    assert [rejected.tx_index for rejected in result.rejected] == [1]

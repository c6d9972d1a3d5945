"""The fee recipient: paid by everybody, and sender, receiver, contract or absent besides."""

from typing import Any

import pytest
from eth._utils.address import generate_contract_address

from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import Account, Ommer, Withdrawal
from pel_reference.fork_names import is_from
from pel_reference.forks import RULES

ETHER = 10**18
FEE_RECIPIENT = b"\xcb" * 20
CONTRACT, OTHER = b"\xc0" * 20, b"\xc1" * 20
EVERY_FORK = pytest.mark.parametrize("fork", list(RULES))
SHANGHAI_ON = pytest.mark.parametrize("fork", [n for n in RULES if is_from(n, "Shanghai")])
PROOF_OF_WORK = pytest.mark.parametrize("fork", [n for n in RULES if not is_from(n, "Paris")])


def price(fork: str) -> int:
    """The gas price in wei that leaves no tip."""
    return 7 if is_from(fork, "London") else 0


def fee_reads(ran: Any, tx_index: int) -> int:
    return sum(location[0] == "fee" for location in ran.reads(tx_index))


@EVERY_FORK
def test_nobody_who_leaves_it_alone_reads_its_balance(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    for sender in range(1, 6):
        block.send(sender, accounts(sender + 20), value=1)
    ran = agree(block.block())
    for tx_index in range(5):
        assert ("balance", FEE_RECIPIENT) not in ran.reads(tx_index)
        assert fee_reads(ran, tx_index) == 0
    assert ran.account(FEE_RECIPIENT).balance > 0


@EVERY_FORK
def test_it_sends_receives_and_is_looked_at(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["coinbase"] = accounts(1)
    block.contract(CONTRACT, f"0x{accounts(1).hex()} BALANCE 0 SSTORE")
    for _ in range(2):
        block.send(1, accounts(2), value=5)
        block.send(2, accounts(1), value=ETHER)
        block.send(3, CONTRACT)
        block.send(4, accounts(5))
    block.send(1, accounts(1), value=1)
    block.send(3, CONTRACT)
    ran = agree(block.block())
    assert fee_reads(ran, 1) == 0
    assert fee_reads(ran, 4) == 1  # the balance was last written in full at 2, by who read it


@EVERY_FORK
def test_it_sends_every_transaction(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    """The like of mainnet block 12300570: the reads stay linear."""
    block = maker(fork)
    block.env["coinbase"] = accounts(1)
    for number in range(30):
        block.send(1, bytes([1, number]) * 10, value=number)
    ran = agree(block.block())
    assert sum(fee_reads(ran, tx_index) for tx_index in range(30)) == 0


@EVERY_FORK
def test_everybody_looks_at_it(fork: str, maker: Any, agree: Any) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "COINBASE BALANCE 0 SSTORE")
    for number in range(21):
        block.send(1 + number % 3, CONTRACT)
    ran = agree(block.block())
    assert sum(fee_reads(ran, tx_index) for tx_index in range(21)) == 0


@EVERY_FORK
def test_a_zero_tip_to_an_absent_recipient(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["block_reward_wei"] = 0
    block.contract(CONTRACT, "COINBASE BALANCE 0 SSTORE COINBASE EXTCODESIZE 1 SSTORE")
    block.send(1, accounts(2), value=1, gas_price=price(fork))
    block.send(2, CONTRACT, gas_price=price(fork))
    block.send(3, accounts(2), value=1, gas_price=price(fork))
    ran = agree(block.block())
    created = None if is_from(fork, "EIP158") else Account()
    assert ran.account(FEE_RECIPIENT) == created


@EVERY_FORK
@pytest.mark.parametrize("others", [False, True])
def test_a_zero_tip_to_an_empty_recipient(
    fork: str, others: bool, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.env["block_reward_wei"] = 0
    block.put(FEE_RECIPIENT)
    block.send(1, accounts(2), value=1, gas_price=price(fork))
    if others:
        block.send(2, accounts(2), value=1)
        block.send(3, FEE_RECIPIENT, gas_price=price(fork))
    ran = agree(block.block())
    if not others:
        assert (ran.account(FEE_RECIPIENT) is None) == is_from(fork, "EIP158")


@EVERY_FORK
@pytest.mark.parametrize("tip", [0, 3])
def test_it_is_a_contract_that_destroys_itself(
    fork: str, tip: int, maker: Any, agree: Any, accounts: Any
) -> None:
    """What is credited in the transaction of its destruction is destroyed with it."""
    block = maker(fork)
    source = f"CALLDATASIZE @die JUMPI STOP die: 0x{accounts(9).hex()} SELFDESTRUCT"
    block.contract(FEE_RECIPIENT, source, balance=50)
    given = {"gas_price": price(fork) + tip}
    for data in (b"", b"\x01", b"", b"\x01"):
        block.send(1, FEE_RECIPIENT, data=data, **given)
        block.send(2, accounts(3), value=1, **given)
    agree(block.block())


@EVERY_FORK
def test_it_is_created_in_the_block(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    """Its first code runs on fees that were credited before there was an account with code."""
    block = maker(fork)
    block.env["coinbase"] = generate_contract_address(accounts(1), 1)
    block.send(2, accounts(3), value=1)
    block.send(1, accounts(3), value=1)
    runtime = assemble("ADDRESS BALANCE 0 SSTORE").code
    head = assemble(
        f"ADDRESS BALANCE 1 SSTORE {len(runtime)} @end 0 CODECOPY {len(runtime)} 0 RETURN"
    )
    block.send(1, None, data=head.code + runtime, gas_limit=300_000)
    block.send(2, block.env["coinbase"])
    agree(block.block())


@EVERY_FORK
def test_its_destruction_in_favour_of_others_and_theirs_of_it(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    block.contract(CONTRACT, "COINBASE SELFDESTRUCT", balance=77)
    block.contract(OTHER, "CALLER SELFDESTRUCT")
    block.send(1, CONTRACT, value=5)
    block.send(1, accounts(2))
    block.send(2, CONTRACT, value=5)
    block.send(3, OTHER, value=1)
    agree(block.block())


@SHANGHAI_ON
def test_withdrawals_to_it_to_others_and_of_nothing(
    fork: str, maker: Any, agree: Any, accounts: Any
) -> None:
    block = maker(fork)
    empty = block.put(b"\xe1" * 20)
    targets = [(FEE_RECIPIENT, 5), (b"\xe2" * 20, 1), (accounts(1), 3), (FEE_RECIPIENT, 0)]
    block.env["withdrawals"] = tuple(
        Withdrawal(index, index, address, amount)
        for index, (address, amount) in enumerate([*targets, (empty, 0), (b"\xe3" * 20, 0)])
    )
    block.send(1, accounts(2), value=1)
    block.send(2, FEE_RECIPIENT, value=1)
    block.send(3, accounts(2), value=1)
    ran = agree(block.block())
    assert ran.account(b"\xe2" * 20) == Account(balance=10**9)
    assert ran.account(empty) is None
    withdrawals = ran.history.incarnations[ran.evm_block.facts.fee_positions.stop]
    assert [read.location[1] for read in withdrawals.reads if read.location[0] == "fee"] == [
        ran.evm_block.facts.fee_positions.stop - 1
    ]


@PROOF_OF_WORK
def test_rewards_of_miner_and_ommers(fork: str, maker: Any, agree: Any, accounts: Any) -> None:
    block = maker(fork)
    block.env["ommers"] = (Ommer(accounts(1), 1), Ommer(b"\xe4" * 20, 6))
    block.send(1, accounts(2), value=1)
    block.send(2, FEE_RECIPIENT)
    ran = agree(block.block())
    assert ran.account(b"\xe4" * 20).balance == 2 * ETHER * 2 // 8
    assert ran.account(FEE_RECIPIENT).balance > 2 * ETHER + 2 * ETHER // 16


@EVERY_FORK
def test_a_block_without_transactions(fork: str, maker: Any, agree: Any) -> None:
    agree(maker(fork).block())

"""The access list of a block (EIP-7928) says what each transaction changed, and what was read."""

from typing import Any

import pytest
from eth._utils.address import generate_contract_address, generate_safe_contract_address

from pel_fuzz.contracts.assembler import assemble
from pel_reference.access_list import (
    AccessList,
    AccountChanges,
    Change,
    Doubts,
    access_list,
    access_list_hash,
    encode_access_list,
)
from pel_reference.block import Block, Withdrawal
from pel_reference.settle import settle
from pel_reference.system_calls import BEACON_ROOTS, CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from pel_reference.transaction_decoding import rlp_decode
from pel_reference.transitions import compile_block
from pel_spec.fold import fold

CONTRACT, OTHER, THIRD = b"\xc0" * 20, b"\xc1" * 20, b"\xc2" * 20
TIP_WEI, BASE_FEE_WEI, ETHER = 10, 7, 10**18


def computed(block: Block) -> tuple[dict[bytes, AccountChanges], Doubts]:
    compiled = compile_block(block)
    _, history = fold(compiled)
    accounts, doubts = access_list(compiled, history)
    addresses = [account.address for account in accounts]
    assert addresses == sorted(set(addresses))
    return {account.address: account for account in accounts}, doubts


def only_read(account: AccountChanges) -> bool:
    changes = (account.storage, account.balances, account.nonces, account.codes)
    return not any(changes)


def test_a_transfer_changes_three_accounts(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    block.send(1, accounts(2), value=5)
    block.send(1, accounts(2), value=6)
    found, doubts = computed(block.block())
    cost = 21_000 * (TIP_WEI + BASE_FEE_WEI)
    sender, receiver = found[accounts(1)], found[accounts(2)]
    assert sender.nonces == (Change(1, 1), Change(2, 2))
    assert sender.balances == (
        Change(1, 10 * ETHER - 5 - cost),
        Change(2, 10 * ETHER - 11 - 2 * cost),
    )
    assert receiver.balances == (Change(1, 10 * ETHER + 5), Change(2, 10 * ETHER + 11))
    assert receiver.nonces == ()
    recipient = found[block.block().env.coinbase]
    assert recipient.balances == (Change(1, 21_000 * TIP_WEI), Change(2, 42_000 * TIP_WEI))
    assert doubts.accounts == frozenset()


def test_nothing_of_a_rejected_transaction_is_in_it(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    block.send_raw(3, accounts(4), nonce=9)
    block.send(1, accounts(2), value=5)
    found, _ = computed(block.block())
    assert accounts(3) not in found and accounts(4) not in found
    assert found[accounts(2)].balances == (Change(1, 10 * ETHER + 5),)


def test_a_write_that_changes_nothing_is_a_read(maker: Any) -> None:
    block = maker("Prague")
    block.contract(CONTRACT, "7 2 SSTORE 0 2 SSTORE 5 3 SSTORE 9 4 SSTORE 8 SLOAD POP", {3: 5})
    block.send(1, CONTRACT)
    block.send(2, CONTRACT)
    found, _ = computed(block.block())
    assert found[CONTRACT].storage == {4: (Change(1, 9),)}
    assert found[CONTRACT].storage_reads == {2, 3, 8}


def test_a_slot_that_returns_to_its_value_in_the_block_has_two_changes(maker: Any) -> None:
    block = maker("Prague")
    block.contract(CONTRACT, "0 CALLDATALOAD 1 SSTORE", {1: 3})
    for value in (4, 4, 3):
        block.send(1, CONTRACT, data=value.to_bytes(32, "big"))
    found, _ = computed(block.block())
    assert found[CONTRACT].storage == {1: (Change(1, 4), Change(3, 3))}
    assert found[CONTRACT].storage_reads == frozenset()


def test_what_a_reverted_call_looked_at_stays(maker: Any) -> None:
    block = maker("Prague")
    block.contract(CONTRACT, f"0 0 0 0 0 0x{OTHER.hex()} 60000 CALL POP")
    source = f"2 SLOAD POP 9 3 SSTORE 0x{THIRD.hex()} BALANCE POP 0 0 REVERT"
    block.contract(OTHER, source, {2: 1, 3: 3})
    block.send(1, CONTRACT)
    found, _ = computed(block.block())
    assert only_read(found[OTHER]) and found[OTHER].storage_reads == {2, 3}
    assert only_read(found[THIRD]) and found[THIRD].storage_reads == frozenset()


def test_system_calls_and_withdrawals_have_indices_of_their_own(maker: Any) -> None:
    block = maker("Prague")
    block.contract(BEACON_ROOTS, "0 CALLDATALOAD 1 SSTORE")
    block.env = {"withdrawals": (Withdrawal(0, 0, OTHER, 0), Withdrawal(1, 0, THIRD, 7))}
    block.send(1, CONTRACT, value=1)
    found, _ = computed(block.block())
    (root,) = found[BEACON_ROOTS].storage[1]
    assert root == Change(0, int.from_bytes(b"\x0b" * 32, "big"))
    assert found[THIRD].balances == (Change(2, 7 * 10**9),)
    assert only_read(found[OTHER])
    for address in (WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS):
        assert found[address].storage == {0: (Change(2, 1),)}


def test_the_fee_recipient_is_in_it_even_if_it_is_paid_nothing(maker: Any, accounts: Any) -> None:
    block = maker("Prague")
    assert block.block().env.coinbase not in computed(block.block())[0]
    block.send(1, accounts(2), gas_price=BASE_FEE_WEI)
    found, _ = computed(block.block())
    assert only_read(found[block.block().env.coinbase])


@pytest.mark.parametrize("opcode", ["CREATE", "CREATE2"])
def test_a_contract_that_is_destroyed_at_once_was_only_read(opcode: str, maker: Any) -> None:
    block = maker("Prague")
    salt = "0" if opcode == "CREATE2" else ""
    block.contract(CONTRACT, f"CALLDATASIZE 0 0 CALLDATACOPY {salt} CALLDATASIZE 0 0 {opcode} POP")
    code = assemble(f"1 7 SSTORE 5 SLOAD POP 0x{THIRD.hex()} SELFDESTRUCT").code
    block.send(1, CONTRACT, data=code, gas_limit=500_000)
    found, doubts = computed(block.block())
    born = (
        generate_contract_address(CONTRACT, 1)
        if opcode == "CREATE"
        else generate_safe_contract_address(CONTRACT, 0, code)
    )
    assert only_read(found[born])
    # By CREATE2 the storage is known to be empty, and a mere read of it is not recorded.
    assert found[born].storage_reads == ({5, 7} if opcode == "CREATE" else {7})
    assert born in doubts.slots


def test_a_destroyed_account_loses_all_its_slots_at_that_index(maker: Any) -> None:
    block = maker("Shanghai")
    block.contract(CONTRACT, f"0x{THIRD.hex()} SELFDESTRUCT", {1: 5, 2: 6}, balance=3)
    block.send(1, CONTRACT)
    block.send(1, CONTRACT, value=4)
    found, _ = computed(block.block())
    gone = found[CONTRACT]
    assert gone.storage == {1: (Change(1, 0),), 2: (Change(1, 0),)}
    assert gone.nonces == (Change(1, 0),) and gone.codes == (Change(1, b""),)
    assert gone.balances == (Change(1, 0), Change(2, 4))


def test_a_target_that_gas_did_not_reach_is_in_doubt(maker: Any) -> None:
    block = maker("Prague")
    block.contract(CONTRACT, f"0 0 0 0 5 0x{OTHER.hex()} 0 CALL", balance=9)
    block.send(1, CONTRACT, gas_limit=24_000)
    found, doubts = computed(block.block())
    assert doubts.accounts == {OTHER}
    assert only_read(found[OTHER])


@pytest.mark.parametrize("fork", ["Frontier", "Byzantium", "Shanghai", "Prague"])
def test_the_list_applied_to_the_state_gives_the_state_after(fork: str, maker: Any) -> None:
    block = maker(fork)
    source = "0 SLOAD 1 ADD DUP1 0 SSTORE SSTORE 0 0 0 0 3 CALLER 9000 CALL POP"
    block.contract(CONTRACT, source, {0: 4, 9: 9}, balance=100)
    block.contract(OTHER, f"0x{THIRD.hex()} SELFDESTRUCT", {1: 5}, balance=3)
    for sender in (1, 2, 3, 1):
        block.send(sender, CONTRACT, value=sender)
        block.send(sender, OTHER)
    block.send(4, None, data=assemble("1 1 SSTORE 32 0 RETURN").code)
    given = block.block()
    compiled = compile_block(given)
    result, history = fold(compiled)
    accounts, _ = access_list(compiled, history)
    after = settle(compiled, result).alloc
    for account in accounts:
        old, new = given.alloc.get(account.address), after.get(account.address)
        for name, changes, nothing in (
            ("balance", account.balances, 0),
            ("nonce", account.nonces, 0),
            ("code", account.codes, b""),
        ):
            last = changes[-1].value if changes else getattr(old, name, nothing)
            assert last == getattr(new, name, nothing)
        slots = dict(old.storage) if old is not None else {}
        slots |= {slot: changes[-1].value for slot, changes in account.storage.items()}
        kept = {slot: value for slot, value in slots.items() if value}
        assert kept == (dict(new.storage) if new is not None else {})


def test_the_encoding_is_the_canonical_one() -> None:
    empty: AccessList = ()
    assert encode_access_list(empty) == b"\xc0"
    known = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    assert access_list_hash(empty).hex() == known
    account = AccountChanges(
        address=CONTRACT,
        storage={256: (Change(1, 7),), 0: (Change(0, 0), Change(2, 300))},
        storage_reads=frozenset({9, 1}),
        balances=(Change(1, 0),),
        nonces=(Change(1, 1),),
        codes=(Change(1, b"\x00"),),
    )
    assert rlp_decode(encode_access_list((account,))) == [
        [
            CONTRACT,
            [[b"", [[b"", b""], [b"\x02", b"\x01\x2c"]]], [b"\x01\x00", [[b"\x01", b"\x07"]]]],
            [b"\x01", b"\x09"],
            [[b"\x01", b""]],
            [[b"\x01", b"\x01"]],
            [[b"\x01", b"\x00"]],
        ]
    ]

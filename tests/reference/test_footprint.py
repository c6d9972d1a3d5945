"""Footprints hold where every kind of location is read; one unlogged read of each is caught."""

from typing import Any

import pytest

from pel_fuzz.canaries.seam import SEAM_BUGS, transient_storage_survives, unlogged_read
from pel_reference import admission
from pel_reference.block import Block, Withdrawal
from pel_reference.footprint import check_footprint
from pel_reference.locations import KINDS
from pel_reference.overlay import Overlay
from pel_reference.requests import DEPOSIT_CONTRACT

CONTRACT, OTHER, NOBODY = b"\xc0" * 20, b"\xc1" * 20, b"\xde" * 20
FEE_RECIPIENT = b"\xcb" * 20
SEEDS = range(4)
GAS_LIMIT = 400_000


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of gas cells in blocks as short as these."""
    monkeypatch.setattr(admission, "GROUP", 2)


def everything(maker: Any, accounts: Any, fork: str) -> Block:
    """A block whose transitions read every kind of location that the fork has."""
    block = maker(fork)
    block.env["gas_limit"] = GAS_LIMIT
    block.put(NOBODY)
    look = f"0x{NOBODY.hex()} EXTCODESIZE COINBASE BALANCE ADD 1 SSTORE"
    touch = f"0 0 0 0 0 0x{NOBODY.hex()} 10000 CALL POP"
    block.contract(CONTRACT, f"0 SLOAD 1 ADD 0 SSTORE {look} {touch}", {0: 1})
    block.contract(OTHER, "CALLER SELFDESTRUCT", {0: 1})
    block.send(1, CONTRACT, gas_limit=120_000)
    block.send(2, accounts(3), value=5, gas_limit=100_000)
    block.send(2, OTHER, gas_limit=100_000)
    block.send(3, CONTRACT, gas_limit=120_000)
    block.send(4, CONTRACT, gas_limit=110_000)
    block.send_raw(4, CONTRACT, nonce=9, gas_limit=30_000)
    block.send_raw(5, CONTRACT, nonce=0, gas_limit=GAS_LIMIT)
    if fork == "Prague":
        block.contract(DEPOSIT_CONTRACT, "0 0 LOG0")
        block.env["withdrawals"] = (Withdrawal(0, 0, FEE_RECIPIENT, 1),)
        for sender in (6, 7, 8):
            hashes = tuple(b"\x01" + bytes(31) for _ in range(4))
            given = {"max_fee_per_blob_gas": 10, "blob_versioned_hashes": hashes}
            block.send(sender, DEPOSIT_CONTRACT, type=3, gas_limit=25_000, **given)
    return block.block()  # type: ignore[no-any-return]


def violations(block: Block, seeds: range = SEEDS) -> list[str]:
    return [str(violation) for seed in seeds for violation in check_footprint(block, seed)]


@pytest.mark.parametrize("fork", ["Frontier", "EIP158", "Berlin", "Prague"])
def test_footprints_hold(fork: str, maker: Any, accounts: Any) -> None:
    assert violations(everything(maker, accounts, fork)) == []


def test_the_block_reads_every_kind_of_location(maker: Any, accounts: Any, agree: Any) -> None:
    read: set[str] = set()
    for fork in ("EIP158", "Prague"):
        history = agree(everything(maker, accounts, fork)).history
        read |= {each.location[0] for it in history.incarnations for each in it.reads}
    assert read == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unlogged_read_of_each_kind_is_caught(kind: str, maker: Any, accounts: Any) -> None:
    block = everything(maker, accounts, "Prague")
    with unlogged_read(kind):
        found = violations(block)
    assert found
    assert all("position" in violation for violation in found)
    assert violations(block, range(1)) == []


@pytest.mark.parametrize("leak", ["warm-list-survives", "reads-kept", "writes-kept"])
def test_what_is_left_in_a_workspace_is_caught(leak: str, maker: Any, accounts: Any) -> None:
    block = everything(maker, accounts, "Prague")
    with SEAM_BUGS[leak].plant():
        assert violations(block)


def test_transient_storage_that_is_left_is_caught(maker: Any) -> None:
    block = maker("Cancun")
    block.contract(CONTRACT, "0 TLOAD DUP1 0 SSTORE 1 ADD 0 TSTORE")
    block.send(1, CONTRACT)
    with transient_storage_survives():
        (violation, *_) = violations(block.block())
    assert violation == (
        "position 1 (transaction 0): its gas_used is another: 23418 becomes 43318,"
        " when all that it had not read was something else"
    )


def test_the_same_seed_scrambles_in_the_same_way(maker: Any, accounts: Any) -> None:
    block = everything(maker, accounts, "Prague")
    with unlogged_read("storage"):
        first, again = check_footprint(block, 3), check_footprint(block, 3)
        other = [check_footprint(block, seed) for seed in range(4, 9)]
    assert first == again
    assert any(found != first for found in other)


def test_a_dependency_on_the_version_alone_is_caught(
    maker: Any, accounts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nonce that is read together with who wrote it: not what composing slots and wipes does."""

    def get_nonce(self: Overlay, address: bytes) -> int:
        value, version = self.read(("nonce", address))
        return value if version.position != 3 else value + 1  # type: ignore[no-any-return]

    block = maker("Berlin")
    for _ in range(6):
        block.send(1, accounts(2))
    monkeypatch.setattr(Overlay, "get_nonce", get_nonce)
    assert any("other versions" in violation for violation in violations(block.block()))

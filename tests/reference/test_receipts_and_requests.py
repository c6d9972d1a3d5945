"""Receipts, roots, requests and system calls, piece by piece, against EELS and by their rules."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_reference.block import Account, Alloc, Block, Environment, Log, Receipt, Withdrawal
from pel_reference.eels import run_block_eels
from pel_reference.eels_forks import eels_fork_at
from pel_reference.eels_state import make_eels_state
from pel_reference.errors import InvalidBlock
from pel_reference.evm_context import ancestor_hashes, parent_hash
from pel_reference.forks import RULES
from pel_reference.receipts import bloom_of, encode_receipt, logs_hash
from pel_reference.requests import (
    DEPOSIT_CONTRACT,
    DEPOSIT_TOPIC,
    collect_requests,
    deposit_data,
    requests_hash,
)
from pel_reference.roots import list_root, state_root, withdrawals_root
from pel_reference.sequential import run_block
from pel_reference.system_calls import (
    BEACON_ROOTS,
    CONSOLIDATION_REQUESTS,
    HISTORY_STORAGE,
    WITHDRAWAL_REQUESTS,
    calls_after,
    calls_before,
)

pytest.importorskip("ethereum", reason="EELS is not installed")

EELS = eels_fork_at("Prague", 0, 0)
ADDRESSES = st.binary(min_size=20, max_size=20)
WORDS = st.binary(min_size=32, max_size=32)
LOGS = st.lists(
    st.builds(Log, ADDRESSES, st.lists(WORDS, max_size=4).map(tuple), st.binary(max_size=40)),
    max_size=3,
).map(tuple)
UINTS = st.integers(0, 2**256 - 1)
ACCOUNTS = st.builds(
    Account,
    st.integers(0, 2**64 - 1),
    UINTS,
    st.binary(max_size=5),
    st.dictionaries(UINTS, st.integers(1, 2**256 - 1), max_size=4),
)
Maker = Callable[[str], Any]


def eels_logs(logs: tuple[Log, ...]) -> tuple[Any, ...]:
    from ethereum_types.bytes import Bytes20, Bytes32  # noqa: PLC0415 (EELS is optional)

    kind = EELS.blocks.Log
    return tuple(
        kind(Bytes20(log.address), tuple(map(Bytes32, log.topics)), log.data) for log in logs
    )


@given(LOGS, st.booleans(), st.integers(0, 2**63), st.integers(0, 4))
def test_receipts_and_blooms(logs: tuple[Log, ...], status: bool, used: int, kind: int) -> None:
    from ethereum_rlp import rlp  # noqa: PLC0415 (EELS is optional)
    from ethereum_types.numeric import Uint  # noqa: PLC0415

    judged = EELS.bloom.logs_bloom(eels_logs(logs))
    assert bloom_of(logs) == bytes(judged)
    receipt = EELS.blocks.Receipt(status, Uint(used), judged, eels_logs(logs))
    own = Receipt(0, kind, status, 0, used, logs, bloom_of(logs))
    prefix = bytes([kind]) if kind else b""
    assert encode_receipt(own) == prefix + rlp.encode(receipt)


@given(st.dictionaries(ADDRESSES, ACCOUNTS, max_size=5))
def test_state_roots(alloc: Alloc) -> None:
    assert state_root(alloc) == EELS.state.state_root(make_eels_state(EELS, alloc))


@given(st.lists(st.binary(min_size=1, max_size=70), max_size=140))
def test_list_roots(items: list[bytes]) -> None:
    from ethereum_rlp import rlp  # noqa: PLC0415 (EELS is optional)
    from ethereum_types.numeric import Uint  # noqa: PLC0415

    trie = EELS.trie.Trie(secured=False, default=None)
    for index, item in enumerate(items):
        EELS.trie.trie_set(trie, rlp.encode(Uint(index)), item)
    assert list_root(items) == EELS.trie.root(trie)


def test_roots_of_nothing() -> None:
    empty = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert state_root({}).hex() == withdrawals_root(()).hex() == list_root([]).hex() == empty
    assert state_root({bytes(20): Account()}) != state_root({})
    assert withdrawals_root((Withdrawal(0, 0, bytes(20), 0),)) != withdrawals_root(())
    assert logs_hash(()).hex() == "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"


def deposit(**changes: bytes) -> bytes:
    """The data of a deposit's log, as the deposit contract lays it out."""
    words = [160, 256, 320, 384, 512]
    fields = [b"\x0a" * 48, b"\x0b" * 32, b"\x0c" * 8, b"\x0d" * 96, b"\x0e" * 8]
    data = b"".join(word.to_bytes(32, "big") for word in words)
    for part in fields:
        data += len(part).to_bytes(32, "big") + part.ljust((len(part) + 31) // 32 * 32, b"\0")
    for name, value in changes.items():
        at = int(name.removeprefix("at_"))
        data = data[:at] + value + data[at + len(value) :]
    return data


def log(data: bytes, address: bytes = DEPOSIT_CONTRACT, topic: bytes = DEPOSIT_TOPIC) -> Log:
    return Log(address, (topic,), data)


def test_deposits() -> None:
    wanted = b"\x0a" * 48 + b"\x0b" * 32 + b"\x0c" * 8 + b"\x0d" * 96 + b"\x0e" * 8
    others = [
        log(b"", address=bytes(20)),
        log(b"", topic=bytes(32)),
        Log(DEPOSIT_CONTRACT, (), b""),
    ]
    assert deposit_data([log(deposit()), *others, log(deposit())]) == wanted * 2
    assert deposit_data(others) == b""


@pytest.mark.parametrize("at", [0, 32, 64, 96, 128, 160, 256, 320, 384, 512])
def test_malformed_deposits(at: int) -> None:
    from ethereum.exceptions import InvalidBlock as EelsInvalid  # noqa: PLC0415
    from ethereum.forks.prague.requests import extract_deposit_data  # noqa: PLC0415

    data = deposit(**{f"at_{at}": b"\xff" * 32})
    with pytest.raises(InvalidBlock, match="wrong layout"):
        deposit_data([log(data)])
    with pytest.raises(EelsInvalid):
        extract_deposit_data(data)
    with pytest.raises(InvalidBlock, match="wrong length"):
        deposit_data([log(deposit()[:-1])])


def test_requests_are_committed_to() -> None:
    requests = collect_requests([(0, b""), (1, b"\5"), (2, b"\6\7")])
    assert requests == (b"\1\5", b"\2\6\7")
    inner = sha256(b"\1\5").digest() + sha256(b"\2\6\7").digest()
    assert requests_hash(requests) == sha256(inner).digest()
    assert requests_hash(()) == sha256(b"").digest()


def refused(block: Block) -> str:
    """Why both oracles find the block invalid; the reason is ours."""
    with pytest.raises(InvalidBlock):
        run_block_eels(block)
    with pytest.raises(InvalidBlock) as caught:
        run_block(block)
    return caught.value.reason


def test_a_deposit_log_that_is_malformed_makes_the_block_invalid(maker: Maker) -> None:
    made = maker("Prague")
    made.contract(DEPOSIT_CONTRACT, f"0x{DEPOSIT_TOPIC.hex()} 32 0 LOG1")
    made.send(1, DEPOSIT_CONTRACT)
    assert refused(made.block()) == "deposit log of a wrong length"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (WITHDRAWAL_REQUESTS, "withdrawal requests"),
        (CONSOLIDATION_REQUESTS, "consolidation requests"),
    ],
)
def test_calls_for_requests_must_succeed(maker: Maker, address: bytes, name: str) -> None:
    made = maker("Prague")
    made.contract(address, "1 0 SSTORE INVALID")
    assert refused(made.block()) == f"failed system call: {name}"
    del made.alloc[address]
    assert refused(made.block()) == f"no code for the system call: {name}"


@pytest.mark.parametrize("address", [BEACON_ROOTS, HISTORY_STORAGE])
def test_other_calls_may_fail_and_then_do_nothing(maker: Maker, address: bytes) -> None:
    made = maker("Prague")
    made.contract(address, "1 0 SSTORE INVALID")
    result = run_block(made.block())
    assert result.alloc == run_block_eels(made.block()).alloc
    assert result.alloc[address].storage == {}
    made.contract(
        address,
        "CALLER 0 SSTORE ORIGIN 1 SSTORE GAS 2 SSTORE GASPRICE 3 SSTORE 0 CALLDATALOAD 4 SSTORE",
    )
    result = run_block(made.block())
    assert result.alloc == run_block_eels(made.block()).alloc
    assert result.alloc[address].storage[0] == 2**160 - 2
    del made.alloc[address]
    assert address not in run_block(made.block()).alloc


def test_which_calls_there_are() -> None:
    env = Environment(bytes(20), 0, 5, 0, parent_beacon_block_root=b"\1" * 32)
    assert calls_before(RULES["Shanghai"], env) == ()
    assert [call.data for call in calls_before(RULES["Prague"], env)] == [b"\1" * 32, bytes(32)]
    genesis = Environment(bytes(20), 0, 0, 0, parent_beacon_block_root=b"\1" * 32)
    assert calls_before(RULES["Prague"], genesis) == ()
    assert calls_after(RULES["Cancun"]) == ()
    assert [call.request_type for call in calls_after(RULES["Prague"])] == [1, 2]


def test_ancestors_that_are_not_given_are_zero(maker: Maker) -> None:
    numbers = (299, 298, 297, 44, 43, 300, 301)
    reads = " ".join(f"{n} BLOCKHASH {n} SSTORE" for n in numbers)
    made = maker("Byzantium")
    made.contract(b"\xc1" * 20, reads)
    made.send(1, b"\xc1" * 20, gas_limit=400_000)
    given_hashes = {298: b"\x98" * 32, 44: b"\x44" * 32, 43: b"\x43" * 32, 300: b"\x30" * 32}
    for parent in (None, b"\x99" * 32):
        made.env |= {"block_hashes": given_hashes, "parent_hash": parent}
        result = run_block(made.block())
        assert result.alloc == run_block_eels(made.block()).alloc
        wanted = {298: b"\x98" * 32, 44: b"\x44" * 32} | ({299: parent} if parent else {})
        storage = {n: int.from_bytes(digest, "big") for n, digest in sorted(wanted.items())}
        assert result.alloc[b"\xc1" * 20].storage == storage


def test_ancestors_of_the_first_blocks() -> None:
    assert ancestor_hashes(Environment(bytes(20), 0, 0, 0)) == ()
    assert ancestor_hashes(Environment(bytes(20), 0, 1, 0, parent_hash=b"\1" * 32)) == (b"\1" * 32,)
    assert len(ancestor_hashes(Environment(bytes(20), 0, 256, 0))) == 256
    assert len(ancestor_hashes(Environment(bytes(20), 0, 257, 0))) == 256
    assert parent_hash(Environment(bytes(20), 0, 2, 0, block_hashes={1: b"\2" * 32})) == b"\2" * 32

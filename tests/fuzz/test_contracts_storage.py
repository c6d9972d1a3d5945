"""Programs that contend on storage, and those that look at accounts and blocks, run on py-evm."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS, words
from pel_fuzz.contracts.corners.accounts import BLOB_BASE_FEE_SLOT
from pel_fuzz.contracts.corners.gas import METER_SLOT
from pel_fuzz.contracts.corners.storage import CELLS_RESULT_SLOT
from pel_fuzz.contracts.keccak import keccak_number

EVERY_AGE = pytest.mark.parametrize("fork", ["Frontier", "EIP150", "EIP158", "Istanbul", "Prague"])


def number(address: bytes) -> int:
    return int.from_bytes(address, "big")


@EVERY_AGE
def test_counter(fork: str, world: Any) -> None:
    chain = world(fork)
    counter = chain.placed(CONTRACTS["counter"])
    for taken in (1, 2, 3):
        assert counter.call("take", sender=chain.someone(taken)).success
        assert counter.slot(0) == taken
        assert counter.slot(taken) == number(chain.someone(taken))


@EVERY_AGE
def test_limited_counter(fork: str, world: Any) -> None:
    chain = world(fork)
    counter = chain.placed(CONTRACTS["limited_counter"], {1: 2})
    results = [counter.call("take", sender=chain.someone(who)).success for who in (5, 6, 7)]
    assert results == [True, True, False]
    assert (counter.slot(0), counter.slot(1)) == (2, 2)
    assert counter.slot(0x101) == number(chain.someone(6))
    assert counter.slot(0x102) == 0


@EVERY_AGE
def test_ledger(fork: str, world: Any) -> None:
    chain = world(fork)
    ann, bob = chain.someone(1), chain.someone(2)
    ledger = chain.placed(CONTRACTS["ledger"], {number(ann): 10})
    outcome = ledger.call("transfer", bob, 10, sender=ann)
    assert outcome.logs == ((ledger.address, (number(ann), number(bob)), words(10)),)
    assert not ledger.call("transfer", bob, 1, sender=ann).success
    assert ledger.call("transfer", bob, 4, sender=bob).success
    assert ledger.slot(number(bob)) == 10


@EVERY_AGE
def test_cells_of_ranges(fork: str, world: Any) -> None:
    cells = world(fork).placed(CONTRACTS["cells"])
    assert cells.call("fill", 10, 3, 7).success
    assert [cells.slot(slot) for slot in (9, 10, 11, 12, 13)] == [0, 7, 7, 7, 0]
    cells.call("add", 11, 5)
    cells.call("set", 12, 1)
    assert cells.call("sum", 9, 5).success
    assert cells.slot(CELLS_RESULT_SLOT) == 7 + 12 + 1
    outcome = cells.call("read", 10, 2)
    assert outcome.logs == ((cells.address, (), words(19)),)
    assert cells.slot(CELLS_RESULT_SLOT) == 20
    cells.call("fill", 10, 3, 0)
    cells.call("sum", 0, 0)
    assert cells.slot(CELLS_RESULT_SLOT) == 0


@EVERY_AGE
def test_cells_of_dependent_places(fork: str, world: Any) -> None:
    cells = world(fork).placed(CONTRACTS["cells"], {0: 5, 5: 9, 9: 3})
    assert cells.call("chase", 3).success
    assert cells.slot(CELLS_RESULT_SLOT) == 3
    cells.call("chase", 1)
    assert cells.slot(CELLS_RESULT_SLOT) == 5
    assert cells.call("push", 40).success
    assert (cells.slot(5), cells.slot(0)) == (10, 40)
    assert cells.call("push", 41).success
    assert (cells.slot(40), cells.slot(0)) == (1, 41)


def test_cells_stop_at_anything_else(world: Any) -> None:
    chain = world("Frontier")
    cells = chain.placed(CONTRACTS["cells"])
    for data in (b"", words(8), words(0)):
        assert chain.send(cells.address, data, value=1).success
    assert chain.balance(cells.address) == 3


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_transient_lock_is_held_in_one_transaction_only(fork: str, world: Any) -> None:
    chain = world(fork)
    lock, other = chain.placed(CONTRACTS["transient"]), chain.placed(CONTRACTS["transient"])
    assert lock.call("enter", lock.address).success
    assert (lock.slot(1), lock.slot(2), lock.slot(3)) == (1, 0, 1)
    assert lock.call("enter", other.address).success
    assert (lock.slot(1), lock.slot(2), lock.slot(3)) == (2, 0, 2)
    assert (other.slot(1), other.slot(2), other.slot(3)) == (1, 0, 0)
    twice = chain.placed(CONTRACTS["wallet"])
    call = (lock.address, 0, 1)
    assert twice.call("batch", words(*call, *call)).success
    assert (lock.slot(1), lock.slot(2)) == (4, number(twice.address))


@pytest.mark.parametrize(
    ("name", "fork", "views"),
    [
        ("observer_frontier", "Frontier", 5),
        ("observer_frontier", "Prague", 5),
        ("observer_constantinople", "Constantinople", 6),
        ("observer", "Istanbul", 7),
        ("observer", "Prague", 7),
    ],
)
def test_observer(name: str, fork: str, views: int, world: Any) -> None:
    chain = world(fork)
    chain.state.set_balance(chain.COINBASE, 3)
    observer = chain.placed(CONTRACTS[name], balance=11)
    watched = chain.place(b"\x00" * 9, balance=5)
    proxy = chain.placed(CONTRACTS["call_proxy"], balance=8)
    assert proxy.call("call", observer.address, words(watched)).success
    seen = [3, 5, 9, 8, 11, keccak_number(b"\x00" * 9), 11]
    assert [observer.slot(slot) for slot in range(7)] == seen[:views] + [0] * (7 - views)


@EVERY_AGE
def test_code_hasher(fork: str, world: Any) -> None:
    chain = world(fork)
    hasher = chain.placed(CONTRACTS["code_hasher"])
    code = bytes(range(100))
    watched = chain.place(code)
    for address, expected in ((watched, code), (chain.someone(7), b"")):
        assert hasher.call("hash", address).success
        assert hasher.slot(number(address)) == keccak_number(expected)


def test_header_readers(world: Any) -> None:
    chain = world("London")
    reader = chain.placed(CONTRACTS["header_reader"])
    assert reader.call("read", value=6).success
    assert [reader.slot(slot) for slot in range(7)] == [
        number(chain.COINBASE),
        chain.NUMBER,
        chain.TIMESTAMP,
        30_000_000,
        chain.GAS_PRICE_WEI,
        number(chain.someone()),
        6,
    ]
    reader = chain.placed(CONTRACTS["header_reader_london"])
    assert reader.call("read").success
    assert [reader.slot(slot) for slot in range(2)] == [chain.BASE_FEE_WEI, chain.CHAIN_ID]


@EVERY_AGE
def test_blockhash_reader(fork: str, world: Any) -> None:
    chain = world(fork)
    reader = chain.placed(CONTRACTS["blockhash_reader"])
    for distance in (0, 1, 255, 256, 257):
        asked = chain.NUMBER - distance
        assert reader.call("read", asked).success
        reachable = 1 <= distance <= 256
        expected = number(chain.BLOCK_HASHES[distance - 1]) if reachable else 0
        assert reader.slot(asked) == expected


def test_blob_reader(world: Any) -> None:
    chain = world("Cancun")
    reader = chain.placed(CONTRACTS["blob_reader"])
    hashes = (b"\x01" + bytes(31), b"\x01" + b"\x02" * 31)
    for index in range(3):
        assert chain.send(reader.address, words(index), blobs=hashes).success
    assert [reader.slot(index) for index in range(3)] == [*map(number, hashes), 0]
    assert reader.slot(BLOB_BASE_FEE_SLOT) == 1


@EVERY_AGE
def test_sender(fork: str, world: Any) -> None:
    chain = world(fork)
    sender = chain.placed(CONTRACTS["sender"])
    assert sender.call("receive", value=10).success
    bob = chain.someone(9)
    assert sender.call("send", bob, 7).success
    assert (chain.balance(bob), sender.slot(0)) == (7, 2)
    assert sender.call("send", bob, 7).success
    assert (chain.balance(bob), sender.slot(0)) == (7, 1)
    assert sender.call("send", sender.address, 3).success
    assert (chain.balance(sender.address), sender.slot(0)) == (3, 2)


@EVERY_AGE
def test_coinbase_payer(fork: str, world: Any) -> None:
    chain = world(fork)
    payer = chain.placed(CONTRACTS["coinbase_payer"])
    chain.send(payer.address)
    free = chain.balance(chain.COINBASE)
    assert payer.call("pay", value=10**12).success
    assert chain.balance(chain.COINBASE) >= free + 10**12
    assert payer.slot(0) == 2
    chain.place(CONTRACTS["gate"], {0: 1}, address=chain.COINBASE)
    assert payer.call("pay", value=10**12).success
    assert (payer.slot(0), chain.balance(payer.address)) == (1, 10**12)


@pytest.mark.parametrize(
    ("fork", "clears"), [("EIP150", False), ("EIP158", True), ("Prague", True)]
)
def test_toucher_clears_empty_accounts(fork: str, clears: bool, world: Any) -> None:
    chain = world(fork)
    toucher = chain.placed(CONTRACTS["toucher"])
    empty = [chain.someone(50), chain.someone(51)]
    for address in empty:
        chain.state.touch_account(address)
        chain.state.set_balance(address, 0)
    assert all(map(chain.exists, empty))
    assert toucher.call("touch", empty[0], False).success
    assert not toucher.call("touch", empty[1], True).success
    assert list(map(chain.exists, empty)) == [not clears, True]


@EVERY_AGE
def test_receiver(fork: str, world: Any) -> None:
    chain = world(fork)
    receiver = chain.placed(CONTRACTS["receiver"], balance=100)
    for value in (5, 0, 6):
        assert receiver.call("receive", value=value).success
    assert [receiver.slot(slot) for slot in range(3)] == [11, 3, 111]
    payer = chain.placed(CONTRACTS["coinbase_payer"])
    chain.place(CONTRACTS["receiver"], address=chain.COINBASE)
    assert payer.call("pay", value=4).success
    assert chain.slot(chain.COINBASE, 0) == 4


@EVERY_AGE
def test_gate(fork: str, world: Any) -> None:
    gate = world(fork).placed(CONTRACTS["gate"])
    assert gate.call("receive", value=1).success
    assert gate.call("close", True).success
    assert not gate.call("receive", value=1).success
    assert gate.call("close", False).success
    assert gate.call("receive", value=1).success


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize(
    ("fork", "read_gas"), [("Frontier", 50), ("Istanbul", 800), ("Prague", 2100)]
)
def test_logger(topics: int, fork: str, read_gas: int, world: Any) -> None:
    logger = world(fork).placed(CONTRACTS["logger"], {6: 77})
    chosen = [100 + topic for topic in range(topics)]
    outcome = logger.call(f"log{topics}", 6, *chosen)
    ((address, logged, data),) = outcome.logs
    assert (address, logged) == (logger.address, tuple(chosen))
    before, value, after = (int.from_bytes(data[at : at + 32], "big") for at in (0, 32, 64))
    assert value == 77
    assert read_gas < before - after < read_gas + 40
    assert logger.slot(6) == 78


def test_logger_keeps_value(world: Any) -> None:
    outcome = world("Frontier").placed(CONTRACTS["logger"]).call("receive", value=1)
    assert (outcome.success, outcome.logs) == (True, ())


@pytest.mark.parametrize(
    ("fork", "costs"),
    [
        ("Frontier", (20, 20, 50, 50)),
        ("EIP150", (400, 400, 200, 200)),
        ("Istanbul", (700, 700, 800, 800)),
        ("Berlin", (2600, 100, 2100, 100)),
    ],
)
def test_gas_meter(fork: str, costs: tuple[int, ...], world: Any) -> None:
    chain = world(fork)
    meter = chain.placed(CONTRACTS["gas_meter"])
    assert meter.call("measure", chain.someone(60), 9).success
    measured = [meter.slot(METER_SLOT + index) for index in range(4)]
    bias = 2 + 2 + 3 + 3
    assert all(cost < paid <= cost + bias for cost, paid in zip(costs, measured, strict=True))

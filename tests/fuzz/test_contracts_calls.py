"""Proxies, recursion that fails at a chosen level, and the wallet, run on py-evm."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS, PRECOMPILES, call_data, words
from pel_fuzz.contracts.corners.calls import (
    FAILS,
    IMPLEMENTATION_SLOT,
    NEVER,
    OUTCOME_SLOT,
    REVERTS,
    SPINS,
)
from pel_fuzz.contracts.keccak import keccak_number
from pel_reference.forks import RULES

EVERY_AGE = pytest.mark.parametrize("fork", ["Frontier", "EIP150", "EIP158", "Istanbul", "Prague"])
SINCE_BYZANTIUM = pytest.mark.parametrize("fork", ["Byzantium", "Istanbul", "Prague"])
FAILED, WENT_WELL = 1, 2
TAKE = call_data(CONTRACTS["counter"], "take")


def number(address: bytes) -> int:
    return int.from_bytes(address, "big")


@EVERY_AGE
def test_call_proxy(fork: str, world: Any) -> None:
    chain = world(fork)
    proxy, counter = chain.placed(CONTRACTS["call_proxy"]), chain.placed(CONTRACTS["counter"])
    cells = chain.placed(CONTRACTS["cells"])
    assert proxy.call("call", counter.address, TAKE, value=4).success
    assert (counter.slot(0), counter.slot(1)) == (1, number(proxy.address))
    assert (chain.balance(counter.address), proxy.slot(OUTCOME_SLOT)) == (4, WENT_WELL)
    assert proxy.call("call", cells.address, call_data(cells.contract, "set", 3, 9)).success
    assert cells.slot(3) == 9
    closed = chain.place(CONTRACTS["gate"], {0: 1})
    assert proxy.call("call", closed, b"", value=4).success
    assert (chain.balance(proxy.address), proxy.slot(OUTCOME_SLOT)) == (4, FAILED)


@pytest.mark.parametrize(
    ("name", "fork", "caller_is_kept"),
    [
        ("callcode_proxy", "Frontier", False),
        ("callcode_proxy", "Prague", False),
        ("delegate_proxy", "Homestead", True),
        ("delegate_proxy", "EIP150", True),
        ("delegate_proxy", "Prague", True),
    ],
)
def test_proxies_that_borrow_code(name: str, fork: str, caller_is_kept: bool, world: Any) -> None:
    chain = world(fork)
    proxy, counter = chain.placed(CONTRACTS[name]), chain.placed(CONTRACTS["counter"])
    assert proxy.call("call", counter.address, TAKE).success
    caller = chain.someone() if caller_is_kept else proxy.address
    assert (proxy.slot(0), proxy.slot(1)) == (1, number(caller))
    assert (counter.slot(0), proxy.slot(OUTCOME_SLOT)) == (0, WENT_WELL)


@SINCE_BYZANTIUM
def test_static_proxy_lets_nothing_be_written(fork: str, world: Any) -> None:
    chain = world(fork)
    proxy, counter = chain.placed(CONTRACTS["static_proxy"]), chain.placed(CONTRACTS["counter"])
    token = chain.placed(CONTRACTS["cells"])
    assert proxy.call("call", counter.address, TAKE).success
    assert (counter.slot(0), proxy.slot(OUTCOME_SLOT)) == (0, FAILED)
    assert proxy.call("call", token.address, b"").success
    assert proxy.slot(OUTCOME_SLOT) == WENT_WELL


@pytest.mark.parametrize(
    ("name", "fork"),
    [
        ("failing_proxy", "Frontier"),
        ("failing_proxy", "Prague"),
        ("reverting_proxy", "Byzantium"),
        ("reverting_proxy", "Prague"),
    ],
)
def test_proxies_that_undo(name: str, fork: str, world: Any) -> None:
    """Inside a call whose caller goes on, a destruction and a transfer have not happened."""
    chain = world(fork)
    outer, inner = chain.placed(CONTRACTS["call_proxy"]), chain.placed(CONTRACTS[name])
    phoenix = chain.placed(CONTRACTS["phoenix"], {0: 5}, balance=3)
    destroy = call_data(phoenix.contract, "hit_and_destroy", chain.someone(9))
    forwarded = words(phoenix.address) + destroy
    assert outer.call("call", inner.address, forwarded, value=2).success
    assert outer.slot(OUTCOME_SLOT) == FAILED
    assert phoenix.slot(0) == 5
    assert chain.code(phoenix.address) == phoenix.contract.runtime
    balances = [chain.balance(a) for a in (outer.address, phoenix.address, chain.someone(9))]
    assert balances == [2, 3, 0]


@SINCE_BYZANTIUM
def test_upgradeable_proxy(fork: str, world: Any) -> None:
    chain = world(fork)
    cells, counter = chain.place(CONTRACTS["cells"]), chain.place(CONTRACTS["counter"])
    proxy = chain.placed(CONTRACTS["upgradeable_proxy"], {IMPLEMENTATION_SLOT: number(cells)})
    upgrade = call_data(CONTRACTS["cells"], "set", IMPLEMENTATION_SLOT, number(counter))
    assert proxy.call("call", upgrade).success
    assert proxy.call("call", TAKE).success
    assert (proxy.slot(0), proxy.slot(1)) == (1, number(chain.someone()))
    broken = chain.place(CONTRACTS["recursor"])
    again = chain.placed(CONTRACTS["upgradeable_proxy"], {IMPLEMENTATION_SLOT: number(broken)})
    outcome = again.call("call", words(0, 0, REVERTS))
    assert not outcome.success
    assert not outcome.out_of_gas


@SINCE_BYZANTIUM
def test_upgradeable_proxy_gives_back_what_it_was_given(fork: str, world: Any) -> None:
    chain = world(fork)
    factory = chain.place(CONTRACTS["create_factory"])
    proxy = chain.placed(CONTRACTS["upgradeable_proxy"], {IMPLEMENTATION_SLOT: number(factory)})
    outcome = proxy.call("call", b"\x00")
    assert outcome.number == proxy.slot(0) != 0


RECURSORS = pytest.mark.parametrize(
    ("name", "fork"),
    [
        ("recursor_frontier", "Frontier"),
        ("recursor_frontier", "EIP150"),
        ("recursor", "Byzantium"),
        ("recursor", "Istanbul"),
        ("recursor", "Prague"),
    ],
)


@RECURSORS
@pytest.mark.parametrize("way", [REVERTS, FAILS, SPINS])
@pytest.mark.parametrize("fail_at", range(5))
def test_recursion_fails_where_it_is_told_to(
    name: str, fork: str, way: int, fail_at: int, world: Any
) -> None:
    recursor = world(fork).placed(CONTRACTS[name])
    deepest = 4
    outcome = recursor.call("recurse", deepest, fail_at, way, gas=600_000)
    assert outcome.success is (fail_at != deepest)
    if fail_at == deepest:
        assert outcome.out_of_gas is (way == SPINS)
    for level in range(deepest + 1):
        assert recursor.slot(level) == int(level > fail_at)
        written = 0 if level <= fail_at else FAILED if level == fail_at + 1 else WENT_WELL
        assert recursor.slot(0x100 + level) == written


@RECURSORS
def test_recursion_that_does_not_fail(name: str, fork: str, world: Any) -> None:
    recursor = world(fork).placed(CONTRACTS[name])
    assert recursor.call("recurse", 3, NEVER, REVERTS).success
    assert [recursor.slot(level) for level in range(5)] == [1, 1, 1, 1, 0]
    assert [recursor.slot(0x100 + level) for level in range(4)] == [0] + [WENT_WELL] * 3


@RECURSORS
def test_recursion_with_little_gas_fails_further_up(name: str, fork: str, world: Any) -> None:
    chain = world(fork)
    recursor = chain.placed(CONTRACTS[name])
    outcome = recursor.call("recurse", 20, NEVER, REVERTS, gas=300_000)
    outcomes = [recursor.slot(0x100 + level) for level in range(21)]
    if outcome.success:
        assert FAILED in outcomes
        assert recursor.slot(20) == 1
    else:
        assert outcomes == [0] * 21
    assert recursor.slot(0) == 0


@EVERY_AGE
def test_burner(fork: str, world: Any) -> None:
    burner = world(fork).placed(CONTRACTS["burner"])
    assert burner.call("burn", 60_000, gas=100_000).success
    few = burner.slot(0)
    assert burner.call("burn", 30_000, gas=100_000).success
    assert burner.slot(0) > few > 0
    assert burner.call("burn", 10**6, gas=100_000).success
    assert burner.slot(0) == 1
    assert burner.call("burn", 0, gas=100_000).out_of_gas
    assert burner.slot(0) == 1


PRECOMPILED = [
    (precompile.name, fork)
    for precompile in PRECOMPILES.values()
    for fork in {precompile.first_fork, "Prague"}
]


@pytest.mark.parametrize(("name", "fork"), sorted(PRECOMPILED))
def test_precompiles_accept_their_input(name: str, fork: str, world: Any) -> None:
    chain = world(fork)
    precompile = PRECOMPILES[name]
    caller = chain.placed(CONTRACTS["precompile_caller"])
    assert caller.call("call", precompile.address, precompile.valid_input).success
    failed = keccak_number(bytes(256) + words(0))
    nothing = keccak_number(bytes(256) + words(1))
    infinity = precompile.name.endswith(("_add", "_msm")) and precompile.name.startswith("bls")
    assert caller.slot(precompile.address) != failed
    assert (caller.slot(precompile.address) == nothing) is infinity


def test_precompile_caller_hashes_what_it_is_given(world: Any) -> None:
    caller = world("Frontier").placed(CONTRACTS["precompile_caller"])
    caller.call("call", 4, b"contended")
    padded = b"contended".ljust(256, b"\0")
    assert caller.slot(4) == keccak_number(padded + words(1))
    caller.call("call", 1, PRECOMPILES["ecrecover"].valid_input)
    signer = bytes.fromhex("7c7356f17143ca0f96fbdc563b8bba291272376a")
    assert caller.slot(1) == keccak_number(words(signer) + bytes(224) + words(1))


@pytest.mark.parametrize("name", ["modexp", "bn_add", "blake2f", "point_evaluation", "bls_g1_add"])
def test_precompile_is_nobody_before_its_fork(name: str, world: Any) -> None:
    precompile = PRECOMPILES[name]
    forks = list(RULES)
    before = forks[forks.index(precompile.first_fork) - 1]
    caller = world(before).placed(CONTRACTS["precompile_caller"])
    assert caller.call("call", precompile.address, precompile.valid_input).success
    assert caller.slot(precompile.address) == keccak_number(bytes(256) + words(1))


@pytest.mark.parametrize(
    "name", ["bn_add", "bn_pairing", "blake2f", "point_evaluation", "bls_pairing"]
)
def test_precompile_that_refuses_shows(name: str, world: Any) -> None:
    precompile = PRECOMPILES[name]
    caller = world("Prague").placed(CONTRACTS["precompile_caller"])
    assert caller.call("call", precompile.address, b"\xff" + precompile.valid_input[1:]).success
    assert caller.slot(precompile.address) == keccak_number(bytes(256) + words(0))


@pytest.mark.parametrize("delegated", [False, True])
def test_wallet_records_who_and_where_it_is(delegated: bool, world: Any) -> None:
    chain = world("Prague")
    contract = CONTRACTS["wallet"]
    target = chain.placed(contract)
    account = chain.someone(77)
    if delegated:
        chain.place(b"\xef\x01\x00" + target.address, address=account)
    at = account if delegated else target.address
    for _ in range(2):
        assert chain.send(at, call_data(contract, "record")).success
    size = len(contract.runtime)
    assert [chain.slot(at, slot) for slot in range(1, 6)] == [
        number(chain.someone()),
        number(at),
        2,
        23 if delegated else size,
        size,
    ]
    assert chain.send(at, call_data(contract, "set", 9, 4)).success
    assert chain.slot(at, 9) == 4


@SINCE_BYZANTIUM
def test_wallet_makes_all_calls_or_none(fork: str, world: Any) -> None:
    chain = world(fork)
    wallet, gate = chain.placed(CONTRACTS["wallet"]), chain.place(CONTRACTS["gate"])
    assert wallet.call("receive", value=10).success
    ann, bob = chain.someone(31), chain.someone(32)
    assert wallet.call("batch", words(ann, 2, 0, bob, 3, 0, wallet.address, 1, 1)).success
    assert (chain.balance(ann), chain.balance(bob)) == (2, 3)
    assert wallet.slot(1) == number(wallet.address)
    too_much = words(ann, 2, 0, bob, 4, 0)
    outcome = wallet.call("batch", too_much)
    assert not outcome.success
    assert not outcome.out_of_gas
    assert (chain.balance(ann), chain.balance(wallet.address)) == (2, 5)
    assert wallet.call("batch", b"").success
    assert wallet.call("batch", words(gate, 1, 5)).success

"""Accounts that are created, destroyed and brought back, run on py-evm."""

from typing import Any

import pytest

from pel_fuzz.contracts import CONTRACTS, create2_address, create_address, initcode, words
from pel_fuzz.contracts.assembler import Program
from pel_fuzz.contracts.corners.creation import TEMPLATE_SLOT
from pel_reference.forks import RULES

SALT = 7
CREATED = b"\xcd" * 20


def number(address: bytes) -> int:
    return int.from_bytes(address, "big")


@pytest.mark.parametrize("fork", ["Frontier", "EIP150", "EIP158", "Istanbul", "Prague"])
def test_create_factory(fork: str, world: Any) -> None:
    chain = world(fork)
    factory = chain.placed(CONTRACTS["create_factory"])
    code = initcode.deploying(b"\x00\x01\x02").code
    for nonce in (1, 2):
        outcome = factory.call("create", code, value=5)
        created = create_address(factory.address, nonce)
        assert outcome.number == factory.slot(0) == number(created)
        assert chain.code(created) == b"\x00\x01\x02"
        assert chain.balance(created) == 5
    goes_on = fork != "Frontier"
    assert factory.call("create", b"\xfe").success is goes_on
    assert (factory.slot(0), factory.slot(1)) == ((0, 3) if goes_on else (number(created), 2))


@pytest.mark.parametrize("fork", ["Constantinople", "Istanbul", "Prague"])
def test_create2_factory(fork: str, world: Any) -> None:
    chain = world(fork)
    factory = chain.placed(CONTRACTS["create2_factory"])
    code = initcode.deploying(b"\x00\x01\x02").code
    created = create2_address(factory.address, SALT, code)
    outcome = factory.call("create", SALT, code, value=5)
    assert outcome.number == factory.slot(0) == number(created)
    assert (chain.code(created), chain.balance(created)) == (b"\x00\x01\x02", 5)
    assert factory.call("create", SALT, code).number == 0
    assert factory.call("create", SALT + 1, code).number != 0
    assert factory.slot(1) == 3


def phoenix_of(chain: Any) -> Any:
    """A `phoenix` made by a `create2_factory`, and how to make it again."""
    factory = chain.placed(CONTRACTS["create2_factory"])
    code = CONTRACTS["phoenix"].creation
    address = create2_address(factory.address, SALT, code)
    return type(factory)(chain, CONTRACTS["phoenix"], address), lambda: factory.call(
        "create", SALT, code
    )


@pytest.mark.parametrize(
    ("fork", "dies"), [("Istanbul", True), ("Shanghai", True), ("Cancun", False)]
)
def test_phoenix_is_revived_without_its_storage(fork: str, dies: bool, world: Any) -> None:
    chain = world(fork)
    phoenix, create = phoenix_of(chain)
    assert create().number == number(phoenix.address)
    assert phoenix.call("hit").success
    assert phoenix.call("receive", value=9).success
    assert phoenix.call("hit_and_destroy", chain.someone(40)).success
    assert chain.balance(chain.someone(40)) == 9
    assert chain.code(phoenix.address) == (b"" if dies else phoenix.contract.runtime)
    assert (create().number != 0) is dies
    assert phoenix.call("hit").success
    assert phoenix.slot(0) == (1 if dies else 3)


@pytest.mark.parametrize("fork", ["Frontier", "EIP158", "Shanghai"])
def test_destructor(fork: str, world: Any) -> None:
    chain = world(fork)
    destructor = chain.placed(CONTRACTS["destructor"], {1: 2}, balance=6)
    assert destructor.call("destroy", chain.someone(41), value=1).success
    assert chain.balance(chain.someone(41)) == 7
    assert not chain.exists(destructor.address)
    to_itself = chain.placed(CONTRACTS["destructor"], balance=6)
    assert to_itself.call("destroy", to_itself.address).success
    assert (chain.balance(to_itself.address), chain.exists(to_itself.address)) == (0, False)


def test_destructor_only_pays_since_cancun(world: Any) -> None:
    chain = world("Cancun")
    destructor = chain.placed(CONTRACTS["destructor"], {1: 2}, balance=6)
    assert destructor.call("destroy", chain.someone(41)).success
    assert chain.balance(chain.someone(41)) == 6
    assert destructor.slot(1) == 2


@pytest.mark.parametrize(
    ("fork", "revives"), [("Istanbul", True), ("Shanghai", True), ("Prague", False)]
)
def test_template_factory_changes_the_code_of_an_account(
    fork: str, revives: bool, world: Any
) -> None:
    chain = world(fork)
    phoenix, counter = CONTRACTS["phoenix"], CONTRACTS["counter"]
    factory = chain.placed(CONTRACTS["template_factory"])
    templates = [chain.place(phoenix), chain.place(counter)]
    address = create2_address(factory.address, SALT, initcode.copying_template().code)
    assert factory.call("create", templates[0], SALT).number == number(address)
    assert chain.code(address) == phoenix.runtime
    assert factory.slot(TEMPLATE_SLOT) == number(templates[0])
    assert factory.call("create", templates[1], SALT).number == 0
    chain.send(address, words(3, number(chain.someone(42))))
    again = factory.call("create", templates[1], SALT).number
    assert again == (number(address) if revives else 0)
    assert chain.code(address) == (counter.runtime if revives else phoenix.runtime)
    assert factory.slot(1) == 3


@pytest.mark.parametrize(
    ("name", "fork"),
    [
        ("mayfly_frontier", "Frontier"),
        ("mayfly_frontier", "EIP158"),
        ("mayfly_frontier", "Prague"),
        ("mayfly", "Constantinople"),
        ("mayfly", "Prague"),
    ],
)
def test_mayfly_lives_for_one_transaction(name: str, fork: str, world: Any) -> None:
    """It is destroyed in every fork, with what it was paid after its destruction."""
    chain = world(fork)
    mayfly = chain.placed(CONTRACTS[name])
    assert mayfly.call("live", SALT, chain.someone(43), value=13).success
    created = mayfly.slot(0).to_bytes(20, "big")
    phoenix = CONTRACTS["phoenix"]
    if name == "mayfly":
        assert created == create2_address(mayfly.address, SALT, phoenix.creation)
    else:
        assert created == create_address(mayfly.address, 1)
    assert (mayfly.slot(1), mayfly.slot(2)) == (len(phoenix.runtime), 13)
    assert not chain.exists(created)
    assert chain.slot(created, 0) == 0
    assert mayfly.call("live", SALT, chain.someone(43)).success
    assert mayfly.slot(0) != 0


def created_by(chain: Any, program: Program, value: int = 0) -> tuple[Any, bytes]:
    """What became of a creation transaction, and the address that it was for."""
    nonce = chain.state.get_nonce(chain.someone())
    outcome = chain.send(b"", program.code, value=value)
    assert outcome.created == create_address(chain.someone(), nonce)
    return outcome, outcome.created


@pytest.mark.parametrize("fork", RULES)
def test_initcode_as_old_as_the_evm(fork: str, world: Any) -> None:
    chain = world(fork)
    runtime = bytes(range(64))
    outcome, created = created_by(chain, initcode.deploying(runtime))
    assert (outcome.success, chain.code(created)) == (True, runtime)
    outcome, created = created_by(chain, initcode.counting_then_deploying(runtime))
    assert (chain.code(created), chain.slot(created, 0)) == (runtime, 1)
    outcome, created = created_by(chain, initcode.writing_only())
    assert (outcome.success, chain.code(created), chain.slot(created, 0)) == (True, b"", 1)
    outcome, created = created_by(chain, initcode.empty(), value=1)
    assert (outcome.success, chain.code(created), chain.balance(created)) == (True, b"", 1)
    outcome, created = created_by(chain, initcode.failing(), value=1)
    assert (outcome.success, chain.slot(created, 0), chain.balance(created)) == (False, 0, 0)
    assert initcode.failing().first_fork == initcode.deploying(b"").first_fork == "Frontier"


@pytest.mark.parametrize("fork", ["Frontier", "EIP158", "Istanbul", "Cancun", "Prague"])
def test_initcode_that_destroys_what_it_creates(fork: str, world: Any) -> None:
    chain = world(fork)
    heir = chain.someone(44)
    for value, make in (
        (5, initcode.self_destructing),
        (6, initcode.writing_then_self_destructing),
    ):
        outcome, created = created_by(chain, make(heir), value=value)
        assert outcome.success
        assert (chain.code(created), chain.slot(created, 0)) == (b"", 0)
        assert not chain.exists(created)
    assert chain.balance(heir) == 11


def test_initcode_that_reverts_keeps_its_gas(world: Any) -> None:
    chain = world(initcode.reverting().first_fork)
    outcome, created = created_by(chain, initcode.reverting(), value=1)
    assert not outcome.success
    assert not outcome.invalid_instruction
    assert outcome.gas_used < 100_000
    assert (chain.slot(created, 0), chain.balance(created)) == (0, 0)


@pytest.mark.parametrize(
    ("program", "refused_since"),
    [(initcode.too_large(), "EIP158"), (initcode.reserved(), "London")],
)
def test_code_that_may_no_longer_be_deployed(
    program: Program, refused_since: str, world: Any
) -> None:
    forks = list(RULES)
    since = forks.index(refused_since)
    for fork, works in ((forks[since - 1], True), (forks[since], False)):
        chain = world(fork)
        outcome = chain.send(b"", program.code, gas=6_000_000)
        assert outcome.success is works
        assert bool(chain.code(outcome.created)) is works

"""The protocol's own contracts: it calls them around the transactions, and anyone else may."""

from pel_fuzz.contracts import SYSTEM_CONTRACTS
from pel_fuzz.contracts.system import consolidation_request, deposit, withdrawal_request
from pel_fuzz.workloads.header import NUMBER, TIMESTAMP
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.world import ETHER_WEI
from pel_reference.block import Account

PUBLIC_KEYS = 3
REQUEST_FEES_WEI = (1, 2, 0)
"""What is paid for a request; the fee is 1 as long as no block before was full of them."""
DEPOSIT_WEI = (ETHER_WEI, 32 * ETHER_WEI)
GWEI = 10**9


def _prepare(scene: Scene) -> None:
    scene.notice(SYSTEM_CONTRACTS["beacon_roots"].address)


def _public_key(scene: Scene) -> bytes:
    return bytes([1 + scene.pick.below(PUBLIC_KEYS)]) * 48


def read_beacon_root(scene: Scene) -> None:
    """The root that the system call of this block has just written, or one that is not there."""
    scene.tag("beacon-root-read")
    timestamp = TIMESTAMP - scene.pick.of((0, 12, -1))
    data = timestamp.to_bytes(32, "big")
    scene.call(
        "call_proxy", "call", SYSTEM_CONTRACTS["beacon_roots"].address, data, gas=2 * CALL_GAS
    )
    scene.send(SYSTEM_CONTRACTS["beacon_roots"].address, 0, data, gas=CALL_GAS)


def read_history(scene: Scene) -> None:
    """The hash that the system call of this block has just written, or one that is not there."""
    scene.tag("history-read")
    number = NUMBER - scene.pick.of((1, 2, 0, 8192))
    scene.call(
        "precompile_caller",
        "call",
        SYSTEM_CONTRACTS["history"].address,
        number.to_bytes(32, "big"),
        gas=2 * CALL_GAS,
    )


def request_withdrawal(scene: Scene) -> None:
    """A request for the queue that the system call after the transactions empties."""
    scene.tag("withdrawal-request")
    data = withdrawal_request(_public_key(scene), scene.pick.below(2))
    to = SYSTEM_CONTRACTS["withdrawal_requests"].address
    scene.send(to, scene.pick.of(REQUEST_FEES_WEI), data, gas=2 * CALL_GAS)


def request_consolidation(scene: Scene) -> None:
    """A request for the other queue."""
    scene.tag("consolidation-request")
    data = consolidation_request(_public_key(scene), _public_key(scene))
    to = SYSTEM_CONTRACTS["consolidation_requests"].address
    scene.send(to, scene.pick.of(REQUEST_FEES_WEI), data, gas=2 * CALL_GAS)


def ask_fee(scene: Scene) -> None:
    """The fee of a request, which a call without data returns; a value makes it fail."""
    scene.tag("withdrawal-request")
    to = SYSTEM_CONTRACTS["withdrawal_requests"].address
    scene.send(to, scene.pick.below(2), gas=CALL_GAS)


def make_deposit(scene: Scene) -> None:
    """A deposit: its log becomes a request, its index is the contract's count."""
    amount_wei = scene.pick.of(DEPOSIT_WEI)
    scene.tag("deposit-request")
    contract = SYSTEM_CONTRACTS["deposit"]
    account = Account(contract.nonce, 0, contract.runtime, contract.storage)
    scene.world.add(contract.address, account)
    credentials, signature = bytes([1]) * 32, bytes([2]) * 96
    data = deposit(_public_key(scene), credentials, signature, amount_wei // GWEI)
    scene.send(contract.address, amount_wei, data, gas=2 * CALL_GAS)


THEME = Theme(
    "system",
    (
        Operation(read_beacon_root, weight=2, first_fork="Cancun"),
        Operation(read_history, weight=2, first_fork="Prague"),
        Operation(request_withdrawal, weight=3, first_fork="Prague"),
        Operation(request_consolidation, weight=3, first_fork="Prague"),
        Operation(ask_fee, first_fork="Prague"),
        Operation(make_deposit, weight=3, first_fork="Prague"),
    ),
    prepare=_prepare,
    weight=4,
)

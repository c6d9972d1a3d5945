"""The sequential fold over the seam against the reference, on blocks of 50 transactions.

    python benchmarks/bench_seam.py [--fork NAME] [--rounds N]

Both sides run in one process, alternating; times are CPU time, the least of all rounds. The
baseline is the reference's whole block path on py-evm's own state. Where the fold ends, settling
(receipts, roots, post-state) begins: it is shown apart. Signatures are recovered beforehand for
both sides.
"""

import argparse
import time
from collections.abc import Callable

from pel_fuzz.contracts import COMPILED, call_data
from pel_fuzz.contracts.prefill import token_storage
from pel_reference.block import Account, Block, Environment, Transaction
from pel_reference.fork_names import is_from
from pel_reference.sequential import run_block
from pel_reference.settle import settle
from pel_reference.signing import address_of, sign
from pel_reference.system_calls import CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from pel_reference.transitions import compile_block
from pel_spec.fold import fold

TRANSACTIONS = 50
TOKEN = b"\x70" * 20
MICROSECONDS = 1e6


def secret(number: int) -> bytes:
    return (number + 1).to_bytes(32, "big")


SENDERS = [address_of(secret(number)) for number in range(TRANSACTIONS)]


def environment(fork: str) -> Environment:
    """A header of the fork, with a base fee and a beacon root where it has them."""
    return Environment(
        coinbase=b"\xcb" * 20,
        gas_limit=30_000_000,
        number=300,
        timestamp=1_700_000_000,
        prev_randao=b"\x0a" * 32 if is_from(fork, "Paris") else None,
        difficulty=0 if is_from(fork, "Paris") else 1,
        base_fee_wei=7 if is_from(fork, "London") else None,
        excess_blob_gas=0 if is_from(fork, "Cancun") else None,
        parent_beacon_block_root=bytes(32) if is_from(fork, "Cancun") else None,
        withdrawals=() if is_from(fork, "Shanghai") else None,
    )


def make_block(fork: str, to: Callable[[int], bytes], data: Callable[[int], bytes]) -> Block:
    """Fifty transactions, each from a sender of its own."""
    token = COMPILED["token"]
    storage = token_storage(token, dict.fromkeys(SENDERS, 10**20))
    alloc = {sender: Account(balance=10**20) for sender in SENDERS}
    alloc[TOKEN] = Account(nonce=1, code=token.runtime, storage=storage)
    for address in (WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS):
        alloc[address] = Account(nonce=1, code=b"\x00")
    transactions = tuple(
        sign(
            Transaction(0, 0, 100_000, to(number), 0, data(number), 0, 0, 0, None, 1000),
            secret(number),
        )
        for number in range(TRANSACTIONS)
    )
    assert all(transaction.sender for transaction in transactions)
    return Block(fork, 1, environment(fork), alloc, transactions)


def transfers(fork: str) -> Block:
    """Plain transfers between accounts that exist."""
    return make_block(fork, lambda number: SENDERS[(number + 7) % TRANSACTIONS], lambda _: b"")


def token_transfers(fork: str) -> Block:
    """ERC-20 transfers between holders: two slots, one event."""
    token = COMPILED["token"]

    def data(number: int) -> bytes:
        receiver = SENDERS[(number + 7) % TRANSACTIONS]
        return call_data(token, "transfer", receiver, 5)

    return make_block(fork, lambda _: TOKEN, data)


def least(rounds: int, *bodies: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each body, over rounds in which they take turns."""
    best = [float("inf")] * len(bodies)
    for _ in range(rounds):
        for index, body in enumerate(bodies):
            start = time.process_time()
            body()
            best[index] = min(best[index], time.process_time() - start)
    return best


def report(name: str, block: Block, rounds: int) -> None:
    """Measure one block both ways, and print a line."""
    evm_block = compile_block(block)
    result, _ = fold(evm_block)
    assert settle(evm_block, result) == run_block(block)
    reference, folded, settled = least(
        rounds,
        lambda: run_block(block),
        lambda: fold(evm_block),
        lambda: settle(evm_block, result),
    )
    each = [seconds / TRANSACTIONS * MICROSECONDS for seconds in (reference, folded, settled)]
    print(
        f"{name:16} {each[0]:10.1f} {each[1]:8.1f} {each[2]:8.1f}"
        f" {each[1] / each[0]:8.3f} {(each[1] + each[2]) / each[0]:8.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The fold over the seam against the reference.")
    parser.add_argument("--fork", default="Prague")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"{options.fork}, blocks of {TRANSACTIONS}; CPU microseconds a transaction, and ratios")
    print(f"{'':16} {'reference':>10} {'fold':>8} {'settle':>8} {'fold/ref':>8} {'sum/ref':>8}")
    report("transfer", transfers(options.fork), options.rounds)
    report("token transfer", token_transfers(options.fork), options.rounds)


if __name__ == "__main__":
    main()

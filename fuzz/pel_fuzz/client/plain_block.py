"""The plainest block of a fork: nothing happens in it but what the protocol does by itself."""

from pel_fuzz.contracts import system_contracts_of
from pel_reference.block import Account, Block, Environment

GAS_LIMIT = 30_000_000
BASE_FEE_WEI = 7
TIMESTAMP = 1_700_000_000
FEE_RECIPIENT = b"\xcb" * 20
CHAIN_ID = 1


def plain_block(fork: str) -> Block:
    """A block without transactions and withdrawals, the protocol's own contracts in its state.

    `fork` is a canonical name.
    """
    alloc = {
        contract.address: Account(contract.nonce, 0, contract.runtime, contract.storage)
        for contract in system_contracts_of(fork)
    }
    env = Environment(
        coinbase=FEE_RECIPIENT,
        gas_limit=GAS_LIMIT,
        number=1,
        timestamp=TIMESTAMP,
        base_fee_wei=BASE_FEE_WEI,
    )
    return Block(fork, CHAIN_ID, env, alloc, ())

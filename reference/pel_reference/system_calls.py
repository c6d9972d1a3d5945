"""System calls: contracts that the protocol itself calls before and after the transactions."""

from dataclasses import dataclass
from typing import Any

from eth.vm.message import Message

from pel_reference.block import Environment
from pel_reference.errors import InvalidBlock
from pel_reference.evm_context import parent_hash
from pel_reference.evm_corrections import clear_empty_accounts, touched_accounts
from pel_reference.forks import Rules
from pel_reference.requests import CONSOLIDATION_TYPE, WITHDRAWAL_TYPE
from pel_reference.validity import DELEGATION_PREFIX, is_delegation

SYSTEM_ADDRESS = bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe")
SYSTEM_CALL_GAS = 30_000_000
BEACON_ROOTS = bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02")
HISTORY_STORAGE = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
WITHDRAWAL_REQUESTS = bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002")
CONSOLIDATION_REQUESTS = bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251")


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One call by the protocol.

    `request_type` is that of the request which the output is, `None` for a call whose output does
    not matter. Such a call may also fail, or find no code: then it just does nothing. A call for
    a request must succeed.
    """

    name: str
    address: bytes
    data: bytes
    request_type: int | None = None


def calls_before(rules: Rules, env: Environment) -> tuple[SystemCall, ...]:
    """The calls before the transactions, in their order. Source: EIP-4788, EIP-2935.

    The genesis block has none; nor is there one for a beacon root that the environment lacks.
    """
    calls = []
    if rules.beacon_root and env.parent_beacon_block_root is not None and env.number > 0:
        calls.append(SystemCall("beacon root", BEACON_ROOTS, env.parent_beacon_block_root))
    if rules.parent_hash_history and env.number > 0:
        calls.append(SystemCall("parent hash", HISTORY_STORAGE, parent_hash(env)))
    return tuple(calls)


def calls_after(rules: Rules) -> tuple[SystemCall, ...]:
    """The calls after the withdrawals, in their order. Source: EIP-7002, EIP-7251."""
    if not rules.requests:
        return ()
    return (
        SystemCall("withdrawal requests", WITHDRAWAL_REQUESTS, b"", WITHDRAWAL_TYPE),
        SystemCall("consolidation requests", CONSOLIDATION_REQUESTS, b"", CONSOLIDATION_TYPE),
    )


def _message(state: Any, call: SystemCall, code: bytes) -> Message:
    delegated = is_delegation(code)
    code_address = code[len(DELEGATION_PREFIX) :] if delegated else call.address
    return Message(
        gas=SYSTEM_CALL_GAS,
        to=call.address,
        sender=SYSTEM_ADDRESS,
        value=0,
        data=call.data,
        code=state.get_code(code_address) if delegated else code,
        code_address=code_address,
        should_transfer_value=False,
        is_delegation=delegated,
    )


def run_system_call(state: Any, env: Environment, call: SystemCall) -> bytes:
    """Run the contract's code on this state, and give its output (empty where it failed).

    `state` is an instance of `Rules.state`, or of a class made from it.

    The gas counts for no block, and nobody pays for it; logs are dropped. Whatever the code is
    that stands at the address, it is run. What a failed call did is undone.

    Raises: `InvalidBlock` where the call is for a request and has no code, or fails.
    """
    code = state.get_code(call.address)
    if not code:
        if call.request_type is None:
            return b""
        raise InvalidBlock(f"no code for the system call: {call.name}")
    state.lock_changes()
    context = state.get_transaction_context_class()(
        gas_price=env.base_fee_wei or 0, origin=SYSTEM_ADDRESS
    )
    state.in_system_call = True
    try:
        message = _message(state, call, code)
        computation = state.computation_class.apply_message(state, message, context)
    finally:
        state.in_system_call = False
    state.clear_transient_storage()
    clear_empty_accounts(state, touched_accounts(computation))
    if computation.is_error:
        if call.request_type is None:
            return b""
        raise InvalidBlock(f"failed system call: {call.name}")
    return bytes(computation.output)

"""Where py-evm's interpreter departs from the protocol: its State classes, put right.

Each correction names the rule, and is shown against EELS by a test. What concerns whole
transactions (validity, the gas in receipts) is not here but in `validity` and `receipts`.

The last one is no rule of the protocol: py-evm collects what a transaction did by recursion through
C code, for which some Python versions leave too little room at the EVM's call depth of 1024.
"""

from collections.abc import Iterator
from typing import Any

from eth.exceptions import OutOfGas
from eth.vm.forks import ShanghaiVM
from eth.vm.forks.shanghai.computation import ShanghaiComputation
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.opcode import Opcode
from eth.vm.opcode_values import CREATE, CREATE2
from eth.vm.state import BaseState

RIPEMD_PRECOMPILE = (3).to_bytes(20, "big")


class _InitcodeLimit:
    """CREATE and CREATE2 fail for too long an initcode before they look at anything else.

    py-evm looks at balance, depth and nonce first, and then only pushes 0. Source: EIP-3860.
    """

    def get_gas_cost(self, data: Any) -> int:
        if data.memory_length > MAX_INITCODE_SIZE:
            raise OutOfGas("initcode too long")
        cost: int = super().get_gas_cost(data)  # type: ignore[misc]
        return cost


class _InitcodeGas:
    """The gas for a creation transaction's initcode is charged for that transaction only.

    py-evm takes any creation by the transaction's sender for one; since EIP-7702 the sender may be
    a contract that creates. Source: EIP-3860, EIP-7702.
    """

    @classmethod
    def consume_initcode_gas_cost(cls, computation: Any) -> None:
        if computation.msg.depth == 0:
            super().consume_initcode_gas_cost(computation)  # type: ignore[misc]


class _SystemCallAccess:
    """In a system call every address is cold at first, precompiles and the fee recipient too.

    This part is put before py-evm's State. Source: EIP-2929, EIP-4788.
    """

    in_system_call = False
    _account_db: Any

    def is_address_warm(self, address: bytes) -> bool:
        if self.in_system_call:
            return bool(self._account_db.is_address_warm(address))
        return bool(super().is_address_warm(address))  # type: ignore[misc]


class _WarmFeeRecipient:
    """The fee recipient is warm in transactions only. Source: EIP-3651."""

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        # Past py-evm's own initializer of this rule, which knows no system calls.
        later: Any = super(ShanghaiComputation, self)
        later.__init__(state, message, transaction_context)
        if not state.in_system_call:
            state.mark_address_warm(state.coinbase)


class _FlatCollection:
    """What a transaction leaves behind, collected without recursion; the results are py-evm's."""

    def _standing(self) -> Iterator[Any]:
        """This computation and all below it, without those that failed or lie in one that did."""
        waiting: list[Any] = [self]
        while waiting:
            computation = waiting.pop()
            if not computation.is_error:
                yield computation
                waiting.extend(computation.children)

    def get_gas_refund(self) -> int:
        own: Any = self
        refund: int = own.msg.refund + sum(
            standing._gas_meter.gas_refunded for standing in self._standing()
        )
        return refund

    def get_accounts_for_deletion(self) -> list[bytes]:
        return sorted({a for standing in self._standing() for a in standing.accounts_to_delete})

    def get_self_destruct_beneficiaries(self) -> list[bytes]:
        return sorted({a for standing in self._standing() for a in standing.beneficiaries})

    def get_raw_log_entries(self) -> tuple[Any, ...]:
        return tuple(sorted(e for standing in self._standing() for e in standing._log_entries))


def touched_accounts(computation: Any) -> set[bytes]:
    """The accounts that cease to exist after the transaction, or system call, if they are empty.

    Those that only failed calls touched are not among them; for historical reasons one precompile
    is. The fee recipient, touched by its fee, is not looked at here.

    Source: EIP-161 (and EIPs issue 716 for the precompile).
    """
    touched: set[bytes] = set()
    waiting = [(computation, False)]
    while waiting:
        current, is_undone = waiting.pop()
        is_undone = is_undone or current.is_error
        own = set(current.beneficiaries)
        if not current.msg.is_create:
            own.add(current.msg.to)
        touched |= own & {RIPEMD_PRECOMPILE} if is_undone else own
        waiting.extend((child, is_undone) for child in current.children)
    return touched


def clear_empty_accounts(state: BaseState, touched: set[bytes]) -> None:
    """What was touched and is empty ceases to exist. Source: EIP-161."""
    for address in sorted(touched):
        if state.account_exists(address) and state.account_is_empty(address):
            state.delete_account(address)


def called_directly(opcodes: dict[int, Any]) -> dict[int, Any]:
    """The same instructions, called without the detour through C that an instance's call takes."""
    return {
        code: opcode.__call__ if isinstance(opcode, Opcode) else opcode
        for code, opcode in opcodes.items()
    }


def _with_limit(opcode: Any) -> Any:
    kind = type(opcode)
    return type(kind.__name__, (_InitcodeLimit, kind), {})()


def corrected_state(vm: Any) -> type[BaseState]:
    """py-evm's State class of this fork (given by its VM), with what is wrong in it put right."""
    state: Any = vm.get_state_class()
    computation = state.computation_class
    opcodes = dict(computation.opcodes)
    if issubclass(vm, ShanghaiVM):
        opcodes |= {code: _with_limit(opcodes[code]) for code in (CREATE, CREATE2)}
        computation = type(computation.__name__, (_InitcodeGas, _WarmFeeRecipient, computation), {})
    own = type(computation.__name__, (_FlatCollection, computation), {"opcodes": opcodes})
    corrected: type[BaseState] = type(
        state.__name__, (_SystemCallAccess, state), {"computation_class": own}
    )
    return corrected

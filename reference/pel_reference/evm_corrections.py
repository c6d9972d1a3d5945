"""Where py-evm's interpreter departs from the protocol: its State classes, put right.

Each correction names the rule, and is shown against EELS by a test. What concerns whole
transactions (validity, the gas in receipts) is not here but in `validity` and `receipts`.
"""

from functools import cache
from typing import Any

from eth.exceptions import OutOfGas
from eth.vm.forks import ShanghaiVM
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.opcode_values import CREATE, CREATE2
from eth.vm.state import BaseState


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


def _with_limit(opcode: Any) -> Any:
    kind = type(opcode)
    return type(kind.__name__, (_InitcodeLimit, kind), {})()


def _corrected_computation(computation: Any) -> Any:
    opcodes = dict(computation.opcodes)
    for code in (CREATE, CREATE2):
        opcodes[code] = _with_limit(opcodes[code])
    return type(computation.__name__, (_InitcodeGas, computation), {"opcodes": opcodes})


@cache
def corrected_state(vm: Any) -> type[BaseState]:
    """py-evm's State class of this fork, with what is wrong in it put right."""
    state: Any = vm.get_state_class()
    corrected: type[BaseState] = state
    if issubclass(vm, ShanghaiVM):
        computation = _corrected_computation(state.computation_class)
        corrected = type(state.__name__, (state,), {"computation_class": computation})
    return corrected

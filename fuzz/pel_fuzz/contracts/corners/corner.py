"""How a program written by hand becomes a contract of the library."""

from pel_fuzz.contracts import initcode
from pel_fuzz.contracts.abi import words
from pel_fuzz.contracts.assembler import assemble
from pel_fuzz.contracts.contract import Contract, Function, functions_by_name
from pel_fuzz.contracts.opcodes import newest_fork

GAS_FOR_CALL = "40000 GAS SUB"
"""Pushes the gas to give to a call: all but 40,000.

Before EIP-150 a call that asks for more than there is fails its caller, so the caller has to keep
what it needs for the call itself and for two storage writes behind it. Since then what is asked
for is only an upper bound, so that with less than 40,000 left (the difference wraps around) a
call gets all but a 64th.
"""

STOP_WITHOUT_DATA = "CALLDATASIZE ISZERO @receive JUMPI"
"""Jumps to `receive` in a call without data, as any transfer of value is."""


RECEIVE = Function("receive", b"")
"""A plain transfer of value, to programs that do something with one."""


def word(index: int) -> str:
    """Pushes a word of the call data."""
    return f"{32 * index} CALLDATALOAD"


def entry(name: str, *inputs: str) -> Function:
    """The only way to call a program: its call data is its arguments."""
    return Function(name, b"", inputs)


def operation(name: str, number: int, *inputs: str) -> Function:
    """One of several ways to call a program: the first word of its call data is `number`.

    Range: `number` > 0, because 0 is what a call without data reads.
    """
    return Function(name, words(number), inputs)


def dispatch(*functions: Function) -> str:
    """Jumps to the label that is named as the operation; stops on anything else."""
    jumps = [
        f"{word(0)} {int.from_bytes(function.selector, 'big')} EQ @{function.name} JUMPI"
        for function in functions
    ]
    return "\n".join([*jumps, "STOP"])


def corner(
    name: str, summary: str, source: str, *functions: Function, data: bytes = b""
) -> Contract:
    """Assemble a program, `data` behind it (from `@end` on), and the initcode that deploys it."""
    program = assemble(source)
    runtime = program.code + data
    creation = initcode.deploying(runtime)
    return Contract(
        name=name,
        summary=summary,
        runtime=runtime,
        creation=creation.code,
        first_fork=newest_fork((program.first_fork, creation.first_fork)),
        functions=functions_by_name(*functions),
    )

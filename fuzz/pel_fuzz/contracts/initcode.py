"""Initcode written by hand: what a creation may do besides deploying a contract as it should.

Each function gives a `Program` whose code is complete initcode, `first_fork` included.
"""

from pel_fuzz.contracts.assembler import Program, assemble, push

LARGEST_CODE = 24_576
"""Bytes of the largest code that can be deployed since Spurious Dragon. Source: EIP-170."""


def deploying(runtime: bytes, before: str = "") -> Program:
    """Initcode that deploys `runtime`, after it has run the instructions of `before`.

    Range: `runtime` has less than 65,536 bytes; `before` leaves the stack as it was.
    """
    size = f"0x{len(runtime):04x}"
    head = assemble(f"{before} {size} @end 0 CODECOPY {size} 0 RETURN")
    return Program(head.code + runtime, head.first_fork)


def counting_then_deploying(runtime: bytes) -> Program:
    """Deploys `runtime`, after adding one to slot 0: storage that is left from before shows as
    a number above one.
    """
    return deploying(runtime, before="0 SLOAD 1 ADD 0 SSTORE")


def self_destructing(beneficiary: bytes) -> Program:
    """Initcode that destroys the account it is creating; its value goes to `beneficiary`."""
    return _sending_all("SELFDESTRUCT", beneficiary)


def writing_then_self_destructing(beneficiary: bytes) -> Program:
    """As `self_destructing`, after writing slot 0."""
    return _sending_all("1 0 SSTORE SELFDESTRUCT", beneficiary)


def reverting() -> Program:
    """Initcode that writes slot 0, then reverts: the creator's nonce stays raised."""
    return assemble("1 0 SSTORE 0 0 REVERT")


def failing() -> Program:
    """Initcode that writes slot 0, then fails and takes all of its gas."""
    return assemble("1 0 SSTORE INVALID")


def empty() -> Program:
    """Initcode that deploys no code: an account with nothing but a nonce (since EIP-161)."""
    return assemble("STOP")


def writing_only() -> Program:
    """Initcode that writes slot 0 and deploys no code: an account without code, with storage."""
    return assemble("1 0 SSTORE STOP")


def too_large() -> Program:
    """Initcode that asks for one byte more than may be deployed since EIP-170."""
    return assemble(f"{LARGEST_CODE + 1} 0 RETURN")


def reserved() -> Program:
    """Initcode that asks for code beginning with 0xef, refused since London. Source: EIP-3541."""
    return assemble("0xef 0 MSTORE8 1 0 RETURN")


def copying_template() -> Program:
    """Initcode that asks its creator for an address and deploys a copy of the code there.

    The same initcode and salt so give the same address whatever the code is: with `CREATE2` and
    `SELFDESTRUCT`, an account whose code changes. The creator answers a call without data with
    one word.
    """
    return assemble(
        """
        32 0 0 0 0 CALLER GAS CALL POP  ; the creator's word, into memory at 0
        0 MLOAD DUP1 EXTCODESIZE        ; template size
        DUP1 0 0 DUP5 EXTCODECOPY
        0 RETURN
        """
    )


def _sending_all(ending: str, beneficiary: bytes) -> Program:
    program = assemble(ending)
    return Program(push(beneficiary) + program.code, program.first_fork)

"""What a contract of the library is: its code, its first fork, its functions, its storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pel_reference.fork_names import FORK_ORDER, canonical_fork


@dataclass(frozen=True, slots=True)
class Function:
    """One way to call a contract.

    `selector` is what the call data begins with: four bytes for a Vyper contract, a word or
    nothing for a program written by hand. `inputs` are ABI types; the last input of a program
    written by hand may be `raw`: bytes that follow the words as they are.
    """

    name: str
    selector: bytes
    inputs: tuple[str, ...] = ()
    payable: bool = True
    view: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that generators may place in a pre-state or have deployed in a block.

    `runtime` is the code of the account; `creation` makes it when it runs as initcode, with the
    encoded arguments of `constructor` behind it. `first_fork` is the first that has every
    instruction of both. `layout` maps each named storage variable to its slot.
    """

    name: str
    summary: str
    runtime: bytes
    creation: bytes
    first_fork: str
    functions: Mapping[str, Function]
    constructor: tuple[str, ...] = ()
    layout: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def runs_on(self, fork: str) -> bool:
        """Whether a fork has every instruction that the contract uses.

        Raises: `UnsupportedFork` for a name that no fork has.
        """
        return FORK_ORDER.index(canonical_fork(fork)) >= FORK_ORDER.index(self.first_fork)


def functions_by_name(*functions: Function) -> Mapping[str, Function]:
    """The functions of one contract, in their given order."""
    return MappingProxyType({function.name: function for function in functions})

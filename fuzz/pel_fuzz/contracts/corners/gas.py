"""Programs that make the price of an instruction visible: logs and storage that depend on gas."""

from pel_fuzz.contracts.corners.corner import RECEIVE, corner, dispatch, entry, operation, word

_TOPICS = tuple(
    operation(f"log{topics}", topics + 1, "uint256", *("uint256",) * topics) for topics in range(5)
)


def _log(topics: int) -> str:
    pushed = " ".join(word(2 + index) for index in reversed(range(topics)))
    return f"log{topics}: {pushed} 96 0 LOG{topics} STOP"


LOGGER = corner(
    "logger",
    "Logs with zero to four topics of the caller's choice. The data are three words: the gas left"
    " before a slot of the caller's choice is read, what was in it, the gas left after. Then adds"
    " one to that slot.",
    "\n".join(
        [
            "CALLDATASIZE ISZERO @receive JUMPI",
            f"GAS 0 MSTORE {word(1)} SLOAD DUP1 32 MSTORE GAS 64 MSTORE",
            f"1 ADD {word(1)} SSTORE",
            dispatch(*_TOPICS),
            *map(_log, range(5)),
            "receive: STOP",
        ]
    ),
    *_TOPICS,
    RECEIVE,
)

METER_SLOT = 0x1000
"""The first of the four slots in which `gas_meter` stores what it measured."""


def _measured(instruction: str, index: int) -> str:
    return f"GAS {instruction} POP GAS SWAP1 SUB {METER_SLOT + index} SSTORE"


GAS_METER = corner(
    "gas_meter",
    "Stores what an instruction costs, twice each (cold, then warm): the balance of an address,"
    " then the read of a slot.",
    "\n".join(
        [
            *(_measured(f"{word(0)} BALANCE", index) for index in (0, 1)),
            *(_measured(f"{word(1)} SLOAD", index) for index in (2, 3)),
            "STOP",
        ]
    ),
    entry("measure", "address", "uint256"),
)

PROGRAMS = (LOGGER, GAS_METER)

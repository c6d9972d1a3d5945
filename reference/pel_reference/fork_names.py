"""Names of forks: what the ecosystem calls them, and which one a block of a chain runs under.

Names are those of the consensus fixtures and transition tools. A *transition name* such as
`PragueToOsakaAtTime15k` or `BerlinToLondonAt5` is a chain that changes fork; it means something
only together with a block's number and timestamp.
"""

import re
from types import MappingProxyType

from pel_reference.errors import UnsupportedFork

FORK_ORDER = (
    "Frontier",
    "Homestead",
    "EIP150",
    "EIP158",
    "Byzantium",
    "Constantinople",
    "ConstantinopleFix",
    "Istanbul",
    "MuirGlacier",
    "Berlin",
    "London",
    "ArrowGlacier",
    "GrayGlacier",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Osaka",
    "BPO1",
    "BPO2",
    "BPO3",
    "BPO4",
    "BPO5",
    "Amsterdam",
)
"""Canonical names, oldest first. That a fork is named here does not say that it is supported."""

_ALIASES = MappingProxyType(
    {
        "daofork": "Homestead",  # its only change is the irregular one at the fork's own block
        "dao": "Homestead",
        "tangerinewhistle": "EIP150",
        "spuriousdragon": "EIP158",
        "petersburg": "ConstantinopleFix",
        "merge": "Paris",
    }
)

_MAINNET_BLOCKS = (
    (0, "Frontier"),
    (1_150_000, "Homestead"),
    (2_463_000, "EIP150"),
    (2_675_000, "EIP158"),
    (4_370_000, "Byzantium"),
    (7_280_000, "ConstantinopleFix"),
    (9_069_000, "Istanbul"),
    (9_200_000, "MuirGlacier"),
    (12_244_000, "Berlin"),
    (12_965_000, "London"),
    (13_773_000, "ArrowGlacier"),
    (15_050_000, "GrayGlacier"),
    (15_537_394, "Paris"),
)
_MAINNET_TIMES = (
    (1_681_338_455, "Shanghai"),
    (1_710_338_135, "Cancun"),
    (1_746_612_311, "Prague"),
    (1_764_798_551, "Osaka"),
    (1_765_290_071, "BPO1"),
    (1_767_747_671, "BPO2"),
)

_TRANSITION = re.compile(r"^(\w+)To(\w+)At(Time)?([0-9]+)(k?)$")


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


_CANONICAL = MappingProxyType({_plain(name): name for name in FORK_ORDER} | dict(_ALIASES))


def canonical_fork(name: str, source: str = "block") -> str:
    """The canonical name of one fork, given by any of its names, in any case.

    Raises: `UnsupportedFork` naming `source` where nothing is known by that name.
    """
    known = _CANONICAL.get(_plain(name))
    if known is None:
        raise UnsupportedFork(source, "fork", f"unknown fork {name[:64]!r}")
    return known


def is_from(fork: str, first: str) -> bool:
    """Whether a fork is `first` or later; both are canonical names."""
    return FORK_ORDER.index(fork) >= FORK_ORDER.index(first)


def resolve_fork(name: str, number: int, timestamp: int, source: str = "block") -> str:
    """The canonical fork of the block with this number and timestamp, under a name of either kind.

    Raises: `UnsupportedFork` for an unknown name, and for a transition by total difficulty.
    """
    match = _TRANSITION.match(name) if len(name) <= 100 else None
    if match is None:
        return canonical_fork(name, source)
    before, after, by_time, digits, thousands = match.groups()
    changes_at = int(digits) * (1000 if thousands else 1)
    reached = (timestamp if by_time else number) >= changes_at
    return canonical_fork(after if reached else before, source)


def mainnet_fork(number: int, timestamp: int) -> str:
    """The canonical fork of Ethereum mainnet's block with this number and timestamp."""
    reached = [name for first, name in _MAINNET_BLOCKS if number >= first]
    reached += [name for first, name in _MAINNET_TIMES if timestamp >= first]
    return reached[-1]

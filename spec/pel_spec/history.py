"""A history: what an execution did, as far as correctness can depend on it.

It holds *every* incarnation, aborted ones too, because an aborted incarnation that somebody has
read is a bug. Validations and commits stand apart from the incarnations that they are about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pel_spec.vocabulary import Location, Read, Value, Version, Write


class End(StrEnum):
    """How an incarnation ended: it published its writes, or it met an ESTIMATE and gave up."""

    EXECUTED = "executed"
    SUSPENDED = "suspended"


class Order(StrEnum):
    """How the versions of a location are ordered, where that is not listed location by location.

    `PRESET`: by position. `UNKNOWN`: not recorded; then some order has to be searched for
    (`pel_proof`)."""

    PRESET = "preset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One execution of one transition: its reads in order, its writes in order (the ordinal of a
    write is its index), and how it ended. A suspended one has no writes."""

    version: Version
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    end: End = End.EXECUTED


@dataclass(frozen=True, slots=True)
class Validation:
    """The reads of `version` were looked up again, and were all unchanged or not."""

    version: Version
    passed: bool


@dataclass(frozen=True, slots=True)
class History:
    """What an execution of `transitions` transitions did.

    `commits` names the incarnations that count, in the order in which they were committed.
    `version_order` orders the committed writes of each location: a rule, or a list of versions for
    each location. `session_order` says whether the preset order of positions counts as an edge in
    the general form of the check. `initial` holds pre-state values, as far as they are known.
    A read without a version (`None`) names its source by value alone.
    """

    transitions: int
    incarnations: tuple[Incarnation, ...]
    validations: tuple[Validation, ...] = ()
    commits: tuple[Version, ...] = ()
    version_order: Order | Mapping[Location, tuple[Version, ...]] = Order.PRESET
    session_order: bool = False
    initial: Mapping[Location, Value] = field(default_factory=lambda: MappingProxyType({}))

    def committed(self) -> Iterator[Incarnation]:
        """The committed incarnations, by position."""
        chosen = set(self.commits)
        found = (i for i in self.incarnations if i.version in chosen)
        return iter(sorted(found, key=lambda incarnation: incarnation.version))

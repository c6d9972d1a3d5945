"""The words: location, value, version, read, write.

A parallel execution of a block is judged by what each transition read and wrote. These are the
types in which that is said, here and in every file format.
"""

from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

Location: TypeAlias = tuple[Hashable, ...]
"""A simple place in memory that holds one full value: its kind, then what names it within the kind,
such as `("balance", address)`. Whatever is composed (a slot together with the wipe of its account,
a balance together with the fees credited since) is several locations, read one by one."""

Value: TypeAlias = Hashable
"""What a location holds: always a full value, never a delta."""


class Version(NamedTuple):
    """Which write a value comes from: that of `position`, in its `incarnation` (from 0)."""

    position: int
    incarnation: int


PRE_STATE = Version(-1, 0)
"""The version of everything that was there before the block. No transition has position -1."""


class Read(NamedTuple):
    """One recorded read. `predicate` names the predicate that it is part of (a range of cells, the
    wipe of an account), so that a phantom can be told from an item anomaly; `None` for an item."""

    location: Location
    value: Value
    version: Version | None
    predicate: str | None = None


class Write(NamedTuple):
    """One write of an incarnation. Its ordinal is its place in `Incarnation.writes`; where an
    incarnation writes a location twice, only the last value may ever be read by another."""

    location: Location
    value: Value

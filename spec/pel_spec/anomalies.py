"""The names of what can go wrong, and each case explained in words.

Source: [Adya] chapter 3 for G0, G1a, G1b, G1c, G2-item and G2, chapter 4 for G-single; [Berenson]
for lost update (P4), write skew (A5B), fuzzy read (P2) and phantom (P3); [Elle] for the garbage
read, and for the manner of the explanations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version

Names: TypeAlias = Callable[[int], str]
"""How people call the transition at a position: `tx 4`, for example."""


class Anomaly(StrEnum):
    """Stable names. A cycle is named after Adya, by the edges on it."""

    PROTOCOL = "broken protocol"  # whatever was read: a commit without a passed validation, say
    GARBAGE_READ = "garbage read"  # of a version that no executed incarnation wrote there
    WRONG_VALUE = "wrong value"  # the version holds another value
    FUZZY_READ = "fuzzy read"  # one incarnation was given two versions of one location
    G1A = "G1a"  # aborted read: from an incarnation that was not committed
    G1B = "G1b"  # intermediate read: of a value that its writer overwrote itself
    STALE_READ = "stale read"  # a committed write below the reader was missed
    FUTURE_READ = "future read"  # of the own position's or, in the preset order, a higher one's
    PHANTOM = "phantom"  # a stale or fuzzy read that is part of a predicate
    G0 = "G0"  # write cycle: ww edges only
    G1C = "G1c"  # circular information flow: ww and wr edges
    LOST_UPDATE = "lost update"  # the G-single of one rw edge and ww edges, all of one location
    G_SINGLE = "G-single"  # exactly one rw edge (read skew)
    WRITE_SKEW = "write skew"  # the G2-item of two transitions: each wrote what the other had read
    G2_ITEM = "G2-item"  # several rw edges, all of items
    G2 = "G2"  # at least one rw edge of a predicate read: a phantom is in it


class Edge(NamedTuple):
    """Why `source` comes before `target`. At `location` the source wrote `value`, and the target
    wrote its next version, `next_value` (ww), or read it (wr); or the source read `value`, and the
    target wrote its next version (rw). Or the preset order has them so, and it counts (session)."""

    kind: Literal["ww", "wr", "rw", "session"]
    source: Version
    target: Version
    location: Location = ()
    value: Value = None
    next_value: Value = None
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Evidence that a history is wrong: a `cycle`, a `read` of the incarnation `at`, or a `problem`
    in words. `expected` is the value that the read should have returned or contradicts, and the
    version that it is from."""

    anomaly: Anomaly
    at: Version | None = None
    read: Read | None = None
    expected: tuple[Value, Version | None] | None = None
    cycle: tuple[Edge, ...] = ()
    problem: str = ""

    def explain(self, names: Names = "T{}".format) -> str:
        """The witness in words; `names` calls transitions as people do."""
        if self.problem:
            subject = "" if self.at is None else f"{names(self.at.position)} "
            return f"{self.anomaly}: {subject}{self.problem}."
        people = sorted({self.at} if self.at else {edge.source for edge in self.cycle})
        let = "; ".join(f"{names(p)} be position {p}, incarnation {i}" for p, i in people)
        if self.at is not None and self.read is not None:
            reason = _misread(self, self.at, self.read, names)
        else:
            words = ["Then", *["and"] * (len(self.cycle) - 2), "yet"]
            lines = (_because(edge, names) for edge in self.cycle)
            reason = ";\n".join(map(" ".join, zip(words, lines, strict=True))) + ": a contradiction"
        return f"{self.anomaly}. Let {let}.\n{reason}."


_TAILS = {
    Anomaly.GARBAGE_READ: "but no executed incarnation wrote that",
    Anomaly.WRONG_VALUE: "but there {whose} has {value}",
    Anomaly.FUZZY_READ: "after it had read {value} from {whose}",
    Anomaly.G1A: "but {whose} was not committed",
    Anomaly.G1B: "but the last that {whose} wrote there is {value}",
    Anomaly.STALE_READ: "but what was last written below it is {value}, by {whose}",
    Anomaly.FUTURE_READ: "but that does not come before it",
    Anomaly.PHANTOM: "which conflicts with {value} from {whose}",
}


def cyclic(*cycle: Edge) -> Witness:
    """The witness that a cycle is, under Adya's name of it. A session edge is a dependency that
    nobody read or wrote."""
    kinds = {edge.kind for edge in cycle}
    anti = [edge for edge in cycle if edge.kind == "rw"]
    one_location = len({edge.location for edge in cycle}) == 1
    if not anti:
        name = Anomaly.G1C if "wr" in kinds else Anomaly.G0
    elif any(edge.predicate is not None for edge in anti):
        name = Anomaly.G2
    elif len(anti) == 1:
        both_wrote = one_location and kinds == {"rw", "ww"}
        name = Anomaly.LOST_UPDATE if both_wrote else Anomaly.G_SINGLE
    else:
        skewed = len(cycle) == 2 and not one_location
        name = Anomaly.WRITE_SKEW if skewed else Anomaly.G2_ITEM
    return Witness(name, cycle=cycle)


def show(value: Value | Location) -> str:
    """A value or a location for people: `balance/0x12`, and nothing of more than 80 characters."""
    if isinstance(value, tuple):
        text = "/".join(map(show, value))
    else:
        text = f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else f"{text[:40]}… ({len(text)} characters)"


def _whose(version: Version | None, names: Names) -> str:
    if version is None or version == PRE_STATE:
        return "the pre-state" if version else "an unnamed source"
    return f"{names(version.position)} (incarnation {version.incarnation})"


def _misread(witness: Witness, at: Version, read: Read, names: Names) -> str:
    location, value, version, predicate = read
    other, whose = witness.expected or (value, version)
    how = "" if predicate is None else f" for the predicate {predicate}"
    origin = "" if version is None else f" from {_whose(version, names)}"
    tail = _TAILS[witness.anomaly].format(value=show(other), whose=_whose(whose, names))
    return f"{names(at.position)} read {show(location)} = {show(value)}{how}{origin}, {tail}"


def _because(edge: Edge, names: Names) -> str:
    first, second = names(edge.source.position), names(edge.target.position)
    where, value, after = show(edge.location), show(edge.value), show(edge.next_value)
    because = {
        "ww": f"{second} overwrote {where} = {value}, which {first} wrote, with {after}",
        "wr": f"{second} read {where} = {value}, which {first} wrote",
        "rw": f"{first} read {where} = {value}, and {second} wrote its next version, {after}",
        "session": f"{first} precedes {second} in the preset order",
    }[edge.kind]
    how = "" if edge.predicate is None else f" (read for the predicate {edge.predicate})"
    return f"{first} < {second}, because {because}{how}"

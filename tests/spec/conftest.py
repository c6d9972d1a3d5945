"""What the tests of histories share: textbook notation, small drawn histories, brute force."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from random import Random
from typing import Any

import pytest

from pel_spec.history import End, History, Incarnation, Order, Validation
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version, Write

_STEP = re.compile(
    r"(?:(?P<word>[rwca])(?P<who>\d)(?:\((?P<args>[^)]*)\))?|\[(?P<order>[^]]*)\])\s*"
)
_READ = re.compile(r"(?:(?P<predicate>\w+):)?(?P<at>[a-z])(?P<source>[\d?]),(?P<value>-?\w+)")


def read_textbook(text: str, **fields: Any) -> History:
    """A history in the notation of the literature, `Tn` at position n - 1.

    `w1(x,5)`: T1 writes 5 to x. `r2(x1,5)`: T2 reads T1's version of x, 5 (`x0` is the pre-state,
    `x?` does not say which version, `P:x1` is part of the predicate P). `c1`, `a1`: T1 commits, or
    aborts. `[x2<<x1]` at the end: T2's version of x is before T1's. What is not listed there is
    ordered by transaction.
    """
    reads: dict[int, list[Read]] = {}
    writes: dict[int, list[Write]] = {}
    commits: list[Version] = []
    listed: dict[Location, tuple[Version, ...]] = {}
    end = 0
    while match := _STEP.match(text, end):
        end = match.end()
        word, who = match["word"], int(match["who"] or 0) - 1
        if match["order"]:
            for chain in match["order"].split(","):
                names = [name.strip() for name in chain.split("<<")]
                listed[(names[0][0],)] = tuple(Version(int(name[1:]) - 1, 0) for name in names)
            continue
        reads.setdefault(who, [])
        writes.setdefault(who, [])
        if word == "c":
            commits.append(Version(who, 0))
        elif word == "w":
            location, value = match["args"].split(",")
            writes[who].append(Write((location,), value))
        elif word == "r":
            part = _READ.fullmatch(match["args"])
            assert part is not None, match["args"]
            source = None if part["source"] == "?" else Version(int(part["source"]) - 1, 0)
            reads[who].append(Read((part["at"],), part["value"], source, part["predicate"]))
    assert end == len(text), text[end:]
    for version in sorted(commits):
        for location, _ in writes[version.position]:
            if version not in listed.get(location, ()):
                listed[location] = (*listed.get(location, ()), version)
    incarnations = tuple(
        Incarnation(Version(who, 0), tuple(reads[who]), tuple(writes[who])) for who in reads
    )
    known: dict[str, Any] = {
        "transitions": max(reads) + 1,
        "incarnations": incarnations,
        "commits": tuple(commits),
        "version_order": listed,
    }
    return History(**(known | fields))


@pytest.fixture(scope="session")
def textbook() -> Callable[..., History]:
    return read_textbook


class SmallHistories:
    """Histories of up to five transactions, drawn with any `choose(options)`: about half of them
    are serializable, because most reads follow a hidden serial order."""

    def build(self, choose: Callable[[Sequence[Any]], Any], known: bool) -> History:
        """One history; if `known`, with versions everywhere, else with few of them."""
        count = choose(range(1, 6))
        names: list[Location] = [("x",), ("y",), ("z",)]
        locations = names[: choose((1, 2, 2, 3))]
        fresh = iter(range(100, 1000))
        repeats = choose((False, True))
        before: dict[Location, Value] = dict.fromkeys(locations, 0)
        writes: dict[int, tuple[Write, ...]] = {}
        for position in range(count):
            found = []
            for at in locations:
                for _ in range(choose((0, 0, 1, 1, 1, 2))):
                    found.append(Write(at, choose((0, 1, 2)) if repeats else next(fresh)))
            writes[position] = tuple(found)
        committed = [p for p in range(count) if choose((True,) * 7 + (False,))]
        hidden = sorted(range(count), key=lambda _: choose(range(50)))
        incarnations = self._read(choose, hidden, committed, locations, before, writes, known)
        order = self._order(choose, [p for p in hidden if p in committed], writes)
        return History(
            transitions=count,
            incarnations=tuple(incarnations),
            validations=tuple(Validation(Version(p, 0), True) for p in committed),
            commits=tuple(Version(p, 0) for p in hidden if p in committed),
            version_order=order if known else Order.UNKNOWN,
            session_order=choose((False, False, False, True)),
            initial=before if choose((True, False)) else {},
        )

    def _read(
        self,
        choose: Callable[[Sequence[Any]], Any],
        hidden: list[int],
        committed: list[int],
        locations: list[Location],
        before: dict[Location, Value],
        writes: dict[int, tuple[Write, ...]],
        known: bool,
    ) -> Iterator[Incarnation]:
        memory = {at: (before[at], PRE_STATE) for at in locations}
        for position in hidden:
            version, reads = Version(position, 0), []
            for at in locations:
                anything = [(before[at], PRE_STATE)] + [
                    (value, Version(writer, 0))
                    for writer, all_of_it in writes.items()
                    for to, value in all_of_it
                    if to == at and writer != position
                ]
                for _ in range(choose((0, 0, 0, 1, 1, 1, 2))):
                    right = choose((True,) * 7 + (False,))
                    value, source = memory[at] if right else choose(anything)
                    named = known or choose((True, False, False))
                    reads.append(Read(at, value, source if named else None))
            if position in committed:
                memory.update((to, (value, version)) for to, value in writes[position])
            yield Incarnation(version, tuple(reads), writes[position], End.EXECUTED)

    def _order(
        self,
        choose: Callable[[Sequence[Any]], Any],
        hidden: list[int],
        writes: dict[int, tuple[Write, ...]],
    ) -> Order | dict[Location, tuple[Version, ...]]:
        if choose((False, False, False, True)):
            return Order.PRESET
        shuffled = sorted(hidden, key=lambda _: choose(range(50)))
        order: dict[Location, tuple[Version, ...]] = {}
        for position in shuffled if choose((False, False, False, True)) else hidden:
            for to in dict(writes[position]):
                order[to] = (*order.get(to, ()), Version(position, 0))
        return order

    def sample(self, number: int, known: bool, seed: int = 0) -> Iterator[History]:
        """A fixed sample, the same everywhere."""
        random = Random(seed)

        def choose(options: Sequence[Any]) -> Any:
            return options[int(random.random() * len(options))]

        for _ in range(number):
            yield self.build(choose, known)

    def explained(self, history: History) -> bool:
        """Whether any of all serial orders explains the history: brute force, by execution."""
        committed = [i for i in history.incarnations if i.version in history.commits]
        return any(self.executes(history, order) for order in permutations(committed))

    def executes(self, history: History, order: Sequence[Incarnation]) -> bool:
        """Whether executing the incarnations in this order gives what the history says."""
        if history.session_order and list(order) != sorted(order, key=lambda i: i.version):
            return False
        before = dict(history.initial)
        for incarnation in history.incarnations:
            for read in incarnation.reads:
                if read.version == PRE_STATE:
                    before[read.location] = read.value
        memory: dict[Location, tuple[Version, Value]] = {}
        found: dict[Location, list[Version]] = {}
        for incarnation in order:
            for read in incarnation.reads:
                if read.location not in memory:
                    before.setdefault(read.location, read.value)
                    memory[read.location] = (PRE_STATE, before[read.location])
                source, value = memory[read.location]
                if read.value != value or (read.version is not None and read.version != source):
                    return False
            final = dict(incarnation.writes)
            for location, value in final.items():
                memory[location] = (incarnation.version, value)
                found.setdefault(location, []).append(incarnation.version)
        if history.version_order is Order.UNKNOWN:
            return True
        if history.version_order is Order.PRESET:
            return all(versions == sorted(versions) for versions in found.values())
        listed = {at: list(versions) for at, versions in history.version_order.items()}
        return found == {at: versions for at, versions in listed.items() if versions}


@pytest.fixture(scope="session")
def small() -> SmallHistories:
    return SmallHistories()

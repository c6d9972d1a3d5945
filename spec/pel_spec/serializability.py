"""THE definition: was this execution right? `None` says yes, a witness says what is wrong.

- `check_preset`, which a blockchain needs: executed one by one in the preset order, the committed
  incarnations would have read exactly what they did read, and left the same versions behind.
- `check_serializable`, the general form: *some* serial order explains the committed incarnations.

Both first look for what makes a history `unsound` in any order. Both visit each read and each write
a fixed number of times: they are linear in the history, but for sorting the commits by position.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import chain, pairwise
from typing import TypeAlias

from pel_spec.anomalies import Anomaly, Edge, Witness, cyclic, show
from pel_spec.history import End, History, Incarnation, Order
from pel_spec.vocabulary import PRE_STATE, Location, Read, Value, Version

Graph: TypeAlias = dict[int, dict[int, Edge]]  # edges by the positions of both ends


class OrderUnknown(Exception):
    """The history does not tell in which order versions came, or which version a read saw. Only a
    search can decide it: `pel_proof.history_search`."""


class Facts:
    """A history, indexed."""

    def __init__(self, history: History) -> None:
        self.written: dict[tuple[Version, Location], list[Value]] = {}
        """What executed incarnations wrote to a location, value after value."""
        self.left: dict[Location, dict[Version, Value]] = {}
        """What committed incarnations left in a location, by position."""
        self.before = dict(history.initial)
        """The pre-state, as far as it was given or read."""
        for incarnation in history.incarnations:
            for location, value in incarnation.writes:
                self.written.setdefault((incarnation.version, location), []).append(value)
        for incarnation in history.committed():
            for location, value in incarnation.writes:
                self.left.setdefault(location, {})[incarnation.version] = value
        for _, read in _reads(history.incarnations):
            if read.version == PRE_STATE:
                self.before.setdefault(read.location, read.value)


def check_preset(history: History) -> Witness | None:
    """Is the execution equivalent to the fold in the preset order? A read that names no version is
    judged by its value."""
    facts = Facts(history)
    return next(chain(unsound(history, facts, preset=True), _unlike_fold(history, facts)), None)


def check_serializable(history: History) -> Witness | None:
    """Is there a serial order that explains all committed reads and the order of versions?

    There is, if and only if the history is not unsound and its serialization graph has no cycle;
    and, where the session order counts, no edge against it.

    Raises: `OrderUnknown`.
    Source: [Adya] chapter 3 (level PL-3).
    """
    facts = Facts(history)
    witness = next(unsound(history, facts), None)
    if witness is not None:
        return witness
    graph = serialization_graph(history, facts)
    if cycle := find_cycle(graph):
        return cyclic(*cycle)
    edges = (edge for targets in graph.values() for edge in targets.values())
    back = next((e for e in edges if history.session_order and e.source > e.target), None)
    return cyclic(back, Edge("session", back.target, back.source)) if back else None


def unsound(history: History, facts: Facts, preset: bool = False) -> Iterator[Witness]:
    """What no history may contain, whatever the order of its transitions. `preset` adds that every
    position was committed, and that nobody, aborted or not, was shown a higher position."""
    yield from _broken_protocol(history, preset)
    yield from _broken_order(history, facts, preset)
    yield from _unreal_reads(history, facts, preset)
    yield from _dirty_reads(history, facts)


def _reads(incarnations: Iterable[Incarnation]) -> Iterator[tuple[Version, Read]]:
    return ((i.version, read) for i in incarnations for read in i.reads)


def _broken_protocol(history: History, everyone: bool) -> Iterator[Witness]:
    def broken(at: Version, problem: str) -> Witness:
        return Witness(Anomaly.PROTOCOL, at, problem=f"(incarnation {at.incarnation}) {problem}")

    ends: dict[Version, End] = {}
    for incarnation in history.incarnations:
        at = incarnation.version
        if not 0 <= at.position < history.transitions or at.incarnation < 0:
            yield broken(at, "is out of range")
        if at in ends:
            yield broken(at, "is recorded twice")
        if incarnation.writes and incarnation.end is End.SUSPENDED:
            yield broken(at, "was suspended, but has writes")
        ends[at] = incarnation.end
    verdicts = {validation.version: validation.passed for validation in history.validations}
    for at in (*verdicts, *history.commits):
        if ends.get(at) is not End.EXECUTED:
            yield broken(at, "was validated or committed, but has not executed")
    done: set[int] = set()
    for at in history.commits:
        if at.position in done:
            yield broken(at, "was committed after another commit of the same position")
        if not verdicts.get(at, not verdicts):
            yield broken(at, "was committed, but its last validation failed or is missing")
        done.add(at.position)
    for position in range(history.transitions if everyone else 0):
        if position not in done:
            yield Witness(Anomaly.PROTOCOL, Version(position, 0), problem="was never committed")


def _broken_order(history: History, facts: Facts, preset: bool) -> Iterator[Witness]:
    """A list of versions that lacks some or has others; or, for `preset`, one that the fold would
    not leave."""
    order = history.version_order
    if isinstance(order, Order):
        return
    for location in {**facts.left, **order}:
        listed, left = order.get(location, ()), facts.left.get(location, {})
        if sorted(listed) != [*left]:
            problem = f"{show(location)} has other committed writers than its order lists"
            yield Witness(Anomaly.PROTOCOL, problem=problem)
        for first, second in pairwise(listed if preset else ()):
            if first > second:
                edge = Edge("ww", first, second, location, left[first], left[second])
                yield cyclic(edge, Edge("session", second, first))


def _unreal_reads(history: History, facts: Facts, preset: bool) -> Iterator[Witness]:
    """Answers that no memory may give, not even to an incarnation that is aborted later."""
    for at, read in _reads(history.incarnations):
        if read.version is None:
            continue
        held = facts.written.get((read.version, read.location), [])
        if read.version == PRE_STATE:
            held = [facts.before[read.location]]
        if not held:
            yield Witness(Anomaly.GARBAGE_READ, at, read)
        elif read.value not in held:
            yield Witness(Anomaly.WRONG_VALUE, at, read, (held[-1], read.version))
        ahead = read.version.position - at.position
        if ahead == 0 or (preset and ahead > 0):
            yield Witness(Anomaly.FUTURE_READ, at, read)


def _dirty_reads(history: History, facts: Facts) -> Iterator[Witness]:
    """What a committed incarnation can have read in no serial order."""
    firsts: dict[tuple[Version, Location], Read] = {}
    for at, read in _reads(history.committed()):
        left = facts.left.get(read.location, {})
        if read.version is not None and read.version != PRE_STATE:
            if read.version not in left:
                yield Witness(Anomaly.G1A, at, read)
            elif left[read.version] != read.value:
                yield Witness(Anomaly.G1B, at, read, (left[read.version], read.version))
        first = firsts.setdefault((at, read.location), read)
        named = None not in (first.version, read.version)
        if first.value != read.value or (named and first.version != read.version):
            anomaly = Anomaly.FUZZY_READ if read.predicate is None else Anomaly.PHANTOM
            yield Witness(anomaly, at, read, (first.value, first.version))


def _unlike_fold(history: History, facts: Facts) -> Iterator[Witness]:
    """The fold once more: a read returns what was last written below it."""
    before, last = dict(facts.before), dict[Location, tuple[Value, Version]]()
    for incarnation in history.committed():
        at = incarnation.version
        for read in incarnation.reads:
            pre_state = before.setdefault(read.location, read.value), PRE_STATE
            right = last.get(read.location, pre_state)
            if read.version is None and read.value != right[0]:
                yield Witness(Anomaly.WRONG_VALUE, at, read, right)
            elif read.version not in (None, right[1]):
                anomaly = Anomaly.STALE_READ if read.predicate is None else Anomaly.PHANTOM
                yield Witness(anomaly, at, read, right)
        last.update((location, (value, at)) for location, value in incarnation.writes)


def serialization_graph(history: History, facts: Facts) -> Graph:
    """The direct serialization graph of the committed incarnations. A version leads to the next one
    only; what else follows is a path. Between two transitions the strongest edge is kept: ww, wr,
    rw of an item, rw of a predicate.

    Raises: `OrderUnknown`.
    Source: [Adya] chapter 3 (direct conflicts, DSG).
    """
    order = history.version_order
    if order is Order.UNKNOWN:
        raise OrderUnknown("the order of versions was not recorded")
    graph: Graph = {i.version.position: {} for i in history.committed()}

    def add(edge: Edge) -> None:
        if edge.source != PRE_STATE and edge.source.position != edge.target.position:
            graph[edge.source.position].setdefault(edge.target.position, edge)

    following: dict[tuple[Version, Location], tuple[Version, Value]] = {}
    for location, left in facts.left.items():
        versions = left if isinstance(order, Order) else order[location]
        for first, second in pairwise((PRE_STATE, *versions)):
            following[first, location] = second, left[second]
            add(Edge("ww", first, second, location, left.get(first), left[second]))
    items, predicates = list[Edge](), list[Edge]()
    for at, (location, value, version, predicate) in _reads(history.committed()):
        if version is None:
            raise OrderUnknown("a committed read does not tell which version it saw")
        add(Edge("wr", version, at, location, value))
        if (version, location) in following:
            after, next_value = following[version, location]
            edge = Edge("rw", at, after, location, value, next_value, predicate)
            (items if predicate is None else predicates).append(edge)
    for edge in (*items, *predicates):
        add(edge)
    return graph


def find_cycle(graph: Graph) -> tuple[Edge, ...]:
    """The shortest cycle, if there is one; in a huge graph, the shortest through a few nodes."""
    try:
        TopologicalSorter(graph).prepare()
        return ()
    except CycleError as error:
        nodes = (*error.args[1], *graph)
    best: tuple[Edge, ...] = ()
    for start in nodes[: 1 + 1_000_000 // sum(map(len, graph.values()))]:
        via: dict[int, Edge] = {}
        queue = deque([(start, 1)])
        while queue and start not in via and (not best or queue[0][1] < len(best)):
            node, length = queue.popleft()
            for target, edge in graph[node].items():
                if target not in via:
                    via[target] = edge
                    queue.append((target, length + 1))
        if start in via:
            backwards = [via[start]]
            while backwards[-1].source.position != start:
                backwards.append(via[backwards[-1].source.position])
            best = tuple(reversed(backwards))
    return best

"""The search for an order in which the machine allows every step of a foreign trace.

Almost always there is nothing to choose. Only commits look at other positions, and only at what is
committed there and so never changes again; the steps of one position have an order of their own,
by incarnation, and in it reads, publish, abort or commit. So a step that the machine allows is
taken at once, unless one of its position must come before it: nothing is lost by that, and a trace
is decided in time linear in its length.

What is left to choose is an incarnation that is aborted and starts over *under the same number*,
where the log does not say which of its reads came before. There, each order is tried, up to a
number of steps, with the abort as early as possible first: so the most reads count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from heapq import heappop, heappush
from typing import Final

from pel_fuzz.conformance.foreign_machine import Machine
from pel_fuzz.conformance.foreign_trace import Action, Event, ForeignTrace
from pel_fuzz.formats.trace_jsonl import LineOrder

SEARCH_STEPS: Final = 200_000
"""Steps taken in all orders but the first before the search is given up."""

Key = tuple[int, int]
"""A position and an incarnation."""


class When(Enum):
    """When a step that is next on its worker and its object is to be taken."""

    NOW = auto()
    """As soon as the machine allows it."""
    LATER = auto()
    """At any time, so last, where traces mostly have it."""
    CHOICE = auto()
    """When nothing else can be: others could come first or after, and it matters."""
    NOT_YET = auto()
    """Not before others of its position that are still to come."""


@dataclass(slots=True)
class Group:
    """The steps of one incarnation, by their indices. `restarts`: an abort of it may stand between
    its reads, and it matters where."""

    reads: list[int] = field(default_factory=list)
    publishes: list[int] = field(default_factory=list)
    aborts: list[int] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    restarts: bool = False

    @property
    def work(self) -> list[int]:
        """What the incarnation itself does."""
        return self.reads + self.publishes

    @property
    def size(self) -> int:
        """How many steps there are."""
        return len(self.work) + len(self.aborts) + len(self.commits)


class Plan:
    """A trace with all that is known before a search."""

    def __init__(self, trace: ForeignTrace) -> None:
        self.trace = trace
        self.events = trace.events
        self.after: list[list[int]] = [[] for _ in trace.events]
        for index, before in enumerate(trace.before):
            for one in before:
                self.after[one].append(index)
        self.groups: dict[Key, Group] = {}
        for index, event in enumerate(trace.events):
            self._sort_in(index, event)
        self.incarnations: dict[int, list[int]] = {}
        for position, incarnation in sorted(self.groups):
            self.incarnations.setdefault(position, []).append(incarnation)
        for key, group in self.groups.items():
            group.restarts = bool(group.aborts) and self._order_matters(key, group)
        self.restarts = [key for key, group in self.groups.items() if group.restarts]

    def _sort_in(self, index: int, event: Event) -> None:
        if event.position is None or not event.effect or event.action is Action.VALIDATE:
            return
        group = self.groups.setdefault((event.position, event.incarnation), Group())
        {
            Action.READ: group.reads,
            Action.PUBLISH: group.publishes,
            Action.ABORT: group.aborts,
            Action.COMMIT: group.commits,
        }[event.action].append(index)

    def _order_matters(self, key: Key, group: Group) -> bool:
        """Does it matter when it is aborted? Where it is committed in the end, where it has read
        two versions of a location, and where one abort is before the publish, another after it."""
        if self.committed.get(key[0]) == key[1] or (group.publishes and len(group.aborts) > 1):
            return True
        found = [(self.events[index].location, self.events[index].found) for index in group.reads]
        return len(set(found)) != len({location for location, _ in found})

    @cached_property
    def committed(self) -> dict[int, int]:
        """The incarnation of each position that the trace commits, as far as it says so."""
        named: dict[int, int] = {}
        for event in self.events:
            if event.action is Action.COMMIT and event.position is not None:
                named.setdefault(event.position, event.incarnation)
        if any(event.action is Action.COMMIT and event.position is None for event in self.events):
            for (position, incarnation), group in sorted(self.groups.items(), reverse=True):
                if group.publishes:
                    named.setdefault(position, incarnation)
        return named

    def stands_before(self, one: int, other: int) -> bool:
        """Is step `one` numbered before step `other`, on a worker or by line?"""
        first, second = self.events[one], self.events[other]
        if self.trace.order is LineOrder.TAKEN:
            return one < other
        return first.worker == second.worker and first.own < second.own

    def all_before(self, index: int) -> frozenset[int]:
        """The step and all that came before it, as far as the log says so."""
        found, left = {index}, [index]
        while left:
            new = [one for one in self.trace.before[left.pop()] if one not in found]
            found.update(new)
            left += new
        return frozenset(found)


class Walk:
    """One order of the steps, as far as it goes. `decisions`: where it chooses, the least choice
    that it may take; `chosen`: what it took."""

    def __init__(self, plan: Plan, decisions: Sequence[int] = ()) -> None:
        self.plan, self.decisions = plan, decisions
        self.machine = Machine(plan.trace.transitions, plan.trace.logs)
        self.chosen: list[int] = []
        self.taken = [False] * len(plan.events)
        self.steps = 0
        self.unsure: tuple[Event, Event] | None = None
        self.literal = False
        self._missing = [len(each) for each in plan.trace.before]
        self._reached = [0] * plan.trace.workers
        self._lowest = dict.fromkeys(plan.incarnations, 0)
        self._left = {key: group.size for key, group in plan.groups.items()}
        self._ready = [index for index, count in enumerate(self._missing) if not count]
        self._waiting: dict[int | None, set[int]] = {}
        self._later: set[int] = set()
        self._choices: set[int] = set()

    @property
    def finished(self) -> bool:
        """Are all steps taken?"""
        return self.steps == len(self.taken)

    def waiting(self) -> list[int]:
        """The steps that are next on their workers and objects, and cannot be taken."""
        return sorted(index for some in self._waiting.values() for index in some)

    def left(self, indices: Sequence[int]) -> list[int]:
        """Those of the steps that are still to come."""
        return [index for index in indices if not self.taken[index]]

    @property
    def works(self) -> bool:
        """Is any step still to come that runs an incarnation, or takes it back?"""
        return any(
            not taken and event.action in (Action.READ, Action.PUBLISH, Action.ABORT)
            for taken, event in zip(self.taken, self.plan.events, strict=True)
        )

    def run(self, seen: set[object]) -> list[tuple[int, ...]]:
        """Go on to the end, or until nothing can be taken, or to a state that was `seen` at a
        choice; the decisions that lead to the choices not taken."""
        others: list[tuple[int, ...]] = []
        while True:
            self._take_what_is_ready()
            options = sorted(self._choices, key=self._preference)
            at = len(self.chosen)
            if at >= len(self.decisions) and options:
                state = self._digest()
                if state in seen:
                    return others
                seen.add(state)
            least = self.decisions[at] if at < len(self.decisions) else 0
            choice = next((j for j in range(least, len(options)) if self._try(options[j])), None)
            if choice is None:
                return others
            if at + 1 >= len(self.decisions) and choice + 1 < len(options):
                others.append((*self.chosen, choice + 1))
            self.chosen.append(choice)

    def go_on_literally(self) -> None:
        """Take whatever the machine allows, without a thought of what must still come, so that it
        is the machine that refuses what is left."""
        self.literal = True
        self._wake(*self._waiting)
        self._take_what_is_ready()

    # ---- taking steps -------------------------------------------------------------------------

    def _take_what_is_ready(self) -> None:
        more = True
        while more:
            self._take_ready()
            more = any(map(self._try, sorted(self._later)))
            if not more and not self._choices:
                more = any(map(self._try, sorted(self._waiting.get(None, ()))))

    def _take_ready(self) -> None:
        while self._ready:
            index = heappop(self._ready)
            when = When.NOW if self.literal else self.when(index)
            if when is When.NOW and self._try(index):
                continue
            self._waiting.setdefault(self.plan.events[index].position, set()).add(index)
            if when is When.CHOICE:
                self._choices.add(index)
            elif when is When.LATER:
                self._later.add(index)

    def _try(self, index: int) -> bool:
        event = self.plan.events[index]
        doubt = self._doubt(index, event)
        committed = self.machine.text.committed
        if not self.machine.take(event):
            return False
        self.unsure = self.unsure or doubt
        self._waiting.get(event.position, set()).discard(index)
        self._choices.discard(index)
        self._later.discard(index)
        self.taken[index] = True
        self.steps += 1
        self._reached[event.worker] += 1
        if event.position is not None and event.effect and event.action is not Action.VALIDATE:
            self._left[event.position, event.incarnation] -= 1
        for follower in self.plan.after[index]:
            self._missing[follower] -= 1
            if not self._missing[follower]:
                heappush(self._ready, follower)
        self._wake(event.position)
        if self.machine.text.committed != committed:
            self._wake(self.machine.text.committed)
        return True

    def _wake(self, *positions: int | None) -> None:
        for position in positions:
            if position is not None:
                for index in self._waiting.pop(position, ()):
                    self._choices.discard(index)
                    self._later.discard(index)
                    heappush(self._ready, index)

    def _doubt(self, index: int, event: Event) -> tuple[Event, Event] | None:
        """Does this step, an abort, let a read be forgotten that the log does not place before it,
        of an incarnation that is committed? That read, and the step."""
        position = event.position
        if event.action is not Action.ABORT or position is None or not event.effect:
            return None
        if self.plan.committed.get(position) != event.incarnation:
            return None
        lines = set(self.machine.reads.get(position, {}).values())
        reads = self.plan.groups[position, event.incarnation].reads
        forgotten = [read for read in reads if self.plan.events[read].line in lines]
        if all(self.plan.stands_before(read, index) for read in forgotten):
            return None
        before = self.plan.all_before(index)
        return next(((self.plan.events[r], event) for r in forgotten if r not in before), None)

    # ---- when to take them --------------------------------------------------------------------

    def when(self, index: int) -> When:
        """When a step is to be taken, as far as the trace says what else is still to come."""
        event = self.plan.events[index]
        if event.position is None:
            return When.NOT_YET  # when nothing else is left
        if not event.effect or event.action is Action.COMMIT:
            return When.NOW
        group = self.plan.groups.get((event.position, event.incarnation), Group())
        if event.action is Action.VALIDATE:
            return When.CHOICE if group.restarts and self.left(group.work) else When.NOW
        if self._lowest_left(event.position) < event.incarnation:
            return When.NOT_YET
        if event.action is Action.READ:
            return self._unless_open(index, group.aborts if group.restarts else ())
        if event.action is Action.ABORT:
            return self._when_abort(index, event.position, event.incarnation)
        last = self.plan.committed.get(event.position) == event.incarnation
        unread = self.left(group.reads) or (last and self.left(group.aborts))
        return When.NOT_YET if unread else When.NOW

    def _when_abort(self, index: int, position: int, incarnation: int) -> When:
        group = self.plan.groups[position, incarnation]
        if group.restarts or not self.left(group.work):
            return self._unless_open(index, group.work)
        newer = self.plan.incarnations[position][-1] > incarnation
        logged = Action.ABORT in self.machine.logs
        return When.NOT_YET if newer and logged and self.left(group.publishes) else When.LATER

    def _unless_open(self, index: int, others: Sequence[int]) -> When:
        """Now, if all of the others that are left come later in any case."""
        settled = all(self.plan.stands_before(index, other) for other in self.left(others))
        return When.NOW if settled else When.CHOICE

    def _lowest_left(self, position: int) -> int:
        """The lowest incarnation of which reads, publish, aborts or commits are still to come."""
        incarnations = self.plan.incarnations[position]
        at = self._lowest[position]
        while at < len(incarnations) - 1 and not self._left[position, incarnations[at]]:
            at += 1
        self._lowest[position] = at
        return incarnations[at]

    def _preference(self, index: int) -> tuple[int, int]:
        """Aborts first, so that they take back least; where nothing is committed, last."""
        event = self.plan.events[index]
        assert event.position is not None
        if event.action is Action.ABORT:
            last = self.plan.committed.get(event.position) == event.incarnation
            return (0 if last else 3), index
        return (1 if event.action is Action.READ else 2), index

    def _digest(self) -> object:
        """The state, as far as two orders that have come equally far can differ."""
        return tuple(self._reached), tuple(self._restarted())

    def _restarted(self) -> Iterator[object]:
        for position, incarnation in self.plan.restarts:
            if self.machine.present.get(position) == incarnation:
                reads = self.machine.reads.get(position, {})
                unchecked = self.machine.unchecked(position)
                yield position, frozenset(reads.items()), frozenset(unchecked)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to. `walk` has taken all steps, or shows where the first order that
    was tried ends; `exhausted`: all orders were tried."""

    walk: Walk
    exhausted: bool


def search(trace: ForeignTrace, budget: int = SEARCH_STEPS) -> Found:
    """An order in which all steps are allowed, if there is one."""
    plan = Plan(trace)
    seen: set[object] = set()
    first = Walk(plan)
    orders = first.run(seen)
    unsure = first if first.finished else None
    if first.finished and first.unsure is None:
        return Found(first, True)
    while orders and budget > 0:
        walk = Walk(plan, orders.pop())
        orders += walk.run(seen)
        budget -= walk.steps + 1
        if walk.finished:
            unsure = unsure or walk
            if walk.unsure is None:
                return Found(walk, True)
    if unsure is not None:
        return Found(unsure, not orders)
    if orders:
        first.go_on_literally()
    return Found(first, not orders)

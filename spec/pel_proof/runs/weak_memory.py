"""Which stores of the scheduler have to be seen at once? The text, with store buffers.

The proof assumes sequential consistency: what a step stores, every later step of anybody sees. On
real machines a plain store waits in a buffer of its core, while that core goes on; its own loads
see it, nobody else's do, until it is drained, at the latest by the core's next atomic operation or
fence. `TSO` machines (x86) drain in order, so a later store waits for an earlier one; on `PSO` ones
(and on ARM, as far as stores go) a later store to another place can be seen first. This module lets
chosen actions store like that, and searches a finite scope, exhaustively up to a budget, for a run
that then goes wrong. Where there is one, the step needs a fence (in the terms of Rust, C++ or Java:
a sequentially consistent store where TSO goes wrong, at least a release store before the next one
where only PSO does; or a lock); where the search ends without, it needs none in that scope. Nothing
is said of delayed loads.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias

from pel_proof.runs.text import block_stm_text
from pel_spec.kernel import BEFORE, Disabled, Map, fields
from pel_spec.scheduler.blockstm import ACTIONS, BlockStm
from pel_spec.scheduler.state import At

STORES = (
    *("set_done", "stay", "mark_suspended", "suspend", "write_cell", "remove_cell", "record_done"),
    *("publish", "resume_one", "mark_estimate", "set_ready"),
)
"""The actions that store and need not be atomic: what they overwrite is theirs, or known. All other
actions that change a shared object read it in the same step, so they are atomic, and drain."""


class Order(StrEnum):
    """Whether stores are seen in the order in which their worker made them."""

    TSO = "tso"
    PSO = "pso"


Program: TypeAlias = Callable[[Mapping[Hashable, int]], "Hashable | frozenset[Hashable]"]
"""A transition: from the writers of what it has read so far, the next location, or its writes."""

Store: TypeAlias = tuple[tuple[str, Any, Any], ...]
"""One delayed store: fields, indices and values."""

SHARED = tuple(name for name, field in fields(BlockStm).items() if field.kind == "shared")
GHOSTS = tuple(name for name, field in fields(BlockStm).items() if field.kind == "ghost")
SCRATCH = ("held", "held_inc", "blocking", "lowest", "wrote_new", "writes", "before", "todo")
"""What a worker without a task has no use for: forgotten, so that equal situations are equal."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The state that everybody sees, and what waits in each worker's buffer, oldest first."""

    state: BlockStm
    buffers: tuple[tuple[Store, ...], ...]

    def key(self) -> Hashable:
        """Equal for equal situations."""
        found: list[Hashable] = [self.buffers]
        for name, item in vars(self.state).items():
            if isinstance(item, Map):
                initial = item.initial
                kept = {k: v for k, v in item.values.items() if v != initial}
                found.append((name, frozenset(kept.items())))
            elif isinstance(item, int):
                found.append((name, item))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has found: a run that goes wrong, step by step, or how far it has looked."""

    delayed: frozenset[str]
    run: tuple[str, ...]
    wrong: str
    situations: int
    exhausted: bool


def search(
    programs: Sequence[Program],
    locations: Sequence[Hashable],
    workers: int,
    delayed: frozenset[str],
    budget: int,
    order: Order = Order.TSO,
) -> Outcome:
    """Look for the shortest run that goes wrong when the stores of `delayed` may wait. It looks at
    no more than `budget` situations."""
    first = Situation(BlockStm(len(programs), workers, locations), ((),) * workers)
    came: dict[Hashable, tuple[Hashable | None, str]] = {first.key(): (None, "")}
    queue = deque([first])
    while queue:
        here = queue.popleft()
        key = here.key()
        following = list(_following(here, programs, delayed, order))
        wrong = _wrong(here, not following)
        if wrong:
            return Outcome(delayed, _run(came, key), wrong, len(came), False)
        for step, after in following:
            reached = after.key()
            if reached not in came:
                if len(came) >= budget:
                    return Outcome(delayed, (), "", len(came), False)
                came[reached] = (key, step)
                queue.append(after)
    return Outcome(delayed, (), "", len(came), True)


def _run(
    came: Mapping[Hashable, tuple[Hashable | None, str]], key: Hashable | None
) -> tuple[str, ...]:
    steps = []
    while key is not None:
        key, step = came[key]
        steps.append(step)
    return tuple(reversed(steps[:-1]))


def _wrong(here: Situation, stuck: bool) -> str:
    """What is wrong with a situation, if anything."""
    s = here.state
    if not s.one_executor():
        return "two workers execute one position"
    if not stuck:
        return ""
    if any(s.pc[w] != At.ENDED for w in s.workers):
        return "no worker can go on, and the block is not done"
    for i in s.positions:
        if not s.finished(i):
            return f"the block is done, and position {i} is not executed"
        if any(s.reads[i, s.inc[i], x] and not s.still_valid(i, s.inc[i], x) for x in s.locations):
            return f"the block is done, and position {i} has read what is not there"
    return ""


def _following(
    here: Situation, programs: Sequence[Program], delayed: frozenset[str], order: Order
) -> Iterator[tuple[str, Situation]]:
    """All next steps: a worker's action, or the draining of its oldest store."""
    for w in here.state.workers:
        if here.buffers[w]:
            drained = here.state.copy()
            _apply(drained, here.buffers[w][0])
            yield f"worker {w}: its store is seen", _buffered(here, drained, w, here.buffers[w][1:])
        for name, arguments in _moves(here, w, programs):
            after = _take(here, w, name, arguments, delayed, order)
            if after is not None:
                told = ", ".join(map(str, arguments))
                yield f"worker {w}: {name}({told})", after


def _take(
    here: Situation,
    w: int,
    name: str,
    arguments: tuple[Any, ...],
    delayed: frozenset[str],
    order: Order,
) -> Situation | None:
    """Where an action leads: from what its worker sees, which is its own stores and what is seen by
    all. `None`: not enabled, or its buffer has to drain first."""
    waiting = here.buffers[w]
    seen = here.state
    if waiting:
        seen = here.state.copy()
        for store in waiting:
            _apply(seen, store)
    after = seen.copy()
    try:
        ACTIONS[name](after, w, *arguments)
    except Disabled:
        return None
    _forget(after, w)
    if not waiting and name not in delayed:
        return Situation(after, here.buffers)
    changed = _changed(seen, after)
    private = _private(here.state, after)
    if not changed or name in delayed:
        return _buffered(here, private, w, (*waiting, changed) if changed else waiting)
    if order is Order.TSO or name not in STORES or _same_place(changed, waiting):
        return None
    _apply(private, changed)
    return _buffered(here, private, w, waiting)


def _same_place(store: Store, waiting: tuple[Store, ...]) -> bool:
    """Two stores to one place are seen in order on every machine."""
    places = {(name, key) for earlier in waiting for name, key, _ in earlier}
    return any((name, key) in places for name, key, _ in store)


def _buffered(here: Situation, state: BlockStm, w: int, buffer: tuple[Store, ...]) -> Situation:
    """The same buffers but for one."""
    return Situation(state, (*here.buffers[:w], buffer, *here.buffers[w + 1 :]))


def _private(seen_by_all: BlockStm, after: BlockStm) -> BlockStm:
    """What is the worker's own from `after`, and what is shared as everybody sees it."""
    made: BlockStm = after.copy()
    for name in SHARED:
        item = getattr(seen_by_all, name)
        setattr(made, name, item.copy() if isinstance(item, Map) else item)
    return made


def _changed(before: BlockStm, after: BlockStm) -> Store:
    """What of the shared state is another."""
    found: list[tuple[str, Any, Any]] = []
    for name in SHARED:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(new, Map):
            found += [(name, k, v) for k, v in new.values.items() if old[k] != v]
        elif old != new:
            found.append((name, None, new))
    return tuple(found)


def _apply(state: BlockStm, store: Store) -> None:
    for name, key, value in store:
        if key is None:
            setattr(state, name, value)
        else:
            getattr(state, name)[key] = value


def _forget(state: BlockStm, w: int) -> None:
    """Drop what nobody will look at: ghosts, and what a worker without a task still holds."""
    for name in GHOSTS:
        item = getattr(state, name)
        item.values.clear()
    if state.pc[w] < At.VAL_FETCH:
        for name in SCRATCH:
            item = getattr(state, name)
            for key in [k for k in item.values if k == w or (type(k) is tuple and k[0] == w)]:
                del item.values[key]
        if state.pc[w] != At.PREFER_EXEC:
            state.preferred[w] = 0
        if not At.CD_EXEC <= state.pc[w] <= At.CD_AGAIN:
            state.observed[w] = 0


def _moves(
    here: Situation, w: int, programs: Sequence[Program]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The actions that may come next for a worker, with their arguments."""
    s = here.state
    at, i = s.pc[w], s.held[w]
    if at == At.EXECUTE:
        c = s.held_inc[w]
        read = {x: s.source[i, c, x] for x in s.locations if s.reads[i, c, x]}
        wanted = programs[i](read)
        if isinstance(wanted, frozenset):
            yield "load_written", (wanted,)
        else:
            yield from (("read_cell", (wanted, k)) for k in range(BEFORE, i))
        return
    for name in standing().get(at, ()):
        if name in ("write_cell", "remove_cell", "mark_estimate"):
            yield from ((name, (x,)) for x in s.locations)
        elif name == "check_read":
            yield from ((name, (x, k)) for x in s.locations for k in range(BEFORE, i))
        elif name == "resume_one":
            yield from ((name, (k,)) for k in s.positions)
        else:
            yield name, ()


@cache
def standing() -> Mapping[At, tuple[str, ...]]:
    """The actions that can come where a worker stands, but for the rolling commit, which nobody has
    to take."""
    return {
        at: tuple(name for name in names if not name.startswith("commit"))
        for at, names in block_stm_text().standing.items()
    }

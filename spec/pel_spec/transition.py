"""The transition protocol: what a block is made of, and what a step of it may do.

A block is a *list of transitions*: system calls before, the transactions, withdrawals and requests
after. Executors know no more about a transition than this file says, so they run the EVM and a
tiny key-value machine alike. Three laws carry everything else:

- a transition learns about shared state only through `View.read`, and is a function of what it
  read there (the proof's only assumption on the EVM; `pel footprint` tests it);
- all its effects are the returned writes, each the full value of a simple location;
- whatever it returns is provisional until validated: a speculative view can be inconsistent, so
  an invalid nonce, a negative balance or an exception is an outcome like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pel_spec.vocabulary import Location, Read, Value, Version


class Kind(StrEnum):
    """What a transition is, for people; scheduling does not depend on it."""

    SYSTEM = "system"
    TRANSACTION = "transaction"
    WITHDRAWALS = "withdrawals"
    REWARDS = "rewards"
    REQUESTS = "requests"


class Suspend(BaseException):
    """A read met an ESTIMATE of the transition at position `blocking`: this incarnation cannot go
    on. Not an `Exception`, because interpreters swallow those (`except Exception: continue`)."""

    def __init__(self, blocking: int) -> None:
        super().__init__(blocking)
        self.blocking = blocking


class View(Protocol):
    """What a transition sees of the shared memory."""

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        """The value of `location` and the version that it comes from.

        Repeated reads within one incarnation give the same answer. A transition does not see its
        own writes here: it keeps those to itself until it returns. Composite reads decide between
        several locations by comparing `Version.position`.

        Raises: `Suspend`, which a transition must let pass.
        """
        ...


@dataclass(frozen=True, slots=True)
class Effects:
    """What one incarnation did.

    `writes` are in the order in which the locations were first written. `outcome` is what the
    transition reports (a receipt, a rejection), compared by equality. `fault` is an internal error:
    it says that the code failed, not the transaction; one that survives validation makes the run
    a failed run, even when every executor has the same.
    """

    writes: Mapping[Location, Value]
    outcome: object = None
    fault: str | None = None


class Transition(Protocol):
    """One element of a block; its position is its index in the block's list."""

    @property
    def kind(self) -> Kind: ...

    @property
    def tx_index(self) -> int | None:
        """The 0-based index among the block's transactions, for people; `None` for the others."""
        ...

    def run(self, view: View, workspace: Any) -> Effects:
        """Execute once over `view`. `workspace` is the worker's own, from `workspace()`; nothing
        in it may carry over from one call to the next."""
        ...


class TransitionBlock(Protocol):
    """A block as executors see it."""

    @property
    def transitions(self) -> Sequence[Transition]: ...

    def initial(self, location: Location) -> Value:
        """The value of `location` before the block; total, and never changing."""
        ...

    def workspace(self) -> Any:
        """Fresh scratch space for one worker (an interpreter, say)."""
        ...


@dataclass(slots=True)
class RecordedView:
    """A view that records: the first read of a location is answered by `lookup` and kept, later
    ones repeat it, so one incarnation never sees two versions of one location."""

    lookup: Callable[[Location], tuple[Value, Version]]
    reads: dict[Location, Read] = field(default_factory=dict)

    def read(self, location: Location, predicate: str | None = None) -> tuple[Value, Version]:
        known = self.reads.get(location)
        if known is None:
            value, version = self.lookup(location)
            self.reads[location] = Read(location, value, version, predicate)
            return value, version
        assert known.version is not None
        return known.value, known.version


def run_contained(transition: Transition, view: View, workspace: Any) -> Effects:
    """Run a transition; an exception becomes an effect without writes, provisional like any other.

    Raises: what is not an `Exception` (`Suspend`, an interruption).
    """
    try:
        return transition.run(view, workspace)
    except Exception as error:
        return Effects(writes={}, fault=f"{type(error).__name__}: {error}")

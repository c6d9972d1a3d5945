"""The scheduler's shared objects. Each method is the body of a step: one look or one change."""

from enum import StrEnum

from pel_parallel.sync import SharedObject


class State(StrEnum):
    """Where a transition stands.

    ready --> executing --> executed --> aborting --+
      ^           |                                 |
      |           +--> aborting (suspended) --+     |
      +--- next incarnation ------------------+-----+
    """

    READY = "ready"
    EXECUTING = "executing"
    EXECUTED = "executed"
    ABORTING = "aborting"


class Number(SharedObject):
    """A shared integer."""

    __slots__ = ("value",)

    def __init__(self, name: str) -> None:
        super().__init__((name,))
        self.value = 0

    def load(self) -> int:
        """The value."""
        return self.value

    def increment(self) -> int:
        """Add one; the value before."""
        before = self.value
        self.value = before + 1
        return before

    def decrement(self) -> None:
        """Subtract one."""
        self.value -= 1

    def lower(self, bound: int) -> None:
        """Make it at most `bound`."""
        self.value = min(self.value, bound)


class Flag(SharedObject):
    """A shared flag that is raised once."""

    __slots__ = ("raised",)

    def __init__(self, name: str) -> None:
        super().__init__((name,))
        self.raised = False

    def load(self) -> bool:
        """Whether it is raised."""
        return self.raised

    def store(self) -> None:
        """Raise it."""
        self.raised = True


class Status(SharedObject):
    """State and incarnation of a transition, always looked at and changed together."""

    __slots__ = ("incarnation", "state")

    def __init__(self, position: int) -> None:
        super().__init__(("status", position))
        self.incarnation, self.state = 0, State.READY

    def start(self) -> int | None:
        """Execute it if it is ready: its incarnation, or `None`."""
        if self.state is not State.READY:
            return None
        self.state = State.EXECUTING
        return self.incarnation

    def executed_incarnation(self) -> int | None:
        """Its incarnation if that is executed."""
        return self.incarnation if self.state is State.EXECUTED else None

    def is_executed(self) -> bool:
        """Whether it is executed."""
        return self.state is State.EXECUTED

    def publish(self) -> None:
        """It is executed."""
        self.state = State.EXECUTED

    def suspend(self) -> None:
        """It waits for another transition, and has no effects."""
        self.state = State.ABORTING

    def try_abort(self, incarnation: int) -> bool:
        """Abort `incarnation`, if it is still the one that is executed."""
        if self.state is not State.EXECUTED or self.incarnation != incarnation:
            return False
        self.state = State.ABORTING
        return True

    def make_ready(self) -> None:
        """Ready for its next incarnation."""
        self.incarnation, self.state = self.incarnation + 1, State.READY


class Dependents(SharedObject):
    """The transitions that wait for one to execute, and the lock that keeps a wake-up from being
    lost between the look at the blocking transition and the entry in its list.

    That lock is held from one step to a later one, so it is a field and not the runtime's lock.
    """

    __slots__ = ("locked", "waiting")

    def __init__(self, position: int) -> None:
        super().__init__(("dependents", position))
        self.locked = False
        self.waiting: list[int] = []

    def is_free(self) -> bool:
        """Whether the list can be locked, or taken."""
        return not self.locked

    def lock_list(self) -> None:
        """Lock the list."""
        self.locked = True

    def unlock(self) -> None:
        """Unlock the list as it is."""
        self.locked = False

    def add_and_unlock(self, position: int) -> None:
        """List `position`, and unlock."""
        self.waiting.append(position)
        self.locked = False

    def take(self) -> tuple[int, ...]:
        """Empty the list; who was in it, in the order of their coming."""
        taken, self.waiting = tuple(self.waiting), []
        return taken

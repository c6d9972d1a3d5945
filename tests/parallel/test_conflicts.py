"""Steps that are said to commute do: what only looks changes nothing of what it looks at."""

from collections.abc import Callable
from typing import Any, TypeVar

from pel_parallel.choices import RandomWalk
from pel_parallel.conflicts import LOOKS_AT, conflict
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.sync import SharedObject
from pel_spec.fold import agree, fold

T = TypeVar("T")
RUNTIMES = frozenset(SharedObject.__slots__)


def content(obj: SharedObject) -> dict[str, str]:
    """What an object holds, but for what the runtimes keep there."""
    slots = {slot for base in type(obj).__mro__ for slot in getattr(base, "__slots__", ())}
    return {slot: repr(getattr(obj, slot)) for slot in slots - RUNTIMES}


class Watching(GreenletController):
    """Notes which actions ever change their object."""

    def __init__(self, seed: int) -> None:
        super().__init__(RandomWalk(seed, 0.3))
        self.taken: set[str] = set()
        self.changing: set[str] = set()

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        """Take it, and compare."""

        def watched() -> T:
            before = content(obj)
            result = body()
            self.taken.add(action)
            if content(obj) != before:
                self.changing.add(action)
            return result

        return super().step(worker, action, args, obj, watched, enabled)


def test_what_looks_changes_nothing_and_what_changes_is_no_look(chain: Any) -> None:
    taken, changing = set[str](), set[str]()
    for seed in range(300):
        watching = Watching(seed)
        run = run_block(chain, workers=3, runtime=watching)
        assert agree(run.result, fold(chain)[0])
        taken |= watching.taken
        changing |= watching.changing
    assert taken > LOOKS_AT
    assert changing & LOOKS_AT == set()
    assert taken - LOOKS_AT - changing <= {"end_worker", "start_worker"}


def test_conflict_is_of_one_object_and_needs_a_change() -> None:
    write, read = ("write_cell", (0, 0), ("cell", "x")), ("read_cell", (1,), ("cell", "x"))
    elsewhere = ("write_cell", (0, 0), ("cell", "y"))
    assert conflict(write, read) and conflict(read, write) and conflict(write, write)
    assert not conflict(read, read)
    assert not conflict(write, elsewhere) and not conflict(read, elsewhere)
    assert conflict(("theirs", (), ("cell", "x")), read), "nothing is known of another's action"

"""One step, one shared object: no shared field is touched outside a step, or in another's step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import Executor, run_block
from pel_parallel.greenlets import GreenletController
from pel_parallel.memory import Cell, Memory, Record
from pel_parallel.scheduler import Scheduler
from pel_parallel.shared import Dependents, Flag, Number, Status
from pel_parallel.sync import SharedObject
from pel_spec.scheduler.blockstm import ACTIONS

T = TypeVar("T")
KINDS = (Cell, Record, Number, Flag, Status, Dependents)


class Trespass(BaseException):
    """A shared field was touched where it must not be."""


class Guarded(GreenletController):
    """Knows which object the step that is being taken may touch."""

    open_object: SharedObject | None = None

    def step(
        self,
        worker: int,
        action: str,
        args: tuple[Any, ...],
        obj: SharedObject,
        body: Callable[[], T],
        enabled: Callable[[], bool] | None = None,
    ) -> T:
        assert action in ACTIONS
        allowed = None if enabled is None else lambda: self.touch(obj, enabled)
        return super().step(worker, action, args, obj, lambda: self.touch(obj, body), allowed)

    def touch(self, obj: SharedObject, function: Callable[[], T]) -> T:
        before, Guarded.open_object = Guarded.open_object, obj
        try:
            return function()
        finally:
            Guarded.open_object = before


@contextmanager
def fields_are_guarded() -> Iterator[None]:
    """Make every field of every shared object check that its object is open."""
    originals = [(kind, name, kind.__dict__[name]) for kind in KINDS for name in kind.__slots__]

    def guard(slot: Any) -> property:
        def check(obj: SharedObject) -> None:
            if Guarded.open_object is not obj:
                raise Trespass(f"a field of {obj.name} outside a step on it")

        def get(obj: SharedObject) -> Any:
            check(obj)
            return slot.__get__(obj)

        def put(obj: SharedObject, value: Any) -> None:
            check(obj)
            slot.__set__(obj, value)

        return property(get, put)

    for kind, name, slot in originals:
        setattr(kind, name, guard(slot))
    try:
        yield
    finally:
        for kind, name, slot in originals:
            setattr(kind, name, slot)


@pytest.fixture
def guarded_making(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let objects be made, and the result be read when all workers have ended."""

    def opening(function: Callable[..., T]) -> Callable[..., T]:
        def opened(obj: SharedObject, *args: Any) -> T:
            before, Guarded.open_object = Guarded.open_object, obj
            try:
                return function(obj, *args)
            finally:
                Guarded.open_object = before

        return opened

    for kind in KINDS:
        monkeypatch.setattr(kind, "__init__", opening(kind.__init__))
    for name in ("result", "history"):
        monkeypatch.setattr(Executor, name, lambda self: None)


@pytest.mark.usefixtures("guarded_making")
def test_every_access_is_inside_a_step_on_that_object(
    drawn_blocks: tuple[TinyBlock, ...],
) -> None:
    with fields_are_guarded():
        for seed, block in enumerate(drawn_blocks[:100]):
            run_block(block, workers=3, runtime=Guarded(RandomWalk(seed, 0.3)))


@pytest.mark.usefixtures("guarded_making")
@pytest.mark.parametrize(
    ("owner", "method", "substitute"),
    [
        (Scheduler, "load_done", lambda self, worker: self.done.raised),
        (Memory, "read_cell", lambda self, worker, at, where: self.cell(where).newest_below(at)),
        (
            Scheduler,
            "cd_num_active",
            lambda self, worker: self.seam.step(
                worker, "cd_num_active", (), self.dec_cnt, self.num_active.load
            ),
        ),
    ],
)
def test_trespass_is_seen(
    chain: TinyBlock,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    substitute: Callable[..., Any],
) -> None:
    monkeypatch.setattr(owner, method, substitute)
    with fields_are_guarded(), pytest.raises(Trespass):
        run_block(chain, workers=2, runtime=Guarded())

"""The stress lane on plain threads: it interrupts between instructions, and only our own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_parallel import stress
from pel_parallel.batons import BatonController
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.memory import Cell, Memory
from pel_parallel.stress import OURS, OpcodeStress
from pel_spec.fold import agree, fold
from pel_spec.vocabulary import Location

RUNS = 2_000
"""More by far than the stress lane needs for a race: it is seen in one of fifteen runs."""


@pytest.fixture
def cells_made_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a cell is there is asked first, and one is made afterwards, outside of any step."""

    def cell(self: Memory, location: Location) -> Cell:
        if location not in self.cells:
            self.cells[location] = Cell(location)
        return self.cells[location]

    monkeypatch.setattr(Memory, "cell", cell)


def goes_wrong(block: TinyBlock, runtime: OpcodeStress | BatonController) -> bool:
    expected = fold(block)[0]
    try:
        return not agree(expected, run_block(block, workers=3, runtime=runtime).result)
    except (ValueError, KeyError):  # two objects of one name: the log contradicts itself
        return True


def test_a_healthy_executor_stays_right(chain: TinyBlock) -> None:
    assert not any(goes_wrong(chain, OpcodeStress(seed)) for seed in range(20))


@pytest.mark.usefixtures("cells_made_twice")
def test_it_finds_what_lies_between_the_points(chain: TinyBlock) -> None:
    assert any(goes_wrong(chain, OpcodeStress(seed)) for seed in range(RUNS))


@pytest.mark.usefixtures("cells_made_twice")
def test_a_controller_cannot(chain: TinyBlock) -> None:
    walks = (RandomWalk(seed, 0.5) for seed in range(100))
    assert not any(goes_wrong(chain, BatonController(walk)) for walk in walks)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Path]]:
    """The files whose code was interrupted."""
    seen = set()

    def look(_: float) -> None:
        seen.add(Path(sys._getframe(2).f_code.co_filename))

    monkeypatch.setattr(stress, "sleep", look)
    yield seen


def test_it_interrupts_the_executor_and_nothing_else(
    chain: TinyBlock, interrupted: set[Path]
) -> None:
    run_block(chain, workers=2, runtime=OpcodeStress(1, share=1.0))
    assert {path.parent for path in interrupted} == {Path(OURS)}
    assert {"executor.py", "scheduler.py", "memory.py", "shared.py"} <= {
        p.name for p in interrupted
    }


def test_a_thread_is_left_as_it_was(chain: TinyBlock) -> None:
    """Pooled threads serve other runs afterwards."""
    found: list[object] = []

    class Spy(OpcodeStress):
        def _work(self, worker: int, body: Callable[[int], None]) -> None:
            super()._work(worker, body)
            found.append(sys.gettrace())

    run_block(chain, workers=2, runtime=Spy(1))
    assert len(found) == 2
    assert not any("_interruptions" in repr(each) for each in found)

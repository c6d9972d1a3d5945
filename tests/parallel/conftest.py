"""Blocks and runtimes that the tests of the executor share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_fuzz.workloads.draws import draw_case
from pel_parallel.batons import BatonController
from pel_parallel.control import Controller
from pel_parallel.greenlets import GreenletController
from pel_spec.transition import Effects, Kind, View
from pel_spec.vocabulary import Location, Value

Body: TypeAlias = Callable[[View], Effects]
MakeBlock: TypeAlias = Callable[[Iterable[Body]], Any]


@dataclass(frozen=True, slots=True)
class FunctionTransition:
    """A transition that is a Python function of its view."""

    function: Body
    kind: Kind = Kind.TRANSACTION
    tx_index: int | None = None

    def run(self, view: View, workspace: Any) -> Effects:
        return self.function(view)


@dataclass(slots=True)
class FunctionBlock:
    """A block of functions; every location holds 0 before it."""

    transitions: Sequence[FunctionTransition]
    workspaces: list[object] = field(default_factory=list)

    def initial(self, location: Location) -> Value:
        return 0

    def workspace(self) -> object:
        made = object()
        self.workspaces.append(made)
        return made


@pytest.fixture
def block_of() -> MakeBlock:
    """Makes a block of functions."""
    return lambda functions: FunctionBlock([FunctionTransition(each) for each in functions])


@pytest.fixture(scope="session")
def drawn_blocks() -> tuple[TinyBlock, ...]:
    """A fixed sample of contended blocks."""
    return tuple(draw_case(tiny_blocks(), 20261121, index).value for index in range(300))


@pytest.fixture(scope="session")
def chain() -> TinyBlock:
    """Four transitions, each of which reads what the one before it has written."""
    links = [((0,), (0,)), ((0,), (0, 1)), ((1,), (1, 2)), ((2,), (0,))]
    return TinyBlock(
        tuple(
            (*(("get", cell) for cell in reads), *(("put", cell) for cell in writes))
            for reads, writes in links
        )
    )


@pytest.fixture(params=[GreenletController, BatonController])
def controller(request: pytest.FixtureRequest) -> type[Controller]:
    """Both ways of passing control."""
    found: type[Controller] = request.param
    return found

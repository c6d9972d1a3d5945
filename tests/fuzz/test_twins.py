"""A transition that carries something over between incarnations is caught by its twin."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from pel_fuzz.tiny import TinyBlock
from pel_fuzz.twins import Leak, twin
from pel_spec.fold import agree, fold
from pel_spec.transition import Effects, Kind, View
from pel_spec.vocabulary import Location, Value


@dataclass
class Leaky:
    """Writes how often its workspace was used: a state that is carried over."""

    kind = Kind.TRANSACTION
    tx_index = 3

    def run(self, view: View, workspace: list[int]) -> Effects:
        workspace.append(1)
        return Effects({("cell", 0): len(workspace)})


@dataclass
class LeakyBlock:
    transitions: Sequence[Leaky] = field(default_factory=lambda: (Leaky(), Leaky()))

    def initial(self, location: Location) -> Value:
        return 0

    def workspace(self) -> list[int]:
        return []


@dataclass
class ReadsMore(Leaky):
    """Reads another location when its workspace is used again."""

    def run(self, view: View, workspace: list[int]) -> Effects:
        workspace.append(1)
        view.read(("cell", min(1, len(workspace) - 1)))
        return Effects({})


def test_a_block_without_leaks_means_the_same() -> None:
    block = TinyBlock(((("add", 0, 1),), (("add", 0, 2), ("copy", 0, 1))))
    assert agree(fold(block)[0], fold(twin(block))[0])


def test_a_leak_is_caught_with_the_transaction_that_shows_it() -> None:
    with pytest.raises(Leak) as caught:
        fold(twin(LeakyBlock()))
    assert caught.value.position == 1
    assert caught.value.kept != caught.value.fresh


def test_reading_something_else_on_fresh_objects_is_a_leak() -> None:
    with pytest.raises(Leak):
        fold(twin(LeakyBlock((ReadsMore(), ReadsMore()))))

"""Contention on storage slots: counters, ranges, places that depend on what is in other places."""

from pel_fuzz.workloads.landmarks import place_cells
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.programs import run_program
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.world import ETHER_WEI, RICH_WEI

SLOTS = 8
SUPPLY = 5
THRESHOLDS_WEI = (RICH_WEI, 1, ETHER_WEI)
"""Of which the first tells whether a rich actor has paid or been paid already."""


def _cells(scene: Scene) -> bytes:
    return place_cells(scene.world)


def _slot(scene: Scene) -> int:
    return scene.pick.below(SLOTS)


def take(scene: Scene) -> None:
    """A number from a counter that everybody uses."""
    scene.tag("counter")
    scene.call("counter", "take")


def take_limited(scene: Scene) -> None:
    """A number from a counter that runs out."""
    scene.tag("limited-counter")
    counter = scene.world.place("limited_counter", {1: SUPPLY})
    scene.call("limited_counter", "take", at=counter)


def set_slot(scene: Scene) -> None:
    """A blind write; 0 clears the slot, which is refunded."""
    scene.tag("slot-write")
    scene.call("cells", "set", _slot(scene), scene.pick.below(3), at=_cells(scene))


def add_slot(scene: Scene) -> None:
    """A read and a write of the same slot."""
    scene.tag("slot-update")
    scene.call("cells", "add", _slot(scene), 1 + scene.pick.below(2), at=_cells(scene))


def fill(scene: Scene) -> None:
    """Blind writes of a range; 0 clears it."""
    scene.tag("range-write")
    arguments = (_slot(scene), 1 + scene.pick.below(4), scene.pick.below(2))
    scene.call("cells", "fill", *arguments, at=_cells(scene))


def total(scene: Scene) -> None:
    """Reads a range, and stores what it comes to."""
    scene.tag("range-read")
    scene.call("cells", "sum", _slot(scene), 2 + scene.pick.below(5), at=_cells(scene))


def look(scene: Scene) -> None:
    """Reads a range and only logs what it comes to: no state shows what was read."""
    scene.tag("read-only")
    scene.call("cells", "read", _slot(scene), 2 + scene.pick.below(5), at=_cells(scene))


def push(scene: Scene) -> None:
    """Writes the slot that another slot names."""
    scene.tag("indirect-write")
    scene.call("cells", "push", _slot(scene), at=_cells(scene))


def chase(scene: Scene) -> None:
    """Reads slots that name one another."""
    scene.tag("indirect-read")
    scene.call("cells", "chase", 1 + scene.pick.below(6), at=_cells(scene))


def by_balance(scene: Scene) -> None:
    """Writes the slot whose number is an account's balance."""
    scene.tag("place-depends-on-balance")
    run_program(scene, "balance-slot", scene.place())


def by_wealth(scene: Scene) -> None:
    """Creates an account where another one is rich, writes a slot where it is not."""
    scene.tag("creation-depends-on-balance")
    run_program(scene, "conditional-creation", scene.place(), scene.pick.of(THRESHOLDS_WEI))


def read_conditionally(scene: Scene) -> None:
    """Reads a slot, and then another one or none, depending on what the first one holds."""
    scene.tag("indirect-read")
    run_program(scene, "conditional-read", scene.pick.below(5))


def log(scene: Scene) -> None:
    """Logs the gas around a read of a contended slot."""
    topics = scene.pick.below(5)
    scene.tag("gas-is-seen")
    scene.call("logger", f"log{topics}", _slot(scene), *range(1, topics + 1), gas=CALL_GAS)


def measure(scene: Scene) -> None:
    """Stores what it costs to look at a place."""
    scene.tag("gas-is-seen")
    scene.call("gas_meter", "measure", scene.place(), _slot(scene))


THEME = Theme(
    "cells",
    (
        Operation(take, weight=3),
        Operation(add_slot, weight=3),
        Operation(set_slot, weight=2),
        Operation(total, weight=2),
        Operation(look, weight=2),
        Operation(push, weight=3),
        Operation(chase, weight=3),
        Operation(fill),
        Operation(take_limited, weight=2),
        Operation(by_balance, weight=2),
        Operation(by_wealth, weight=2),
        Operation(read_conditionally, weight=2),
        Operation(log, weight=2),
        Operation(measure),
    ),
    weight=3,
)

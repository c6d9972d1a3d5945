"""Calls within calls: what is undone at which depth, and whose storage is whose."""

from pel_fuzz.contracts import PRECOMPILES, call_data
from pel_fuzz.contracts.corners.calls import (
    FAILS,
    IMPLEMENTATION_SLOT,
    NEVER,
    REVERTS,
    SPINS,
)
from pel_fuzz.workloads.landmarks import place_cells
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Call, Scene
from pel_fuzz.workloads.world import build_for, is_since

_PROXIES = (
    ("call_proxy", "proxy-call"),
    ("failing_proxy", "undone-by-failure"),
    ("callcode_proxy", "foreign-code-on-own-storage"),
    ("delegate_proxy", "foreign-code-on-own-storage"),
    ("reverting_proxy", "undone-by-revert"),
    ("static_proxy", "static-call"),
)
_MANNERS = (
    (REVERTS, "reverts-in-depth"),
    (FAILS, "fails-in-depth"),
    (SPINS, "out-of-gas-in-depth"),
)
_SLOW = frozenset({"bn_pairing", "point_evaluation", "bls_map_to_g2"})
"""Take py-evm a second or so: only ever called with input that they refuse at once."""
_DEEPEST = 3
SPIN_GAS = 90_000
"""A loop until the end of the gas takes its time to run."""


def _earlier(scene: Scene) -> Call:
    """A call that was sent before, or one of a counter."""
    if scene.calls:
        return scene.calls[-1 - scene.pick.below(8) % len(scene.calls)]
    return Call(scene.world.place("counter"), b"", 0, CALL_GAS)


def _wrapped(scene: Scene, inner: Call) -> Call:
    """The same call, made by a proxy of some kind."""
    proxies = [proxy for proxy in _PROXIES if scene.can_run(proxy[0])]
    name, feature = scene.pick.of(proxies)
    scene.tag(feature)
    data = call_data(build_for(scene.fork, name), "call", inner.to, inner.data)
    return Call(scene.world.place(name), data, inner.value, inner.gas + CALL_GAS)


def through_proxy(scene: Scene) -> None:
    """An earlier call again, through a proxy, which may undo it."""
    call = _wrapped(scene, _earlier(scene))
    scene.send(call.to, call.value, call.data, gas=call.gas)


def through_two(scene: Scene) -> None:
    """An earlier call again, through two proxies, either of which may undo it."""
    scene.tag("nested-proxies")
    call = _wrapped(scene, _wrapped(scene, _earlier(scene)))
    scene.send(call.to, call.value, call.data, gas=call.gas)


def recurse(scene: Scene) -> None:
    """A recursion that writes at each level and ends badly at one, or at none."""
    depth = scene.pick.below(_DEEPEST + 1)
    failing = scene.pick.below(_DEEPEST + 1)
    level = min(failing - 1, depth) if failing else NEVER
    manner, feature = scene.pick.of(_MANNERS)
    name = "recursor"
    if not scene.can_run(name):
        name, feature = "recursor_frontier", feature.replace("reverts", "fails")
    scene.tag("recursion", *((feature,) if level <= depth else ()))
    gas = SPIN_GAS if manner == SPINS else 3 * CALL_GAS
    scene.call(name, "recurse", depth, level, manner, gas=gas)


def burn_gas(scene: Scene) -> None:
    """A loop that stops at a certain amount of gas, so that gas decides what is written."""
    scene.tag("gas-is-seen")
    scene.call("burner", "burn", scene.pick.of((30_000, 25_000, 10_000)), gas=50_000)


def call_precompile(scene: Scene) -> None:
    """A precompiled contract, with input that it accepts or with less than that."""
    known = [p for p in PRECOMPILES.values() if is_since(scene.fork, p.first_fork)]
    precompile = scene.pick.of(known)
    data = precompile.valid_input
    if scene.pick.once_in(4) or precompile.name in _SLOW:
        data = data[: len(data) // 2]
    scene.tag("precompile")
    scene.call("precompile_caller", "call", precompile.address, data, gas=4 * CALL_GAS)


def _upgradeable(scene: Scene) -> bytes:
    cells = place_cells(scene.world)
    return scene.world.place(
        "upgradeable_proxy", {IMPLEMENTATION_SLOT: int.from_bytes(cells, "big"), 0: 2}
    )


def through_upgradeable(scene: Scene) -> None:
    """A call of whatever code a slot names at that moment."""
    scene.tag("code-depends-on-slot")
    data = call_data(build_for(scene.fork, "cells"), "push", scene.pick.below(5))
    scene.send(_upgradeable(scene), 0, data, gas=CALL_GAS)


def upgrade(scene: Scene) -> None:
    """Another implementation behind the proxy, or the same one again."""
    scene.tag("code-depends-on-slot")
    target = scene.world.place(scene.pick.of(("cells", "counter", "receiver")))
    arguments = (IMPLEMENTATION_SLOT, int.from_bytes(target, "big"))
    data = call_data(build_for(scene.fork, "cells"), "set", *arguments)
    scene.send(_upgradeable(scene), 0, data, gas=CALL_GAS)


def lock(scene: Scene) -> None:
    """A lock in transient storage: alone, against itself, and through another contract."""
    scene.tag("transient-storage")
    place = scene.world.place("transient")
    target = scene.pick.of((bytes(20), place, scene.world.place("call_proxy")))
    scene.call("transient", "enter", target, at=place)


THEME = Theme(
    "depths",
    (
        Operation(through_proxy, weight=5),
        Operation(recurse, weight=5),
        Operation(through_two, weight=2),
        Operation(burn_gas),
        Operation(call_precompile, weight=2),
        Operation(through_upgradeable, weight=2, first_fork="Byzantium"),
        Operation(upgrade, first_fork="Byzantium"),
        Operation(lock, weight=3, first_fork="Cancun"),
    ),
    weight=3,
)

"""Blob transactions (EIP-4844), and the race for the block's blob gas."""

from dataclasses import replace

from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import Style, with_blobs
from pel_fuzz.workloads.world import Actor
from pel_reference.block import Transaction

_STYLES = (Style(2, "Cancun"), Style(2, "Cancun", tip_wei=0))
COMMITMENT_VERSION = 1


def write_blobs(scene: Scene, by: Actor, count: int, to: bytes | None) -> Transaction:
    """An unsigned transaction with so many blobs, which offers the block's price for them."""
    read = scene.pick.below(3).to_bytes(32, "big")
    style = scene.pick.of(_STYLES)
    unsigned = scene.market.write(style, scene.nonce(by.address), 0, to, 0, read)
    first = 16 * len(scene.transactions)
    hashes = [
        bytes([COMMITMENT_VERSION]) + number.to_bytes(31, "big")
        for number in range(first, first + count)
    ]
    unsigned = with_blobs(unsigned, hashes, scene.market.blob_price_wei)
    return replace(unsigned, gas_limit=scene.market.least_gas(unsigned) + CALL_GAS)


def carry(scene: Scene) -> None:
    """A transaction with a blob or two, which looks at one of them."""
    by = scene.sender()
    scene.tag("blobs")
    reader = scene.world.place("blob_reader")
    scene.emit(write_blobs(scene, by, 1 + scene.pick.below(2), reader), by)


def carry_on(scene: Scene) -> None:
    """A transaction with a blob, on its way to somewhere that others use as well."""
    by = scene.sender()
    scene.tag("blobs")
    scene.emit(write_blobs(scene, by, 1, scene.place()), by)


def crowd(scene: Scene) -> None:
    """A transaction with as many blobs as half a block holds, or all of it."""
    assert scene.rules.blobs is not None
    by = scene.stranger()
    most = scene.rules.blobs.max_blobs
    scene.tag("blobs", "blob-gas-race")
    count = scene.pick.of((most // 2, most // 2 + 1, most))
    scene.emit(write_blobs(scene, by, count, scene.place()), by)


def look_at_price(scene: Scene) -> None:
    """The blob base fee, seen by a transaction without blobs."""
    scene.tag("blob-base-fee-read")
    scene.call("blob_reader", "read", scene.pick.below(3))


THEME = Theme(
    "blobs",
    (
        Operation(carry, weight=4, first_fork="Cancun"),
        Operation(carry_on, weight=3, first_fork="Cancun"),
        Operation(crowd, weight=3, first_fork="Cancun"),
        Operation(look_at_price, weight=2, first_fork="Cancun"),
    ),
    weight=3,
)

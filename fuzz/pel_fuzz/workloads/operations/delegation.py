"""Accounts that run the code of others (EIP-7702): set, changed, cleared, used and drained."""

from dataclasses import replace

from pel_fuzz.contracts import call_data, words
from pel_fuzz.workloads.landmarks import (
    place_cells,
    place_delegated,
    place_phoenix,
    precompile_address,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene
from pel_fuzz.workloads.transactions import (
    CHAIN_ID,
    Style,
    authorized,
    with_authorizations,
)
from pel_fuzz.workloads.world import ETHER_WEI, FIRST_NONCE, Actor, actor, build_for
from pel_reference.block import Account, Authorization
from pel_reference.validity import DELEGATION_PREFIX

AUTHORITIES = 2
CLEARED = bytes(20)
_STYLE = Style(2, "Prague")
_MOST = 3
FLAWS = 14
"""Of so many authorizations, nine are valid."""
HALF_ORDER = 2**255


def _prepare(scene: Scene) -> None:
    scene.notice(place_delegated(scene.world), *(a.address for a in _authorities(scene)))


def _authorities(scene: Scene) -> tuple[Actor, ...]:
    """Those who delegate: one who has done so, accounts that do not exist yet or do, senders."""
    existing = actor("authority", AUTHORITIES)
    scene.world.add(existing.address, Account(2, ETHER_WEI))
    nobody = tuple(actor("authority", number) for number in range(AUTHORITIES))
    first, second = scene.senders[:2]
    return (nobody[0], actor("delegated"), existing, first, *nobody[1:], second)


def _authority(scene: Scene) -> Actor:
    return scene.pick.of(_authorities(scene))


_NAMES = ("wallet", "cells", "receiver", "create_factory", "destructor")


def _target(scene: Scene) -> bytes:
    """Whose code to run; drawn."""
    kind = scene.pick.below(len(_NAMES) + 4)
    if kind < len(_NAMES):
        place_cells(scene.world)
        return scene.world.place(_NAMES[kind])
    if kind == len(_NAMES):
        scene.tag("delegation-to-delegated")
        return place_delegated(scene.world)
    if kind == len(_NAMES) + 1:
        scene.tag("delegation-to-precompile")
        return precompile_address(2)
    scene.tag("delegation-cleared")
    return CLEARED


def _authorization(scene: Scene, sender: Actor, raised: dict[bytes, int]) -> Authorization:
    """One entry, usually valid; `raised` counts what this transaction does to nonces so far."""
    authority, target = _authority(scene), _target(scene)
    nonce = scene.nonce(authority.address) + raised.get(authority.address, 0)
    flaw = scene.pick.below(FLAWS)
    if flaw < 9:
        raised[authority.address] = raised.get(authority.address, 0) + 1
        scene.tag("delegation", *(("self-sponsored",) if authority == sender else ()))
        return authorized(authority, target, nonce, 0 if flaw == 8 else CHAIN_ID)
    scene.tag("authorization-invalid")
    if flaw == 9:
        return authorized(authority, target, nonce + 1)
    if flaw == 10:
        return authorized(authority, target, nonce, CHAIN_ID + 1)
    entry = authorized(authority, target, nonce)
    if flaw == 11:
        return replace(entry, y_parity=entry.y_parity ^ 1)
    return replace(entry, r=0) if flaw == 12 else replace(entry, s=entry.s | HALF_ORDER)


def _sign_list(scene: Scene, sender: Actor, count: int) -> tuple[Authorization, ...]:
    """Some authorizations, and what they do to the nonces of those who gave them."""
    # The sender's own nonce goes up before the list is looked at.
    raised = {sender.address: 1}
    entries = tuple(_authorization(scene, sender, raised) for _ in range(count))
    raised[sender.address] -= 1
    for address, by in raised.items():
        scene.raise_nonce(address, by)
    return entries


def delegate(scene: Scene) -> None:
    """A transaction with a list of authorizations, sent to one of those that it is about."""
    sender = scene.world.rich(scene.pick.of((*scene.senders, actor("delegated"))))
    nonce = scene.nonce(sender.address)
    to, data = _authority(scene).address, _use(scene)
    entries = _sign_list(scene, sender, 1 + scene.pick.below(_MOST))
    _send_list(scene, sender, nonce, to, data, entries)


def change(scene: Scene) -> None:
    """An account that is delegated already is delegated elsewhere, or no longer."""
    sender, authority = scene.sender(), actor("delegated")
    to = place_delegated(scene.world)
    target = scene.pick.of((CLEARED, CLEARED, place_cells(scene.world)))
    scene.tag("delegation", "delegation-changed")
    entry = authorized(authority, target, scene.nonce(authority.address))
    scene.raise_nonce(authority.address)
    _send_list(scene, sender, scene.nonce(sender.address), to, _use(scene), (entry,))


def _send_list(
    scene: Scene,
    sender: Actor,
    nonce: int,
    to: bytes,
    data: bytes,
    entries: tuple[Authorization, ...],
) -> None:
    """Send a transaction with authorizations, whose effects on nonces are counted already."""
    after = scene.nonce(sender.address)
    unsigned = scene.market.write(_STYLE, nonce, 0, to, 0, data)
    unsigned = with_authorizations(unsigned, entries)
    limit = scene.market.least_gas(unsigned) + CALL_GAS
    scene.emit(replace(unsigned, gas_limit=limit), sender)
    scene.nonces[sender.address] = after + 1


def _use(scene: Scene) -> bytes:
    """Something to say to an account that may run the wallet's code, or another's; drawn."""
    wallet = build_for(scene.fork, "wallet")
    kind = scene.pick.below(4)
    if kind == 1:
        return call_data(wallet, "set", 1 + scene.pick.below(3), scene.pick.below(3))
    if kind == 2:
        scene.tag("delegated-account-pays")
        return call_data(wallet, "batch", words(scene.place(), ETHER_WEI // 2, 0))
    return b"" if kind == 3 else call_data(wallet, "record")


def use(scene: Scene) -> None:
    """A call of an account that delegates, or has delegated, or is going to."""
    scene.tag("delegated-account-called")
    scene.send(_authority(scene).address, scene.pick.below(2), _use(scene), gas=2 * CALL_GAS)


def send_as_delegated(scene: Scene) -> None:
    """A transaction sent by an account with a delegation."""
    place_delegated(scene.world)
    scene.tag("delegated-account-sends")
    scene.send(scene.place(), 1, gas=CALL_GAS, by=actor("delegated"))


def send_as_authority(scene: Scene) -> None:
    """A transaction of an authority, whose nonce and balance others may have changed."""
    by = actor("authority", AUTHORITIES)
    scene.world.add(by.address, Account(2, ETHER_WEI))
    scene.tag("authority-sends")
    scene.send(scene.place(), 1, gas=CALL_GAS, by=by)


def create_as_authority(scene: Scene) -> None:
    """A delegated sender creates by CREATE, which raises its nonce behind its own back."""
    by = scene.stranger()
    factory = scene.world.place("create_factory")
    account = Account(FIRST_NONCE, ETHER_WEI, DELEGATION_PREFIX + factory)
    scene.world.accounts[by.address] = account
    scene.tag("nonce-raised-by-own-code")
    scene.notice(by.address)
    scene.send(by.address, 0, b"\x00", gas=2 * CALL_GAS)
    scene.raise_nonce(by.address)
    scene.send_plain(scene.place(), 1, by)


def sponsor(scene: Scene) -> None:
    """Money for an authority, whether it exists by now or not."""
    scene.tag("authority-paid")
    scene.send(_authority(scene).address, scene.pick.below(2), gas=CALL_GAS)


def die_as_delegated(scene: Scene) -> None:
    """A sender delegates to the phoenix, and its account is told to destroy itself."""
    by = scene.sender()
    phoenix = place_phoenix(scene.world)
    nonce = scene.nonce(by.address)
    data = call_data(build_for(scene.fork, "phoenix"), "hit_and_destroy", scene.place())
    scene.tag("delegated-account-destroys-itself", "self-sponsored", "delegation")
    scene.raise_nonce(by.address)
    _send_list(scene, by, nonce, by.address, data, (authorized(by, phoenix, nonce + 1),))


THEME = Theme(
    "delegation",
    (
        Operation(delegate, weight=5, first_fork="Prague"),
        Operation(change, weight=5, first_fork="Prague"),
        Operation(use, weight=5, first_fork="Prague"),
        Operation(send_as_delegated, weight=2, first_fork="Prague"),
        Operation(send_as_authority, weight=2, first_fork="Prague"),
        Operation(sponsor, first_fork="Prague"),
        Operation(create_as_authority, first_fork="Prague"),
        Operation(die_as_delegated, first_fork="Prague"),
    ),
    prepare=_prepare,
    weight=8,
)

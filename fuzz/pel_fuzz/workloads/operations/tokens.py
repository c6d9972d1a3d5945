"""Tokens: balances and allowances that many share."""

from pel_fuzz.contracts.prefill import ledger_storage
from pel_fuzz.workloads.economy import HOLDING, UNIT, token, trader, traders
from pel_fuzz.workloads.operations.operation import Operation, Theme
from pel_fuzz.workloads.scene import CALL_GAS, Scene

AMOUNTS = (1, UNIT, 0, HOLDING // 2)
"""Of which the last can be sent twice."""


def send_in_ledger(scene: Scene) -> None:
    """A transfer of the old token."""
    balances = {who.address: 10 for who in scene.senders[:3]}
    ledger = scene.world.place("ledger", ledger_storage(balances))
    amount = scene.pick.of((1, 0, 5, 8))
    scene.tag("ledger")
    by = scene.world.rich(scene.pick.of(scene.senders[:3]))
    scene.call("ledger", "transfer", scene.sender().address, amount, at=ledger, by=by)


def _token(scene: Scene) -> bytes:
    return token(scene, scene.pick.below(2))


def send_tokens(scene: Scene) -> None:
    """An ERC-20 transfer between traders."""
    at, by = _token(scene), trader(scene)
    scene.tag("token-transfer")
    receiver = trader(scene).address
    amount = scene.pick.of(AMOUNTS)
    scene.call("token", "transfer", receiver, amount, at=at, by=by, gas=CALL_GAS)


def approve(scene: Scene) -> None:
    """An allowance, for the one who is going to use it or for another."""
    by, spender = trader(scene), trader(scene)
    scene.tag("token-approval")
    amount = scene.pick.of((UNIT, 0, 2**256 - 1))
    scene.call("token", "approve", spender.address, amount, at=_token(scene), by=by)


def send_for(scene: Scene) -> None:
    """A transfer by an allowance, which others may be using up."""
    people = traders(scene)
    scene.tag("token-transfer-from")
    owner, spender = people[0], people[-1]
    if scene.pick.below(3) == 2:
        owner, spender = trader(scene), trader(scene)
    scene.world.rich(spender)
    amount = scene.pick.of((UNIT, 1))
    arguments = (owner.address, trader(scene).address, amount)
    scene.call("token", "transferFrom", *arguments, at=_token(scene), by=spender)


def draw_from_faucet(scene: Scene) -> None:
    """New tokens for anyone: the total supply is read and written by all."""
    scene.tag("token-mint")
    scene.call("token", "faucet", scene.pick.of((UNIT, 2000 * UNIT)), at=_token(scene))


def burn(scene: Scene) -> None:
    """Fewer tokens."""
    scene.tag("token-burn")
    scene.call("token", "burn", UNIT, at=_token(scene), by=trader(scene))


THEME = Theme(
    "tokens",
    (
        Operation(send_in_ledger, weight=8, last_fork="Byzantium"),
        Operation(send_in_ledger, first_fork="Constantinople"),
        Operation(send_tokens, weight=6, first_fork="Constantinople"),
        Operation(approve, weight=2, first_fork="Constantinople"),
        Operation(send_for, weight=3, first_fork="Constantinople"),
        Operation(draw_from_faucet, weight=2, first_fork="Constantinople"),
        Operation(burn, first_fork="Constantinople"),
    ),
)

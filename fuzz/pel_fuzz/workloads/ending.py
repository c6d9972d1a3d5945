"""The end of a block: withdrawals, ommers, rewards, and the gas limit that all had to share."""

from collections.abc import Callable

from pel_fuzz.workloads.header import UNREWARDED, make_environment
from pel_fuzz.workloads.landmarks import place_phoenix, unborn_address
from pel_fuzz.workloads.operations.race import tight_fit
from pel_fuzz.workloads.scene import Scene
from pel_fuzz.workloads.world import named_address
from pel_reference.block import Environment, Ommer, Withdrawal

ROOMY_GAS = 60_000_000
WITHDRAWALS = 3
AMOUNTS_GWEI = (10**9, 1)
_Receiver = tuple[str, Callable[[Scene], bytes]]

_RECEIVERS: tuple[_Receiver, ...] = (
    ("withdrawal", lambda scene: scene.sender().address),
    ("withdrawal-to-fee-recipient", lambda scene: scene.coinbase),
    ("withdrawal-to-new-account", lambda _: named_address("withdrawn")),
    ("withdrawal-to-contract", lambda scene: scene.world.place("receiver")),
    ("withdrawal-to-destructible", lambda scene: place_phoenix(scene.world)),
    ("withdrawal-to-unborn", lambda _: unborn_address()),
    ("withdrawal-of-nothing", lambda scene: scene.place()),
)


def _draw_withdrawals(scene: Scene) -> tuple[Withdrawal, ...]:
    withdrawals = []
    for index in range(scene.pick.below(WITHDRAWALS + 1)):
        feature, find = scene.pick.of(_RECEIVERS)
        scene.tag(feature)
        amount = 0 if feature == "withdrawal-of-nothing" else scene.pick.of(AMOUNTS_GWEI)
        withdrawals.append(Withdrawal(index, 7 + index, find(scene), amount))
    return tuple(withdrawals)


def _draw_ommers(scene: Scene) -> tuple[Ommer, ...]:
    ommers = []
    for delta in range(1, 1 + scene.pick.below(3)):
        is_own = scene.pick.once_in(3)
        scene.tag("ommers", *(("ommer-of-fee-recipient",) if is_own else ()))
        miner = scene.coinbase if is_own else named_address("ommer")
        ommers.append(Ommer(miner, delta))
    return tuple(ommers)


def draw_environment(scene: Scene) -> Environment:
    """The rest of the header, once the transactions are there."""
    rules = scene.rules
    withdrawals = _draw_withdrawals(scene) if rules.withdrawals else ()
    ommers: tuple[Ommer, ...] = ()
    reward_wei = rules.block_reward_wei
    if not rules.proof_of_stake:
        if scene.pick.once_in(UNREWARDED):
            reward_wei = 0
            scene.tag("no-reward")
        else:
            ommers = _draw_ommers(scene)
    gas_limit = ROOMY_GAS
    if "race" in scene.notes:
        gas_limit = tight_fit(scene, scene.transactions)
    return make_environment(rules, scene.header, gas_limit, withdrawals, ommers, reward_wei)

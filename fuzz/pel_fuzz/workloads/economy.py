"""The pre-state of decentralised finance: two tokens, and contracts that hold and trade them.

Everything has a past already: traders own tokens and have allowed the contracts to move them,
there are reserves, positions, stakes. Addresses do not depend on what else is there.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from pel_fuzz.contracts import prefill
from pel_fuzz.workloads.header import TIMESTAMP
from pel_fuzz.workloads.scene import Scene
from pel_fuzz.workloads.world import ETHER_WEI, Actor, build_for, named_address

UNIT = 10**18
TRADERS = 8
"""So many of the senders trade; more would only make the pre-state larger."""
HOLDING = 1_000 * UNIT
RESERVES = (10_000 * UNIT, 20_000 * UNIT)
COLLATERAL, DEBT, OVERINDEBTED = 100 * UNIT, 70 * UNIT, 90 * UNIT
"""At the first price, a debt of 80 is the most; one of the traders owes more."""
PRICE_UNIT = 10**6
STAKE = 10 * UNIT
REWARD_LEFT = 4 * UNIT
"""Less than what all stakers together have earned: the last to ask get less."""
NFT_LIMIT, NFT_PRICE_WEI, NFT_STEP_WEI = 6, 10**15, 10**14
FIRST_BID_WEI = 10**16
_SPENDERS = ("exchange", "lending", "farm")

Storage = Mapping[int, int]


def traders(scene: Scene) -> tuple[Actor, ...]:
    """The senders who trade."""
    return scene.senders[:TRADERS]


def trader(scene: Scene) -> Actor:
    """One of those who trade; drawn."""
    return scene.world.rich(scene.pick.of(traders(scene)))


def overindebted(scene: Scene) -> Actor:
    """The trader whose position is open to liquidation from the start."""
    return traders(scene)[-1]


@lru_cache(maxsize=256)
def _token_storage(fork: str, number: int, people: tuple[Actor, ...]) -> Storage:
    balances = {who.address: HOLDING for who in people}
    balances[named_address("exchange")] = RESERVES[number]
    balances[named_address("lending")] = len(people) * COLLATERAL + 1_000 * UNIT
    balances[named_address("farm")] = len(people) * STAKE + REWARD_LEFT
    balances[named_address("borrower")] = UNIT
    spenders = [named_address(name) for name in _SPENDERS]
    # The last trader's allowance runs out, so that whether it suffices depends on earlier use.
    allowances = {
        (who.address, spender): prefill.UNLIMITED if who != people[-1] else 3 * UNIT
        for who in people
        for spender in spenders
    }
    allowances[people[0].address, people[-1].address] = 2 * UNIT
    return MappingProxyType(prefill.token_storage(build_for(fork, "token"), balances, allowances))


def token(scene: Scene, number: int) -> bytes:
    """One of the two tokens. Range: `number` is 0 or 1."""
    at = named_address(f"token {number}")
    if at not in scene.world.accounts:
        storage = _token_storage(scene.fork, number, traders(scene))
        scene.world.place("token", storage, at=at)
    return at


def _tokens(scene: Scene) -> tuple[bytes, bytes]:
    return token(scene, 0), token(scene, 1)


@lru_cache(maxsize=256)
def _exchange_storage(fork: str, tokens: tuple[bytes, bytes], people: tuple[Actor, ...]) -> Storage:
    shares = {who.address: RESERVES[0] // len(people) for who in people}
    return MappingProxyType(
        prefill.exchange_storage(build_for(fork, "exchange"), tokens, RESERVES, shares)
    )


def exchange(scene: Scene) -> bytes:
    """The pool of both tokens, whose shares the traders have."""
    storage = _exchange_storage(scene.fork, _tokens(scene), traders(scene))
    return scene.world.place("exchange", storage)


@lru_cache(maxsize=256)
def _lending_storage(
    fork: str, tokens: tuple[bytes, bytes], oracle: bytes, people: tuple[Actor, ...]
) -> Storage:
    collateral = {who.address: COLLATERAL for who in people}
    debt = {who.address: DEBT for who in people}
    debt[people[-1].address] = OVERINDEBTED
    build = build_for(fork, "lending")
    return MappingProxyType(prefill.lending_storage(build, tokens, oracle, collateral, debt))


def oracle(scene: Scene) -> bytes:
    """The price of the first token in the second."""
    storage = prefill.oracle_storage(build_for(scene.fork, "oracle"), PRICE_UNIT)
    return scene.world.place("oracle", MappingProxyType(storage))


def lending(scene: Scene) -> bytes:
    """The market where the traders have borrowed about as much as is allowed."""
    storage = _lending_storage(scene.fork, _tokens(scene), oracle(scene), traders(scene))
    return scene.world.place("lending", storage)


@lru_cache(maxsize=256)
def _farm_storage(fork: str, tokens: tuple[bytes, bytes], people: tuple[Actor, ...]) -> Storage:
    return MappingProxyType(
        prefill.farm_storage(
            build_for(fork, "farm"),
            tokens,
            reward_per_second=UNIT // 20,
            reward_left=REWARD_LEFT,
            updated_at=TIMESTAMP - 100,
            staked={who.address: STAKE for who in people},
        )
    )


def farm(scene: Scene) -> bytes:
    """The farm in which every trader has a stake."""
    return scene.world.place("farm", _farm_storage(scene.fork, _tokens(scene), traders(scene)))


def nft(scene: Scene) -> bytes:
    """A mint with a few left; the first one belongs to the first trader."""
    owners = (scene.senders[0].address,)
    storage = prefill.nft_storage(
        build_for(scene.fork, "nft"),
        scene.coinbase,
        NFT_LIMIT,
        NFT_PRICE_WEI,
        NFT_STEP_WEI,
        owners,
    )
    return scene.world.place("nft", MappingProxyType(storage), NFT_PRICE_WEI)


def auction(scene: Scene, *, is_over: bool) -> bytes:
    """An auction whose highest bidder is a gate that may be closed, or one that is over."""
    at = named_address("auction over" if is_over else "auction")
    if at not in scene.world.accounts:
        storage = prefill.auction_storage(
            build_for(scene.fork, "auction"),
            scene.coinbase,
            TIMESTAMP + (0 if is_over else 1),
            scene.world.place("gate"),
            FIRST_BID_WEI,
        )
        scene.world.place("auction", MappingProxyType(storage), ETHER_WEI, at=at)
    return at

"""The strategy that all of this is for: contended blocks of real, signed transactions."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from hypothesis import strategies as st

from pel_fuzz.contracts import system_contracts_of
from pel_fuzz.workloads.ending import draw_environment
from pel_fuzz.workloads.header import draw_header
from pel_fuzz.workloads.operations import ACTING_RECIPIENTS, COMMON, THEMES, fees
from pel_fuzz.workloads.operations.operation import Theme, choices_of
from pel_fuzz.workloads.pick import Pick
from pel_fuzz.workloads.scene import Scene
from pel_fuzz.workloads.transactions import CHAIN_ID, Market
from pel_fuzz.workloads.world import World, actor
from pel_reference.block import Account, Block
from pel_reference.fork_names import canonical_fork
from pel_reference.forks import RULES, rules_for

FORK_WEIGHTS = MappingProxyType(
    {
        "Prague": 10,
        "Cancun": 6,
        "Shanghai": 4,
        "Paris": 2,
        "London": 3,
        "Berlin": 3,
        "Istanbul": 2,
        "Frontier": 2,
    }
)
"""How often a fork is drawn; 1 for those that are not here."""
_WEIGHTED_FORKS = tuple(fork for fork in reversed(RULES) for _ in range(FORK_WEIGHTS.get(fork, 1)))
"""The newest first: what shrinks, shrinks towards what clients run."""


@dataclass(frozen=True, slots=True)
class Contention:
    """How much the transactions of a block meet.

    `senders` is how many actors send (the fewer, the longer the chains of nonces); `themes` is at
    most how many themes share the block (the fewer, the more often they meet).
    """

    senders: int
    themes: int


CONTENTIONS = (Contention(8, 3), Contention(24, 4), Contention(12, 5), Contention(3, 3))
"""Of which one is drawn where none is given."""


@dataclass(frozen=True, slots=True)
class GeneratedBlock:
    """A block, and what is in it by construction: names of `FEATURES`."""

    block: Block
    features: frozenset[str]


MOST_TRANSACTIONS = 64
_NEARLY_NEVER = 1 << 20
_ENDINGS = (4, 8, 32)
"""Beyond the least size a block ends with one transaction in so many; one of these is drawn."""
NONCE_CHAIN = 3
_FREE = 6
"""In one block of so many, nobody pays the fee recipient."""
_ABSENT = 6
"""In one block of so many, a system contract that may be absent is."""
_DISPENSABLE = ("beacon_roots", "history")
THEMES_BY_NAME = MappingProxyType({theme.name: theme for theme in THEMES})


@lru_cache(maxsize=256)
def _themes_of(fork: str, names: frozenset[str]) -> tuple[Theme, ...]:
    """The themes that a fork has, of those with these names, each as often as it weighs."""
    return tuple(
        theme
        for theme in THEMES
        if theme.name in names and theme.is_in(fork)
        for _ in range(theme.weight)
    )


def _begin(pick: Pick, fork: str, contention: Contention) -> Scene:
    """A scene with a header and an empty block."""
    rules = rules_for(fork)
    world = World(fork)
    absent = _place_system_contracts(pick, world)
    header, recipient = draw_header(pick, rules, world)
    senders = tuple(actor("sender", number) for number in range(contention.senders))
    is_free = pick.once_in(_FREE)
    market = Market(rules, header.base_fee_wei, header.excess_blob_gas, is_free)
    scene = Scene(rules, pick, world, header, senders, market)
    scene.tag(recipient)
    if is_free:
        scene.tag("free-of-charge")
    if rules.fee_market and header.base_fee_wei == 0:
        scene.tag("free-base")
    if absent is not None:
        scene.tag("system-contract-absent")
    if not is_free:
        # Much is sent to places, and where nobody is to pay the fee recipient, it is none.
        scene.notice(header.coinbase)
    scene.notice(*(sender.address for sender in senders[:2]))
    return scene


def _place_system_contracts(pick: Pick, world: World) -> str | None:
    """Every system contract that the protocol calls, or all but one, which is the answer."""
    contracts = [c for c in system_contracts_of(world.fork) if c.name != "deposit"]
    absent = None
    if contracts and pick.once_in(_ABSENT):
        absent = pick.of([c.name for c in contracts if c.name in _DISPENSABLE])
    for contract in contracts:
        if contract.name != absent:
            account = Account(contract.nonce, 0, contract.runtime, contract.storage)
            world.add(contract.address, account)
    return absent


@st.composite
def _step(
    draw: st.DrawFn, scene: Scene, operations: tuple[Callable[[Scene], None], ...], ending: int
) -> bool:
    """One operation; or the end of the block, once in `ending` times.

    One strategy for both, so that a shrinker can take a step out as a whole.
    """
    scene.pick = Pick(draw)
    # The end is the simplest choice, and the least size of a block is no obstacle to shrinking.
    if scene.pick.below(ending) == 0:
        return False
    scene.pick.of(operations)(scene)
    return True


@st.composite
def blocks(
    draw: st.DrawFn,
    fork: str | None = None,
    size: tuple[int, int] = (8, MOST_TRANSACTIONS),
    contention: Contention | None = None,
    themes: Collection[str] | None = None,
) -> GeneratedBlock:
    """A contended block.

    `fork` is drawn (see `FORK_WEIGHTS`) where it is `None`, and so is `contention`. A block has
    `size` transactions, from the least to the most, a few more where the last operation makes
    several; shrinking ignores the least. `themes` are those (of `THEMES_BY_NAME`) that a block
    may have; those that its fork does not have are left out.

    Raises: `UnsupportedFork`.
    """
    pick = Pick(draw)
    name = pick.of(_WEIGHTED_FORKS) if fork is None else canonical_fork(fork)
    meeting = pick.of(CONTENTIONS) if contention is None else contention
    scene = _begin(pick, name, meeting)
    known = _themes_of(name, frozenset(THEMES_BY_NAME if themes is None else themes))
    chosen = tuple(pick.of(known) for _ in range(1 + pick.below(meeting.themes)) if known)
    if scene.features & ACTING_RECIPIENTS:
        chosen += (fees.THEME,)
    for theme in chosen:
        theme.prepare(scene)
    operations = choices_of(COMMON, chosen, name)
    _fill(draw, scene, operations, size)
    scene.pick = pick
    env = draw_environment(scene)
    _tag_nonce_chains(scene)
    block = Block(name, CHAIN_ID, env, scene.world.accounts, tuple(scene.transactions))
    return GeneratedBlock(block, frozenset(scene.features))


def _fill(
    draw: st.DrawFn,
    scene: Scene,
    operations: tuple[Callable[[Scene], None], ...],
    size: tuple[int, int],
) -> None:
    """Steps until the block is large enough and an end is drawn, or it is full."""
    least, most = size
    first = _step(scene, operations, _NEARLY_NEVER)
    later = _step(scene, operations, scene.pick.of(_ENDINGS))
    while len(scene.transactions) < most:
        if not draw(first if len(scene.transactions) < least else later):
            return


def _tag_nonce_chains(scene: Scene) -> None:
    counts = Counter(transaction.sender for transaction in scene.transactions)
    if any(count >= NONCE_CHAIN for count in counts.values()):
        scene.tag("nonce-chain")

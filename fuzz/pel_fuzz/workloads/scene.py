"""One block in the making: what the operations that fill it know, and how they send."""

from dataclasses import dataclass, field, replace
from typing import Any

from pel_fuzz.contracts import call_data, create_address
from pel_fuzz.workloads.features import FEATURES
from pel_fuzz.workloads.header import Header
from pel_fuzz.workloads.pick import Pick
from pel_fuzz.workloads.transactions import (
    PLAIN,
    AccessList,
    Market,
    Style,
    signed,
    styles_of,
)
from pel_fuzz.workloads.world import Actor, World, actor, build_for, can_run, is_since
from pel_reference.block import Transaction
from pel_reference.forks import Rules

CALL_GAS = 150_000
"""What a call of a small program gets beyond its intrinsic gas."""
SQUEEZES = 14
"""One gas limit in so many is too tight to be comfortable."""
PLACES = 16
"""Of the places, so many are looked at most."""
HOT = 3
"""So many of the senders are paid, asked and imitated by the others."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a contract that was sent, so that it can be sent again in another way."""

    to: bytes
    data: bytes
    value: int
    gas: int


@dataclass(slots=True)
class Scene:
    """A block in the making.

    `nonces` are those that senders will have if all goes well; nothing is executed to know better.
    `places` are addresses worth looking at, `calls` what can be called again.
    """

    rules: Rules
    pick: Pick
    world: World
    header: Header
    senders: tuple[Actor, ...]
    market: Market
    nonces: dict[bytes, int] = field(default_factory=dict)
    purses_wei: dict[bytes, int] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    places: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    strangers: int = 0
    gas_estimate: int = 0

    @property
    def fork(self) -> str:
        """The canonical name of the block's fork."""
        return self.rules.fork

    @property
    def coinbase(self) -> bytes:
        """The fee recipient."""
        return self.header.coinbase

    def since(self, first_fork: str) -> bool:
        """Whether the block's fork is this one or later."""
        return is_since(self.fork, first_fork)

    def can_run(self, name: str) -> bool:
        """Whether the block's fork can run a contract of the library."""
        return can_run(self.fork, name)

    def tag(self, *features: str) -> None:
        """Say that the block has these features."""
        for feature in features:
            assert feature in FEATURES, feature
            self.features.add(feature)

    def sender(self) -> Actor:
        """One of those who send most of the transactions; drawn."""
        return self.world.rich(self.pick.of(self.senders))

    def hot(self) -> Actor:
        """One of those who take part in much of what happens; drawn."""
        return self.world.rich(self.pick.of(self.senders[:HOT]))

    def gift_wei(self, most: int = 2) -> int:
        """What the fee recipient is given beside fees: nothing, where it gets none; drawn."""
        drawn = self.pick.below(most + 1)
        return 0 if self.market.is_free else drawn

    def stranger(self) -> Actor:
        """A rich actor who sends nothing else, so that nothing else fails if this does."""
        self.strangers += 1
        return self.world.rich(actor("once", self.strangers))

    def place(self) -> bytes:
        """Some address worth looking at; drawn."""
        return self.places[self.pick.below(PLACES) % len(self.places)]

    def notice(self, *addresses: bytes) -> None:
        """Make addresses known as worth looking at."""
        self.places.extend(address for address in addresses if address not in self.places)

    def nonce(self, address: bytes) -> int:
        """The nonce that the account should have by now."""
        return self.nonces.get(address, self.world.nonce_of(address))

    def raise_nonce(self, address: bytes, by: int = 1) -> None:
        """Count what raises a nonce beside sending."""
        self.nonces[address] = self.nonce(address) + by

    def next_creation(self, creator: bytes) -> bytes:
        """Where the creator's next account should come to be."""
        return create_address(creator, self.nonce(creator))

    def call(
        self,
        contract: str,
        function: str,
        *arguments: Any,
        at: bytes | None = None,
        value: int = 0,
        gas: int = CALL_GAS,
        by: Actor | None = None,
    ) -> None:
        """Send a call of a contract of the library; it is placed if it is nowhere yet."""
        address = self.world.place(contract) if at is None else at
        data = call_data(build_for(self.fork, contract), function, *arguments)
        self.send(address, value, data, gas=gas, by=by)

    def send(
        self,
        to: bytes | None,
        value: int = 0,
        data: bytes = b"",
        *,
        gas: int = 0,
        by: Actor | None = None,
        style: Style | None = None,
    ) -> Transaction:
        """Send a transaction; who, in which style and with how tight a gas limit is drawn.

        `gas` is what there is beyond the intrinsic gas.
        """
        by = self.sender() if by is None else by
        style = self.pick.of(styles_of(self.fork)) if style is None else style
        self.tag(*style.features)
        if gas and to is not None:
            self.calls.append(Call(to, data, value, gas))
        access_list = self._access_list(to) if style.accesses else ()
        nonce = self.nonce(by.address)
        unsigned = self.market.write(style, nonce, 0, to, value, data, access_list)
        limit = self.market.least_gas(unsigned) + self._squeezed(gas)
        return self.emit(replace(unsigned, gas_limit=limit), by)

    def send_plain(self, to: bytes, value: int, by: Actor, gas: int = 0) -> Transaction:
        """Send a transfer about which nothing is drawn."""
        return self.send(to, value, by=by, style=PLAIN, gas=gas)

    def emit(self, unsigned: Transaction, by: Actor, *, is_included: bool = True) -> Transaction:
        """Sign a complete transaction and append it."""
        transaction = signed(unsigned, by)
        self.append(transaction)
        if is_included:
            self.nonces[by.address] = unsigned.nonce + 1
            self.gas_estimate += 21_000 + (unsigned.gas_limit - 21_000) // 3
        return transaction

    def append(self, transaction: Transaction) -> None:
        """Append a transaction as it is."""
        self.transactions.append(transaction)

    def _squeezed(self, gas: int) -> int:
        if not gas:
            return 0
        squeeze = self.pick.below(SQUEEZES)
        if squeeze < SQUEEZES - 1:
            return gas
        self.tag("tight-gas")
        return gas // (2 + 9 * self.pick.below(4))

    def _access_list(self, to: bytes | None) -> AccessList:
        """Something that is used, something that is not, and something that is listed twice."""
        target = self.coinbase if to is None else to
        return ((target, (0, 1)), (self.coinbase, ()), (target, (1, 5)))

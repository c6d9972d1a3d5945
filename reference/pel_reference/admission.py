"""Room in the block: whether the gas that lower transactions leave suffices for one more.

Each transaction declares what it may use at most, and writes what it was charged into its gas cell
(blob gas likewise). While everything declared fits, nobody reads those cells, and transactions
stay independent; where it might not, the cells of lower positions are read, and only as many as
the answer needs.

Full blocks declare about twice of what they use, so in them nearly every transaction would read
nearly every lower cell. There the last of each group of transactions also writes the sum of the
group's cells, which stands for all of them. Source: EIP-4844 for blob gas.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from pel_reference.locations import SUM
from pel_reference.overlay import Overlay
from pel_spec.vocabulary import Location

GROUP = 16
"""Claims whose cells are added up in one sum. Near the square root of a block's transactions, where
a reader reads the fewest cells."""


@dataclass(frozen=True, slots=True)
class Room:
    """One resource of the block, and who may use how much of it.

    `limit` is what the block has. `positions` are those of the transactions that declare some, in
    the preset order, and `declared` what each may use at most; `declared_below[i]` is the sum of
    what the first `i` of them declare. `kind` and `predicate` are those of the cells' reads.
    """

    kind: str
    predicate: str
    limit: int
    positions: tuple[int, ...]
    declared: tuple[int, ...]
    declared_below: tuple[int, ...]

    @classmethod
    def of(cls, kind: str, predicate: str, limit: int, claims: Iterable[tuple[int, int]]) -> Self:
        """`claims` are pairs of position and declared amount, in the preset order."""
        listed = tuple(claims)
        declared = tuple(amount for _, amount in listed)
        below = tuple(accumulate(declared, initial=0))
        return cls(kind, predicate, limit, tuple(at for at, _ in listed), declared, below)

    @property
    def may_run_out(self) -> bool:
        """Whether any claim at all can fail: else no sums are needed."""
        return self.declared_below[-1] > self.limit

    def suffices(self, overlay: Overlay, claim: int) -> bool:
        """Whether the claim with this index (among `positions`) fits in what lower ones left.

        It reads the cells of lower positions, the lowest first and whole groups by their sums,
        until the answer is certain.
        """
        most = self.limit - self.declared[claim]  # what the lower ones may have used
        used, known = 0, 0
        while known < claim:
            if used + self.declared_below[claim] - self.declared_below[known] <= most:
                return True
            if used > most:
                return False
            is_group = known % GROUP == 0 and known + GROUP <= claim
            cells = GROUP if is_group else 1
            position = self.positions[known + cells - 1]
            location = (SUM, self.kind, position) if is_group else (self.kind, position)
            used += overlay.read(location, self.predicate)[0]
            known += cells
        return used <= most

    def cells(self, overlay: Overlay, claim: int, used: int) -> dict[Location, int]:
        """What the claim with this index writes, having used so much: its cell, and the sum of its
        group where it is the last of one and somebody may have to read it."""
        cells: dict[Location, int] = {(self.kind, self.positions[claim]): used}
        if self.may_run_out and claim % GROUP == GROUP - 1:
            mates = self.positions[claim - GROUP + 1 : claim]
            others = (overlay.read((self.kind, at), self.predicate)[0] for at in mates)
            cells[SUM, self.kind, self.positions[claim]] = used + sum(others)
        return cells
